import CallKit
import SQLite
import TenantRegistry

/// How much of each product there is to be sold: licences, items, slots of ports (O4, O9).
struct StockLevel: Sendable {
    enum Kind: String, Sendable, CaseIterable, AnswerValue {
        case licences
        case items
        case ports
    }

    let kind: Kind
    /// A SKU; of ports the country's id.
    let name: String
    /// To be sold now, to resellers that are not terminated.
    var free: Int64 = 0
    /// Past their time before somebody had them; none but of licences.
    var expired: Int64 = 0
    /// Assigned, sold, or in use.
    var used: Int64 = 0
    var withdrawn: Int64 = 0
    /// Of those, in the last 30 days; ports come back, so it says nothing of them.
    var recent: Int64 = 0

    static let recentDays: Int64 = 30

    /// How long the rest lasts if it goes on like that; nil where nothing goes.
    var daysLeft: Int64? { recent > 0 && kind != .ports ? free * Self.recentDays / recent : nil }

    var isNothing: Bool { free + expired + used + withdrawn == 0 }

    mutating func add(_ other: StockLevel) {
        free += other.free
        expired += other.expired
        used += other.used
        withdrawn += other.withdrawn
        recent += other.recent
    }
}

extension TenantReader {
    /// The next rows of a stock by what they are of, and the last one; nil at the end.
    func stock(
        _ kind: StockLevel.Kind, _ book: Book, after place: Int64, rowsMax: Int
    ) throws -> ([StockLevel], last: Int64?) {
        let since = now.adding(days: -StockLevel.recentDays)
        // Of each row: its id, what it is of, and which of the five counts it is in.
        let rows =
            switch kind {
            case .licences:
                // No two licences have one id, those that were withdrawn neither. What was given to somebody else is
                // counted there, and what a terminated reseller has left is for nobody.
                """
                SELECT * FROM (
                    SELECT l.id, p.sku, l.assigned_at IS NULL AND l.expires_at > ?4 AND r.state <> 3 AS free,
                        l.assigned_at IS NULL AND l.expires_at <= ?4 AS expired, l.assigned_at IS NOT NULL AS used,
                        0 AS withdrawn, coalesce(l.assigned_at >= ?5, 0) AS recent, l.book
                    FROM licence l CROSS JOIN product p ON p.id = l.product_id
                        CROSS JOIN reseller r ON r.id = l.reseller_id
                    WHERE l.id > ?1 ORDER BY l.id LIMIT ?3)
                UNION ALL
                SELECT * FROM (
                    SELECT w.licence_id, p.sku, 0, 0, 0, 1, 0, w.book
                    FROM licence_withdrawal w CROSS JOIN product p ON p.id = w.product_id
                    WHERE w.licence_id > ?1 AND w.successor_id IS NULL ORDER BY w.licence_id LIMIT ?3)
                ORDER BY id LIMIT ?3
                """
            case .items:
                """
                SELECT i.id, p.sku, i.sold_at IS NULL AND i.withdrawn_at IS NULL AND ?4 > 0 AS free, 0 AS expired,
                    i.sold_at IS NOT NULL AS used, i.withdrawn_at IS NOT NULL AS withdrawn,
                    coalesce(i.sold_at >= ?5, 0) AS recent, i.book
                FROM stock_item i CROSS JOIN product p ON p.id = i.product_id WHERE i.id > ?1 ORDER BY i.id LIMIT ?3
                """
            case .ports:
                """
                SELECT s.id, c.public_id AS sku,
                    s.port_id IS NULL AND s.withdrawn_at IS NULL AND d.withdrawn_at IS NULL AND ?4 > 0 AS free,
                    0 AS expired, s.port_id IS NOT NULL AS used,
                    s.port_id IS NULL AND (s.withdrawn_at IS NOT NULL OR d.withdrawn_at IS NOT NULL) AS withdrawn,
                    ?5 < 0 AS recent, s.book
                FROM port_slot s CROSS JOIN port_device d ON d.id = s.device_id
                    CROSS JOIN port_country c ON c.id = d.country_id WHERE s.id > ?1 ORDER BY s.id LIMIT ?3
                """
            }
        var (counted, last): (Int64, Int64) = (0, place)
        let levels = try connection.rows(
            dynamic: """
                SELECT sku, sum(free AND book = ?2), sum(expired AND book = ?2), sum(used AND book = ?2),
                    sum(withdrawn AND book = ?2), sum(recent AND book = ?2), count(*), max(id)
                FROM (\(rows)) GROUP BY sku
                """,
            [.integer(place), .book(book), .int(rowsMax), .time(now), .time(since)]
        ) { row -> StockLevel in
            var level = StockLevel(kind: kind, name: try row.text())
            level.free = try row.int()
            level.expired = try row.int()
            level.used = try row.int()
            level.withdrawn = try row.int()
            level.recent = try row.int()
            counted += try row.int()
            last = max(last, try row.int())
            return level
        }
        return (levels, counted < Int64(rowsMax) ? nil : last)
    }
}
