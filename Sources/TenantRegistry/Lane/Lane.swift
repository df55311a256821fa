package import SQLite
package import Synchronization

private enum QueueAdmission {
    case queued
    case scheduled
    case refused(LaneFailure)
}

/// One open file as a lane sees it: the hooks around a batch. All calls come from the worker that runs the lane.
package protocol LaneFile: AnyObject, SendableMetatype {
    var connection: Connection { get }
    /// A job is about to run; what it notes for after the commit is its own until the next one begins.
    func jobBegins()
    /// The job's writes were undone: forget what it noted.
    func jobUndone()
    /// The last writes of a batch, before COMMIT: audit rows, usage, signature.
    func seal() throws
    /// After COMMIT, before anybody is answered: memory takes over what the file now says.
    func committed()
    /// The batch is gone: forget everything that it noted.
    func rolledBack()
    /// Writes one row of no meaning, so that a COMMIT that failed is known to stay away (0003).
    func writeMarker() throws
    /// After the answers have left: checkpoint where due.
    func rest()
    /// Closes the file; its WAL is emptied first.
    func close()
}

/// Why a job has no result.
package enum LaneFailure: Error, Sendable {
    /// The lane's queue is at its bound: try again shortly.
    case tooManyWaiting
    /// The tenant's file cannot be opened or is not what it should be; the log says which and why.
    case unavailable
    /// The tenant's own size quota is reached (`max_page_count`).
    case quotaReached
    /// The disk is full or below its reserve. Nothing was done.
    case storageFull
    /// The commit failed and nothing of it will come back. Nothing was done.
    case notCommitted
    /// The commit failed and may or may not be there after a restart; the tenant is fenced until that is settled.
    case outcomeUnknown
    /// A statement failed for a reason of its own: a defect or a damaged file. Nothing was done.
    case failed(SQLiteError)
    /// A row holds what cannot be; the log says which. Nothing was done, and everything else is served.
    case corrupt(CorruptRow)
    /// The gateway is stopping, or the tenant was deleted.
    case closed
}

/// One operation for a lane. `perform` runs inside the batch's transaction, perhaps twice (when the batch was lost),
/// and returns what to do once the commit is safe. Exactly one of that and `fail` is called, on the lane's worker.
package struct LaneJob<File: LaneFile>: Sendable {
    package typealias Completion = @Sendable (File) -> Void
    let writes: Bool
    let perform: @Sendable (File) throws -> Completion
    let fail: @Sendable (LaneFailure) -> Void

    package init(
        writes: Bool, perform: @escaping @Sendable (File) throws -> Completion,
        fail: @escaping @Sendable (LaneFailure) -> Void
    ) {
        self.writes = writes
        self.perform = perform
        self.fail = fail
    }
}

/// What the owner of a lane does outside a batch: export steps, swapping a restored file in, closing, deleting.
package struct LaneControl<File: LaneFile> {
    let lane: Lane<File>

    /// The open file; opens it where it is not.
    package func file() throws -> File { try lane.openFile() }
    package func closeFile() { lane.closeFile() }
    /// Takes a file over that was opened elsewhere, on this worker; none is open.
    package func adopt(_ file: File) { lane.adopt(file) }
    package var isOpen: Bool { lane.isOpen }
    /// From now on every job fails as `.closed`: the tenant is gone.
    package func retire() { lane.retire() }
}

