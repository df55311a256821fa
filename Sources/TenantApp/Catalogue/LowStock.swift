import CallKit
import SQLite
import TenantRegistry

/// What is sold faster than it can last: licences and items of which less is left than two weeks take (O4, O9).
struct LowStock: Sendable {
    let kind: StockLevel.Kind
    let sku: String
    let daysLeft: Int64
    /// More was sold than is counted: it lasts shorter than that.
    let isFaster: Bool

    var note: String {
        if isFaster { return "less than \(daysLeft + 1) days left" }
        return "\(daysLeft) \(daysLeft == 1 ? "day" : "days") left"
    }
}

extension StockLevel {
    /// Less than this is low.
    static let daysLow: Int64 = 14
}

extension AttentionSource {
    /// Of the live book. A whole stock is counted in steps; this is one look, so that of each product no more rows are
    /// read than tell whether it is low.
    static let lowStock = AttentionSource(kind: "stock_low") { tenant in
        let low = try tenant.lowStock().sorted { ($0.daysLeft, $0.sku) < ($1.daysLeft, $1.sku) }
        guard let first = low.first else { return nil }
        let isOfOne = low.allSatisfy { $0.kind == first.kind }
        return AttentionLine(
            kind: "stock_low", count: low.count,
            items: low.prefix(itemsMax).map { stock in
                AttentionItem(object: stock.sku, note: stock.note)
            },
            link: "/api/admin/stock" + (isOfOne ? "?kind=\(first.kind.rawValue)" : ""))
    }
}

extension TenantReader {
    /// No more of what was sold in 30 days is counted: of a product that sells more, what is left is low where two
    /// weeks of so many would use it up.
    static let soldCountedMax: Int64 = 1_000
    /// So many rows are read of each kind of stock: some milliseconds of a lane.
    static let lowStockRowsMax: Int64 = 5_000
    /// What a statement costs, in rows.
    private static let lowStockSeekRows: Int64 = 10

    /// The products that sell, by an index of what was sold, until as many rows were read as one look may read.
    func lowStock() throws -> [LowStock] {
        var found: [LowStock] = []
        let stocks: [(StockLevel.Kind, StockReads)] = [(.items, .items), (.licences, .licences)]
        let since = now.adding(days: -StockLevel.recentDays)
        for (kind, reads) in stocks {
            var (product, rows): (Int64, Int64) = (0, 0)
            while rows < Self.lowStockRowsMax, let next = try nextSold(behind: product, reads) {
                product = next
                let sold = try count(reads.sold, of: product, since: since, Self.soldCountedMax)
                // `free * 30 / sold` days are left, in whole ones.
                let enough = (StockLevel.daysLow * sold + StockLevel.recentDays - 1) / StockLevel.recentDays
                rows += sold + 2 * Self.lowStockSeekRows
                guard sold > 0 else { continue }
                let free = try count(reads.free, of: product, since: now, enough)
                // Of licences so many may have been looked at.
                rows += Self.lowStockSeekRows + (kind == .licences ? 4 * enough : free)
                guard free < enough, let sku = try self.product(id: product)?.sku else { continue }
                found.append(
                    LowStock(
                        kind: kind, sku: sku, daysLeft: free * StockLevel.recentDays / sold,
                        isFaster: sold == Self.soldCountedMax))
            }
        }
        return found
    }

    private func nextSold(behind product: Int64, _ reads: StockReads) throws -> Int64? {
        try connection.row(reads.next, .book(.live), .integer(product)) { try $0.int() }
    }

    private func count(_ read: Statement, of product: Int64, since: Timestamp, _ most: Int64) throws -> Int64 {
        try connection.row(read, .book(.live), .integer(product), .time(since), .integer(most)) { try $0.int() } ?? 0
    }
}

/// The reads of one kind of stock, each by an index of `Migration0032` or of the stock itself.
struct StockReads: Sendable {
    let next: Statement
    let sold: Statement
    let free: Statement

    /// `index`: of a table's rows that were sold, by the time that `column` has.
    private init(of table: String, by index: String, _ column: String, free: Statement) {
        next = Statement(
            """
            SELECT product_id FROM \(table) INDEXED BY \(index)
            WHERE book = ?1 AND product_id > ?2 AND \(column) IS NOT NULL ORDER BY product_id LIMIT 1
            """)
        sold = Statement(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM \(table) INDEXED BY \(index)
                WHERE book = ?1 AND product_id = ?2 AND \(column) >= ?3 LIMIT ?4)
            """)
        self.free = free
    }

    static let items = StockReads(
        of: "stock_item", by: "stock_item_sold", "sold_at",
        free: Statement(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM stock_item INDEXED BY stock_item_free
                WHERE book = ?1 AND product_id = ?2 AND sold_at IS NULL AND withdrawn_at IS NULL AND ?3 > 0 LIMIT ?4)
            """))

    /// What resellers who are terminated have left is for nobody. Where there is so much that it hides the rest,
    /// nothing is called low.
    static let licences = StockReads(
        of: "licence", by: "licence_assigned", "assigned_at",
        free: Statement(
            """
            SELECT iif(count(*) = 4 * ?4, ?4, count(*) FILTER (WHERE r.state <> 3)) FROM (
                SELECT reseller_id FROM licence INDEXED BY licence_free
                WHERE book = ?1 AND product_id = ?2 AND assigned_at IS NULL AND expires_at > ?3 LIMIT 4 * ?4) l
            CROSS JOIN reseller r ON r.id = l.reseller_id
            """))
}
