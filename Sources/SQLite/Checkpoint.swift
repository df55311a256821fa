import CSQLite

package enum CheckpointMode: Sendable {
    /// Copies what it can without waiting; the WAL keeps its size.
    case passive
    /// Copies all and cuts the WAL to nothing: before a file is closed.
    case truncate
}

package struct CheckpointResult: Sendable, Equatable {
    /// Frames in the WAL, and how many of them are in the database file now.
    package let walFrames: Int
    package let checkpointed: Int
}

extension Connection {
    /// Moves the WAL into the database file. Not inside a transaction (`isBusy`), nor while the sink holds a commit
    /// that is not durable yet (`isBusy`): a file must never have what the log may lose.
    @discardableResult
    package func checkpoint(_ mode: CheckpointMode) throws(SQLiteError) -> CheckpointResult {
        guard isLogDurable else {
            throw SQLiteError(code: SQLITE_BUSY, message: "a commit is not durable yet", sql: "checkpoint")
        }
        logged?.isCheckpointing = true
        defer { logged?.isCheckpointing = false }
        var frames: Int32 = 0
        var done: Int32 = 0
        let mode = mode == .passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE
        guard sqlite3_wal_checkpoint_v2(database, "main", mode, &frames, &done) == SQLITE_OK else {
            throw SQLiteError.last(database, sql: "checkpoint")
        }
        // Both are −1 where the file has no WAL.
        let result = CheckpointResult(walFrames: max(0, Int(frames)), checkpointed: max(0, Int(done)))
        walPagesCell.pointee = Int32(clamping: result.walFrames - result.checkpointed)
        return result
    }
}
