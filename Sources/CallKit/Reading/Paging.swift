package import HTTPCore

/// `?limit=1..100&cursor=` of the native lists: pages by key, newest first or oldest first (docs/contract.md, “Native
/// APIs”).
package struct Paging: Sendable {
    package static let limitMax = 100
    package static let limitDefault = 50

    package let limit: Int
    /// The id behind which the page begins; nil for the first.
    package let cursor: Int64?
    private let seal: CursorSeal

    package init(_ call: Call) throws(Refusal) {
        let query = try call.query()
        let seal = try CursorSeal(call)
        self.seal = seal
        limit = try Self.limit(query)
        cursor = try query["cursor"].map { text throws(Refusal) in
            guard let place = try seal.open(text).place(0) else { throw .badQuery(.unknownCursor) }
            return place
        }
    }

    /// How many rows the page shows at most.
    package static func limit(_ query: Query) throws(Refusal) -> Int {
        try query.integer("limit", in: 1...limitMax) ?? limitDefault
    }

    /// For lists that begin at the highest id.
    package var before: Int64 { cursor ?? .max }
    /// For lists that begin at the lowest id.
    package var after: Int64 { cursor ?? 0 }
    /// One more than is shown: whether there are more shows by it.
    package var fetch: Int { limit + 1 }

    /// The cursor of the page behind the row of this id.
    package func text(behind id: Int64) -> String { seal.seal([UInt8](places: id)) }

    /// `{data, has_more, next_cursor}` of the rows fetched by `fetch`.
    package func answer<Element>(
        _ rows: [Element], id: (Element) -> Int64, write: (Element, inout JSONWriter) throws -> Void
    ) rethrows -> Answer {
        try Self.answer(rows, limit: limit, cursor: { text(behind: id($0)) }, write: write)
    }

    /// The same of a page that a search has found, where `next` is the place behind which it goes on; nil at its end.
    /// A page of a search that finds little may be short, and goes on.
    package func answer<Element>(
        found rows: [Element], next: Int64?, _ shape: Shape<Element>, in currency: Currency
    ) -> Answer {
        .json { json in
            json.array("data") { json in
                for row in rows { json.object { json in shape.write(row, in: currency, to: &json) } }
            }
            json.field("has_more", next != nil)
            json.field("next_cursor", next.map(text(behind:)))
        }
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
    /// Some of an enum's values, with commas between; none where the query does not have it.
    package func choices<T: RawRepresentable & CaseIterable & Hashable>(
        _ name: String, as type: T.Type = T.self
    ) throws(Refusal) -> Set<T> where T.RawValue == String {
        guard let text = self[name] else { return [] }
        var found: Set<T> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let value = T(rawValue: String(part)) else {
                let allowed = T.allCases.map(\.rawValue).joined(separator: ", ")
                throw .field("/\(name)", "choice", "must be some of \(allowed), with commas between")
            }
            found.insert(value)
        }
        return found
    }

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
