import CallKit
import SQLite
package import TenantRegistry

/// Deliveries of a filter that were sent again together (H4): who asked, and how far they are.
package struct Replay: Sendable {
    package let id: Int64
    package let publicID: String
    package let book: Book
    package let resellerID: Int64?
    package let resellerPublicID: String?
    /// As it was asked for, as JSON.
    package let filter: String
    package let at: Timestamp
    package let finishedAt: Timestamp?
    package let count: Int64
    /// Who asked, by e-mail address.
    package let by: String?

    static let columns = Columns<Replay>(
        "y.id", "y.public_id", "y.book", "y.reseller_id", "r.public_id", "y.filter", "y.at", "y.finished_at", "y.count",
        "a.email")
    static let tables = """
        replay y LEFT JOIN reseller r ON r.id = y.reseller_id LEFT JOIN account a ON a.id = y.account_id
        """
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM \(tables) WHERE y.public_id = ?1")
    fileprivate static let page = Statement(
        "SELECT \(columns) FROM \(tables) WHERE y.book = ?1 AND y.id < ?2 ORDER BY y.id DESC LIMIT ?3")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        book = try row.value()
        resellerID = try row.optionalInt()
        resellerPublicID = try row.optionalText()
        filter = try row.text()
        at = try row.time()
        finishedAt = try row.optionalTime()
        count = try row.int()
        by = try row.optionalText()
    }
}

/// How far the deliveries of a replay are.
package struct ReplayProgress: Sendable, Equatable {
    package enum Outcome: String, Sendable, CaseIterable {
        /// Not tried yet.
        case waiting
        /// It failed, and is tried again.
        case failing
        case delivered
        /// It failed for good.
        case dead
        case held
        case dropped
        /// A later replay has it now.
        case superseded
    }

    private var counts: [Outcome: Int64] = [:]

    package subscript(_ outcome: Outcome) -> Int64 { counts[outcome] ?? 0 }

    fileprivate mutating func take(_ outcome: Outcome, _ count: Int64) { counts[outcome] = count }
}

extension TenantReader {
    package func replay(publicID: String) throws -> Replay? {
        try connection.row(Replay.byPublicID, .text(publicID), read: Replay.init)
    }

    /// Newest first, before replay `id`.
    package func replays(book: Book, before id: Int64, limit: Int) throws -> [Replay] {
        try connection.rows(Replay.page, .book(book), .integer(id), .int(limit), read: Replay.init)
    }

    package func progress(ofReplay id: Int64) throws -> ReplayProgress {
        var progress = ReplayProgress()
        try connection.forEach("SELECT outcome, count FROM replay_count WHERE replay_id = ?1", .integer(id)) { row in
            progress.take(try row.value(), try row.int())
            return true
        }
        return progress
    }
}

extension TenantTransaction {
    /// Returns its row's id and its public one.
    package func insertReplay(
        of filter: DeliveryFilter, asked: String, keyID: Int64, accountID: Int64
    ) throws -> (id: Int64, publicID: String) {
        let publicID = newPublicID("rpl")
        try connection.run(
            """
            INSERT INTO replay (public_id, book, reseller_id, filter, at, key_id, account_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """,
            .text(publicID), .book(filter.book), .optional(filter.resellerID), .text(asked), .time(now),
            .integer(keyID), .integer(accountID))
        return (connection.lastInsertedRowID, publicID)
    }

    package func addToReplay(_ id: Int64, _ count: Int) throws {
        try connection.run("UPDATE replay SET count = count + ?2 WHERE id = ?1", .integer(id), .int(count))
    }

    package func finishReplay(_ id: Int64) throws {
        try connection.run("UPDATE replay SET finished_at = ?2 WHERE id = ?1", .integer(id), .time(now))
    }

    /// They are kept as long as the deliveries that somebody may still look for.
    package func purgeReplays(limit: Int) throws {
        let old = "SELECT id FROM replay WHERE at <= ?1 ORDER BY id LIMIT ?2"
        let values: [SQLValue] = [.time(now.adding(days: -Self.deadDeliveriesKeptDays)), .int(limit)]
        try connection.run(dynamic: "DELETE FROM replay_count WHERE replay_id IN (\(old))", values)
        try connection.run(dynamic: "DELETE FROM replay WHERE id IN (\(old))", values)
    }
}
