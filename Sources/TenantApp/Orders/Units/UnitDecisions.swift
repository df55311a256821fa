import CallKit
import SQLite
package import TenantRegistry

/// Units of an order that were decided one by one (W13): each with the posting that captured its share of the money or
/// gave it back. Append-only. What came of the whole order is counted beside it.
extension TenantReader {
    /// Which unit of its order a service is, from 0.
    package func place(of service: Service) throws -> Int64 {
        try connection.row(
            """
            SELECT count(*) FROM service WHERE order_id = (SELECT order_id FROM service WHERE id = ?1) AND id < ?1
            """,
            .integer(service.id)
        ) { try $0.int() } ?? 0
    }

    private static let voided = Statement(
        """
        SELECT coalesce(sum(\(EntryPlaces.amount(of: "p.id"))), 0)
        FROM unit_decision d JOIN posting p ON p.id = d.posting_id WHERE d.order_id = ?1 AND p.kind = 'void'
        """)

    /// The shares of units of a live order that were rejected one by one.
    func sharesGivenBack(of order: Order) throws -> Money {
        guard order.rejectedUnits > 0 else { return .zero }
        return try connection.row(Self.voided, .integer(order.id)) { try $0.money() } ?? .zero
    }

    package func hasPendingUnits(_ order: Order) throws -> Bool {
        try connection.exists(
            "SELECT 1 FROM service WHERE order_id = ?1 AND state = 'pending'", .integer(order.id))
    }
}

extension TenantTransaction {
    package func noteDecision(of service: Service, in order: Order, posting: Int64) throws {
        try connection.run(
            "INSERT INTO unit_decision (service_id, order_id, posting_id, at) VALUES (?1, ?2, ?3, ?4)",
            .integer(service.id), .integer(order.id), .integer(posting), .time(now))
    }

    /// Counts what was decided just now. The first reason stays: later units mostly say the same.
    package func noteOutcome(of order: Order, ready: Int64, rejected: Int64, reason: String?) throws {
        try connection.run(
            """
            INSERT INTO order_outcome (order_id, ready_units, rejected_units, reason) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (order_id) DO UPDATE SET ready_units = ready_units + excluded.ready_units,
                rejected_units = rejected_units + excluded.rejected_units,
                reason = coalesce(reason, excluded.reason)
            """,
            .integer(order.id), .integer(ready), .integer(rejected), .optional(reason))
    }
}
