/// The node's log as a lane sees it: where the commits of the lane's file go (B1). Any thread.
package protocol LaneLog: AnyObject, Sendable {
    /// What has become of a commit of the file. One that is durable or lost stays so.
    func fate(of lsn: UInt64) -> LogFate
    /// Asked before a batch that writes begins.
    var room: LogRoom { get }
    /// Calls `then` once, when the commit is durable or lost: on any thread, at once where that is known, and in the
    /// order of the LSNs.
    func whenSettled(_ lsn: UInt64, _ then: @escaping @Sendable () -> Void)
    /// Calls `then` once, when so much more is durable that there may be room; or the log has failed.
    func whenRoomMay(_ then: @escaping @Sendable () -> Void)
    /// Whether what is durable may be shown to somebody who wrote nothing: false where the file may be another node's
    /// by now, so that there may be something newer (N3), or where a commit that was lost may come back yet. Asked
    /// before such an answer leaves.
    var mayShow: Bool { get }
    /// What jobs are told that the log does not take, or whose answers may not be shown. Nothing of them was done.
    func refusal(ofWrite isWrite: Bool) -> LaneFailure
    /// What the jobs of a lost batch are told.
    func failure(ofLost isWrite: Bool) -> LaneFailure
}

extension LaneLog {
    package var mayShow: Bool { true }
    package func refusal(ofWrite _: Bool) -> LaneFailure { .notCommitted }
    /// A job that only read is told that nothing was done.
    package func failure(ofLost isWrite: Bool) -> LaneFailure { isWrite ? .outcomeUnknown : .notCommitted }
}

package enum LogFate: Sendable {
    /// A sync is still to come.
    case pending
    case durable
    /// The log failed before: it will never be durable, and may be there or not when the log is read again.
    case lost
}

/// A batch whose COMMIT has returned and whose callers have not been told.
struct CommittedBatch<File: LaneFile>: Sendable {
    /// Up to where the log has to be durable before anybody is told: what its jobs saw ends there.
    let lsn: UInt64
    /// Nil: the file itself was synced.
    let log: (any LaneLog)?
    let effects: File.Effects?
    let outcome: File.Outcome
    let jobs: [LaneJob<File>]
    /// Of `jobs`; nil where a job failed.
    let completions: [LaneJob<File>.Completion?]
    let failures: [(index: Int, failure: LaneFailure)]

    /// `file`: as its COMMIT has left it.
    init(
        _ file: File, _ log: (any LaneLog)?, _ effects: File.Effects?, _ jobs: [LaneJob<File>],
        _ completions: [LaneJob<File>.Completion?], _ failures: [(index: Int, failure: LaneFailure)]
    ) {
        (lsn, outcome) = (file.lastLSN, file.outcome)
        (self.log, self.effects, self.jobs, self.completions, self.failures) = (
            log, effects, jobs, completions, failures
        )
    }

    var fate: LogFate { lsn == 0 ? .durable : log?.fate(of: lsn) ?? .durable }

    /// Everything that its jobs saw is durable.
    func tell() {
        effects?.run()
        for completion in completions { completion?(outcome) }
        for (index, failure) in failures { jobs[index].fail(failure) }
    }

    /// What its jobs saw may be gone: nobody knows before the file was opened anew, unless the log does.
    func tellUnknown() {
        for (index, completion) in completions.enumerated() where completion != nil {
            jobs[index].fail(log?.failure(ofLost: jobs[index].writes) ?? .outcomeUnknown)
        }
        for (index, failure) in failures { jobs[index].fail(failure) }
    }
}

extension CommittedBatch {
    /// It wrote nothing, and what it saw may be old.
    func withhold(_ log: any LaneLog) {
        effects?.run()
        for (index, completion) in completions.enumerated() where completion != nil {
            jobs[index].fail(log.refusal(ofWrite: jobs[index].writes))
        }
        for (index, failure) in failures { jobs[index].fail(failure) }
    }
}

/// The batches of a lane that wait for the log, in the order of their commits. Any thread; one at a time tells.
///
/// Invariant: whatever the lane's file holds beyond the log's `durable`, a batch that is here has written or seen. So a
/// lane for which nothing waits here has shown nothing, and holds nothing, that could still be lost.
struct UndurableBatches<File: LaneFile>: ~Copyable {
    enum Step {
        case tell([CommittedBatch<File>])
        case lose([CommittedBatch<File>])
        /// Nothing waits any more: the lane, which was parked for it, goes on.
        case unpark
        /// Nothing waits any more: a lane that rests is to run once.
        case wake
        case stop
    }

    private var batches = Deque<CommittedBatch<File>>()
    private var isTelling = false
    private(set) var jobs = 0
    private var isParked = false
    private var wantsWake = false

    var isEmpty: Bool { batches.isEmpty && !isTelling }

    mutating func append(_ batch: consuming CommittedBatch<File>) {
        jobs += batch.jobs.count
        batches.append(batch)
    }

    /// The lane is parked until nothing waits; false where that is so.
    mutating func park() -> Bool {
        isParked = !isEmpty
        return isParked
    }

    /// The lane is to run once nothing waits; false where that is so.
    mutating func wakeWhenEmpty() -> Bool {
        wantsWake = !isEmpty
        return wantsWake
    }

    /// Whether the caller is to tell what is durable; else somebody does, and looks again.
    mutating func beginTelling() -> Bool {
        defer { isTelling = true }
        return !isTelling
    }

    /// What whoever tells does next; `stop` ends it.
    mutating func next() -> Step {
        guard let first = batches.first else {
            isTelling = false
            defer { (isParked, wantsWake) = (false, false) }
            return isParked ? .unpark : wantsWake ? .wake : .stop
        }
        switch first.fate {
        case .pending: break
        case .durable: return .tell(take(.durable))
        case .lost:
            // Its handle is thrown away, and what falls due in the file is asked anew.
            wantsWake = true
            return .lose(take(.lost))
        }
        isTelling = false
        return .stop
    }

    /// The batches that come next and have this fate.
    private mutating func take(_ fate: LogFate) -> [CommittedBatch<File>] {
        var taken: [CommittedBatch<File>] = []
        while let first = batches.first, first.fate == fate {
            _ = batches.popFirst()
            jobs -= first.jobs.count
            taken.append(first)
        }
        return taken
    }
}
