/// Which file is seen to next, and how many are at once (B1). Under the sweeper's lock.
///
/// Invariant: a tenant is asked once at a time, and whoever has waited longest is asked next, however often others come
/// back.
struct SweepTurns {
    struct Turn: Equatable {
        let tenant: TenantID
        /// The file is brought home; else only the memory of its WAL is given back.
        let syncs: Bool
    }

    /// A file that is to be brought home.
    struct Due: Equatable {
        let tenant: TenantID
        /// It keeps segments of the log from going.
        let isPinning: Bool
        /// When it was first seen that the file lacks something.
        let since: UInt64
        /// Of the first record that it lacks.
        let lsn: UInt64

        fileprivate func precedes(_ other: Due) -> Bool {
            (isPinning ? 0 : 1, since, lsn) < (other.isPinning ? 0 : 1, other.since, other.lsn)
        }
    }

    private let filesMax: Int
    /// Of them, so that memory does not wait behind syncs.
    private let syncsMax: Int
    /// Whose lane has been asked and has not answered, and whether for a sync.
    private var asked: [TenantID: Bool] = [:]
    /// Who waits; the last is next.
    private var due: [TenantID] = []
    private var resting: [TenantID] = []

    init(filesMax: Int, keptForMemory: Int) {
        self.filesMax = filesMax
        syncsMax = max(1, filesMax - keptForMemory)
    }

    private func isAsked(_ tenant: TenantID) -> Bool { asked[tenant] != nil }

    /// In place of what waited. Who is asked at present is left out. `resting`: whose memory is to go, first come
    /// first.
    mutating func plan(_ due: [Due], resting: [TenantID]) {
        self.due = due.sorted { $1.precedes($0) }.map(\.tenant).filter { !isAsked($0) }
        self.resting = resting.reversed().filter { !isAsked($0) }
    }

    /// Nothing more is asked.
    mutating func drop() { (due, resting) = ([], []) }

    /// Nil where nobody waits, or there is no place.
    mutating func next() -> Turn? {
        guard asked.count < filesMax else { return nil }
        if asked.values.count(where: { $0 }) < syncsMax, let turn = take(\.due, syncs: true) { return turn }
        return take(\.resting, syncs: false)
    }

    private mutating func take(_ list: WritableKeyPath<SweepTurns, [TenantID]>, syncs: Bool) -> Turn? {
        while let tenant = self[keyPath: list].popLast() {
            if isAsked(tenant) { continue }
            asked[tenant] = syncs
            return Turn(tenant: tenant, syncs: syncs)
        }
        return nil
    }

    mutating func done(_ tenant: TenantID) { asked[tenant] = nil }
}