/// One file, one owner at a time: operations queue here and run in batches, a transaction each (0002).
///
/// Invariant: only the worker that took the lane from the pool touches `file`; a lane is in the pool's queue at most
/// once. While one batch syncs the next gathers, which is the whole of group commit. `submit` may be called from any
/// thread.
///
/// `@unchecked Sendable`: `file`, `isFenced` and `guardedBatchesLeft` belong to the worker running the lane; everything
/// else is in `state`.
package final class Lane<File: LaneFile>: LaneRunnable, @unchecked Sendable {
    private enum Work {
        case job(LaneJob<File>)
        case exclusive(@Sendable (LaneControl<File>) -> Void, @Sendable (LaneFailure) -> Void)
    }

    private struct State: ~Copyable {
        var queue = Deque<Work>()
        var isScheduled = false
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
    private let pool: LanePool
    private let bounds: Bounds
    private let open: @Sendable () throws -> File
    private let recover: @Sendable () throws -> Void
    private let report: @Sendable (String) -> Void
    private var file: File?
    private var isFenced = false
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
    /// follows.
    package func exclusively(
        _ work: @escaping @Sendable (LaneControl<File>) -> Void, orElse fail: @escaping @Sendable (LaneFailure) -> Void
    ) {
        enqueue(.exclusive(work, fail), isBounded: false, refuse: fail)
    }

    /// Calls `then` when everything that was queued before has run, at once where nothing was.
    package func whenQuiet(_ then: @escaping @Sendable () -> Void) {
        if state.withLock({ !$0.isScheduled }) { return then() }
        exclusively({ _ in then() }, orElse: { _ in then() })
    }

    package var waiting: Int { state.withLock { $0.queue.count } }

    private func enqueue(_ work: consuming sending Work, isBounded: Bool, refuse: (LaneFailure) -> Void) {
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
        case .scheduled: pool.schedule(self)
        case .refused(let failure): refuse(failure)
        }
    }

    // MARK: On the worker

    func run() -> Bool {
        lastUsed.store(pool.tick(), ordering: .relaxed)
        var jobs: [LaneJob<File>] = []
        var exclusive: (work: @Sendable (LaneControl<File>) -> Void, fail: @Sendable (LaneFailure) -> Void)?
        state.withLock { state in
            while jobs.count < bounds.batchJobsMax, let next = state.queue.popFirst() {
                switch next {
                case .job(let job): jobs.append(job)
                case .exclusive(let work, let fail):
                    if jobs.isEmpty { exclusive = (work, fail) } else { state.queue.prepend(next) }
                }
                if exclusive != nil { break }
                if case .exclusive = next { break }
            }
        }
        if let exclusive {
            exclusive.work(LaneControl(lane: self))
        } else if !jobs.isEmpty {
            runBatch(jobs)
        }
        if !isFenced { file?.rest() }
        walPages.store(file?.connection.walPages ?? 0, ordering: .relaxed)
        return state.withLock { state in
            if state.queue.isEmpty { state.isScheduled = false }
            return state.isScheduled
        }
    }

    private func runBatch(_ jobs: [LaneJob<File>]) {
        let file: File
        do {
            file = try openFile()
        } catch {
            report("\(name): cannot be opened: \(error)")
            pool.metrics.unavailable.add(UInt64(jobs.count), ordering: .relaxed)
            for job in jobs { job.fail(.unavailable) }
            return
        }
        let clock = ContinuousClock()
        let startedAt = clock.now
        var jobs = jobs
        var started = 0
        var completions: [LaneJob<File>.Completion?] = []
        completions.reserveCapacity(jobs.count)
        var failures: [(Int, LaneFailure)] = []
        let writes = jobs.contains { $0.writes }
        let isGuarded = guardedBatchesLeft > 0
        if isGuarded { guardedBatchesLeft -= 1 }
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
                    if file.connection.isAutocommit { throw TransactionLost(cause: error) }
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
            return runBatch(jobs)
        } catch {
            // SQLite has ended the transaction (FULL, IOERR, NOMEM, interrupt), or the batch's last rows failed.
            undo(file)
            pool.metrics.batchesLost.add(1, ordering: .relaxed)
            // At least one is tried alone, so that a BEGIN that fails is told to somebody and does not come round for
            // ever.
            let tried = max(started, 1)
            putBack(jobs[tried...])
            for job in jobs[..<tried] { runAlone(job, in: file) }
            return
        }
        file.committed()
        pool.aroundAnswers {
            for completion in completions { completion?(file) }
        }
        for (index, failure) in failures { jobs[index].fail(failure) }
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

    /// One job in a transaction of its own, after the batch that it was in was lost.
    private func runAlone(_ job: LaneJob<File>, in file: File) {
        do {
            try begin(file, writes: job.writes)
            let completion = try perform(job, in: file, isGuarded: true)
            try seal(file)
            try commit(file)
            file.committed()
            completion(file)
        } catch let error as CommitFailed {
            settle(file, [job], error.cause)
        } catch {
            let failure = failure(error, in: file)
            undo(file)
            job.fail(failure)
        }
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
        report("\(name): commit failed: \(cause)")
        pool.metrics.commitsFailed.add(1, ordering: .relaxed)
        undo(file)
        // Pages are counted against the quota before COMMIT: here FULL is the disk.
        var told = cause.isFull ? LaneFailure.storageFull : .notCommitted
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

    private func failure(_ error: any Error, in file: File) -> LaneFailure {
        if let failure = error as? LaneFailure { return failure }
        let cause = (error as? TransactionLost)?.cause ?? error
        if let corrupt = cause as? CorruptRow {
            report("\(name): \(corrupt)")
            return .corrupt(corrupt)
        }
        guard let error = cause as? SQLiteError else {
            report("\(name): \(cause)")
            return .unavailable
        }
        if error.isFull { return isQuota(file) ? .quotaReached : .storageFull }
        report("\(name): \(error)")
        if error.isIOError || error.isNoMemory { return .notCommitted }
        if error.isCorrupt {
            pool.metrics.unavailable.add(1, ordering: .relaxed)
            return .unavailable
        }
        return .failed(error)
    }

    /// FULL means the quota where the file is at it, or where the disk has room: SQLite may have taken the pages back
    /// already when it is asked.
    private func isQuota(_ file: File) -> Bool {
        if file.connection.isAtPageQuota { return true }
        return DataDirectory.freeBytes(at: file.connection.path).map { $0 > laneRoomBytesMin } ?? false
    }

    private func putBack(_ jobs: ArraySlice<LaneJob<File>>) {
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
        pool.opened(self)
    }

    func closeFile() {
        guard let open = file else { return }
        // A fenced handle is not asked to write: what is on the disk is settled as it lies there.
        if isFenced { open.connection.close() } else { open.close() }
        file = nil
        pool.closed(self)
    }

    func retire() {
        closeFile()
        fence(false)
        let left: [Work] = state.withLock { state in
            state.isRetired = true
            var left: [Work] = []
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
        exclusively({ control in if self.waiting == 0 { control.closeFile() } }, orElse: { _ in })
    }
}

/// A disk with less free is taken for full: no operation writes more.
private let laneRoomBytesMin: Int64 = 16 << 20

/// After a batch had to be undone for one job's sake, so many run with savepoints: what fails late comes in rows.
private let guardedBatchesAfterUndo = 32

private struct CommitFailed: Error { let cause: SQLiteError }
private struct TransactionLost: Error { let cause: any Error }

extension Duration {
    package var wholeMicroseconds: UInt64 {
        UInt64(max(0, components.seconds)) * 1_000_000 + UInt64(max(0, components.attoseconds)) / 1_000_000_000_000
    }
}
