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
        try file.connection.forEach("SELECT count(*) FROM credit_event") { row in
            file.report.counts.creditEvents = Int(try row.int())
            return true
        }
    }
}
