import Cryptography
package import HTTPCore

/// `?limit=1..100&cursor=` of the native lists: pages by key, newest first or oldest first (docs/contract.md, “Native
/// APIs”).
package struct Paging: Sendable {
    package static let limitMax = 100
    package static let limitDefault = 50

    package static let unknownCursor = Refusal.field("/cursor", "format", "is not a cursor that a list has given")

    package let limit: Int
    /// The id behind which the page begins; nil for the first.
    package let cursor: Int64?

    package init(_ query: Query) throws(Refusal) {
        limit = try Self.limit(query)
        guard let text = query["cursor"] else {
            cursor = nil
            return
        }
        guard let bytes = Base64.decodeURL(text), bytes.count == 8 else { throw Self.unknownCursor }
        let place = Int64(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) })
        guard place >= 0 else { throw Self.unknownCursor }
        cursor = place
    }

    /// How many rows the page shows at most.
    package static func limit(_ query: Query) throws(Refusal) -> Int {
        guard let text = query["limit"] else { return limitDefault }
        guard let number = Int(text), 1...limitMax ~= number else {
            throw .field("/limit", "range", "must be from 1 to \(limitMax)")
        }
        return number
    }

    /// For lists that begin at the highest id.
    package var before: Int64 { cursor ?? .max }
    /// For lists that begin at the lowest id.
    package var after: Int64 { cursor ?? 0 }
    /// One more than is shown: whether there are more shows by it.
    package var fetch: Int { limit + 1 }

    package static func text(_ cursor: Int64) -> String {
        Base64.encodeURL((0..<8).map { UInt8(truncatingIfNeeded: cursor >> Int64(56 - 8 * $0)) })
    }

    /// `{data, has_more, next_cursor}` of the rows fetched by `fetch`.
    package func answer<Element>(
        _ rows: [Element], id: (Element) -> Int64, write: (Element, inout JSONWriter) throws -> Void
    ) rethrows -> Answer {
        try Self.answer(rows, limit: limit, cursor: { Self.text(id($0)) }, write: write)
    }

    /// The same for a list that names its places otherwise. `rows`: one more than is shown, where there are more.
    package static func answer<Element>(
        _ rows: [Element], limit: Int, cursor: (Element) -> String,
        write: (Element, inout JSONWriter) throws -> Void
    ) rethrows -> Answer {
        let shown = rows.prefix(limit)
        return try .json { json in
            try json.array("data") { json in
                for row in shown { try json.object { json in try write(row, &json) } }
            }
            json.field("has_more", rows.count > limit)
            json.field("next_cursor", rows.count > limit ? shown.last.map(cursor) : nil)
        }
    }
}

extension Query {
    /// One of an enum's values, where the query has it.
    package func choice<T: RawRepresentable & CaseIterable>(_ name: String, as type: T.Type = T.self) throws(Refusal)
        -> T?
    where T.RawValue == String {
        guard let text = self[name] else { return nil }
        guard let value = T(rawValue: text) else {
            let allowed = T.allCases.map(\.rawValue).joined(separator: ", ")
            throw .field("/\(name)", "choice", "must be one of \(allowed)")
        }
        return value
    }
}
