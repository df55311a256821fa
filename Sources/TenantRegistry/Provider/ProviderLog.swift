import SQLite

/// One line of the provider's log: who did what to which tenant, when (P8).
package struct ProviderEvent: Sendable {
    package let sequence: Int64
    package let at: Timestamp
    package let action: String
    /// Nil where it concerned the whole node.
    package let tenant: TenantID?
    package let slug: String?
    /// `key`, `control_socket` or `node`; nil of lines from before that was kept.
    package let via: String?
    package let keyID: String?
    package let keyName: String?
    /// `req_…`; nil of what no call caused.
    package let requestID: String?
    /// JSON text, or empty.
    package let detail: String

    static let columns = Columns<ProviderEvent>(
        "seq", "at", "action", "tenant_id", "slug", "via", "key_id", "key_name", "request_id", "detail")

    init(_ row: inout RowReader) throws {
        sequence = try row.int()
        at = try row.time()
        action = try row.text()
        tenant = try row.optionalBlob().map { bytes in
            guard let id = TenantID(bytes: bytes) else { throw row.corrupt() }
            return id
        }
        slug = try row.optionalText()
        via = try row.optionalText()
        keyID = try row.optionalText()
        keyName = try row.optionalText()
        let request = try row.text()
        requestID = request == RequestID.none.text ? nil : request
        detail = try row.text()
    }
}

/// What a search of the provider's log asks for. `from` counts, `to` does not.
package struct ProviderEventFilter: Sendable {
    /// A slug, as it was then, or an id.
    package var tenant: String?
    package var actions: Set<String>?
    package var keyID: String?
    package var from: Timestamp?
    package var to: Timestamp?

    package init() {}

    package func matches(_ event: ProviderEvent) -> Bool {
        if let tenant, event.slug != tenant, event.tenant?.text != tenant { return false }
        if let actions, !actions.contains(event.action) { return false }
        if let keyID, event.keyID != keyID { return false }
        if let from, event.at < from { return false }
        if let to, event.at >= to { return false }
        return true
    }
}

/// A bounded look into the log: what matched of it, newest first, and behind which line the next look begins.
package struct ProviderEventStretch: Sendable {
    package let events: [ProviderEvent]
    /// Nil at the oldest line.
    package let next: Int64?
}

/// The rows of the provider's log. On the registry's lane.
struct ProviderLogTable {
    let connection: Connection

    /// Lines that one look reads: the registry's lane is nobody's for longer.
    static let stretchMax = 1_000

    private static let stretch = Statement(
        "SELECT \(ProviderEvent.columns) FROM provider_event WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2")

    func add(_ act: ProviderAct, tenant: TenantID?, slug: String?) throws {
        var key: (id: String, name: String)?
        if case .key(let id, let name) = act.actor { key = (id, name) }
        try connection.run(
            """
            INSERT INTO provider_event (at, action, tenant_id, slug, via, key_id, key_name, request_id, detail)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """,
            .integer(act.at.milliseconds), .text(act.action), .optional(tenant?.bytes), .optional(slug),
            .text(act.actor.name), .optional(key?.id), .optional(key?.name), .text(act.requestID.text),
            .text(act.detail))
    }

    func stretch(
        before sequence: Int64, _ filter: ProviderEventFilter, limit: Int
    ) throws -> ProviderEventStretch {
        var found: [ProviderEvent] = []
        var read = 0
        var last: Int64?
        try connection.forEach(Self.stretch, .integer(sequence), .int(Self.stretchMax)) { row in
            let event = try ProviderEvent(&row)
            (read, last) = (read + 1, event.sequence)
            if filter.matches(event) { found.append(event) }
            return found.count < limit
        }
        let isAtEnd = read < Self.stretchMax && found.count < limit
        return ProviderEventStretch(events: found, next: isAtEnd ? nil : last)
    }
}
