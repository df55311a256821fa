package import SQLite

/// One open file as a lane sees it: the hooks around a batch. All calls come from the worker that runs the lane.
package protocol LaneFile: AnyObject, SendableMetatype {
    /// What the answers of a batch take from its commit.
    associatedtype Outcome: Sendable
    associatedtype Effects: LaneEffects

    var connection: Connection { get }
    /// Where its commits go, nil where each syncs by itself; the same for as long as it is open.
    var log: (any LaneLog)? { get }
    /// Of its last commit in the log; 0: none since it was opened.
    var lastLSN: UInt64 { get }
    /// It is not to be closed for want of room: what closing it now would lose is nowhere else.
    var isUnfinished: Bool { get }
    /// A job is about to run; what it notes for after the commit is its own until the next one begins.
    func jobBegins()
    /// The transaction that comes may take pages above the quota, until `committed` or `rolledBack`.
    func openReserve(_ reserve: PageReserve)
    /// The job's writes were undone: forget what it noted.
    func jobUndone()
    /// The last writes of a batch, before COMMIT: audit rows, usage, signature.
    func seal() throws
    /// After COMMIT: the lane's own memory takes over what the next batch needs. Returns what leaves the lane, to be
    /// run once the commit is durable; nil where nothing does.
    func committed() -> Effects?
    /// As of the last commit.
    var outcome: Outcome { get }
    /// The batch is gone: forget everything that it noted.
    func rolledBack()
    /// After a COMMIT that failed: what its log says; nil where it has none that knows.
    func takeFailedCommit() -> FailedCommit?
    /// Writes one row of no meaning, so that a COMMIT that failed is known to stay away (0003).
    func writeMarker() throws
    /// After a batch: checkpoint where due. `isDurable`: the log has all that the file's commits wrote; where it has
    /// not, no byte of it may reach the database file. `isPressed`: memory is short.
    func rest(isDurable: Bool, isPressed: Bool) -> LaneRest
    /// Closes the file, all of which is durable; its WAL is emptied first.
    func close()
    /// Closes the file without a write to it, and has others forget what they know of it.
    func discard()
    /// What its opening has committed that leaves the lane; once.
    func takeOpening() -> Effects?
}

extension LaneFile {
    package func takeFailedCommit() -> FailedCommit? { nil }

    /// A file without a quota has no reserve either.
    package func openReserve(_ reserve: PageReserve) {}
}

/// What became of a checkpoint.
package enum LaneRest: Sendable {
    case notDue
    case made
    /// It is due, and may wait until the log has everything.
    case wanted
    /// The same, and the next batch is to wait with it: memory would grow without end.
    case needed
}

/// What a batch changes outside its lane: the roster, kept answers, due times, meters. One of the two is called, once,
/// in the order of the lane's commits; on any thread.
package protocol LaneEffects: Sendable {
    /// The commit is durable; nobody has been answered yet.
    func run()
    /// The commit is lost, or nobody knows.
    func drop()
}

/// Of a file whose commits change nothing else.
extension Never: LaneEffects {
    package func run() {}
    package func drop() {}
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
    /// The tenant is at another node, or on its way there or here: the log says where. Nothing was done (N4).
    case moved
    /// The log that the nodes share is away, or did not say in time that this node may still serve. Nothing was done
    /// (N2).
    case logUnavailable

    /// Nothing is wrong with the file: this node is not to use it, or cannot now.
    package var isOfCluster: Bool {
        switch self {
        case .moved, .logUnavailable: true
        default: false
        }
    }
}

/// What became of a COMMIT that failed, where the file's log knows better than a marker can say.
package enum FailedCommit: Sendable {
    /// Somebody else's commit came before: the file is opened anew, and the jobs run once more on what it holds then.
    case cameLate
    case told(LaneFailure)
}

/// One operation for a lane. `perform` runs inside the batch's transaction, perhaps twice (when the batch was lost),
/// and returns what to do once the commit is durable. Exactly one of that and `fail` is called, in the order of the
/// lane's jobs; on any thread, and perhaps while the lane works on: a completion that needs the file asks for
/// `exclusively`.
package struct LaneJob<File: LaneFile>: Sendable {
    package typealias Completion = @Sendable (File.Outcome) -> Void
    let writes: Bool
    /// What it may take of pages above the quota, where it finds no room below.
    let reserve: PageReserve
    let perform: @Sendable (File) throws -> Completion
    let fail: @Sendable (LaneFailure) -> Void

    package init(
        writes: Bool, reserve: PageReserve = .none, perform: @escaping @Sendable (File) throws -> Completion,
        fail: @escaping @Sendable (LaneFailure) -> Void
    ) {
        self.writes = writes
        self.reserve = reserve
        self.perform = perform
        self.fail = fail
    }
}
