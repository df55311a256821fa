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

    /// The WAL in memory goes into the file, which is not synced.
    func giveMemoryBack() throws { try connection.checkpoint(.truncate) }
}
