import CallKit
import SQLite
package import TenantRegistry

/// A genuine report that did not fit its payment, as it was sent.
package struct PaymentDifference: Sendable {
    package let status: String
    package let amount: String
    package let currency: String
    package let at: Timestamp
}

extension TenantReader {
    /// Oldest first.
    package func paymentDifferences(ofPayment id: Int64, limit: Int) throws -> [PaymentDifference] {
        try connection.rows(
            "SELECT status, amount, currency, at FROM payment_difference WHERE payment_id = ?1 ORDER BY id LIMIT ?2",
            .integer(id), .int(limit)
        ) { try PaymentDifference(status: $0.text(), amount: $0.text(), currency: $0.text(), at: $0.time()) }
    }
}

extension TenantTransaction {
    /// So many contents of one payment are kept: a service that is broken must not fill the file.
    package static let paymentDifferencesMax: Int64 = 100

    /// Keeps a content once.
    package func notePaymentDifference(
        ofPayment id: Int64, status: String, amount: String, currency: String
    ) throws {
        let count = try connection.row(
            "SELECT count(*) FROM payment_difference WHERE payment_id = ?1", .integer(id)
        ) { try $0.int() }
        guard count ?? 0 < Self.paymentDifferencesMax else { return }
        try connection.run(
            """
            INSERT INTO payment_difference (payment_id, status, amount, currency, at) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO NOTHING
            """,
            .integer(id), .text(status), .text(amount), .text(currency), .time(now))
    }
}
