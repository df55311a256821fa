package import CallKit
package import HTTPCore
import TenantRegistry

/// Every licence that a reseller can still sell, whole, as the dialect wants it: read a page at a time, so that a large
/// stock holds no lane; a small one is one page and an ordinary answer.
package struct ListAvailableLicences: Sendable {
    package static let pageRows = 500

    private struct Place: Sendable {
        var licenceID: Int64 = 0
        var isAtEnd = false
    }

    private let resellerID: Int64
    private let book: Book
    private let write: @Sendable (Licence, inout JSONWriter) -> Void

    /// `write` writes the members of one licence.
    package init(_ call: Call, write: @escaping @Sendable (Licence, inout JSONWriter) -> Void) {
        resellerID = call.resellerID
        book = call.book
        self.write = write
    }

    /// The whole text is `head`, the elements, `tail`.
    package func work(head: String, tail: String) -> Work {
        .flow { steps in
            var place = Place()
            let first = Array(head.utf8) + (try await page(&place, steps))
            if place.isAtEnd { return .answer(Answer(status: 200, body: first + Array(tail.utf8))) }
            var headers = ResponseHeaders()
            headers.add("Content-Type", "application/json")
            let rest = steps.stream(head: first, from: Optional(place)) { rest in
                guard var place = rest else { return nil }
                if place.isAtEnd {
                    rest = nil
                    return Array(tail.utf8)
                }
                let elements = try await page(&place, steps)
                rest = place
                // A comma goes on after the elements before.
                return elements.isEmpty ? [] : [0x2C] + elements
            }
            return .stream(status: 200, headers: headers, body: rest, length: nil)
        }
    }

    private func page(_ place: inout Place, _ steps: Steps) async throws -> [UInt8] {
        let (after, resellerID, book, write) = (place.licenceID, resellerID, book, write)
        let rows = try await steps.read {
            try $0.availableLicences(resellerID: resellerID, book: book, after: after, limit: Self.pageRows)
        }
        place = Place(licenceID: rows.last?.id ?? after, isAtEnd: rows.count < Self.pageRows)
        return try await steps.background {
            var writer = JSONWriter(reserving: rows.count * 128)
            for row in rows { writer.object { json in write(row, &json) } }
            return writer.bytes
        }
    }
}
