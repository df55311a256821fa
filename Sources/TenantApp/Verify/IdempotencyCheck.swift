import CallKit
import HTTPCore
import SQLite
import TenantRegistry

/// A key buys once: each order with a key has its stored answer, which names it, and no other order has that key while
/// the answer is kept (G4).
enum IdempotencyCheck {
    static func run(_ file: inout VerifiedFile) throws {
        try checkOrders(&file)
        try checkRepeats(&file)
        try checkAnswers(&file)
    }

    /// Answers of orders younger than the time for which they are kept.
    private static func checkOrders(_ file: inout VerifiedFile) throws {
        let oldest = file.endsAt.adding(days: -TenantReader.idempotencyDays)
        try file.connection.forEach(
            """
            SELECT o.id, o.public_id, i.status, i.body
            FROM orders o LEFT JOIN idempotency i
                ON i.reseller_id = o.reseller_id AND i.book = o.book AND i.key = o.idempotency_key
            WHERE o.idempotency_key IS NOT NULL AND o.created_at > ?1 ORDER BY o.id
            """,
            .time(oldest)
        ) { row in
            let (id, publicID) = (try row.int(), try row.text())
            guard !row.isNextNull else {
                file.report.add(
                    .idempotency, "orders", id,
                    "The order was placed with a key, and its stored answer is missing: a retry would buy again.")
                return true
            }
            let status = try row.int()
            if status != 201 {
                file.report.add(
                    .idempotency, "orders", id, "The answer stored for its key has status \(status), not 201.")
            } else if try !row.withBlob({ contains(publicID, in: $0) }) {
                file.report.add(
                    .idempotency, "orders", id, "The answer stored for its key does not name \(publicID).")
            }
            return true
        }
    }

    private static func contains(_ id: String, in body: UnsafeRawBufferPointer) -> Bool {
        let wanted = Array("\"\(id)\"".utf8)
        guard body.count >= wanted.count else { return false }
        return (0...body.count - wanted.count).contains { start in
            body[start] == wanted[0] && body[start..<start + wanted.count].elementsEqual(wanted)
        }
    }

    /// Sorted by SQLite, on disk where it is much.
    private static func checkRepeats(_ file: inout VerifiedFile) throws {
        var last: (reseller: Int64, book: Int64, key: String, id: Int64, at: Timestamp)?
        try file.connection.forEach(
            """
            SELECT reseller_id, book, idempotency_key, id, created_at FROM orders
            WHERE idempotency_key IS NOT NULL ORDER BY reseller_id, book, idempotency_key, id
            """
        ) { row in
            let this = try (row.int(), row.int(), row.text(), row.int(), row.time())
            if let last, last.reseller == this.0, last.book == this.1, last.key == this.2,
                this.4 < last.at.adding(days: TenantReader.idempotencyDays)
            {
                file.report.add(
                    .idempotency, "orders", this.3,
                    "The order has the same key as order \(last.id): one call bought twice.")
            }
            last = this
            return true
        }
    }

    /// Stored answers that say an order was made name one that there is.
    private static func checkAnswers(_ file: inout VerifiedFile) throws {
        try file.connection.forEach("SELECT reseller_id, book, key, status, body FROM idempotency") { row in
            file.report.counts.storedAnswers += 1
            let (reseller, book, key) = (try row.int(), try row.int(), try row.text())
            guard try row.int() == 201, let answer = try? JSON.parse(try row.blob()),
                case .string(let publicID) = answer["order"]?["id"]
            else { return true }
            let exists = try file.connection.exists(
                "SELECT 1 FROM orders WHERE public_id = ?1 AND reseller_id = ?2 AND book = ?3 AND idempotency_key = ?4",
                .text(publicID), .integer(reseller), .integer(book), .text(key))
            if !exists {
                file.report.add(
                    .idempotency, "idempotency", nil,
                    "The answer stored for reseller \(reseller) and the key \(key) names the order \(publicID), which there is not."
                )
            }
            return true
        }
    }
}
