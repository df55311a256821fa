import TenantRegistry
import Testing

@testable import SQLite
@testable import TenantApp

/// What tells that a stock runs low (O4).
@Suite struct LowStockTests {
    @Test("U2 O4 whether stock is low is read by indexes: no look grows with the stock", arguments: [true, false])
    func plan(isOfItems: Bool) throws {
        let connection = try Connection(path: ":memory:", flags: [.readWrite, .create])
        defer { connection.close() }
        for migration in TenantSchema.app.migrations { try connection.execute(migration.sql) }
        let reads = isOfItems ? StockReads.items : StockReads.licences
        let table = isOfItems ? "stock_item" : "licence"
        for statement in [reads.next, reads.sold, reads.free] {
            let text = statement.text.string
            let bound = Set(text.split(separator: "?").dropFirst().map { $0.prefix { $0.isNumber } }).count
            let plan = try connection.rows(
                dynamic: "EXPLAIN QUERY PLAN \(text)", [SQLValue](repeating: .integer(1), count: bound)
            ) { row in
                row.skip(3)
                return try row.text()
            }
            #expect(plan.contains { $0.hasPrefix("SEARCH \(table) USING") && $0.contains("product_id") }, "\(plan)")
            #expect(!plan.contains { $0.hasPrefix("SCAN \(table)") || $0.hasPrefix("SCAN r") }, "\(plan)")
        }
    }
}
