import SQLite
import Synchronization

/// Has tenants' files follow the node's log, so that the log need not be kept for ever nor the memory of their WALs
/// grow (B1). What it does to a file it does on the file's lane, once all that was committed there is durable.
///
/// One thread calls `round`; the lanes' workers say when they are done, and then the next that waits is asked.
package final class LogSweeper: Sendable {
    package struct Bounds: Sendable {
        /// A file that lacks something for so long, or so many records, is synced.
        package var milliseconds: UInt64 = 30_000
        package var records = 2_000
        /// Files that keep more segments of the log than these from going are synced first.
        package var segments = 16
        /// All WALs in memory together; past it the largest go into their files.
        package var memoryBytes = 256 << 20
        /// A lane that has had no work for so long gives its WAL's memory back.
        package var restMilliseconds: UInt64 = 1_000
        /// Files at once, and how many of them are kept for those that only give memory back.
        package var filesMax = 8
        package var keptForMemory = 2

        package init() {}
    }

    /// A tenant whose file lacks something, as the last rounds saw it.
    private struct Behind {
        /// Where the first of its records begins.
        var lsn: UInt64
        var since: UInt64
        /// The lane's last work, and when that was first seen.
        var used: UInt64
        var usedSince: UInt64
        var notBefore: UInt64 = 0
    }

    private struct State {
        var behind: [TenantID: Behind] = [:]
        var turns: SweepTurns
    }

    private let state: Mutex<State>
    private let bounds: Bounds

    init(_ bounds: Bounds) {
        self.bounds = bounds
        let turns = SweepTurns(filesMax: bounds.filesMax, keptForMemory: bounds.keptForMemory)
        state = Mutex(State(turns: turns))
    }

    /// Looks at every tenant whose file is behind the node's log.
    func round(_ fleet: Fleet, _ log: NodeLog) {
        let retained = log.segments.count
        let pinning =
            retained > bounds.segments ? Set(log.pinning(segments: retained - bounds.segments).map(\.tenant)) : []
        round(fleet, behind: log.behind, pinning: pinning)
    }

    /// `pinning`: whose files come first.
    func round(_ fleet: Fleet, behind pending: [BehindFile], pinning: Set<TenantID> = []) {
        fleet.pool.isPressed.store(Connection.memoryLogBytesOfAll > bounds.memoryBytes, ordering: .relaxed)
        let now = fleet.monotonic.nanoseconds()
        state.withLock { state in
            var due: [SweepTurns.Due] = []
            var resting: [TenantID] = []
            var willing: [TenantRecord] = []
            var seen: [TenantID: Behind] = [:]
            for entry in pending {
                guard let record = fleet.roster.tenant(id: entry.tenant) else { continue }
                let used = record.lane.lastUsed.load(ordering: .relaxed)
                var known = state.behind[entry.tenant] ?? Behind(lsn: entry.lsn, since: now, used: used, usedSince: now)
                if known.lsn != entry.lsn { (known.lsn, known.since) = (entry.lsn, now) }
                if known.used != used { (known.used, known.usedSince) = (used, now) }
                seen[entry.tenant] = known
                if known.notBefore > now { continue }
                willing.append(record)
                let isPinning = pinning.contains(entry.tenant)
                if entry.records >= bounds.records || isPinning
                    || now - known.since >= bounds.milliseconds * 1_000_000
                {
                    due.append(.init(tenant: entry.tenant, isPinning: isPinning, since: known.since, lsn: entry.lsn))
                } else if now - known.usedSince >= bounds.restMilliseconds * 1_000_000,
                    record.lane.walPages.load(ordering: .relaxed) > 0
                {
                    resting.append(entry.tenant)
                }
            }
            state.behind = seen
            // Where memory is short the largest come first.
            state.turns.plan(due, resting: largest(willing) + resting)
        }
        askNext(fleet)
    }

    /// Whose WALs are to go where all of them together take too much. Those of lanes that are asked at present count:
    /// they go.
    private func largest(_ records: [TenantRecord]) -> [TenantID] {
        var surplus = Connection.memoryLogBytesOfAll - bounds.memoryBytes
        guard surplus > 0 else { return [] }
        let open = records.map { (record: $0, pages: $0.lane.walPages.load(ordering: .relaxed)) }
            .filter { $0.pages > 0 }.sorted { $0.pages > $1.pages }
        return open.prefix { entry in
            defer { surplus -= entry.pages * Connection.pageBytes }
            return surplus > 0
        }.map(\.record.id)
    }

    /// A disk that fails is not asked, nor told of, at every round.
    private static let retryNanoseconds: UInt64 = 5_000_000_000

    private func putOff(_ id: TenantID, until: UInt64) { state.withLock { $0.behind[id]?.notBefore = until } }

    /// As many as there are places for. A round comes a few times a second: what waits does not wait for the next one.
    private func askNext(_ fleet: Fleet) {
        if fleet.isStopping.load(ordering: .relaxed) { state.withLock { $0.turns.drop() } }
        while let turn = state.withLock({ $0.turns.next() }) {
            if let record = fleet.roster.tenant(id: turn.tenant) {
                ask(record, fleet, syncs: turn.syncs)
            } else {
                done(turn.tenant)
            }
        }
    }

    private func done(_ id: TenantID) { state.withLock { $0.turns.done(id) } }

    private func ask(_ record: TenantRecord, _ fleet: Fleet, syncs: Bool) {
        record.lane.exclusively(
            { [self] control in
                defer {
                    done(record.id)
                    askNext(fleet)
                }
                do {
                    if control.isOpen {
                        let file = try control.file()
                        try syncs ? file.bringHome() : file.giveMemoryBack()
                    } else if syncs {
                        try fleet.playClosed(record)
                    }
                } catch {
                    putOff(record.id, until: fleet.monotonic.nanoseconds() + Self.retryNanoseconds)
                    if control.isOpen, (try? control.file())?.hasFailedSync == true { control.closeFile() }
                    fleet.report("tenant \(record.id.text): its file does not follow the log: \(error)")
                }
            }, orElse: { [self] _ in done(record.id) })
    }
}

extension NodeLog {
    /// Tenants whose files lack something, where the first such record of each begins, and how many there are.
    var behind: [BehindFile] {
        locked { state in
            state.tails.all.compactMap { tail in
                tail.positions.first.map {
                    BehindFile(tenant: tail.tenant, lsn: $0.start, records: tail.positions.count)
                }
            }
        }
    }
}

extension Fleet {
    /// Has files follow the log. Several times a second, from one thread.
    package func sweep() {
        if let cluster { return sweeper.round(self, behind: cluster.behind) }
        guard let log else { return }
        // What a disk lost stays in the log until every tenant has everything again.
        if !log.gaps.isEmpty, roster.allTenants.allSatisfy({ log.isWhole($0.id) }) { log.forgetGaps() }
        sweeper.round(self, log)
    }

    /// At the end: what is still behind is played. On its lane, closed.
    func bringHome(_ record: TenantRecord) {
        do {
            try playClosed(record)
        } catch {
            report("tenant \(record.id.text): its file does not follow the log: \(error)")
        }
    }

    /// What a kill left to be played, of a tenant that nobody has asked for since. On its lane.
    func playClosed(_ record: TenantRecord) throws {
        // A file that the nodes share is made whole when it is opened.
        cluster?.broughtHome(record.id)
        guard let log, log.hasRecords(of: record.id) else { return }
        let path = data.tenantPath(record.id)
        try FileSwap.finish(path)
        try log.complete(path, of: record.id)
    }
}
