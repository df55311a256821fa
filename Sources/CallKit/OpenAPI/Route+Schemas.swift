import HTTPCore
import TenantRegistry

/// A parameter of a route's path, query or head. Path parameters that a route does not describe are any text.
package struct Parameter: Sendable {
    package enum Place: String, Sendable {
        case path
        case query
        case header
    }

    package let name: String
    package let place: Place
    package let schema: Schema
    package let isRequired: Bool
    /// What its name and its schema do not say.
    var description: String? = nil

    package static func path(_ name: String, _ schema: Schema) -> Parameter {
        Parameter(name: name, place: .path, schema: schema, isRequired: true)
    }

    package static func query(_ name: String, _ schema: Schema = .id(255), isRequired: Bool = false) -> Parameter {
        Parameter(name: name, place: .query, schema: schema, isRequired: isRequired)
    }

    package static func header(_ name: String, _ schema: Schema, isRequired: Bool = true) -> Parameter {
        Parameter(name: name, place: .header, schema: schema, isRequired: isRequired)
    }
}

extension Parameter {
    package static let limit = query("limit", .integer(1...Int64(Paging.limitMax)))
    /// What `CursorSeal` gives.
    package static let cursor = query("cursor", .matching("^[A-Za-z0-9_-]{39,}$"))
    package static let mode = query("mode", .book)
    /// Some of an enum's values, with commas between.
    package static func choices<T: RawRepresentable & CaseIterable>(_ name: String, _ type: T.Type) -> Parameter
    where T.RawValue == String {
        let one = "(" + T.allCases.map(\.rawValue).joined(separator: "|") + ")"
        return query(name, .matching("^\(one)(,\(one))*$"))
    }
    /// The beginning of a text that is searched for.
    package static let search = query("q", .text(1...255))
    package static let dryRun = query("dry_run", .one(of: ["true", "false"]))
    /// The hash that a dry run gave, or tags.
    package static let ifMatch = header("If-Match", .string, isRequired: false)
    /// An RFC 3339 time or a day.
    package static let from = moment("from", "From then on; of a day, from its beginning in UTC.")
    /// What happens then is left out.
    package static let to = moment("to", "Before then; of a day, before its beginning in UTC.")
    /// The same two of an API whose answers have times as milliseconds since 1970.
    package static let anyFrom = moment("from", "From then on; of a day, from its beginning in UTC.", AnyTime.text)
    package static let anyTo = moment("to", "Before then; of a day, before its beginning in UTC.", AnyTime.text)
    /// Where days or hours are counted.
    package static let through = moment("to", "The last day or hour that counts is the one in which this lies, in UTC.")
    /// An RFC 3339 time. What happens then counts.
    package static let until = Parameter(
        name: "until", place: .query, schema: .time, isRequired: false, description: "Up to then, itself too.")

    private static func moment(_ name: String, _ description: String, _ schema: Schema = .moment) -> Parameter {
        Parameter(name: name, place: .query, schema: schema, isRequired: false, description: description)
    }
}

extension [Parameter] {
    /// `?limit=&cursor=` of every native list, and what else it reads.
    package static func page(_ more: Parameter...) -> [Parameter] { [.limit, .cursor] + more }
}

/// How a route answers where it refuses nothing: the status, what the body holds, and whether a commit stands behind
/// it, whose `Audit-Head` the answer carries.
package struct Success: Sendable {
    package let status: Int
    package let schema: Schema?
    package let isCommitted: Bool

    /// 200; nothing was written.
    package static func read(_ schema: Schema) -> Success { Success(status: 200, schema: schema, isCommitted: false) }
    /// 200, written.
    package static func done(_ schema: Schema) -> Success { Success(status: 200, schema: schema, isCommitted: true) }
    /// 201, written.
    package static func made(_ schema: Schema) -> Success { Success(status: 201, schema: schema, isCommitted: true) }
    /// 204, written.
    package static let nothing = Success(status: 204, schema: nil, isCommitted: true)

    /// A page of a native list.
    package static func list(_ element: Schema) -> Success {
        .read(["data": .array(of: element), "has_more": .boolean, "next_cursor": .string.nullable])
    }
}

// MARK: What several dialects have

extension Schema {
    package static let book = one(of: Book.allCases.map(\.name))
    package static let resellerState = one(of: ResellerState.allCases.map(\.name))
    package static let moment = Schema(["anyOf": .array([Schema.time.json, Schema.day.json])])
    package static func scopes(_ allowed: NamedScopes) -> Schema { .array(of: .one(of: allowed.names), count: 1...32) }

    /// An absolute https URL without credentials or fragment. What hosts there can be, and what else a node may allow,
    /// a schema does not say.
    package static let webhookURL = matching(#"^https?://[!"$-.0-?A-~]+(/[!"$-~]*)?$"#).with(
        "maxLength", .int(2_000))
}
