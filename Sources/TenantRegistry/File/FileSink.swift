package import SQLite

/// Where the commits of one tenant's open file go, as the file's store sees it: to the node's log (B1), or to the log
/// that the nodes of a cluster share (N2).
package protocol FileSink: CommitSink, LaneLog {
    /// Of the file; known once it has been opened, before its first commit goes in.
    var incarnation: Int64 { get set }
    /// The file has everything up to here, synced. On its lane.
    func mark(upTo lsn: UInt64) throws
    /// Waits until everything up to here is durable; throws where it is lost.
    func wait(for lsn: UInt64) throws
}
