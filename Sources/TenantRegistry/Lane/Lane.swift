import SQLite
package import Synchronization

/// What the owner of a lane does outside a batch: export steps, swapping a restored file in, closing, deleting.
package struct LaneControl<File: LaneFile> {
    let lane: Lane<File>

    /// The open file; opens it where it is not.
    package func file() throws -> File { try lane.openFile() }
    package func closeFile() { lane.closeFile() }
    /// The handle goes without a write to the file: whether the log has what it holds is not known.
    func discardFile() { lane.discardFile(isExpected: true) }
    /// Takes a file over that was opened elsewhere, on this worker; none is open.
    package func adopt(_ file: File) { lane.adopt(file) }
    package var isOpen: Bool { lane.isOpen }
    /// What it holds is not settled.
    package var isFenced: Bool { lane.isFenced }
    /// From now on every job fails as `.closed`: the tenant is gone.
    package func retire() { lane.retire() }
}

/// One file, one owner at a time: operations queue here and run in batches, a transaction each (0002).
///
/// Invariant: only the worker that took the lane from the pool touches `file`; a lane is in the pool's queue at most
/// once. While one batch syncs the next gathers, which is the whole of group commit. `submit` may be called from any
/// thread.
///
/// Where the file's commits go to the node's log (B1), COMMIT and durability are two moments: the next batch runs after
/// the one, and all that leaves the lane waits in `undurable` for the other.
///
/// `@unchecked Sendable`: `file` and what is said of it belong to the worker running the lane; everything else is in
/// `state` and `undurable`.
package final class Lane<File: LaneFile>: LaneRunnable, @unchecked Sendable {
    private enum Waiting {
        case job(LaneJob<File>)
        case exclusive(@Sendable (LaneControl<File>) -> Void, @Sendable (LaneFailure) -> Void)
    }

    private struct State: ~Copyable {
        var queue = Deque<Waiting>()
        var isScheduled = false
        /// It was to run while it was scheduled already, perhaps too late for that run to see why.
        var isWoken = false
        /// The pool has asked for its file, and was not heard yet.
        var isToClose = false
        var isRetired = false
    }

    package struct Bounds: Sendable {
        package var waitingMax = 4096
        package var batchJobsMax = 256
        package var batchMicrosecondsMax: UInt64 = 5_000

        package init() {}
    }

    package let name: String
    private let state = Mutex(State())
    let undurable = Mutex(UndurableBatches<File>())
    let pool: LanePool
    let bounds: Bounds
    private let open: @Sendable () throws -> File
    private let recover: @Sendable () throws -> Void
    let report: @Sendable (String) -> Void
    private(set) var file: File?
    /// The file's; nil: each commit syncs by itself.
    private(set) var log: (any LaneLog)?
    private(set) var isFenced = false
    /// Of the file's last commit of which SQLite says that it is one.
    var committedLSN: UInt64 = 0
    /// The log took a commit of which SQLite says that it failed: the file will hold what the handle does not know.
    private(set) var isBehindLog = false
    /// A checkpoint waits for the log.
    var owesRest = false
    /// Batches that still run with a savepoint for each job.
    private var guardedBatchesLeft = 0
    /// When work last came, in the pool's ticks: for eviction.
    let lastUsed = Atomic<UInt64>(0)
    /// Pages in the file's WAL that no checkpoint has moved yet, after the last batch; 0 while it is closed. Any
    /// thread.
    package let walPages = Atomic<Int>(0)

    /// - Parameters:
    ///   - open: opens and checks the file, on the worker.
    ///   - recover: after an unknown outcome: copies database and WAL aside, syncs, checks, swaps.
    ///   - report: a line for the log; names the file, never a value.
    package init(
        name: String, pool: LanePool, bounds: Bounds = Bounds(), open: @escaping @Sendable () throws -> File,
        recover: @escaping @Sendable () throws -> Void, report: @escaping @Sendable (String) -> Void
    ) {
        self.name = name
        self.pool = pool
        self.bounds = bounds
        self.open = open
        self.recover = recover
        self.report = report
    }

    /// Queues a job; its answer comes through the job's own closures, `.tooManyWaiting` at once where the lane is full.
    package func submit(_ job: LaneJob<File>) {
        enqueue(.job(job), isBounded: true, refuse: job.fail)
    }

    /// Queues work that needs the file outside a transaction. Behind everything queued before it, ahead of all that
    /// follows; it finds nothing that is not durable, and nobody of before it unanswered.
    package func exclusively(
        _ work: @escaping @Sendable (LaneControl<File>) -> Void, orElse fail: @escaping @Sendable (LaneFailure) -> Void
    ) {
        enqueue(.exclusive(work, fail), isBounded: false, refuse: fail)
    }

    /// Calls `then` when everything that was queued before has run and was answered, at once where nothing was.
    package func whenQuiet(_ then: @escaping @Sendable () -> Void) {
        if state.withLock({ !$0.isScheduled }), undurable.withLock({ $0.isEmpty }) { return then() }
        exclusively({ _ in then() }, orElse: { _ in then() })
    }

    package var waiting: Int { state.withLock { $0.queue.count } }

    private func enqueue(
        _ work: consuming sending Waiting, isBounded: Bool, isFirst: Bool = false, refuse: (LaneFailure) -> Void
    ) {
        let work = work
        let admission: QueueAdmission = state.withLock { state in
            if state.isRetired { return .refused(.closed) }
            if isBounded && state.queue.count >= bounds.waitingMax { return .refused(.tooManyWaiting) }
            state.queue.append(work)
            if state.isScheduled { return .queued }
            state.isScheduled = true
            return .scheduled
        }
        switch admission {
        case .queued: break
        case .scheduled: pool.schedule(self, isFirst: isFirst)
        case .refused(let failure): refuse(failure)
        }
    }

    // MARK: On the worker

    func run() -> Bool {
        lastUsed.store(pool.tick(), ordering: .relaxed)
        if let log, !isReady(log) { return false }
        switch take(isSettled: isSettled) {
        case .exclusive(let work):
            work(LaneControl(lane: self))
            noteCommits()
        case .held: return !park()
        case .jobs(let taken):
            var (jobs, writes) = (taken, taken.contains { $0.writes })
            if writes, let log {
                guard let admitted = admit(taken, log) else { return false }
                if admitted.count < jobs.count { (jobs, writes) = (admitted, false) }
            }
            if !jobs.isEmpty { runBatch(jobs, writes: writes) }
        }
        let parks = !isFenced && restParks()
        walPages.store(file?.connection.pagesToMove ?? 0, ordering: .relaxed)
        if parks { return !park() }
        return state.withLock { state in
            state.isScheduled = !state.queue.isEmpty || state.isWoken
            state.isWoken = false
            return state.isScheduled
        }
    }

    private enum Turn {
        case jobs([LaneJob<File>])
        case exclusive(@Sendable (LaneControl<File>) -> Void)
        /// Exclusive work comes next, and has to wait for the log.
        case held
    }

    private func take(isSettled: Bool) -> Turn {
        state.withLock { state in
            var jobs: [LaneJob<File>] = []
            while jobs.count < bounds.batchJobsMax, let next = state.queue.popFirst() {
                switch next {
                case .job(let job): jobs.append(job)
                case .exclusive(let work, _):
                    if jobs.isEmpty && isSettled { return .exclusive(work) }
                    state.queue.prepend(next)
                    return jobs.isEmpty ? .held : .jobs(jobs)
                }
            }
            return .jobs(jobs)
        }
    }

    /// Has the lane run, once more where it does already.
    func wake() {
        let isIdle = state.withLock { state in
            if state.isScheduled { state.isWoken = true }
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if isIdle { pool.schedule(self) }
    }

    private func runBatch(_ jobs: [LaneJob<File>], writes: Bool) {
        let file: File
        do {
            file = try openFile()
        } catch {
            return fail(jobs, unopened: error)
        }
        let clock = ContinuousClock()
        let startedAt = clock.now
        var jobs = jobs
        var started = 0
        var completions: [LaneJob<File>.Completion?] = []
        completions.reserveCapacity(jobs.count)
        var failures: [(index: Int, failure: LaneFailure)] = []
        let isGuarded = guardedBatchesLeft > 0
        guardedBatchesLeft -= isGuarded ? 1 : 0
        do {
            try begin(file, writes: writes)
            for (index, job) in jobs.enumerated() {
                if index > 0 && clock.now - startedAt > .microseconds(bounds.batchMicrosecondsMax) {
                    putBack(jobs[index...])
                    jobs.removeSubrange(index...)
                    break
                }
                started += 1
                do {
                    completions.append(try perform(job, in: file, isGuarded: isGuarded))
                } catch let error as SavepointNeeded {
                    throw error
                } catch {
                    if file.connection.isAutocommit || wantsReserve(job, error) { throw TransactionLost(cause: error) }
                    completions.append(nil)
                    failures.append((index, failure(error, in: file)))
                }
            }
            try seal(file)
            let work = clock.now
            try commit(file)
            pool.metrics.recordBatch(
                jobs: completions.count, workMicroseconds: (work - startedAt).wholeMicroseconds,
                commitMicroseconds: writes ? (clock.now - work).wholeMicroseconds : nil)
        } catch let error as CommitFailed {
            settle(file, jobs, error.cause)
            return
        } catch is SavepointNeeded {
            undo(file)
            guardedBatchesLeft = guardedBatchesAfterUndo
            return runBatch(jobs, writes: writes)
        } catch {
            // SQLite has ended the transaction (FULL, IOERR, NOMEM, interrupt), or the batch's last rows failed.
            undo(file)
            pool.metrics.batchesLost.add(1, ordering: .relaxed)
            // At least one is tried alone, so that a BEGIN that fails is told to somebody and does not come round for
            // ever.
            let tried = max(started, 1)
            putBack(jobs[tried...])
            for (index, job) in jobs[..<tried].enumerated() {
                guard runAlone(job, before: jobs[(index + 1)..<tried], in: file) else { return }
            }
            return
        }
        let effects = file.committed()
        answer(.init(file, log, effects, jobs, completions, failures))
    }

    /// A savepoint costs a copy of every page that the job writes to, and hardly a job fails after its first write:
    /// refusals come before. So a batch runs without, and again with, where one does (`SavepointNeeded`).
    private func perform(_ job: LaneJob<File>, in file: File, isGuarded: Bool) throws -> LaneJob<File>.Completion {
        file.jobBegins()
        guard job.writes else { return try job.perform(file) }
        try file.connection.beginOperation(isGuarded: isGuarded)
        do {
            let completion = try job.perform(file)
            try file.connection.endOperation()
            return completion
        } catch {
            file.jobUndone()
            if !file.connection.isAutocommit {
                try file.connection.undoOperation()
                try file.connection.endOperation()
            }
            throw error
        }
    }

    /// One job in a transaction of its own, after the batch that it was in was lost. False where its COMMIT failed: the
    /// handle may be fenced or thrown away by then, so the others wait for the next batch, which asks.
    private func runAlone(
        _ job: LaneJob<File>, before others: ArraySlice<LaneJob<File>>, in file: File
    ) -> Bool {
        do {
            if job.reserve != .none { file.openReserve(job.reserve) }
            try begin(file, writes: job.writes)
            let completion = try perform(job, in: file, isGuarded: true)
            try seal(file)
            try commit(file)
            let effects = file.committed()
            answer(.init(file, log, effects, [job], [completion], []))
        } catch let error as CommitFailed {
            putBack(others)
            settle(file, [job], error.cause)
            return false
        } catch {
            let failure = failure(error, in: file)
            undo(file)
            refuse([job], failure, in: file)
        }
        return true
    }

    private func begin(_ file: File, writes: Bool) throws {
        if writes { try file.connection.beginImmediate() } else { try file.connection.run("BEGIN") }
    }

    /// The batch's last rows: never outside its transaction, where each would commit by itself.
    private func seal(_ file: File) throws {
        if file.connection.isAutocommit { throw LaneFailure.notCommitted }
        try file.seal()
    }

    private func commit(_ file: File) throws(CommitFailed) {
        do {
            try file.connection.commit()
        } catch {
            throw CommitFailed(cause: error)
        }
    }

    /// A COMMIT failed: nobody is answered until a marker row has committed on the same handle; else the tenant is
    /// fenced.
    private func settle(_ file: File, _ jobs: [LaneJob<File>], _ cause: SQLiteError) {
        undo(file)
        let known = file.takeFailedCommit()
        // What the log knows the handle does not have.
        if known != nil { discardFile(isExpected: true) }
        if case .cameLate = known { return putBack(jobs[...]) }
        report("\(name): commit failed: \(cause)")
        pool.metrics.commitsFailed.add(1, ordering: .relaxed)
        if case .told(let failure) = known { return jobs.forEach { $0.fail(failure) } }
        // Pages are counted against the quota before COMMIT: here FULL is the disk.
        var told = cause.isFull ? LaneFailure.storageFull : log?.refusal(ofWrite: true) ?? .notCommitted
        // A page that is damaged fails the COMMIT of whatever met it: that is no matter of trying again.
        if cause.isCorrupt, case .notCommitted = told { told = .unavailable }
        if log != nil {
            // What the log has not taken is nowhere that it could come back from.
            isBehindLog = file.lastLSN != committedLSN
            return refuse(jobs, isBehindLog ? .outcomeUnknown : told, in: file)
        }
        do {
            try file.writeMarker()
        } catch {
            undo(file)
            // Where a frame found no room the last one, which alone makes a commit of them, was not written either:
            // there is nothing to come back.
            if !cause.isFull {
                report("\(name): fenced, the outcome of a commit is unknown: \(error)")
                fence(true)
                told = .outcomeUnknown
            }
        }
        for job in jobs { job.fail(told) }
    }

    private func fence(_ isFenced: Bool) {
        guard self.isFenced != isFenced else { return }
        self.isFenced = isFenced
        if isFenced {
            pool.metrics.fences.add(1, ordering: .relaxed)
            pool.metrics.fenced.add(1, ordering: .relaxed)
        } else {
            pool.metrics.fenced.subtract(1, ordering: .relaxed)
        }
    }

    private func undo(_ file: File) {
        try? file.connection.rollback()
        file.rolledBack()
    }

    func putBack(_ jobs: ArraySlice<LaneJob<File>>) {
        state.withLock { state in
            for job in jobs.reversed() { state.queue.prepend(.job(job)) }
        }
    }

    // MARK: The file, on the worker

    var isOpen: Bool { file != nil }

    func openFile() throws -> File {
        if isFenced {
            // The copy is made and swapped in while the handle is open: what its close still writes goes to the old
            // file.
            try recover()
            closeFile()
            fence(false)
            report("\(name): what it holds is settled; served again")
        }
        if let file { return file }
        let opened = try open()
        adopt(opened)
        return opened
    }

    func adopt(_ opened: File) {
        precondition(file == nil, "two files of one lane")
        file = opened
        log = opened.log
        pool.opened(self)
        let effects = opened.takeOpening()
        if effects == nil && opened.lastLSN == 0 { return }
        // What its opening has committed is waited for like a batch.
        answer(.init(opened, log, effects, [], [], []))
    }

    func closeFile() {
        guard let open = file else { return }
        // A fenced handle is not asked to write: what is on the disk is settled as it lies there.
        if isFenced { open.connection.close() } else { open.close() }
        forget()
    }

    /// The handle holds what is lost, or lacks what is not: it goes without a write to the file, and the next use opens
    /// the file as the log has it.
    func discardFile(isExpected: Bool = false) {
        file?.discard()
        if !isExpected { report("\(name): its handle was thrown away; opened anew from the log with its next use") }
        forget()
    }

    private func forget() {
        file = nil
        log = nil
        committedLSN = 0
        isBehindLog = false
        owesRest = false
        // A node has many tenants whose files are closed.
        state.withLock { if $0.queue.isEmpty { $0.queue = Deque() } }
        pool.closed(self)
    }

    /// No job of its runs any more.
    var isRetired: Bool { state.withLock { $0.isRetired } }

    func retire() {
        closeFile()
        fence(false)
        let left: [Waiting] = state.withLock { state in
            state.isRetired = true
            var left: [Waiting] = []
            while let work = state.queue.popFirst() { left.append(work) }
            return left
        }
        for work in left {
            switch work {
            case .job(let job): job.fail(.closed)
            case .exclusive(_, let fail): fail(.closed)
            }
        }
    }

    func evict() {
        // Once: a second request would be work that waits, for which the first one leaves the file open.
        let isAsked = state.withLock { state in
            defer { state.isToClose = true }
            return state.isToClose
        }
        if isAsked { return }
        let close: @Sendable (LaneControl<File>) -> Void = { [self] control in
            state.withLock { $0.isToClose = false }
            if waiting == 0, file?.isUnfinished != true { control.closeFile() }
        }
        let stay: @Sendable (LaneFailure) -> Void = { [self] _ in state.withLock { $0.isToClose = false } }
        enqueue(.exclusive(close, stay), isBounded: false, isFirst: true, refuse: stay)
    }
}

private enum QueueAdmission {
    case queued
    case scheduled
    case refused(LaneFailure)
}

/// After a batch had to be undone for one job's sake, so many run with savepoints: what fails late comes in rows.
private let guardedBatchesAfterUndo = 32

private struct CommitFailed: Error { let cause: SQLiteError }
struct TransactionLost: Error { let cause: any Error }

extension Duration {
    package var wholeMicroseconds: UInt64 {
        UInt64(max(0, components.seconds)) * 1_000_000 + UInt64(max(0, components.attoseconds)) / 1_000_000_000_000
    }
}
