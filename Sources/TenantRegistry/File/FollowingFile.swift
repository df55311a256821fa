import Foundation
import SQLite
import Synchronization

/// What a tenant's file needs before it is opened to follow the node's log (B1). On its lane, while it is closed.
extension NodeLog {
    /// Makes the file what its last durable commit made of it. One that is not this tenant's is left as it lies there.
    func complete(_ path: String, of tenant: TenantID) throws {
        // A handle that was thrown away, or an opening that failed, may have left records on their way.
        let last = locked { $0.tails.tail(of: tenant)?.positions.last?.end ?? 0 }
        if last > durable { try? wait(for: last) }
        try takeOverWAL(path, of: tenant)
        try play(into: path, of: tenant)
    }

    /// A WAL beside the file is from before its commits went to the log: it goes into the file, for good.
    private func takeOverWAL(_ path: String, of tenant: TenantID) throws {
        if DataDirectory.size(of: path + "-wal") ?? 0 > 0, hasRecords(of: tenant) {
            throw TenantFileError.damaged("the log knows nothing of the WAL beside it")
        }
        try FileRecovery.takeInWAL(path, of: tenant)
    }

    /// Puts what the log has behind the file's mark into it; then it is synced, and the mark behind that.
    private func play(into path: String, of tenant: TenantID) throws {
        guard isWhole(tenant) else { throw TenantFileError.damaged("the log has lost commits that it lacks") }
        guard hasRecords(of: tenant) else { return }
        try PackedFile.unpack(path)
        try FileIdentity.check(path, isOf: tenant)
        let replay = try PageReplay(path: path)
        var last: (lsn: UInt64, incarnation: Int64)?
        try forEachRecord(of: tenant, after: mark(of: tenant)) { record in
            // Between two incarnations there is a mark.
            guard record.incarnation == last?.incarnation ?? record.incarnation else {
                throw TenantFileError.damaged("the log has records of another file of its")
            }
            last = (record.lsn, record.incarnation)
            if record.kind == .commit { try replay.apply(record.payload) }
        }
        try replay.finish()
        // Where the log takes no mark they are played once more.
        if let last { _ = try? setMark(tenant, last.lsn) }
    }

    /// Of the tenant's last record behind its mark; 0: there is none.
    func end(of tenant: TenantID) -> UInt64 {
        locked { state in state.tails.tail(of: tenant)?.positions.last?.end ?? 0 }
    }

    /// Waits until everything up to here is durable; throws where it is void.
    func wait(for lsn: UInt64) throws {
        let result = Mutex(LogOutcome.failed)
        let isDone = DispatchSemaphore(value: 0)
        whenDurable(lsn) { outcome in
            result.withLock { $0 = outcome }
            isDone.signal()
        }
        isDone.wait()
        if result.withLock({ $0 }) == .failed { throw LogRefused.failed }
    }
}

extension Connection {
    /// From the next commit on each goes to the log, as one of the file in its present incarnation.
    func beginLogging(to sink: any FileSink) throws {
        sink.incarnation = try row("SELECT incarnation FROM meta WHERE id = 1") { try $0.int() } ?? 0
        try beginLogging()
    }
}
