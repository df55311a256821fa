import CallKit
import HTTPCore
import TenantRegistry

/// How an API writes a reseller's account, its keys and its sessions (O13, W11, C5, L6).
package struct AccountShapes: Sendable {
    package enum Style: Sendable {
        /// snake_case, RFC 3339, `{data, has_more, next_cursor}`: wholesale orders.
        case native
        /// The same with `ok`, lists by their own name: credit reports.
        case reports
        /// The same with milliseconds: licence keys.
        case licences
        /// camelCase, RFC 3339, `ok`: activation codes.
        case codes
        /// camelCase, ids as `_id`, milliseconds: proxy ports.
        case ports
    }

    let style: Style
    let key: Shape<APIKey>
    let minted: Shape<KeyBodies.Minted>
    let revoked: Shape<APIKey>
    let session: Shape<SessionAnswers.Listed>
    /// How many sessions were ended.
    let ended: Shape<Int>
    /// How many a new password has ended.
    let changed: Shape<Int>

    init(_ style: Style) {
        self.style = style
        switch style {
        case .native:
            (key, minted, revoked) = (KeyBodies.key, KeyBodies.minted, KeyBodies.revoked)
        case .reports:
            (key, minted, revoked) = (Shape(KeyBodies.key.members), KeyBodies.minted, KeyBodies.revoked)
        case .licences, .codes, .ports:
            let members = Self.keyMembers(style)
            key = Shape("Key", members)
            minted = Shape(
                style.ok() + [.omittable("key", \.secret), .alreadyShown, .part(members, \.key)])
            revoked = Shape(style.ok() + members)
        }
        session = style == .native ? SessionBodies.session : Shape(Self.sessionMembers(style))
        ended = Shape(style.ok() + [.member("ended") { $0 }])
        changed = Shape(style.ok() + [.member(style.name("sessions_ended", "sessionsEnded")) { $0 }])
    }

    private static func keyMembers(_ style: Style) -> [Shape<APIKey>.Member] {
        [
            .member(style == .ports ? "_id" : "id", \.publicID), .member("name", \.name),
            .member("prefix", \.display.prefix), .member("scopes", \.scopes.names), .member("mode", \.book),
            style.time("created_at", "createdAt", \.createdAt),
            // The product document of proxy ports shows its keys whole, and they have no end.
        ] + (style == .ports ? [] : [style.time("expires_at", "expiresAt", \.expiresAt)])
            + [style.time("revoked_at", "revokedAt", \.revokedAt)]
    }

    private static func sessionMembers(_ style: Style) -> [Shape<SessionAnswers.Listed>.Member] {
        [
            .member(style == .ports ? "_id" : "id", \.key.publicID),
            style.time("created_at", "createdAt", \.key.createdAt),
            style.time("expires_at", "expiresAt", \.key.expiresAt), .member("current", \.isCurrent),
        ]
    }

    // MARK: Lists

    /// What a list gives, for the description.
    func list<Element>(_ name: String, _ shape: Shape<Element>) -> Success {
        if style == .native { return .list(shape) }
        let rows = Schema(dictionaryLiteral: (name, .array(of: shape.schema)))
        let rest = Schema(
            dictionaryLiteral: (style.name("has_more", "hasMore").description, .boolean),
            (style.name("next_cursor", "nextCursor").description, .string.nullable))
        return .read(style.isListMarked ? ["ok": .boolean] + rows + rest : rows + rest)
    }

    /// A page of the rows that were fetched by `page.fetch`.
    func answer<Element>(
        _ name: StaticString, _ rows: [Element], _ page: Paging, id: (Element) -> Int64, _ shape: Shape<Element>,
        in currency: Currency
    ) -> Answer {
        if style == .native { return page.answer(rows, id: id, shape, in: currency) }
        let shown = rows.prefix(page.limit)
        let isMore = rows.count > shown.count
        return .json { json in
            if style.isListMarked { json.field("ok", true) }
            json.array(name) { json in
                for row in shown { json.object { json in shape.write(row, in: currency, to: &json) } }
            }
            json.field(style.name("has_more", "hasMore"), isMore)
            json.field(
                style.name("next_cursor", "nextCursor"), isMore ? shown.last.map { page.text(behind: id($0)) } : nil)
        }
    }
}

extension AccountShapes.Style {
    var isCamel: Bool { self == .codes || self == .ports }
    /// Activation codes mark what was done, and no list.
    var isListMarked: Bool { self == .reports || self == .licences }

    func name(_ native: StaticString, _ camel: StaticString) -> StaticString { isCamel ? camel : native }

    func ok<Value>() -> [Shape<Value>.Member] { self == .ports ? [] : [.ok] }

    func time<Value>(
        _ native: StaticString, _ camel: StaticString, _ get: @escaping @Sendable (Value) -> Timestamp
    ) -> Shape<Value>.Member {
        let name = name(native, camel)
        return hasMilliseconds ? .member(name) { get($0).milliseconds } : .member(name, get)
    }

    func time<Value>(
        _ native: StaticString, _ camel: StaticString, _ get: @escaping @Sendable (Value) -> Timestamp?
    ) -> Shape<Value>.Member {
        let name = name(native, camel)
        return hasMilliseconds ? .member(name) { get($0)?.milliseconds } : .member(name, get)
    }

    private var hasMilliseconds: Bool { self == .ports || self == .licences }
}
