import CallKit
import SQLite
package import TenantRegistry

/// Ports end at their time, asked for or not (X5).
package struct DuePorts: DueWork {
    package let kind = DueKind.port

    package init() {}

    private static let nextEnd = Statement(
        """
        SELECT min(expires_at) FROM port
        WHERE book = ?1 AND state = 'active' AND id NOT IN (SELECT value FROM json_each(?2))
        """)

    package func next(_ tenant: TenantReader) throws -> Timestamp? {
        try tenant.memory.unreadablePorts.next(kind, now: tenant.now) { putOff in
            try Book.allCases.compactMap { book in
                try tenant.connection.row(Self.nextEnd, .book(book), .text(putOff)) { try $0.optionalTime() } ?? nil
            }.min()
        }
    }

    package func run(_ tenant: TenantTransaction, limit: Int) throws -> Int {
        var count = 0
        for book in Book.allCases where count < limit {
            for port in try ExpirePorts(book: book, customerID: nil, limit: limit - count).run(tenant) {
                var detail = AuditDetail()
                detail.note("port", port.publicID)
                tenant.noteClockwork("port.expired", resellerID: port.resellerID, book: book, detail)
                count += 1
            }
        }
        if count == 0 { tenant.memory.unreadablePorts.rest(kind, now: tenant.now) }
        return count
    }

    private static let coming = Statement(
        """
        SELECT p.expires_at, p.id, p.public_id, r.public_id
        FROM port p CROSS JOIN reseller r ON r.id = p.reseller_id
        WHERE p.book = ?1 AND p.state = 'active' AND p.expires_at >= ?2 AND (p.expires_at > ?2 OR p.id > ?3)
            AND p.expires_at <= ?4 AND (?5 IS NULL OR p.reseller_id = ?5)
        ORDER BY p.expires_at, p.id LIMIT ?6
        """)

    package func coming(_ tenant: TenantReader, _ page: DuePage) throws -> [DueItem] {
        let items = try Book.allCases.flatMap { book in
            try tenant.connection.rows(
                Self.coming, .book(book), .time(page.after.at), .integer(page.after.id), .time(page.until),
                .optional(page.resellerID), .int(page.limit)
            ) { row in
                DueItem(
                    kind: kind, at: try row.time(), id: try row.int(), object: try row.text(),
                    resellerPublicID: try row.text(), book: book)
            }
        }
        return Array(items.sorted { ($0.at, $0.id) < ($1.at, $1.id) }.prefix(page.limit))
    }
}
