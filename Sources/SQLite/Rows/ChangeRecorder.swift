import CSQLite

/// Notes which rows of some tables change on a connection, whoever changes them, and gives what they became: to be
/// applied to a copy of the file, in the order in which it was given. It is about rows with a primary key.
///
/// On the connection's thread, and closed before the connection is.
package final class ChangeRecorder {
    private let connection: Connection
    private let tables: [String]
    private var session: OpaquePointer?

    package init(_ connection: Connection, tables: [String]) throws(SQLiteError) {
        self.connection = connection
        self.tables = tables
        session = try begin()
    }

    deinit { close() }

    /// A second call does nothing.
    package func close() {
        guard let session else { return }
        sqlite3session_delete(session)
        self.session = nil
    }

    private func begin() throws(SQLiteError) -> OpaquePointer? {
        var session: OpaquePointer?
        var status = sqlite3session_create(connection.database, "main", &session)
        for table in tables where status == SQLITE_OK { status = sqlite3session_attach(session, table) }
        guard status == SQLITE_OK else {
            if let session { sqlite3session_delete(session) }
            throw SQLiteError(code: status, message: String(cString: sqlite3_errstr(status)), sql: "session")
        }
        return session
    }

    /// What changed since the last call, or since the beginning; empty: nothing. Outside a transaction.
    package func take() throws(SQLiteError) -> [UInt8] {
        if sqlite3session_isempty(session) != 0 { return [] }
        var count: Int32 = 0
        var bytes: UnsafeMutableRawPointer?
        let status = sqlite3session_patchset(session, &count, &bytes)
        defer { sqlite3_free(bytes) }
        guard status == SQLITE_OK else {
            throw SQLiteError(code: status, message: String(cString: sqlite3_errstr(status)), sql: "patchset")
        }
        let next = try begin()
        sqlite3session_delete(session)
        session = next
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    }
}

extension Connection {
    /// Tables with a primary key, but those named.
    package func tables(without others: Set<String>) throws -> [String] {
        try rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name") {
            try $0.text()
        }.filter { !others.contains($0) }
    }

    /// Applies what a `ChangeRecorder` gave, to a copy from then or from a little later: a row becomes what it became.
    /// No trigger fires: what triggers did was recorded, and a row that is there already may be put again where nobody
    /// may change it.
    package func apply(changes: [UInt8]) throws(SQLiteError) {
        _ = tollgate_sqlite3_db_config_flag(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        defer { _ = tollgate_sqlite3_db_config_flag(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1) }
        var bytes = changes
        let status = bytes.withUnsafeMutableBytes { buffer in
            sqlite3changeset_apply(
                database, Int32(buffer.count), buffer.baseAddress, nil,
                { _, conflict, _ in
                    switch conflict {
                    case SQLITE_CHANGESET_DATA, SQLITE_CHANGESET_CONFLICT: SQLITE_CHANGESET_REPLACE
                    default: SQLITE_CHANGESET_OMIT
                    }
                }, nil)
        }
        // Not what the connection says last: it knows nothing of changes that cannot be read.
        guard status == SQLITE_OK else {
            throw SQLiteError(code: status, message: String(cString: sqlite3_errstr(status)), sql: "changes")
        }
    }
}
