import CallKit
import HTTPCore
import SQLite
import TenantRegistry

/// Every order told its reseller of itself, in the transaction that made it. Revisions of each object count up from 1
/// without a gap, but for where a restore raised all of them, and its row says the last one. Each body says what its
/// row says. Every delivery has its event and an endpoint of the same reseller and book.
enum OutboxCheck {
    static func run(_ file: inout VerifiedFile) throws {
        try checkEvents(&file)
        if file.version >= Migration0014.version {
            try checkRevisions(&file)
            for kind in kinds { try checkObjects(kind, &file) }
        }
        try DeliveryCheck.run(&file)
    }

    /// Orders and the events of their creation are written together, so both ascend together.
    private static func checkEvents(_ file: inout VerifiedFile) throws {
        var orders = AscendingIDs()
        let hasBodies = file.version >= Migration0014.version
        let columns =
            hasBodies
            ? "object, revision, body"
            : "iif(json_valid(data), coalesce(json_extract(data, '$.order_id'), ''), ''), 0, data"
        try file.connection.forEach(
            dynamic: "SELECT id, reseller_id, book, type, at, \(columns) FROM event ORDER BY id"
        ) { row in
            file.report.counts.events += 1
            let (id, reseller, book) = (try row.int(), try row.int(), try row.int())
            let (type, at) = (try row.text(), try row.time())
            let (object, revision) = (try row.text(), try row.int())
            guard let body = try row.withText({ try? JSON.parse(Array($0)) }), case .object = body else {
                file.report.add(.outbox, "event", id, "The event's body is no JSON object.")
                return true
            }
            if hasBodies { checkBody(body, id, Said(type: type, at: at, object: object, revision: revision), &file) }
            guard type == EventType.orderCreated.rawValue else { return true }
            guard let order = try order(object, &file) else {
                file.report.add(.outbox, "event", id, "The event tells of an order that there is not.")
                return true
            }
            switch orders.follow(order.id) {
            case .next: break
            case .after(let gap): try reportUntold(gap, &file)
            case .notAscending:
                file.report.add(
                    .outbox, "event", id, "The event tells of the order \(object) again, or out of its order.")
            }
            if order.reseller != reseller || order.book != book {
                file.report.add(.outbox, "event", id, "The event went to another reseller or book than its order's.")
            }
            if case .string(let total) = (hasBodies ? body["data"] : body)?["wholesale_total"],
                let money = try? Money(parsing: total, fractionDigitsMax: 6),
                money.micros != order.total
            {
                file.report.add(
                    .outbox, "event", id,
                    "The event says a total of \(total); the order's is \(file.amount(order.total)).")
            }
            return true
        }
        if orders.last < .max { try reportUntold(orders.last + 1...(.max), &file) }
    }

    // MARK: Bodies and revisions

    /// What an event's row says, and its body says again.
    private struct Said {
        let type: String
        let at: Timestamp
        let object: String
        let revision: Int64
    }

    private static func checkBody(_ body: JSON, _ id: Int64, _ said: Said, _ file: inout VerifiedFile) {
        func differs(_ member: String, _ value: String) {
            file.report.add(.outbox, "event", id, "The event's body has another \(member) than its row: \(value).")
        }
        if body["type"] != .string(said.type) { differs("type", said.type) }
        if body["timestamp"] != .string(said.at.text) { differs("timestamp", said.at.text) }
        let data = body["data"]
        if data?["revision"] != .number(JSONNumber(said.revision)) { differs("revision", String(said.revision)) }
        // As each dialect names its objects.
        let names = ["id", "_id", "code"].compactMap { data?[$0] }
        if !names.contains(.string(said.object)) { differs("object", said.object) }
    }

    /// Where restores raised all revisions; a file from before has no such table.
    private static func floors(_ file: VerifiedFile) -> String {
        file.version >= Migration0033.version
            ? "(SELECT event_id, revision FROM revision_floor)" : "(SELECT 0 AS event_id, 0 AS revision LIMIT 0)"
    }

    /// In the order of their ids, each event of an object says one more than the one before it, or than a restore
    /// between the two raised it to. What is told of first may be from before a restore or from after it.
    private static func checkRevisions(_ file: inout VerifiedFile) throws {
        let floors = floors(file)
        try file.connection.forEach(
            dynamic: """
                SELECT id, object, revision, n FROM (
                    SELECT id, object, revision, row_number() OVER told AS n, lag(id) OVER told AS earlier,
                        lag(revision) OVER told AS former
                    FROM event WINDOW told AS (PARTITION BY object ORDER BY id)) e
                WHERE iif(earlier IS NULL,
                    revision <> 1
                        AND revision NOT IN (SELECT f.revision + 1 FROM \(floors) f WHERE f.event_id < e.id),
                    revision <> 1 + coalesce(
                        (SELECT max(f.revision) FROM \(floors) f WHERE f.event_id >= earlier AND f.event_id < e.id),
                        former))
                ORDER BY id
                """
        ) { row in
            let (id, object, revision, place) = (try row.int(), try row.text(), try row.int(), try row.int())
            file.report.add(
                .outbox, "event", id,
                "The event says revision \(revision) of \(object), and is number \(place) of its events.")
            return true
        }
    }

