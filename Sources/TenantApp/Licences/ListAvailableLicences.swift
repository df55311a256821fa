package import CallKit
package import HTTPCore
import TenantRegistry

/// Every licence that a reseller can still sell, whole, as the dialect wants it: read a page at a time, so that a large
/// stock holds no lane; a small one is one page and an ordinary answer.
///
/// `@unchecked Sendable`: one page is read at a time; whichever thread reads it owns the place.
package final class ListAvailableLicences: @unchecked Sendable {
    package static let pageRows = 500

    private let tenant: TenantRecord
    private let background: BackgroundPool
    private let resellerID: Int64
    private let book: Book
    private let write: @Sendable (Licence, inout JSONWriter) -> Void
    private var place: Int64 = 0
    private var isAtEnd = false

    /// `write` writes the members of one licence.
    package init(_ call: Call, write: @escaping @Sendable (Licence, inout JSONWriter) -> Void) {
        tenant = call.tenant
        background = call.services.fleet.background
        resellerID = call.resellerID
        book = call.book
        self.write = write
    }

    /// The whole text is `head`, the elements, `tail`.
    package func answer(
        head: String, tail: String, done: @escaping @Sendable (Result<LateAnswer, any Error>) -> Void
    ) {
        page { [self] result in
            done(
                result.map { elements in
                    let first = Array(head.utf8) + (elements ?? [])
                    guard isAtEnd else {
                        var headers = ResponseHeaders()
                        headers.add("Content-Type", "application/json")
                        return .stream(
                            status: 200, headers: headers, body: stream(first, tail: Array(tail.utf8)), length: nil)
                    }
                    return .whole(Answer(status: 200, body: first + Array(tail.utf8)))
                })
        }
    }

    private func stream(_ first: [UInt8], tail: [UInt8]) -> PulledStream {
        let end = OnceBytes(tail)
        return PulledStream(head: first) { [self] give in
            if isAtEnd { return give(.success(end.take())) }
            page { result in
                // A comma goes on after the elements before.
                give(result.map { $0.map { $0.isEmpty ? [] : [0x2C] + $0 } ?? [] })
            }
        }
    }

    private func page(_ give: @escaping PulledStream.Give) {
        let (place, resellerID, book) = (place, resellerID, book)
        tenant.lane.submit(
            LaneJob(
                writes: false,
                perform: { store in
                    let rows = try store.reader.availableLicences(
                        resellerID: resellerID, book: book, after: place, limit: Self.pageRows)
                    return { _ in
                        let submitted = self.background.submit { give(.success(self.render(rows))) }
                        if !submitted { give(.failure(LaneFailure.tooManyWaiting)) }
                    }
                },
                fail: { give(.failure($0)) }))
    }

    private func render(_ rows: [Licence]) -> [UInt8] {
        isAtEnd = rows.count < Self.pageRows
        place = rows.last?.id ?? place
        var writer = JSONWriter(reserving: rows.count * 128)
        for row in rows { writer.object { json in write(row, &json) } }
        return writer.bytes
    }
}

/// Bytes that are given once, then nil.
///
/// `@unchecked Sendable`: the stream asks for one piece at a time; whichever thread makes it owns the bytes.
private final class OnceBytes: @unchecked Sendable {
    private var bytes: [UInt8]?
    init(_ bytes: [UInt8]) { self.bytes = bytes }
    func take() -> [UInt8]? {
        defer { bytes = nil }
        return bytes
    }
}
