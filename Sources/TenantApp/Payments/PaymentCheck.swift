import CallKit
import SQLite
import TenantRegistry

/// Payments against the ledger: a confirmed one has exactly one posting of its amount, any other none (A6).
enum PaymentCheck {
    static func run(_ file: inout VerifiedFile) throws {
        // A file of an older schema has none of these tables.
        guard file.version >= Migration0005.version else { return }
        try checkPostings(&file)
        try checkRepeats(&file)
    }

    private static func checkPostings(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            dynamic: """
                SELECT x.id, x.state, x.amount, p.id IS NOT NULL, coalesce(p.kind = 'top_up' AND p.book = x.book
                    AND p.reseller_id = x.reseller_id AND p.reference = x.order_id AND p.key_id = x.key_id
                    AND EXISTS (SELECT 1 FROM entry e CROSS JOIN ledger_account a ON a.id = e.account_id
                        WHERE \(EntryPlaces.of("p.id", "e")) AND e.amount = x.amount AND a.kind = 'balance'
                            AND a.reseller_id = x.reseller_id), 0)
                FROM payment x LEFT JOIN posting p ON p.id = x.posting_id ORDER BY x.id
                """
        ) { row in
            file.report.counts.payments += 1
            let (id, state, amount) = (try row.int(), try row.text(), try row.int())
            let (hasPosting, isRight) = (try row.bool(), try row.bool())
            let isConfirmed = state == PaymentState.confirmed.rawValue
            if isConfirmed && !(hasPosting && isRight) {
                file.report.add(
                    .payments, "payment", id,
                    "The payment of \(file.amount(amount)) is confirmed, and its posting is missing or moves something else."
                )
            }
            if !isConfirmed && hasPosting {
                file.report.add(
                    .payments, "payment", id, "The payment is \(state) and has a posting all the same.")
            }
            return true
        }
    }

    /// No other top-up in the name of a payment. An operator may put its order id on a correction of his own; such a
    /// posting has another key.
    private static func checkRepeats(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT p.id, x.id FROM posting p JOIN payment x ON x.order_id = p.reference AND x.key_id = p.key_id
            WHERE p.kind = 'top_up' AND p.id IS NOT x.posting_id ORDER BY p.id
            """
        ) { row in
            let (posting, payment) = (try row.int(), try row.int())
            file.report.add(
                .payments, "posting", posting,
                "The posting credits payment \(payment), which it does not belong to.")
            return true
        }
    }
}
