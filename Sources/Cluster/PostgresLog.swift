package import Cryptography
import Synchronization
package import TenantRegistry

/// The nodes' shared log in PostgreSQL, 13 or later (N1–N3): heads, records and snapshots in its tables, the append a
/// conditional write in a transaction that a second server has before it is answered.
///
/// Invariant: `appended` is said only where the commit came back without a warning from a session whose server promises
/// what `durability` says, or where a write of that kind proved it since. What is not settled so is never said to be
/// `refused` or `absent` before the epoch was raised.
///
/// Any thread. Records are sealed and sent by threads of its own (`log-ship-N`).
package final class PostgresLog: SharedLog {
    package let durability: ClusterDurability
    let node: NodeName
    let sessions: PostgresSessions
    /// The first is the registry's: everybody's rows must not wait with a tenant's.
    let shippers: [PostgresShipper]
    let random: any RandomSource
    /// Of this process, once it has joined; -1 before.
    let generation = Atomic<Int64>(-1)
    let counters = PostgresCounters()
    let partitionsCheckedAt = Atomic<UInt64>(0)
    /// Up to here the registry's records are on a standby for certain.
    let provenRegistry = Atomic<UInt64>(0)
    let sweptAt = Atomic<UInt64>(0)
    /// When the standbys are looked at next; the last moment of all: never, as the server refuses it.
    let standbysLookedAtNext = Atomic<UInt64>(0)

    /// `address`: `postgresql://…`, or a line of keywords, as libpq reads them. Connects to nothing yet. Throws
    /// `.refused` where the address cannot be read, or libpq is not installed.
    package init(
        _ address: String, node: NodeName, durability: ClusterDurability = .replicated,
        random: any RandomSource = SystemRandom()
    ) throws(SharedLogError) {
        (self.node, self.durability, self.random) = (node, durability, random)
        let sessions = PostgresSessions(try PostgresAddress(address), durability, name: Self.sessionName(of: node))
        self.sessions = sessions
        let counters = counters
        shippers = (0...PostgresBounds.shippers).map { _ in PostgresShipper(sessions, counters, random) }
        for (number, shipper) in shippers.enumerated() { startThread("log-ship-\(number)") { shipper.run() } }
    }

    /// As the server lists this node's sessions.
    static func sessionName(of node: NodeName) -> String { "tollgate/\(node.text)" }

    /// Where it is, without a password.
    package var place: String { sessions.address.description }

    package var standing: SharedLogStanding {
        var standing = counters.standing
        standing.waiting = shippers.reduce(0) { $0 + $1.waiting }
        return standing
    }

    package var isReachable: Bool { sessions.isReachable }

    /// A server that does not have such functions, or gives them to others, is asked once.
    package func lookAtStandbys() {
        guard now() >= standbysLookedAtNext.load(ordering: .relaxed) else { return }
        standbysLookedAtNext.store(now() + PostgresBounds.standbyLookNanoseconds, ordering: .relaxed)
        var lag: UInt64?
        do throws(PostgresFailure) {
            lag = try sessions.use(isAhead: true) { connection, deadline throws(PostgresFailure) -> UInt64? in
                let result = try connection.run(PostgresSchema.standbyLag, until: deadline)
                return result.rows == 1 && !result.isNull(0, 0) ? result.unsigned(0, 0) : nil
            }
        } catch {
            if case .refused = error.kind { standbysLookedAtNext.store(.max, ordering: .relaxed) }
        }
        counters.change { $0.standbyLagBytes = lag }
    }

    /// What waits to be sent is `absent`; what is on its way is waited for.
    package func close() {
        for shipper in shippers { shipper.close() }
        sessions.close()
    }

    /// A tenant always has the same one: what it appends keeps its order.
    func shipper(of tenant: TenantID) -> PostgresShipper {
        guard tenant != .registry else { return shippers[0] }
        return shippers[1 + Int(tenant.low % UInt64(PostgresBounds.shippers))]
    }

    /// Asks with a session; failures are the log's.
    func ask<Value>(
        within nanoseconds: UInt64 = PostgresBounds.answerNanoseconds, once: Bool = false, isAhead: Bool = false,
        _ body: (PostgresConnection, UInt64) throws(PostgresFailure) -> Value
    ) throws(SharedLogError) -> Value {
        do throws(PostgresFailure) {
            return try sessions.use(within: nanoseconds, once: once, isAhead: isAhead, body)
        } catch { throw error.asLogError }
    }
}

/// What metrics are made of. Any thread.
final class PostgresCounters: Sendable {
    private let counts = Mutex(SharedLogStanding())

    var standing: SharedLogStanding { counts.withLock { $0 } }
    func change(_ body: (inout SharedLogStanding) -> Void) { counts.withLock { body(&$0) } }
}
