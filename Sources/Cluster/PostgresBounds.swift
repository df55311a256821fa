import TenantRegistry

/// What is bounded, and by how much.
enum PostgresBounds {
    /// Version 13 has transaction ids of 64 bits.
    static let serverVersionMin: Int64 = 130_000
    /// For one host, from the first byte to the proof.
    static let connectNanoseconds: UInt64 = 1_000_000_000
    /// Until an append whose answer did not come is settled.
    static let answerNanoseconds: UInt64 = 2_000_000_000
    /// An append's may come so much later for each byte: 8 MB a second. What a large import made is tens of them.
    static let answerNanosecondsPerByte: UInt64 = 125
    /// Until what is not settled stays unknown.
    static let settleNanoseconds: UInt64 = 2_000_000_000
    /// For what a node asks that no caller waits for: joining, snapshots' parts, what is read.
    static let patientNanoseconds: UInt64 = 15_000_000_000
    /// Between two attempts to reach a server.
    static let pauseMilliseconds = 50
    /// Between two attempts to add columns.
    static let columnPauseMilliseconds = 1_000
    /// A statement that waits longer for a row fails; less than an answer may take.
    static let lockMilliseconds = 1_500
    static let groupRecordsMax = 64
    static let groupBytesMax = 4 << 20
    /// Sessions of those who ask at once, of those who read snapshots, and of those who read records; the registry's,
    /// the beat's and the shippers' come on top (docs/cluster.md says how many a node has).
    static let askers = 6
    static let downloads = ClusterBounds.downloadsMax + 1
    static let readers = 4
    static let idleSessionsMax = 6
    /// Beside the one of the registry.
    static let shippers = 3
    static let partBytes = 1 << 20
    /// Partitions of so many days are made ahead.
    static let daysAhead = 3
    /// How far the standbys are behind is asked so often.
    static let standbyLookNanoseconds: UInt64 = 5_000_000_000
    static let partitionCheckNanoseconds: UInt64 = 3_600_000_000_000
    /// Partitions that nobody needs are looked for so often.
    static let sweepNanoseconds: UInt64 = 600_000_000_000
    /// That the server's clock had leapt ahead is seen where it was mended within so many of a tenant's records.
    static let leapRecordsMax = 100_000
    /// Of so many tenants that nobody uses what is too old goes with one such look.
    static let overdueMax = 64
    /// What a record or a part may come to, once opened. A value of PostgreSQL has less than 1 GiB.
    static let openedBytesMax = 768 << 20
}
