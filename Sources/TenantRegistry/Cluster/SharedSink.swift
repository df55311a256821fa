import Foundation
import SQLite
import Synchronization

/// The commits of one tenant's open file on their way to the log that the nodes share (N2): one epoch, from the opening
/// of the file until it is closed or lost.
///
/// Invariant: `durable` is the last commit that the log took, and never passes one that it did not: so a checkpoint
/// never brings anything into the file that the log has not. Once a commit was not taken, none after it is; the lane
/// throws the handle away. One lane appends at a time; any thread asks.
final class SharedSink: FileSink {
    private struct State {
        var durable: UInt64
        /// What became of the first commit that the log did not take.
        var ended: SharedVerdict?
        var listeners: [(lsn: UInt64, then: @Sendable () -> Void)] = []
    }

    private let tenant: TenantID
    private let stream: any SharedStream
    private let member: ClusterMember
    private let file: SharedFile
    private let state: Mutex<State>
    private let last: Atomic<UInt64>
    private let incarnationNow = Atomic<Int64>(0)

    /// `file`: is what the stream's head says.
    init(_ tenant: TenantID, _ stream: any SharedStream, _ member: ClusterMember, _ file: SharedFile) {
        (self.tenant, self.stream, self.member, self.file) = (tenant, stream, member, file)
        let sequence = stream.settled.sequence
        state = Mutex(State(durable: sequence))
        last = Atomic(sequence)
    }

    var incarnation: Int64 {
        get { incarnationNow.load(ordering: .relaxed) }
        set { incarnationNow.store(newValue, ordering: .relaxed) }
    }

    /// Where a snapshot of the file stands, which was just brought home. On its lane.
    var place: SharedPlace { stream.settled }

    func putSnapshot(at place: SharedPlace, _ next: () throws -> [UInt8]?) throws {
        try stream.putSnapshot(at: place, next)
    }

    // MARK: Commits

    var takesPacked: Bool { tenant.packsCommits }

    func append(_ commit: UnsafeRawBufferPointer) throws(CommitRefused) -> UInt64 {
        guard state.withLock({ $0.ended == nil }), member.mayWrite(tenant) else { throw .failed }
        let lsn = stream.append(commit) { [self] verdict in settled(verdict) }
        last.store(lsn, ordering: .releasing)
        member.appended(tenant, bytes: commit.count)
        return lsn
    }

    /// On the log's thread, in the order of the commits.
    private func settled(_ verdict: SharedVerdict) {
        let called: [@Sendable () -> Void] = state.withLock { state in
            switch verdict {
            case .appended where state.ended == nil: state.durable += 1
            case .appended: preconditionFailure("nothing is taken behind what was not")
            default: state.ended = state.ended ?? verdict
            }
            let isOver = state.ended != nil
            let called = state.listeners.filter { isOver || $0.lsn <= state.durable }
            if !called.isEmpty { state.listeners.removeAll { isOver || $0.lsn <= state.durable } }
            return called.map(\.then)
        }
        if verdict == .refused { member.wasRefused(tenant) }
        for then in called { then() }
    }

    var durable: UInt64 { state.withLock { $0.durable } }

    func mark(upTo lsn: UInt64) throws {
        let place = stream.settled
        // The lane is quiet: nothing is on its way.
        guard place.sequence == lsn, state.withLock({ $0.ended == nil }) else { throw LaneFailure.notCommitted }
        try file.write(mark: place)
        member.broughtHome(tenant)
    }

    func wait(for lsn: UInt64) throws {
        let isDone = DispatchSemaphore(value: 0)
        whenSettled(lsn) { isDone.signal() }
        isDone.wait()
        if fate(of: lsn) != .durable { throw failure(ofLost: true) }
    }

    // MARK: The lane's side

    func fate(of lsn: UInt64) -> LogFate {
        state.withLock { state in
            if lsn <= state.durable { return .durable }
            return state.ended == nil ? .pending : .lost
        }
    }

    func whenSettled(_ lsn: UInt64, _ then: @escaping @Sendable () -> Void) {
        let isKnown = state.withLock { state in
            if state.ended != nil || lsn <= state.durable { return true }
            state.listeners.append((lsn, then))
            return false
        }
        if isKnown { then() }
    }

    /// Commits of one tenant on their way at once: what is more waits in the lane and becomes one.
    private static let onTheirWayMax: UInt64 = 32

    var room: LogRoom {
        guard state.withLock({ $0.ended == nil }), member.mayWrite(tenant) else { return .failed }
        return last.load(ordering: .relaxed) - durable > Self.onTheirWayMax ? .crowded : .open
    }

    func whenRoomMay(_ then: @escaping @Sendable () -> Void) {
        let next = durable + 1
        if next > last.load(ordering: .relaxed) { then() } else { whenSettled(next, then) }
    }

    var mayShow: Bool { member.place(of: tenant) == .here }

    func refusal(ofWrite _: Bool) -> LaneFailure { member.refusal(of: tenant) }

    func failure(ofLost isWrite: Bool) -> LaneFailure {
        switch state.withLock({ $0.ended }) {
        case .refused: .moved
        case .unknown where isWrite: .outcomeUnknown
        case .absent, .unknown, .appended, nil: .logUnavailable
        }
    }
}
