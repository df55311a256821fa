/// Where the commits of a live file go instead of a WAL on the disk. Any thread; called by COMMIT, on the thread that
/// has the connection.
package protocol CommitSink: AnyObject, Sendable {
    /// Whether commits come packed (`PackedCommit`), or as `PageRuns` writes them.
    var takesPacked: Bool { get }

    /// Takes one whole commit over and returns the LSN of its end. Where it throws, nothing of the commit is kept, and
    /// SQLite's COMMIT fails.
    func append(_ commit: UnsafeRawBufferPointer) throws(CommitRefused) -> UInt64

    /// The LSN up to which everything is durable.
    var durable: UInt64 { get }
}

extension CommitSink {
    package var takesPacked: Bool { true }
}

/// A sink takes no commit: COMMIT then fails with FULL or with IOERR_FSYNC.
package enum CommitRefused: Error, Sendable {
    case full, failed
}
