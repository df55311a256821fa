import CSQLite

/// One open SQLite file, opened without SQLite's own mutex: it has one owner at a time and is not Sendable.
///
/// Invariant: between calls no statement is running and none has bindings, whatever was thrown.
package final class Connection {
    /// Statements kept prepared: those named by a literal, and those built as text.
    package static let cachedStatementsMax = 192
    package static let cachedDynamicStatementsMax = 32

    package let path: String
    @exclusivity(unchecked) private(set) var database: OpaquePointer?
    // Nothing here is in use while another statement is taken or bound; looked at several times a statement.
    @exclusivity(unchecked) var literals = StatementCache<UnsafePointer<UInt8>>(capacity: cachedStatementsMax)
    @exclusivity(unchecked) var recent = RecentStatements()
    var texts = StatementCache<String>(capacity: cachedDynamicStatementsMax)
    @exclusivity(unchecked) var area = BindingArea()
    var operation = OperationStart()
    /// Filled by SQLite's hook after each commit and by checkpoints, on the connection's thread.
    let walPagesCell = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    /// Where commits go, and the file as they are taken from it; nil: they go to a WAL on the disk.
    let sink: (any CommitSink)?
    private(set) var logged: LoggedFile?

    /// Opens a file; `flags` say whether it may be made. Nothing is read yet: a file that is no database shows at first
    /// use. With a sink its commits go there, from `beginLogging` on.
    package init(
        path: String, flags: OpenFlags = [.readWrite, .create], sink: (any CommitSink)? = nil
    ) throws(SQLiteError) {
        self.path = path
        self.sink = sink
        walPagesCell.initialize(to: 0)
        let vfs = sink == nil ? Library.vfs : Library.loggingVFS
        let status = sqlite3_open_v2(
            flags.name(of: path), &database, flags.rawValue | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs)
        guard status == SQLITE_OK else {
            let error = SQLiteError.last(database, sql: "open")
            sqlite3_close(database)
            database = nil
            throw error
        }
        if sink != nil { logged = LoggedFile.opened(by: database) }
    }

    deinit {
        close()
        walPagesCell.deallocate()
    }

    /// After `PRAGMA wal_autocheckpoint`, which takes any hook away.
    func watchWAL() {
        let hook: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafePointer<CChar>?, Int32) -> Int32 = {
            cell, _, _, pages in
            cell?.assumingMemoryBound(to: Int32.self).pointee = pages
            return SQLITE_OK
        }
        sqlite3_wal_hook(database, hook, walPagesCell)
    }

    /// Pages in the WAL that no checkpoint has moved yet; one is due when they are many.
    package var walPages: Int { Int(walPagesCell.pointee) }

    /// Finalises every statement and closes the file; a second call does nothing. An open transaction is rolled back.
    package func close() {
        guard let database else { return }
        forgetStatements()
        // While a backup or a statement still reads from here, the file closes when that one ends.
        sqlite3_close_v2(database)
        self.database = nil
        logged = nil
    }

    /// Gives back the memory of what is kept for a next use: prepared statements and pages that nobody has changed.
    package func dropCaches() {
        forgetStatements()
        sqlite3_db_release_memory(database)
    }

    private func forgetStatements() {
        recent.removeAll()
        literals.removeAll()
        texts.removeAll()
    }

    /// Rows that the last INSERT, UPDATE or DELETE changed, without those of triggers and foreign keys.
    package var changes: Int { Int(sqlite3_changes64(database)) }

    /// Rows that all INSERTs, UPDATEs and DELETEs so far have changed, with those of triggers; it never falls. The same
    /// number twice in one transaction: nothing was written between.
    package var totalChanges: Int64 { sqlite3_total_changes64(database) }

    package var lastInsertedRowID: Int64 { sqlite3_last_insert_rowid(database) }

    /// False inside a transaction. Look at it after every failed write: FULL, IOERR, NOMEM and an interrupt may have
    /// ended the whole transaction.
    package var isAutocommit: Bool { database == nil || sqlite3_get_autocommit(database) != 0 }

    /// Statements in the cache, for tests and metrics.
    package var cachedStatementCount: Int { literals.count + texts.count }

    /// Runs one or many statements without parameters and drops their rows. Statements before a failing one have run.
    package func execute(_ sql: String) throws(SQLiteError) {
        var sql = sql
        let failure: SQLiteError? = sql.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                var rest = UnsafePointer(bytes.baseAddress)
                let end = bytes.baseAddress.map { $0 + bytes.count }
                while let start = rest, let end, start < end {
                    var statement: OpaquePointer?
                    let count = Int32(end - start)
                    guard sqlite3_prepare_v3(database, start, count, 0, &statement, &rest) == SQLITE_OK else {
                        return .last(database, sql: Self.text(from: start, to: end))
                    }
                    defer { sqlite3_finalize(statement) }
                    guard let statement else {
                        // A comment or white space moves on; SQLite sees the end of all text in a NUL.
                        if rest != start { continue }
                        return SQLiteError(code: SQLITE_MISUSE, message: "NUL in a statement", sql: "")
                    }
                    var status = sqlite3_step(statement)
                    while status == SQLITE_ROW { status = sqlite3_step(statement) }
                    if status != SQLITE_DONE { return .last(database, sql: Self.text(from: start, to: rest ?? end)) }
                }
                return nil
            }
        }
        if let failure { throw failure }
    }

    private static func text(from start: UnsafePointer<CChar>, to end: UnsafePointer<CChar>) -> String {
        let bytes = UnsafeRawBufferPointer(start: start, count: end - start)
        return String(decoding: bytes, as: UTF8.self)
    }
}
