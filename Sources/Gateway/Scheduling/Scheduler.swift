import Dispatch
import Synchronization
package import TenantRegistry

/// The thread `scheduler`: sleeps until the first tenant's hour and lets the file do what is due in it (0030).
///
/// Invariant: what is due is asked of the rows in each turn, so that nothing hangs on what this thread remembers. It
/// touches no file itself. Few tenants at a time have a turn, a turn is a few milliseconds, and where calls come in
/// beside them all turns together take a third of one core.
package final class Scheduler: Sendable {
    /// Tenants that have turns at once.
    private static let runsMax = 4
    /// What a turn's work should take: a lane is never held for 5 ms.
    private static let turnNanoseconds = 3_000_000
    /// Where others have work: what waits for this core waits no longer.
    private static let shortTurnNanoseconds = 500_000
    private static let firstLimit = 4
    private static let limitMax = 500
    /// The longest sleep: what the clock does meanwhile is seen then.
    private static let sleepMillisecondsMax: Int64 = 100
    private static let restNanosecondsMax: UInt64 = 100_000_000
    /// At the end turns are waited for, and ring.
    private static let stopMilliseconds: Int64 = 10
    private static let saveNanoseconds: UInt64 = 1_000_000_000
    /// A tenant whose file or work failed waits so long, twice as long each time.
    private static let backoffSeconds = 10
    private static let backoffSecondsMax = 3_600
    /// While charging is paused, what waits for it is looked at so often.
    private static let pausedMilliseconds: Int64 = 10_000
    /// A tenant that is on its way to this node is asked again after so long, and one whose log is away.
    private static let movingMilliseconds: Int64 = 100
    private static let awayMilliseconds: Int64 = 1_000
    private static let stallNanoseconds: UInt64 = 60_000_000_000
    /// A clock that falls back further was ahead.
    private static let fallMilliseconds: Int64 = 60_000

    let metrics = DueMetrics()
    private let fleet: Fleet
    private let alarm: Alarm
    private let ends = Mutex<[Ended]>([])
    private let movedAt: Atomic<UInt64>
    /// When a turn began or ended last, and how many have not ended.
    private let turnedAt: Atomic<UInt64>
    private let turnsOpen = Atomic<Int>(0)
    private let isStopping = Atomic<Bool>(false)
    private let isStallTold = Atomic<Bool>(false)
    private let hasEnded = DispatchSemaphore(value: 0)
    private let answered: @Sendable () -> UInt64
    private let round: @Sendable () -> Void

    private struct Ended: Sendable {
        let record: TenantRecord
        let number: UInt64
        let end: DueTurn.End
    }

    /// A tenant that has a turn, or waits for its next one.
    private struct Run {
        let record: TenantRecord
        /// Of its last turn.
        var number: UInt64 = 0
        var began: UInt64
        /// The lanes' jobs, less the scheduler's own, when the turn began.
        var others: UInt64
        var restsUntil: UInt64?
        /// A turn of this kind failed: what fails is found one by one.
        var singly: Set<DueKind> = []
    }

    private struct Backoff {
        var failures = 0
        var until: UInt64
    }

    private struct Place: Hashable {
        let tenant: TenantID
        /// Nil: the file itself.
        let kind: DueKind?
    }

    /// What the thread knows; nobody else sees it.
    private struct Desk {
        var runs: [TenantID: Run] = [:]
        var backoffs: [Place: Backoff] = [:]
        /// Nanoseconds that an item takes, by kind, smoothed.
        var costs: [DueKind: Int] = [:]
        var savedAt: UInt64 = 0
        var turns: UInt64 = 0
        /// The number of the turn that was begun last.
        var number: UInt64 = 0
        /// In steady nanoseconds: when a turn ended during which others had work, or when the thread began.
        var othersSeenAt: UInt64
        /// How many calls the node had answered when a turn ended last.
        var answered: UInt64
        /// Nobody else has had work for a while.
        var isAlone = false
        /// The time of day in the last round.
        var seen: Timestamp?
    }

    /// `round` is called in each round of the thread: tests hold it up there. `answered`: how many calls the node has
    /// answered, many of which need no lane.
    package init(
        _ fleet: Fleet, round: @escaping @Sendable () -> Void = {}, answered: @escaping @Sendable () -> UInt64 = { 0 }
    ) throws {
        self.fleet = fleet
        self.answered = answered
        self.round = round
        alarm = try Alarm()
        movedAt = Atomic(fleet.monotonic.nanoseconds())
        turnedAt = Atomic(fleet.monotonic.nanoseconds())
        fleet.due.attach { [alarm] in alarm.ring() }
        startThread("scheduler") { [self] in
            work()
            hasEnded.signal()
        }
    }

    /// Begins no turn any more and waits for those that run. Once.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        alarm.ring()
        hasEnded.wait()
    }

    // MARK: The thread

    private func work() {
        var desk = Desk(othersSeenAt: fleet.monotonic.nanoseconds(), answered: answered())
        fleet.lookAtSuspects()
        fleet.findResting()
        while true {
            round()
            let nanoseconds = fleet.monotonic.nanoseconds()
            movedAt.store(nanoseconds, ordering: .relaxed)
            let now = fleet.clock.now()
            lookAtClocks(now, nanoseconds)
            lookForFall(now, &desk)
            for ended in ends.withLock({ ends in
                defer { ends.removeAll(keepingCapacity: true) }
                return ends
            }) { settle(ended, now, &desk) }
            let stops = isStopping.load(ordering: .acquiring)
            if stops {
                for run in desk.runs.values where run.restsUntil != nil { giveBack(run.record, now, &desk) }
                if desk.runs.isEmpty { return }
            } else {
                goOn(nanoseconds, &desk)
                begin(now, &desk)
                save(nanoseconds, &desk)
            }
            alarm.wait(milliseconds: stops ? Self.stopMilliseconds : sleep(now, &desk))
        }
    }

    private func lookAtClocks(_ now: Timestamp, _ nanoseconds: UInt64) {
        guard fleet.clockGuard.look(now, steady: nanoseconds) else { return }
        if let leap = fleet.clockGuard.leapMilliseconds {
            fleet.report(
                "the time of day leapt \(leap / 3_600_000) h ahead: nothing is charged, ended or expired until it is "
                    + "back, or until “tollgate clock accept”")
        } else {
            fleet.report("the time of day is believed again: what waited is done now")
        }
    }

    /// Nothing waits for an hour that a clock told which was ahead.
    private func lookForFall(_ now: Timestamp, _ desk: inout Desk) {
        defer { desk.seen = now }
        guard let seen = desk.seen ?? leapBefore, seen.milliseconds - now.milliseconds > Self.fallMilliseconds else {
            return
        }
        fleet.due.fallBack(from: seen)
        for run in desk.runs.values { fleet.due.look(at: run.record) }
    }

    /// How far the clock of the process before this one may have leapt, where it was mended in between; else nil.
    private var leapBefore: Timestamp? {
        fleet.clockGuard.beganInLeap && fleet.clockGuard.leapMilliseconds == nil ? .latest : nil
    }

    /// Runs that have rested have their next turn.
    private func goOn(_ nanoseconds: UInt64, _ desk: inout Desk) {
        for (id, run) in desk.runs {
            if let until = run.restsUntil, until <= nanoseconds { turn(id, &desk) }
        }
    }

    private func begin(_ now: Timestamp, _ desk: inout Desk) {
        let isPaused = isPaused
        while desk.runs.count < Self.runsMax, let (record, hour) = fleet.due.take(at: now) {
            if isPaused, let kind = hour.kind, !kind.isOutbound {
                fleet.due.postpone(record, until: now.adding(milliseconds: Self.pausedMilliseconds), kind: kind)
                continue
            }
            metrics.lag.record(UInt64(max(0, now.milliseconds - hour.milliseconds)) * 1_000)
            desk.runs[record.id] = Run(record: record, began: 0, others: 0)
            turn(record.id, &desk)
        }
    }

    private func turn(_ id: TenantID, _ desk: inout Desk) {
        guard var run = desk.runs[id] else { return }
        let nanoseconds = fleet.monotonic.nanoseconds()
        run.began = nanoseconds
        run.others = fleet.pool.metrics.jobs.load(ordering: .relaxed) &- desk.turns
        run.restsUntil = nil
        desk.number += 1
        run.number = desk.number
        desk.runs[id] = run
        let share = desk.isAlone ? Self.turnNanoseconds : Self.shortTurnNanoseconds
        let kinds = isPaused ? [] : DueKind.allCases.filter { rest(of: id, $0, nanoseconds, desk) == 0 }
        var limits: [DueKind: Int] = [:]
        for kind in kinds {
            let fits = desk.costs[kind].map { share / max($0, 1) } ?? Self.firstLimit
            limits[kind] = run.singly.contains(kind) ? 1 : min(max(fits, 1), Self.limitMax)
        }
        metrics.turns.add(1, ordering: .relaxed)
        noteTurn(began: true)
        let (record, number) = (run.record, run.number)
        DueTurn(fleet: fleet, record: record, kinds: kinds, limits: limits).submit { [self] end in
            noteTurn(began: false)
            ends.withLock { $0.append(Ended(record: record, number: number, end: end)) }
            alarm.ring()
        }
    }

    private func noteTurn(began: Bool) {
        turnedAt.store(fleet.monotonic.nanoseconds(), ordering: .relaxed)
        turnsOpen.add(began ? 1 : -1, ordering: .relaxed)
    }

    /// Nothing is done in files: the time of day is not believed, or the disk has no room.
    private var isPaused: Bool { fleet.clockGuard.leapMilliseconds != nil || fleet.refusesWrites }

    // MARK: The end of a turn

    private func settle(_ ended: Ended, _ now: Timestamp, _ desk: inout Desk) {
        desk.turns += 1
        let record = ended.record
        // The tenant went and came back meanwhile: a later turn of it is under way, which says how it stands.
        guard desk.runs[record.id]?.number == ended.number else { return }
        switch ended.end {
        case .closed:
            desk.runs[record.id] = nil
            fleet.due.close(record)
        case .failed(let failure, let kind): fail(record, failure, kind, now, &desk)
        case .asked(let times, let instant, let ran):
            desk.backoffs[Place(tenant: record.id, kind: nil)] = nil
            guard let ran else { return finish(record, times, now, &desk) }
            metrics.count(items: ran.items, of: ran.kind)
            if ran.items == 0 && times.turn(of: [ran.kind], at: instant) != nil {
                fleet.report("tenant \(record.id.text): \(ran.kind.name): work is due, and none of it is done")
                return fail(record, nil, ran.kind, now, &desk)
            }
            desk.backoffs[Place(tenant: record.id, kind: ran.kind)] = nil
            if ran.items > 0 {
                let cost = Int(ran.microseconds) * 1_000 / ran.items
                desk.costs[ran.kind] = desk.costs[ran.kind].map { ($0 * 4 + cost) / 5 } ?? cost
            }
            rest(record.id, &desk)
        }
    }

    /// The next turn: at once, or after a rest where others had work meanwhile.
    private func rest(_ id: TenantID, _ desk: inout Desk) {
        guard var run = desk.runs[id] else { return }
        let nanoseconds = fleet.monotonic.nanoseconds()
        let others = fleet.pool.metrics.jobs.load(ordering: .relaxed) &- desk.turns
        let isBesideOthers = TurnShare.isBesideOthers(from: run.others, to: others, runs: desk.runs.count)
        let count = answered()
        // Since the turn before ended: calls come in rests as well.
        let hasOthers = isBesideOthers || run.record.lane.waiting > 0 || count != desk.answered
        if hasOthers { desk.othersSeenAt = nanoseconds }
        desk.answered = count
        desk.isAlone = TurnShare.isAlone(nanoseconds, othersSeenAt: desk.othersSeenAt)
        let took = desk.isAlone ? 0 : nanoseconds - run.began
        let rest = TurnShare.rest(after: took, runs: desk.runs.count)
        run.restsUntil = nanoseconds + min(rest, Self.restNanosecondsMax)
        desk.runs[id] = run
    }

    private func finish(_ record: TenantRecord, _ times: DueTimes, _ now: Timestamp, _ desk: inout Desk) {
        desk.runs[record.id] = nil
        let nanoseconds = fleet.monotonic.nanoseconds()
        var putOff = DueTimes()
        for kind in DueKind.allCases where times.turn(of: [kind], at: now) != nil {
            // It is due and may not run: paused, or it failed a moment ago. What fell due a moment ago comes next.
            let wait = rest(of: record.id, kind, nanoseconds, desk)
            if wait > 0 { putOff[kind] = now.milliseconds + Int64(wait / 1_000_000) + 1 }
            if isPaused { putOff[kind] = now.milliseconds + Self.pausedMilliseconds }
        }
        fleet.due.finish(record, times, putOff: putOff)
    }

    private func fail(
        _ record: TenantRecord, _ failure: LaneFailure?, _ kind: DueKind?, _ now: Timestamp, _ desk: inout Desk
    ) {
        if case .closed = failure, fleet.roster.tenant(id: record.id) == nil {
            desk.runs[record.id] = nil
            return fleet.due.drop(record)
        }
        if case .moved = failure {
            desk.runs[record.id] = nil
            return leave(record, now)
        }
        // Nothing is wrong with the tenant: once the log is there again it does not wait for long.
        if case .logUnavailable = failure {
            desk.runs[record.id] = nil
            return fleet.due.postpone(record, until: now.adding(milliseconds: Self.awayMilliseconds), kind: nil)
        }
        if let kind {
            metrics.countFailure(of: kind)
            if desk.runs[record.id]?.singly.insert(kind).inserted == true { return rest(record.id, &desk) }
        }
        let place = Place(tenant: record.id, kind: kind)
        var backoff = desk.backoffs[place] ?? Backoff(until: 0)
        let seconds = min(Self.backoffSeconds << min(backoff.failures, 10), Self.backoffSecondsMax)
        backoff.failures += 1
        backoff.until = fleet.monotonic.nanoseconds() + UInt64(seconds) * 1_000_000_000
        desk.backoffs[place] = backoff
        if kind != nil { return rest(record.id, &desk) }
        desk.runs[record.id] = nil
        fleet.due.postpone(record, until: now.adding(seconds: Int64(seconds)), kind: nil)
    }

    /// Whose it is now asks for itself. That may be this node, which is about to serve it: what its taking over noted
    /// meanwhile stands.
    private func leave(_ record: TenantRecord, _ now: Timestamp) {
        guard fleet.isServedHere(record.id) else { return fleet.due.close(record) }
        fleet.due.postpone(record, until: now.adding(milliseconds: Self.movingMilliseconds), kind: nil)
    }

    /// How long a kind of a tenant's has still to wait, after it failed.
    private func rest(of id: TenantID, _ kind: DueKind, _ nanoseconds: UInt64, _ desk: borrowing Desk) -> UInt64 {
        guard let until = desk.backoffs[Place(tenant: id, kind: kind)]?.until, until > nanoseconds else { return 0 }
        return until - nanoseconds
    }

    /// The process ends: the next one asks.
    private func giveBack(_ record: TenantRecord, _ now: Timestamp, _ desk: inout Desk) {
        desk.runs[record.id] = nil
        fleet.due.postpone(record, until: now, kind: nil)
    }

    // MARK: Time

    private func save(_ nanoseconds: UInt64, _ desk: inout Desk) {
        guard nanoseconds - desk.savedAt >= Self.saveNanoseconds else { return }
        desk.savedAt = nanoseconds
        fleet.saveDue()
    }

    private func sleep(_ now: Timestamp, _ desk: inout Desk) -> Int64 {
        var milliseconds = Self.sleepMillisecondsMax
        let nanoseconds = fleet.monotonic.nanoseconds()
        for run in desk.runs.values {
            guard let until = run.restsUntil else { continue }
            milliseconds = min(milliseconds, until > nanoseconds ? Int64((until - nanoseconds) / 1_000_000) + 1 : 0)
        }
        let first = fleet.due.sleep()
        if desk.runs.count < Self.runsMax, first != DueTimes.never {
            milliseconds = min(milliseconds, max(0, first - now.milliseconds))
        }
        return milliseconds
    }

    // MARK: Watched by others

    private enum Stall {
        /// The thread.
        case thread
        /// As many turns as there may be, none of which ends: no other tenant gets one.
        case turns
    }

    /// Work is due, and the thread has not moved for a minute, or has no turn to give and got none back.
    package var isStalled: Bool { stall != nil }

    private var stall: Stall? {
        let nanoseconds = fleet.monotonic.nanoseconds()
        func isOver(_ since: UInt64) -> Bool { nanoseconds > since && nanoseconds - since >= Self.stallNanoseconds }
        let stands = isOver(movedAt.load(ordering: .relaxed))
        let hangs = turnsOpen.load(ordering: .relaxed) >= Self.runsMax && isOver(turnedAt.load(ordering: .relaxed))
        guard stands || hangs, fleet.due.hasWork(at: fleet.clock.now()) else { return nil }
        return stands ? .thread : .turns
    }

    /// Tells the log of a stall, once, and of its end. Each second, from the clock's thread.
    package func watch() {
        let stall = stall
        guard isStallTold.exchange(stall != nil, ordering: .relaxed) != (stall != nil) else { return }
        if stall != nil { metrics.stalls.add(1, ordering: .relaxed) }
        let seconds = Self.stallNanoseconds / 1_000_000_000
        switch stall {
        case .thread: fleet.report("the scheduler has not moved for \(seconds) s while work is due")
        case .turns:
            fleet.report("none of the scheduler's \(Self.runsMax) turns has ended for \(seconds) s while work is due")
        case nil: fleet.report("the scheduler moves again")
        }
    }
}
