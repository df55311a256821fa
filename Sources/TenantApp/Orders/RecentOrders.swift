import CallKit
import SQLite
package import TenantRegistry

extension TenantReader {
    /// For so long an order counts as recent.
    private static let recentDays: Int64 = 30
    /// No more are counted of one reseller.
    private static let recentMax = 1_000

    /// How many orders a reseller has placed in the last 30 days, up to 1,000. By an index: orders' ids begin with
    /// their time, so that the first recent one is found by its own.
    package func recentOrders(ofReseller id: Int64, book: Book, at now: Timestamp) throws -> Int64 {
        let since = PublicID.beginning("ord", at: now.adding(days: -Self.recentDays))
        return try connection.row(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM orders
                WHERE reseller_id = ?1 AND book = ?2
                    AND id >= (SELECT id FROM orders WHERE public_id >= ?3 ORDER BY public_id LIMIT 1)
                LIMIT ?4)
            """,
            .integer(id), .book(book), .text(since), .int(Self.recentMax)
        ) { try $0.int() } ?? 0
    }
}
