/// What the scheduler's turns leave to others (0067).
enum TurnShare {
    /// Where others have work, all turns together take one of so many parts of a core.
    private static let parts: UInt64 = 3
    /// Calls come with gaps that are longer than a turn, so that one turn without any says little.
    private static let quietNanoseconds: UInt64 = 100_000_000

    /// In nanoseconds, for one of so many tenants that have turns at once.
    static func rest(after took: UInt64, runs: Int) -> UInt64 { took * (parts * UInt64(runs) - 1) }

    /// Whether nobody else has had work for so long that a turn may take what it likes. In steady nanoseconds.
    static func isAlone(_ now: UInt64, othersSeenAt: UInt64) -> Bool { now - othersSeenAt >= quietNanoseconds }

    /// Whether the lanes had other work during a turn. `from`, `to`: their jobs, less the turns that have ended, when
    /// it began and now. A turn is among the jobs as soon as it commits, and among those that have ended once the
    /// scheduler looks: of each of the other `runs` one may lie between.
    static func isBesideOthers(from: UInt64, to: UInt64, runs: Int) -> Bool {
        Int64(bitPattern: to &- from) >= Int64(runs)
    }
}
