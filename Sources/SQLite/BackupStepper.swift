import CSQLite

/// A copy of a live file, made in small steps between which its connection goes on writing. Runs on that connection's
/// thread and must end before it closes.
///
/// Invariant: the copy is whole only once `step` has returned `.done`; then it is one file in `journal_mode=DELETE`,
/// closed. Until then its content means nothing and the caller removes it. It is not synced, and no journal guards it:
/// copies are read and sent on, and none outlives the process. Who keeps one syncs it.
package final class BackupStepper {
    package enum Progress: Sendable, Equatable {
        /// Pages still to copy. It rises where the copy had to start again, which a rolled-back transaction causes.
        case more(remaining: Int)
        case done
    }

    package let destinationPath: String
    private let source: Connection
    private let destination: Connection
    private var backup: OpaquePointer?
    private var isDone = false

    /// The destination must not exist or be empty. Throws `isFull` where it is not.
    package init(source: Connection, destinationPath: String) throws(SQLiteError) {
        self.source = source
        self.destinationPath = destinationPath
        destination = try Connection(path: destinationPath, flags: [.readWrite, .create])
        guard try destination.pageCount == 0 else {
            throw SQLiteError(code: SQLITE_FULL, message: "the destination is not empty", sql: "backup")
        }
        for pragma in ["synchronous=OFF", "journal_mode=OFF"] { try destination.execute("PRAGMA \(pragma)") }
        backup = sqlite3_backup_init(destination.database, "main", source.database, "main")
        guard backup != nil else { throw SQLiteError.last(destination.database, sql: "backup") }
    }

    deinit { close() }

    /// Copies at most `pages` pages; the last step closes the copy. `isBusy` inside the source's write transaction:
    /// step again after it.
    package func step(pages: Int32) throws(SQLiteError) -> Progress {
        if isDone { return .done }
        let status = sqlite3_backup_step(backup, pages)
        switch status {
        case SQLITE_OK: return .more(remaining: Int(sqlite3_backup_remaining(backup)))
        case SQLITE_DONE:
            try finish()
            return .done
        default:
            throw SQLiteError(code: status, message: String(cString: sqlite3_errstr(status)), sql: "backup")
        }
    }

    /// Ends the copy, finished or not. A second call does nothing.
    package func close() {
        sqlite3_backup_finish(backup)
        backup = nil
        destination.close()
    }

    private func finish() throws(SQLiteError) {
        let status = sqlite3_backup_finish(backup)
        backup = nil
        guard status == SQLITE_OK else {
            throw SQLiteError(code: status, message: String(cString: sqlite3_errstr(status)), sql: "backup")
        }
        // The copy's header says WAL, as the live file's does; a file that travels must be one file.
        let mode = try destination.text(of: "PRAGMA journal_mode=DELETE")
        guard mode == "delete" else {
            throw SQLiteError(code: SQLITE_IOERR, message: "journal mode stays \(mode)", sql: "backup")
        }
        destination.close()
        isDone = true
    }
}

extension Connection {
    /// Starts a copy of this file.
    package func backup(to path: String) throws(SQLiteError) -> BackupStepper {
        try BackupStepper(source: self, destinationPath: path)
    }
}
