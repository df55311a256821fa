import Dispatch
import Synchronization
import TenantRegistry

/// Sessions for what is asked one question at a time. Any thread; each session has one user at a time: it is in `idle`,
/// or in one caller's hands.
///
/// Invariant: `PostgresBounds.askers` callers have one at a time, `downloads` a snapshot, and `readers` records; others
/// wait, as long as they have time. While the server is away one at a time tries to reach it, whoever wants a session,
/// and the thread that beats beside.
final class PostgresSessions: Sendable {
    private struct State {
        var idle: [PostgresConnection] = []
        /// The host that was the primary last.
        var host = 0
        var isClosed = false
        /// Why the last attempt came to nothing; nil: it did not.
        var failure: PostgresFailure?
        /// Somebody tries it again.
        var isTried = false
    }

    let address: PostgresAddress
    private let durability: ClusterDurability
    private let name: String
    private let state = Mutex(State())
    private let reachable = Atomic(true)
    private let askers = DispatchSemaphore(value: PostgresBounds.askers)
    /// Who reads large files keeps nobody from a few records.
    let downloads = DispatchSemaphore(value: PostgresBounds.downloads)
    let readers = DispatchSemaphore(value: PostgresBounds.readers)

    init(_ address: PostgresAddress, _ durability: ClusterDurability, name: String) {
        (self.address, self.durability, self.name) = (address, durability, name)
    }

    /// Whether the last append or beat came back: a question that was cut off says nothing of them.
    var isReachable: Bool { reachable.load(ordering: .relaxed) }
    func note(isReachable: Bool) { reachable.store(isReachable, ordering: .relaxed) }

    /// A new session, of the caller alone.
    func connect(until deadline: UInt64) throws(PostgresFailure) -> PostgresConnection {
        let (host, isClosed) = state.withLock { ($0.host, $0.isClosed) }
        if isClosed { throw .lost("it was closed") }
        // What fails for want of the caller's own time says nothing of the server.
        let hasTime = now() + PostgresBounds.connectNanoseconds <= deadline
        do throws(PostgresFailure) {
            let (connection, at) = try PostgresConnection.open(
                address, durability, name: name, first: host, until: deadline)
            state.withLock { ($0.host, $0.failure) = (at, nil) }
            return connection
        } catch {
            // What an attempt said that had time tells more.
            guard hasTime else { throw state.withLock { $0.failure } ?? error }
            // The next attempt begins elsewhere: this one may have had no time for more than one host.
            state.withLock { ($0.host, $0.failure) = ((host + 1) % address.hosts.count, error) }
            throw error
        }
    }

    /// The same, where nobody else tries in vain.
    private func connectInTurn(until deadline: UInt64) throws(PostgresFailure) -> PostgresConnection {
        var isMine = false
        let failure: PostgresFailure? = state.withLock { state in
            guard let failure = state.failure else { return nil }
            guard !state.isTried else { return failure }
            (state.isTried, isMine) = (true, true)
            return nil
        }
        if let failure { throw .lost(failure.text) }
        defer { if isMine { state.withLock { $0.isTried = false } } }
        return try connect(until: deadline)
    }

    /// The same, tried again until the time is over. A server that does not promise enough is an end at once, but where
    /// the caller has nothing better to do than to wait for one that does. `isAhead`: whoever else tries.
    func connectPatiently(
        until deadline: UInt64, evenUnfit: Bool = false, isAhead: Bool = false
    ) throws(PostgresFailure) -> PostgresConnection {
        while true {
            do throws(PostgresFailure) {
                return try isAhead ? connect(until: deadline) : connectInTurn(until: deadline)
            } catch {
                let next = now() + UInt64(PostgresBounds.pauseMilliseconds) * 1_000_000
                guard evenUnfit || error.kind != .unfit, next < deadline else { throw error }
                pause(milliseconds: PostgresBounds.pauseMilliseconds)
            }
        }
    }

    /// Calls `body` with a session, which it keeps where nothing failed. `once`: whether what was asked for may be done
    /// already is the caller's to find out; else a session that was ended while it was idle is made up for.
    /// `isAhead`: it waits behind nobody; of the thread that beats alone, as the lease hangs on it.
    func use<Value>(
        within nanoseconds: UInt64 = PostgresBounds.answerNanoseconds, once: Bool = false, isAhead: Bool = false,
        _ body: (PostgresConnection, UInt64) throws(PostgresFailure) -> Value
    ) throws(PostgresFailure) -> Value {
        let deadline = now() + nanoseconds
        if !isAhead { try Self.wait(for: askers, until: deadline) }
        defer { if !isAhead { askers.signal() } }
        if let idle = takeIdle() {
            do throws(PostgresFailure) {
                let value = try body(idle, deadline)
                giveBack(idle)
                return value
            } catch {
                guard !once, error.kind == .lost || error.kind == PostgresFailure.adminShutdown else { throw error }
            }
        }
        let connection = try connectPatiently(until: deadline, isAhead: isAhead)
        let value = try body(connection, deadline)
        giveBack(connection)
        return value
    }

    /// Calls `body` with a session for an answer that comes piece by piece, during which it may ask other things.
    /// `turn`: of whom it waits behind; nil: of nobody.
    func read(behind turn: DispatchSemaphore?, _ body: (PostgresConnection) throws -> Void) throws {
        if let turn { try Self.wait(for: turn, until: now() + PostgresBounds.patientNanoseconds) }
        defer { turn?.signal() }
        let connection = try takeIdle() ?? connectPatiently(until: now() + PostgresBounds.answerNanoseconds)
        try body(connection)
        giveBack(connection)
    }

    private static func wait(for turn: DispatchSemaphore, until deadline: UInt64) throws(PostgresFailure) {
        let begun = now()
        let rest = DispatchTimeInterval.nanoseconds(deadline > begun ? Int(deadline - begun) : 0)
        guard turn.wait(timeout: .now() + rest) == .success else { throw .lost("this node asks it too much at once") }
    }

    /// One that its server still holds; what a restart of the server cut off is dropped.
    func takeIdle() -> PostgresConnection? {
        while let connection = state.withLock({ $0.idle.popLast() }) {
            if connection.isAlive { return connection }
        }
        return nil
    }

    func giveBack(_ connection: PostgresConnection) {
        // Not sent: it is closed outside of the lock.
        var rest: PostgresConnection? = connection
        state.withLock { state in
            guard !state.isClosed, state.idle.count < PostgresBounds.idleSessionsMax else { return }
            state.idle.append(connection)
            rest = nil
        }
        withExtendedLifetime(rest) {}
    }

    /// Idle sessions end; new ones may come.
    func dropIdle() { state.withLock { $0.idle = [] } }

    func close() {
        state.withLock { state in
            state.isClosed = true
            state.idle = []
        }
    }
}