    /// Rows that events are of: their types, and a query of each row's id, public id, reseller, book and revision.
    private struct Kind {
        let table: String
        let types: String
        let rows: String
        /// Its rows have a revision of their own, which restores raise.
        var isRaised = true
    }

    private static let kinds = [
        Kind(
            table: "orders", types: "e.type LIKE 'order.%'",
            rows: "SELECT id, public_id AS object, reseller_id, book, revision FROM orders"),
        Kind(
            table: "service", types: "e.type LIKE 'service.%'",
            rows: "SELECT id, public_id AS object, reseller_id, book, revision FROM service"),
        Kind(
            table: "port", types: "e.type LIKE 'port.%'",
            rows: "SELECT id, public_id AS object, reseller_id, book, revision FROM port"),
        Kind(
            table: "port_customer", types: "e.type LIKE 'customer.%'",
            rows: """
                SELECT c.id, c.public_id AS object, c.reseller_id, c.book, p.revision
                FROM port_customer p JOIN customer c ON c.id = p.customer_id
                """),
        Kind(
            table: "reseller", types: "(e.type LIKE 'reseller.%' OR e.type = 'balance.low')",
            rows: "SELECT id, public_id AS object, id AS reseller_id, 0 AS book, revision FROM reseller"),
        Kind(
            table: "webhook_endpoint", types: "e.type LIKE 'webhook.%'",
            rows: "SELECT id, public_id AS object, reseller_id, book, revision FROM webhook_endpoint"),
        Kind(
            table: "activation_code", types: "e.type LIKE 'code.%'",
            rows: """
                SELECT id, code AS object, reseller_id, book, redeemed_at IS NOT NULL AS revision FROM activation_code
                """, isRaised: false),
    ]

    private static func checkObjects(_ kind: Kind, _ file: inout VerifiedFile) throws {
        let isTold = "e.object = t.object AND \(kind.types)"
        let floors = floors(file)
        // One that has no event yet was there when a restore raised it, or was not.
        let isWrong =
            kind.isRaised
            ? """
            t.revision <> coalesce(
                (SELECT max(f.revision) FROM \(floors) f WHERE f.event_id >= e.newest), e.revision, 0)
            AND NOT (e.n IS NULL AND t.revision IS (SELECT max(f.revision) FROM \(floors) f))
            """ : "t.revision <> coalesce(e.n, 0)"
        try file.connection.forEach(
            dynamic: """
                SELECT t.id, t.object, t.revision, coalesce(e.n, 0) FROM (\(kind.rows)) t
                LEFT JOIN (
                    SELECT object, count(*) AS n, max(id) AS newest, max(revision) AS revision
                    FROM event GROUP BY object
                ) e ON e.object = t.object
                WHERE \(isWrong) ORDER BY t.id
                """
        ) { row in
            let (id, object, revision, told) = (try row.int(), try row.text(), try row.int(), try row.int())
            file.report.add(
                .outbox, kind.table, id,
                "The row says revision \(revision), and there are \(told) events of \(object).")
            return true
        }
        try file.connection.forEach(
            dynamic: """
                SELECT e.id, e.object FROM event e
                WHERE \(kind.types) AND NOT EXISTS (
                    SELECT 1 FROM (\(kind.rows)) t WHERE \(isTold) AND t.reseller_id = e.reseller_id AND t.book = e.book)
                ORDER BY e.id
                """
        ) { row in
            let (id, object) = (try row.int(), try row.text())
            file.report.add(
                .outbox, "event", id, "The event tells of \(object), which its reseller does not have in its book.")
            return true
        }
    }

    private static func order(
        _ publicID: String, _ file: inout VerifiedFile
    ) throws -> (id: Int64, reseller: Int64, book: Int64, total: Int64)? {
        try file.connection.row(
            "SELECT id, reseller_id, book, wholesale_total FROM orders WHERE public_id = ?1", .text(publicID)
        ) { try ($0.int(), $0.int(), $0.int(), $0.int()) }
    }

    private static func reportUntold(_ gap: ClosedRange<Int64>, _ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            "SELECT id, public_id FROM orders WHERE id BETWEEN ?1 AND ?2 ORDER BY id", .integer(gap.lowerBound),
            .integer(gap.upperBound)
        ) { row in
            let (id, publicID) = (try row.int(), try row.text())
            file.report.add(
                .outbox, "orders", id, "The order.created event of the order \(publicID) is missing.")
            return true
        }
    }
}
