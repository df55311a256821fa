package import SQLite
import Synchronization

/// A tenant's file as the log sees it: its commits go in under the tenant's id and the file's incarnation (B1).
///
/// Invariant: once a failure made a commit of this file void, the sink takes no more of it and its `durable` never
/// reaches that commit, whatever becomes of the log: the file behind it is thrown away. One lane appends at a time; any
/// thread asks.
package final class TenantSink: FileSink {
    let log: NodeLog
    let tenant: TenantID
    private let incarnationNow: Atomic<Int64>
    private let last = Atomic<UInt64>(0)

    package init(_ log: NodeLog, tenant: TenantID, incarnation: Int64 = 0) {
        self.log = log
        self.tenant = tenant
        incarnationNow = Atomic(incarnation)
    }

    /// Known once the file has been opened, before its first commit goes in.
    package var incarnation: Int64 {
        get { incarnationNow.load(ordering: .relaxed) }
        set { incarnationNow.store(newValue, ordering: .relaxed) }
    }

    /// LSN of the last commit that went in; 0: none.
    package var lastLSN: UInt64 { last.load(ordering: .acquiring) }

    package func append(_ commit: UnsafeRawBufferPointer) throws(CommitRefused) -> UInt64 {
        do throws(LogRefused) {
            let lsn = try log.append(commit, tenant: tenant, incarnation: incarnation, behind: lastLSN)
            last.store(lsn, ordering: .releasing)
            return lsn
        } catch {
            throw error == .full ? .full : .failed
        }
    }

    /// The file has everything up to here, synced.
    package func mark(upTo lsn: UInt64) throws { _ = try log.setMark(tenant, lsn) }

    package func wait(for lsn: UInt64) throws { try log.wait(for: lsn) }

    package var durable: UInt64 {
        let durable = log.durable
        // After a failure the log's position has moved on over what became void.
        return log.isVoid(lastLSN) ? min(durable, lastLSN - 1) : durable
    }
}
