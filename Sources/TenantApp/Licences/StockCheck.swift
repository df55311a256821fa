import CallKit
import SQLite

/// A licence that has gone went to somebody, once, and at the time that it says (L4).
enum StockCheck {
    static func run(_ file: inout VerifiedFile) throws {
        guard file.version >= Migration0002.version else { return }
        try file.connection.forEach(
            """
            SELECT l.id, l.assigned_at, a.at FROM licence l LEFT JOIN licence_assignment a ON a.licence_id = l.id
            ORDER BY l.id
            """
        ) { row in
            file.report.counts.licences += 1
            let (id, marked, assigned) = (try row.int(), try row.optionalInt(), try row.optionalInt())
            guard marked != assigned else { return true }
            let fault =
                switch (marked, assigned) {
                case (_, nil): "The licence is marked as assigned, and there is no assignment of it."
                case (nil, _): "The licence was assigned, and is marked as if it were in stock."
                default: "The licence is marked as assigned at another time than it was."
                }
            file.report.add(.stock, "licence", id, fault)
            return true
        }
        if file.version >= Migration0022.version { try checkWithdrawals(&file) }
        try file.connection.forEach("SELECT count(*) FROM credit_event") { row in
            file.report.counts.creditEvents = Int(try row.int())
            return true
        }
    }

    /// What was taken out of stock is out of it, and what took its place has its key and its time (O9).
    private static func checkWithdrawals(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT w.id, w.successor_id, l.id, a.id, n.id FROM licence_withdrawal w
            LEFT JOIN licence l ON l.id = w.licence_id LEFT JOIN licence_assignment a ON a.licence_id = w.licence_id
            LEFT JOIN (SELECT id, book, key, expires_at FROM licence
                UNION ALL SELECT licence_id, book, key, expires_at FROM licence_withdrawal) n
                ON n.id = w.successor_id AND n.book = w.book AND n.key = w.key AND n.expires_at = w.expires_at
            ORDER BY w.id
            """
        ) { row in
            let (id, successor) = (try row.int(), try row.optionalInt())
            let (stocked, assigned) = (try row.optionalInt(), try row.optionalInt())
            let found = try row.optionalInt()
            if stocked != nil || assigned != nil {
                file.report.add(
                    .stock, "licence_withdrawal", id, "The licence was taken out, and is in stock or assigned.")
            }
            if successor != found {
                file.report.add(
                    .stock, "licence_withdrawal", id, "The licence that took its place is missing or another.")
            }
            return true
        }
    }
}
