import CallKit
import SQLite
package import TenantRegistry

/// What was heard last of a unit: for the operator's queue.
package struct ProvisioningNews: Sendable {
    package let at: Timestamp
    /// One word.
    package let outcome: String
    package let status: Int64?
    /// The beginning of an answer that told nothing good, printable; never of one that may hold credentials.
    package let excerpt: String?

    package static let excerptBytesMax = 1_024

    package init(at: Timestamp, outcome: String, status: Int64? = nil, excerpt: String? = nil) {
        self.at = at
        self.outcome = outcome
        self.status = status
        self.excerpt = excerpt
    }
}

/// A unit as the operator's queue shows it.
package struct Provisioning: Sendable {
    package let serviceID: Int64
    package let servicePublicID: String
    package let orderPublicID: String
    package let sku: String
    package let resellerID: Int64
    package let resellerPublicID: String
    package let book: Book
    package var state: ProvisioningState
    package let news: ProvisioningNews?
    /// Of the last callback that was taken.
    package let callbackMark: String?

    static let columns = Columns<Provisioning>(
        "v.service_id", "s.public_id", "o.public_id", "p.sku", "r.id", "r.public_id", "v.book", "v.wanted", "v.actual",
        "v.verb", "v.n", "v.phase", "v.tries", "v.since", "v.next_at", "v.last_at", "v.last_outcome", "v.last_status",
        "v.last_excerpt", "v.callback_id")
    static let tables = """
        provisioning v CROSS JOIN service s ON s.id = v.service_id CROSS JOIN orders o ON o.id = s.order_id \
        CROSS JOIN product p ON p.id = s.product_id CROSS JOIN reseller r ON r.id = s.reseller_id
        """
    fileprivate static let byService = Statement("SELECT \(columns) FROM \(tables) WHERE v.service_id = ?1")
    private static let ofService = """
        service s CROSS JOIN provisioning v ON v.service_id = s.id CROSS JOIN orders o ON o.id = s.order_id \
        CROSS JOIN product p ON p.id = s.product_id CROSS JOIN reseller r ON r.id = s.reseller_id
        """
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM \(ofService) WHERE s.public_id = ?1")
    fileprivate static let byOrder = Statement("SELECT \(columns) FROM \(ofService) WHERE s.order_id = ?1")

    init(_ row: inout RowReader) throws {
        serviceID = try row.int()
        servicePublicID = try row.text()
        orderPublicID = try row.text()
        sku = try row.text()
        resellerID = try row.int()
        resellerPublicID = try row.text()
        book = try row.value()
        state = ProvisioningState(
            wanted: try row.value(), actual: try row.value(), verb: try row.optionalValue(), n: try row.int(),
            phase: try row.value(), tries: try row.int(), since: try row.time(), nextAt: try row.optionalTime())
        let at = try row.optionalTime()
        let outcome = try row.optionalText()
        let status = try row.optionalInt()
        let excerpt = try row.optionalText()
        news =
            if let at, let outcome {
                ProvisioningNews(at: at, outcome: outcome, status: status, excerpt: excerpt)
            } else { nil }
        callbackMark = try row.optionalText()
    }
}

/// A verb that is due to be asked for, or asked about: what goes over the wire, but for the secret.
package struct ProvisioningTask: Sendable {
    package let serviceID: Int64
    package let service: String
    package let verb: ProvisioningVerb
    package let n: Int64
    package let isPoll: Bool
    package let order: String
    package let productID: Int64
    /// Whose calls it is one of: the product's own provisioner, by the product's id, or `Provisioner.ofTenant`.
    package let provisionerID: Int64
    package let dueAt: Timestamp
    package let product: String
    package let term: String
    package let customerExternalID: String
    package let customerEmail: String?
    package let customerName: String?
    package let reseller: String
    /// Nothing is to be made: the operator tries the way there.
    package var isDryRun = false
    /// Before then nobody could ask.
    package var idleUntil: Timestamp?

    /// A unit that does not exist.
    package init(
        dryRunOf verb: ProvisioningVerb, product: String, productID: Int64, at now: Timestamp,
        publicID: (StaticString) -> String
    ) {
        serviceID = 0
        service = publicID("svc")
        self.verb = verb
        n = ProvisioningState.createNumber
        isPoll = false
        order = publicID("ord")
        self.productID = productID
        provisionerID = productID
        dueAt = now
        self.product = product
        term = Term.monthly.rawValue
        customerExternalID = "dry-run"
        customerEmail = nil
        customerName = nil
        reseller = publicID("res")
        isDryRun = true
    }

    static let columns = Columns<ProvisioningTask>(
        "v.service_id", "s.public_id", "v.verb", "v.n", "v.phase = 'pending'", "o.public_id", "s.product_id",
        "coalesce(w.product_id, 0)", "v.next_at", "p.sku", "s.term", "c.external_id", "c.email", "c.name",
        "r.public_id")
    /// Of some provisioners, or of all but some.
    fileprivate static let due = Statement(
        """
        SELECT \(columns)
        FROM provisioning v CROSS JOIN service s ON s.id = v.service_id
        LEFT JOIN provisioner w ON w.product_id = s.product_id CROSS JOIN orders o ON o.id = s.order_id
        CROSS JOIN product p ON p.id = s.product_id CROSS JOIN reseller r ON r.id = s.reseller_id
        CROSS JOIN customer c ON c.id = s.customer_id
        WHERE v.next_at IS NOT NULL AND v.next_at <= ?1 AND v.book = ?2
            AND (coalesce(w.product_id, 0) IN (SELECT value FROM json_each(?3))) = ?4
        ORDER BY v.next_at, v.service_id LIMIT ?5
        """)

    init(_ row: inout RowReader) throws {
        serviceID = try row.int()
        service = try row.text()
        verb = try row.value()
        n = try row.int()
        isPoll = try row.bool()
        order = try row.text()
        productID = try row.int()
        provisionerID = try row.int()
        dueAt = try row.time()
        product = try row.text()
        term = try row.text()
        customerExternalID = try row.text()
        customerEmail = try row.optionalText()
        customerName = try row.optionalText()
        reseller = try row.text()
    }
}

