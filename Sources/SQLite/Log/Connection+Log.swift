import CSQLite
import Synchronization

/// A live file whose commits go to a sink. It has no WAL on the disk: SQLite's is in memory.
///
/// Until `beginLogging` commits go nowhere, and what was written is durable after `checkpoint(.truncate)` and
/// `syncFile` alone. `close` drops what no checkpoint has moved: it is in the log.
extension Connection {
    /// From the next commit on each goes to the sink. After `configureLive` and outside a transaction. MISUSE where the
    /// WAL in memory holds anything: `checkpoint(.truncate)` comes first.
    package func beginLogging() throws(SQLiteError) {
        guard let logged, let sink, logged.log.isEmpty, isAutocommit else {
            throw SQLiteError(code: SQLITE_MISUSE, message: "the log cannot begin here", sql: "log")
        }
        logged.begin(sink, pages: UInt32(clamping: try pageCount))
    }

    /// Of the last commit that the sink took; 0: none since the file was opened. Where COMMIT has failed and this has
    /// moved, the commit is in the log.
    package var lastLSN: UInt64 { logged?.lastLSN ?? 0 }

    /// Whether all that was committed is durable as far as a sink says; true without one.
    package var isLogDurable: Bool {
        guard let logged, let sink = logged.sink else { return true }
        return logged.lastLSN <= sink.durable
    }

    /// Whether the WAL is in memory and its commits go to a sink.
    package var isLogInMemory: Bool { logged != nil }

    /// Pages that a checkpoint would move: those in the WAL, each counted once where the WAL is in memory.
    package var pagesToMove: Int { walPages == 0 ? 0 : min(walPages, logged?.log.distinct ?? walPages) }

    /// What the WAL in memory takes, with the pages that are kept beside it. `checkpoint(.truncate)` gives it back.
    package var memoryLogBytes: Int { logged?.log.bytes ?? 0 }

    /// What the WALs of all files take together. Any thread.
    package static var memoryLogBytesOfAll: Int { PagePool.bytesOut.load(ordering: .relaxed) }

    /// Whether the database file was written to since it was opened or `syncFile` last succeeded.
    package var isFileUnsynced: Bool { logged?.isUnsynced ?? false }

    /// Syncs the database file. A sync that fails may have lost what was written, and no later one brings it back: from
    /// then on every call throws, until the file is opened anew, after a replay from its mark.
    package func syncFile() throws(SQLiteError) {
        guard let logged else {
            throw SQLiteError(code: SQLITE_MISUSE, message: "no file whose commits go to a sink", sql: "sync")
        }
        let status = logged.sync()
        guard status == SQLITE_OK else {
            throw SQLiteError(code: status, message: String(cString: sqlite3_errstr(status)), sql: "sync")
        }
    }
}
