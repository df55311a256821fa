import SQLite

/// A file that follows the node's log (B1). On its lane, outside a transaction, while all of its commits are durable.
extension TenantStore {
    /// Everything that was committed goes into the file, synced; then the log is told that it is there.
    func bringHome() throws {
        guard let sink else { return }
        let lsn = connection.lastLSN
        try giveMemoryBack()
        if connection.isFileUnsynced { try synchronise() }
        guard lsn > broughtHome else { return }
        try sink.mark(upTo: lsn)
        broughtHome = lsn
    }

    private func synchronise() throws {
        do {
            try connection.syncFile()
        } catch {
            hasFailedSync = true
            throw error
        }
    }

    /// What reads have left in memory joins the chain, in a batch of its own, and is durable. Where it throws the
    /// records are in memory again, and the handle is to be thrown away.
    func writeReads() throws {
        if readLog.isEmpty { return }
        do {
            try connection.beginImmediate()
            flushReads()
            try seal()
            try connection.commit()
        } catch {
            try? connection.rollback()
            rolledBack()
            throw error
        }
        let effects = committed()
        do {
            try sink?.wait(for: lastLSN)
        } catch {
            effects?.drop()
            throw error
        }
        effects?.run()
    }

    /// The WAL in memory goes into the file, which is not synced.
    func giveMemoryBack() throws { try connection.checkpoint(.truncate) }
}
