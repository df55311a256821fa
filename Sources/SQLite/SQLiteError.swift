import CSQLite

/// What SQLite refused: its extended code, its message and the statement. Never holds a bound value.
package struct SQLiteError: Error, Sendable, Equatable, CustomStringConvertible {
    /// How much of a statement is kept, in bytes.
    static let sqlBytesMax = 1000

    /// The extended result code, say 2067 for SQLITE_CONSTRAINT_UNIQUE.
    package let code: Int32
    package let message: String
    package let sql: String

    package init(code: Int32, message: String, sql: String) {
        self.code = code
        self.message = message
        self.sql = String(decoding: sql.utf8.prefix(Self.sqlBytesMax), as: UTF8.self)
    }

    /// The primary result code, say 19 for any SQLITE_CONSTRAINT.
    package var primary: Int32 { code & 0xFF }

    /// The disk or `max_page_count` is full. Whether the transaction has ended too, `isAutocommit` says.
    package var isFull: Bool { primary == SQLITE_FULL }
    package var isIOError: Bool { primary == SQLITE_IOERR }
    package var isNoMemory: Bool { primary == SQLITE_NOMEM }
    /// Somebody else holds the file's lock, or this connection a conflicting one.
    package var isBusy: Bool { primary == SQLITE_BUSY || primary == SQLITE_LOCKED }
    package var isConstraint: Bool { primary == SQLITE_CONSTRAINT }
    /// The machine did not let it happen now, and may later: it says nothing of what the file holds.
    package var isPassing: Bool {
        isFull || isIOError || isNoMemory || isBusy || primary == SQLITE_CANTOPEN
    }
    /// A UNIQUE, PRIMARY KEY or rowid conflict.
    package var isUnique: Bool {
        isConstraint && [6, 8, 10].contains(code >> 8)
    }
    /// RAISE(ABORT, …) in a trigger; `message` is the trigger's text.
    package var isTrigger: Bool { isConstraint && code >> 8 == 7 }
    /// The file is damaged or is no database.
    package var isCorrupt: Bool { primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB }

    package var description: String { "SQLite \(code): \(message) in: \(sql)" }

    /// The error that a connection reports for its last call.
    static func last(_ database: OpaquePointer?, sql: String) -> SQLiteError {
        let code = sqlite3_extended_errcode(database)
        return SQLiteError(code: code, message: String(cString: sqlite3_errmsg(database)), sql: sql)
    }
}
