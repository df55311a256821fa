import CallKit
import HTTPCore
import SQLite
import TenantRegistry

/// Every order told its reseller of itself, in the transaction that made it, and every delivery has its event and an
/// endpoint of the same reseller and book.
enum OutboxCheck {
    static func run(_ file: inout VerifiedFile) throws {
        try checkEvents(&file)
        try checkDeliveries(&file)
    }

    /// Orders and the events of their creation are written together, so both ascend together.
    private static func checkEvents(_ file: inout VerifiedFile) throws {
        var orders = AscendingIDs()
        try file.connection.forEach("SELECT id, type, data, reseller_id, book FROM event ORDER BY id") { row in
            file.report.counts.events += 1
            let id = row.int(0)
            guard let data = try? row.withText(2, { try JSON.parse(Array($0)) }), case .object = data else {
                file.report.add(.outbox, "event", id, "The event's data is no JSON object.")
                return true
            }
            guard row.text(1) == EventType.orderCreated.rawValue else { return true }
            guard case .string(let publicID) = data["order_id"], let order = try order(publicID, &file) else {
                file.report.add(.outbox, "event", id, "The event tells of an order that there is not.")
                return true
            }
            switch orders.follow(order.id) {
            case .next: break
            case .after(let gap): try reportUntold(gap, &file)
            case .notAscending:
                file.report.add(
                    .outbox, "event", id, "The event tells of the order \(publicID) again, or out of its order.")
            }
            if order.reseller != row.int(3) || order.book != row.int(4) {
                file.report.add(.outbox, "event", id, "The event went to another reseller or book than its order's.")
            }
            if case .string(let total) = data["wholesale_total"],
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

    private static func order(
        _ publicID: String, _ file: inout VerifiedFile
    ) throws -> (id: Int64, reseller: Int64, book: Int64, total: Int64)? {
        try file.connection.row(
            "SELECT id, reseller_id, book, wholesale_total FROM orders WHERE public_id = ?1", .text(publicID)
        ) { ($0.int(0), $0.int(1), $0.int(2), $0.int(3)) }
    }

    private static func reportUntold(_ gap: ClosedRange<Int64>, _ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            "SELECT id, public_id FROM orders WHERE id BETWEEN ?1 AND ?2 ORDER BY id", .integer(gap.lowerBound),
            .integer(gap.upperBound)
        ) { row in
            file.report.add(
                .outbox, "orders", row.int(0), "The order.created event of the order \(row.text(1)) is missing.")
            return true
        }
    }

    private static func checkDeliveries(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT d.id, e.reseller_id, e.book, w.reseller_id, w.book, d.state, d.next_at IS NULL
            FROM delivery d LEFT JOIN event e ON e.id = d.event_id
                LEFT JOIN webhook_endpoint w ON w.id = d.endpoint_id
            ORDER BY d.id
            """
        ) { row in
            file.report.counts.deliveries += 1
            let id = row.int(0)
            if row.isNull(1) { file.report.add(.outbox, "delivery", id, "The delivery's event is missing.") }
            if row.isNull(3) { file.report.add(.outbox, "delivery", id, "The delivery's endpoint is missing.") }
            if !row.isNull(1), !row.isNull(3), row.int(1) != row.int(3) || row.int(2) != row.int(4) {
                file.report.add(
                    .outbox, "delivery", id,
                    "The delivery takes an event of one reseller or book to another's endpoint.")
            }
            if row.text(5) == "pending" && row.bool(6) {
                file.report.add(.outbox, "delivery", id, "The delivery is pending and never due: it would be lost.")
            }
            return true
        }
    }
}
