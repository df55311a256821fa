package import SQLite
package import TenantRegistry

/// What waits for the tenant's operator, of one kind: how much of it, and the first of it.
package struct AttentionLine: Sendable {
    package let kind: String
    package let count: Int
    package let items: [AttentionItem]
    /// Where in the admin API it is looked at and dealt with.
    package let link: String

    package init(kind: String, count: Int, items: [AttentionItem], link: String) {
        self.kind = kind
        self.count = count
        self.items = items
        self.link = link
    }
}

package struct AttentionItem: Sendable {
    /// Its public id, or the name of what it is about.
    package let object: String
    /// Since when.
    package let at: Timestamp?
    package let reseller: String?
    /// A word or figure about it, for people; no personal data.
    package let note: String?

    package init(object: String, at: Timestamp? = nil, reseller: String? = nil, note: String? = nil) {
        self.object = object
        self.at = at
        self.reseller = reseller
        self.note = note
    }
}

/// What a feature has to say to the operator. On the tenant's lane; a value.
package struct AttentionSource: Sendable {
    package let kind: String
    /// Nil where nothing waits.
    package let look: @Sendable (TenantReader) throws -> AttentionLine?

    /// The first so many are shown.
    package static let itemsMax = 5
    /// No more are counted: what is seen of it then is that it is many.
    package static let countMax = 1_000

    package init(kind: String, look: @escaping @Sendable (TenantReader) throws -> AttentionLine?) {
        self.kind = kind
        self.look = look
    }

    /// `rows`: object, instant, reseller and note of those that have waited longest, `?1` at the most; `places`: one
    /// row for each, `?1` at the most. Both by an index; where none has that order, of the first `countMax`.
    package init(kind: String, link: String, rows: Statement, places: Statement) {
        self.init(kind: kind) { tenant in
            var count = 0
            try tenant.connection.forEach(places, .int(Self.countMax)) { _ in
                count += 1
                return true
            }
            guard count > 0 else { return nil }
            let items = try tenant.connection.rows(rows, .int(Self.itemsMax)) { row in
                AttentionItem(
                    object: try row.text(), at: try row.optionalTime(), reseller: try row.optionalText(),
                    note: try row.optionalText())
            }
            return AttentionLine(kind: kind, count: count, items: items, link: link)
        }
    }
}

extension AttentionSource {
    /// Its line, where anything waits. One that cannot be read is told, and takes no other with it.
    package func line(_ tenant: TenantReader) throws -> AttentionLine? {
        do {
            return try look(tenant)
        } catch let corrupt as CorruptRow {
            tenant.store.tell(corrupt)
            return nil
        }
    }
}
