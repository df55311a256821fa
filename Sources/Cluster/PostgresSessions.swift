import Synchronization
import TenantRegistry

/// Sessions for what is asked one question at a time. Any thread; each session has one user at a time: it is in `idle`,
/// or in one caller's hands.
final class PostgresSessions: Sendable {
    private struct State {
        var idle: [PostgresConnection] = []
        /// The host that was the primary last.
        var host = 0
        var isClosed = false
    }

    let address: PostgresAddress
    private let durability: ClusterDurability
    private let name: String
    private let state = Mutex(State())
    private let reachable = Atomic(true)

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
        let (connection, at) = try PostgresConnection.open(
            address, durability, name: name, first: host, until: deadline)
        state.withLock { $0.host = at }
        return connection
    }

    /// The same, tried again until the time is over. A server that does not promise enough is an end at once, but where
    /// the caller has nothing better to do than to wait for one that does.
    func connectPatiently(
        until deadline: UInt64, evenUnfit: Bool = false
    ) throws(PostgresFailure) -> PostgresConnection {
        while true {
            do throws(PostgresFailure) {
                return try connect(until: deadline)
            } catch {
                let next = now() + UInt64(PostgresBounds.pauseMilliseconds) * 1_000_000
                guard evenUnfit || error.kind != .unfit, next < deadline else { throw error }
                pause(milliseconds: PostgresBounds.pauseMilliseconds)
            }
        }
    }

    /// Calls `body` with a session, which it keeps where nothing failed. `once`: whether what was asked for may be done
    /// already is the caller's to find out; else a session that was ended while it was idle is made up for.
    func use<Value>(
        within nanoseconds: UInt64 = PostgresBounds.answerNanoseconds, once: Bool = false,
        _ body: (PostgresConnection, UInt64) throws(PostgresFailure) -> Value
    ) throws(PostgresFailure) -> Value {
        let deadline = now() + nanoseconds
        if let idle = takeIdle() {
            do throws(PostgresFailure) {
                let value = try body(idle, deadline)
                giveBack(idle)
                return value
            } catch {
                guard !once, error.kind == .lost || error.kind == PostgresFailure.adminShutdown else { throw error }
            }
        }
        let connection = try connectPatiently(until: deadline)
        let value = try body(connection, deadline)
        giveBack(connection)
        return value
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
