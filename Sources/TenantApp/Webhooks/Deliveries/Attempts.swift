import CallKit
import SQLite
package import TenantRegistry

/// One attempt to deliver, as it is kept: the last `keptMax` of each delivery.
package struct Attempt: Sendable {
    package static let keptMax: Int64 = 20
    /// Of the answer's body.
    package static let excerptBytesMax = 1_024

    package let n: Int64
    package let at: Timestamp
    package let milliseconds: Int64
    package let outcome: AttemptOutcome
    package let status: Int64?
    package let excerpt: String?
    /// What it connected to.
    package let address: String?

    static let columns = Columns<Attempt>("n", "at", "ms", "outcome", "status", "excerpt", "address")
    fileprivate static let ofDelivery = Statement(
        "SELECT \(columns) FROM attempt WHERE delivery_id = ?1 ORDER BY n DESC")

    init(_ row: inout RowReader) throws {
        n = try row.int()
        at = try row.time()
        milliseconds = try row.int()
        outcome = try row.value()
        status = try row.optionalInt()
        excerpt = try row.optionalText()
        address = try row.optionalText()
    }
}

/// Where a delivery stands when an attempt comes back.
struct DeliveryStand {
    let id: Int64
    let endpointID: Int64
    let state: DeliveryState
    let attempts: Int64
    let tries: Int64
    let isTest: Bool
    /// Where its endpoint leads now.
    let url: String

    static let columns = Columns<DeliveryStand>(
        "d.id", "d.endpoint_id", "d.state", "d.attempts", "d.tries", "d.is_test", "w.url")
    fileprivate static let byID = Statement(
        """
        SELECT \(columns) FROM delivery d CROSS JOIN webhook_endpoint w ON w.id = d.endpoint_id WHERE d.id = ?1
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        endpointID = try row.int()
        state = try row.value()
        attempts = try row.int()
        tries = try row.int()
        isTest = try row.bool()
        url = try row.text()
    }
}

/// When a delivery's next attempt is due, and until when it keeps to that though its endpoint answers again.
struct NextAttempt {
    var at: Timestamp
    var notBefore: Timestamp?
}

extension TenantReader {
    /// The last ones, newest first.
    package func attempts(ofDelivery id: Int64) throws -> [Attempt] {
        try connection.rows(Attempt.ofDelivery, .integer(id), read: Attempt.init)
    }

    func stand(ofDelivery id: Int64) throws -> DeliveryStand? {
        try connection.row(DeliveryStand.byID, .integer(id), read: DeliveryStand.init)
    }
}

extension TenantTransaction {
    /// Keeps an attempt as the delivery's `n`-th; the oldest of more than `Attempt.keptMax` goes.
    func insertAttempt(_ result: AttemptResult, n: Int64) throws {
        try connection.run(
            """
            INSERT INTO attempt (delivery_id, n, at, ms, outcome, status, excerpt, address)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """,
            .integer(result.deliveryID), .integer(n), .time(result.at), .integer(result.milliseconds),
            .text(result.outcome.rawValue), .optional(result.status), .optional(result.excerpt),
            .optional(result.address))
        guard n > Attempt.keptMax else { return }
        try connection.run(
            "DELETE FROM attempt WHERE delivery_id = ?1 AND n <= ?2", .integer(result.deliveryID),
            .integer(n - Attempt.keptMax))
    }

    /// Where the delivery stands after it.
    func save(
        _ result: AttemptResult, of stand: DeliveryStand, state: DeliveryState, attempts: Int64, next: NextAttempt?
    ) throws {
        try connection.run(
            """
            UPDATE delivery SET state = ?2, attempts = ?3, tries = ?4, first_at = coalesce(first_at, ?5), next_at = ?6,
                last_outcome = ?7, last_status = ?8, updated_at = ?9, not_before = ?10
            WHERE id = ?1
            """,
            .integer(stand.id), .text(state.rawValue), .integer(attempts), .integer(stand.tries + 1), .time(result.at),
            .optional(next?.at), .text(result.outcome.rawValue), .optional(result.status), .time(now),
            .optional(next?.notBefore))
    }
}
