package import CallKit
import SQLite
package import TenantRegistry

/// What each reseller was topped up with so far (A3): a sum over the ledger would grow with it.
extension TenantReader {
    package func topUpTotal(resellerID: Int64, book: Book) throws -> Money {
        try connection.row(
            "SELECT total FROM topup_total WHERE reseller_id = ?1 AND book = ?2", .integer(resellerID), .book(book)
        ) { try $0.money() } ?? .zero
    }
}

extension TenantTransaction {
    func addToTopUpTotal(_ amount: Money, resellerID: Int64, book: Book) throws {
        let total = try topUpTotal(resellerID: resellerID, book: book).adding(amount)
        try connection.run(
            """
            INSERT INTO topup_total (reseller_id, book, total) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET total = excluded.total
            """,
            .integer(resellerID), .book(book), .money(total))
    }
}