/// Whose calls are asked for, by `ProvisioningTask.provisionerID`. A value.
package struct ProvisionerChoice: Sendable {
    fileprivate let ids: Set<Int64>
    /// Else all but these.
    fileprivate let areMeant: Bool

    package static let all = ProvisionerChoice(ids: [], areMeant: false)

    package static func allBut(_ ids: Set<Int64>) -> ProvisionerChoice { ProvisionerChoice(ids: ids, areMeant: false) }

    package static func only(_ id: Int64) -> ProvisionerChoice { ProvisionerChoice(ids: [id], areMeant: true) }
}

extension TenantReader {
    /// Nil for a service that no provisioner makes.
    package func provisioning(ofService id: Int64) throws -> Provisioning? {
        try connection.row(Provisioning.byService, .integer(id), read: Provisioning.init)
    }

    package func provisioning(service publicID: String) throws -> Provisioning? {
        try connection.row(Provisioning.byPublicID, .text(publicID), read: Provisioning.init)
    }

    /// Of an order's units, by service; none where no provisioner makes them.
    package func provisionings(ofOrder id: Int64) throws -> [Int64: Provisioning] {
        let rows = try connection.rows(Provisioning.byOrder, .integer(id), read: Provisioning.init)
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.serviceID, $0) })
    }

    /// What is open, oldest unit first: of all, or of those that a person has to see to.
    package func provisioningQueue(stuckOnly: Bool, after id: Int64, limit: Int) throws -> [Provisioning] {
        let filter = stuckOnly ? "v.phase = 'stuck'" : "v.phase <> 'idle'"
        return try connection.rows(
            dynamic: """
                SELECT \(Provisioning.columns) FROM \(Provisioning.tables)
                WHERE \(filter) AND v.service_id > ?1 ORDER BY v.service_id LIMIT ?2
                """, [.integer(id), .int(limit)], read: Provisioning.init)
    }

    /// Of this book, due now, longest due first: of the calls of all provisioners, of these alone, or of all but these.
    /// Nothing is written: what is under way is the caller's to know, and a restart asks again.
    package func dueProvisionings(
        book: Book, excluding underWay: Set<Int64>, of chosen: ProvisionerChoice = .all, limit: Int
    ) throws -> [ProvisioningTask] {
        guard limit > 0 else { return [] }
        let ids = "[\(chosen.ids.map(String.init).joined(separator: ","))]"
        let tasks = try connection.rows(
            ProvisioningTask.due, .time(now), .book(book), .text(ids), .bool(chosen.areMeant),
            .int(limit + underWay.count), read: ProvisioningTask.init)
        return Array(tasks.lazy.filter { !underWay.contains($0.serviceID) }.prefix(limit))
    }
}

extension TenantTransaction {
    /// A unit that was just ordered is made by its provisioner.
    package func insertProvisioning(ofService id: Int64, book: Book) throws {
        let state = ProvisioningState(orderedAt: now)
        try connection.run(
            """
            INSERT INTO provisioning (service_id, book, wanted, actual, verb, n, phase, tries, since, next_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """,
            .integer(id), .book(book), .text(state.wanted.rawValue), .text(state.actual.rawValue),
            .optional(state.verb?.rawValue), .integer(state.n), .text(state.phase.rawValue), .integer(state.tries),
            .time(state.since), .optional(state.nextAt))
        noteDue(.provisioning, at: now)
    }

    /// What is wanted of a service has changed: call it wherever a service is suspended, resumed or cancelled, in the
    /// same transaction. It does nothing where no provisioner made the service, so callers need not ask (W13).
    ///
    /// Service and money have moved already; the provisioner is asked until it follows.
    package func want(_ wanted: WantedState, ofService id: Int64) throws {
        guard var known = try provisioning(ofService: id) else { return }
        known.state.want(wanted, at: now)
        try save(known.state, ofService: id)
    }

    /// A verb that has begun since is numbered above all that earlier incarnations of the file may have asked for: an
    /// incarnation has a thousand numbers of its own, so that no provisioner takes one for a question of before a
    /// restore.
    package func save(_ state: ProvisioningState, ofService id: Int64) throws {
        try connection.run(
            """
            UPDATE provisioning SET wanted = ?2, actual = ?3, verb = ?4, phase = ?6, tries = ?7, since = ?8, next_at = ?9,
                n = iif(?5 > n, max(?5, (SELECT incarnation - 1 FROM meta WHERE id = 1) * 1000 + 1), ?5)
            WHERE service_id = ?1
            """,
            .integer(id), .text(state.wanted.rawValue), .text(state.actual.rawValue), .optional(state.verb?.rawValue),
            .integer(state.n), .text(state.phase.rawValue), .integer(state.tries), .time(state.since),
            .optional(state.nextAt))
        if let nextAt = state.nextAt { noteDue(.provisioning, at: nextAt) }
    }

    package func note(_ news: ProvisioningNews, ofService id: Int64, callbackMark: String? = nil) throws {
        try connection.run(
            """
            UPDATE provisioning SET last_at = ?2, last_outcome = ?3, last_status = ?4, last_excerpt = ?5,
                callback_id = coalesce(?6, callback_id)
            WHERE service_id = ?1
            """,
            .integer(id), .time(news.at), .text(news.outcome), .optional(news.status), .optional(news.excerpt),
            .optional(callbackMark))
    }
}
