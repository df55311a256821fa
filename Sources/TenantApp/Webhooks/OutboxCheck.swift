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
        try file.connection.forEach("SELECT id, reseller_id, book, type, data FROM event ORDER BY id") { row in
            file.report.counts.events += 1
            let (id, reseller, book) = (try row.int(), try row.int(), try row.int())
            let type = try row.text()
            guard let data = try row.withText({ try? JSON.parse(Array($0)) }), case .object = data else {
                file.report.add(.outbox, "event", id, "The event's data is no JSON object.")
                return true
            }
            guard type == EventType.orderCreated.rawValue else { return true }
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
            if order.reseller != reseller || order.book != book {
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
            let id = try row.int()
            let event = (reseller: try row.optionalInt(), book: try row.optionalInt())
            let endpoint = (reseller: try row.optionalInt(), book: try row.optionalInt())
            let (state, isNeverDue) = (try row.text(), try row.bool())
            if event.reseller == nil { file.report.add(.outbox, "delivery", id, "The delivery's event is missing.") }
            if endpoint.reseller == nil {
                file.report.add(.outbox, "delivery", id, "The delivery's endpoint is missing.")
            }
            if event.reseller != nil, endpoint.reseller != nil, event != endpoint {
                file.report.add(
                    .outbox, "delivery", id,
                    "The delivery takes an event of one reseller or book to another's endpoint.")
            }
            if state == "pending" && isNeverDue {
                file.report.add(.outbox, "delivery", id, "The delivery is pending and never due: it would be lost.")
            }
            return true
        }
    }
}
