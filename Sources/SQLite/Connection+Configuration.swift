import CSQLite

/// How a connection is set up for its use (0002).
extension Connection {
    package static let pageBytes = 4096

    /// A live file of this process, before its first use: one exclusive connection, WAL, every commit synced.
    ///
    /// The file is locked when this returns; `isBusy` is thrown where another process has it. `cacheKiB` of pages are
    /// kept in memory; a file grows to at most `pageCountMax` pages (then FULL); a WAL longer than `journalBytesMax` is
    /// cut to it when it starts over, a shorter one keeps its size, so that a commit does not wait for the file to
    /// grow.
    ///
    /// `close` leaves the WAL where it is: a file that turned out not to be what it should be is not changed by having
    /// been opened. `closeEmptyingWAL` is for one that was.
    package func configureLive(
        cacheKiB: Int = 2_048, pageCountMax: Int64? = nil, journalBytesMax: Int64 = 32 << 20
    ) throws(SQLiteError) {
        harden()
        _ = tollgate_sqlite3_db_config_flag(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        // Before the first access: only then does WAL do without shared memory.
        try execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=\(Self.pageBytes)")
        let mode = try text(of: "PRAGMA journal_mode=WAL")
        guard mode == "wal" else {
            throw SQLiteError(code: SQLITE_IOERR, message: "journal mode stays \(mode)", sql: "PRAGMA journal_mode=WAL")
        }
        try execute(
            """
            PRAGMA foreign_keys=ON;
            PRAGMA recursive_triggers=ON;
            PRAGMA temp_store=MEMORY;
            PRAGMA wal_autocheckpoint=0;
            PRAGMA journal_size_limit=\(journalBytesMax);
            PRAGMA cache_size=-\(cacheKiB);
            """)
        try setSpilling(false)
        try setSynchronous(true)
        watchWAL()
        if let pageCountMax { try setMaxPageCount(pageCountMax) }
        // The lock is taken with the first read; a file that is no database shows here too.
        _ = try integer(of: "SELECT count(*) FROM sqlite_schema")
    }

    /// Whether each commit is durable when it returns. Without it a file is good for nothing after a power cut until a
    /// checkpoint with it. Not inside a transaction, and not while commits go to a sink, which would miss them.
    package func setSynchronous(_ isDurable: Bool) throws(SQLiteError) {
        guard isDurable || logged?.sink == nil else {
            throw SQLiteError(code: SQLITE_MISUSE, message: "commits go to a sink", sql: "PRAGMA synchronous")
        }
        try execute("PRAGMA synchronous=\(isDurable ? "FULL" : "OFF")")
    }

    /// Whether a transaction that outgrows the cache writes pages to the WAL before it commits; it takes more memory
    /// where it may not. Only one without savepoints may: where `ROLLBACK TO` takes back pages that were written out
    /// twice, SQLite 3.40.1 leaves the checksums of the commit's frames out, and a kill then loses it and all that
    /// follow it. Not inside a transaction.
    func setSpilling(_ maySpill: Bool) throws(SQLiteError) {
        try execute("PRAGMA cache_spill=\(maySpill ? "ON" : "OFF")")
    }

    /// A new file of this process alone that nobody misses after a crash: it has no journal and is never synced. What
    /// is sorted beyond `cacheKiB` goes to temporary files.
    package func configureScratch(cacheKiB: Int) throws(SQLiteError) {
        harden()
        try execute(
            """
            PRAGMA locking_mode=EXCLUSIVE;
            PRAGMA page_size=\(Self.pageBytes);
            PRAGMA journal_mode=OFF;
            PRAGMA synchronous=OFF;
            PRAGMA cache_size=-\(cacheKiB);
            """)
    }

    /// Ends the use of a live file: its WAL goes into it and away. Where that fails the WAL stays, and the next opening
    /// reads it.
    package func closeEmptyingWAL() {
        if (try? checkpoint(.truncate)) != nil, sink == nil {
            _ = tollgate_sqlite3_db_config_flag(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        }
        close()
    }

    /// A file that came from elsewhere and is only read: nothing in its schema is trusted.
    package func configureForeign() throws(SQLiteError) {
        harden()
        try execute("PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA query_only=ON; PRAGMA cell_size_check=ON")
        _ = try integer(of: "SELECT count(*) FROM sqlite_schema")
    }

    /// Run-time limits: bounds on what a statement or a value may be.
    private static let limits: [(Int32, Int32)] = [
        (SQLITE_LIMIT_LENGTH, 128 << 20), (SQLITE_LIMIT_SQL_LENGTH, 1 << 20), (SQLITE_LIMIT_COLUMN, 200),
        (SQLITE_LIMIT_EXPR_DEPTH, 200), (SQLITE_LIMIT_COMPOUND_SELECT, 100), (SQLITE_LIMIT_FUNCTION_ARG, 64),
        (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000), (SQLITE_LIMIT_VARIABLE_NUMBER, 4000),
        (SQLITE_LIMIT_TRIGGER_DEPTH, 20), (SQLITE_LIMIT_WORKER_THREADS, 0),
        // VACUUM attaches a file of its own.
        (SQLITE_LIMIT_ATTACHED, 1),
    ]

    private func harden() {
        for (option, value) in [
            (SQLITE_DBCONFIG_DEFENSIVE, Int32(1)), (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
            (SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0), (SQLITE_DBCONFIG_DQS_DML, 0), (SQLITE_DBCONFIG_DQS_DDL, 0),
        ] {
            _ = tollgate_sqlite3_db_config_flag(database, option, value)
        }
        for (limit, value) in Self.limits { sqlite3_limit(database, limit, value) }
    }
}

/// What the file says of itself.
extension Connection {
    package var applicationID: Int32 {
        get throws(SQLiteError) { Int32(truncatingIfNeeded: try integer(of: "PRAGMA application_id")) }
    }

    package func setApplicationID(_ value: Int32) throws(SQLiteError) {
        try execute("PRAGMA application_id=\(value)")
    }

    package var userVersion: Int32 {
        get throws(SQLiteError) { Int32(truncatingIfNeeded: try integer(of: "PRAGMA user_version")) }
    }

    /// Part of the transaction that is open.
    package func setUserVersion(_ value: Int32) throws(SQLiteError) {
        try execute("PRAGMA user_version=\(value)")
    }

    /// The file's size in pages, with those of the transaction that is open.
    package var pageCount: Int64 { get throws(SQLiteError) { try integer(of: "PRAGMA page_count") } }

    /// The quota in pages; returns what holds now, which is never less than the file has.
    @discardableResult
    package func setMaxPageCount(_ pages: Int64) throws(SQLiteError) -> Int64 {
        try integer(of: "PRAGMA max_page_count=\(pages)")
    }

    /// What `PRAGMA integrity_check` and `foreign_key_check` complain of, each in a line; empty where all is well.
    /// Reads the whole file. SQLite ignores the CHECKs of a file that it may not write.
    package func integrityCheck() throws(SQLiteError) -> [String] {
        // What it says of pages comes in one text of many lines, below a title.
        var problems = try texts(of: "PRAGMA integrity_check").filter { $0 != "ok" }
            .flatMap { $0.split(separator: "\n") }.filter { !$0.hasPrefix("*** ") }.map(String.init)
        problems += try texts(of: "SELECT 'foreign key of ' || \"table\" FROM pragma_foreign_key_check")
        return problems
    }

    func integer(of sql: String) throws(SQLiteError) -> Int64 { try values(of: sql) { try $0.int() }.first ?? 0 }

    func text(of sql: String) throws(SQLiteError) -> String { try texts(of: sql).first ?? "" }

    func texts(of sql: String) throws(SQLiteError) -> [String] { try values(of: sql) { try $0.text() } }

    private func values<T>(of sql: String, _ read: (inout RowReader) throws -> T) throws(SQLiteError) -> [T] {
        do {
            return try rows(dynamic: sql, read: read)
        } catch let error as SQLiteError {
            throw error
        } catch {
            throw SQLiteError(code: SQLITE_CORRUPT, message: "\(error)", sql: sql)
        }
    }
}
