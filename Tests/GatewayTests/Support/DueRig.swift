import CallKit
import Foundation
import Gateway
import Synchronization
import TenantApp
import TenantRegistry
import TestTenants

/// A fleet whose tenants have work that falls due, and its scheduler: items are settings named `due:…` whose value is
/// their hour. Each that is done is told behind its commit. Any thread.
final class DueRig: Sendable {
    struct Done: Sendable, Hashable {
        let tenant: TenantID
        let item: String
        /// What the clock said.
        let at: Timestamp
    }

    let node: TestNode
    let scheduler: Scheduler
    let rounds = Rounds()
    private let tape = Tape()

    init(_ path: String, clock: ManualClock = ManualClock(TestNode.start), seed: UInt64 = 1) throws {
        var options = Fleet.Options()
        options.clockLeapHoursMax = 0
        node = try TestNode(path, clock: clock, seed: seed, options: options, schema: Self.schema(tape))
        let rounds = rounds
        scheduler = try Scheduler(node.fleet) { rounds.pass() }
    }

    func stop() {
        rounds.open()
        scheduler.stop()
        node.stop()
    }

    var all: [Done] { tape.done.withLock { $0 } }

    func breakItem(_ item: String) { tape.broken.withLock { _ = $0.insert(item) } }

    func add(_ items: [(String, Timestamp)], to record: TenantRecord) throws {
        try node.write(record) { tenant, _ in
            for (item, at) in items {
                try tenant.set("due:\(item)", to: "\(at.milliseconds)")
                tenant.noteDue(.renewal, at: at)
            }
        }
    }

    // MARK: The work

    /// There before the scheduler is, which may have its first turn before there is a rig.
    private final class Tape: Sendable {
        let done = Mutex<[Done]>([])
        /// Items that cannot be done.
        let broken = Mutex<Set<String>>([])

        func isBroken(_ item: String) -> Bool { broken.withLock { $0.contains(item) } }
    }

    private struct Broken: Error {}

    private static func schema(_ tape: Tape) -> TenantSchema {
        let app = TenantSchema.app
        let due = DueSchema(
            next: { tenant, kind in
                guard kind == .renewal else { return nil }
                return try tenant.connection.row(
                    "SELECT min(CAST(value AS INTEGER)) FROM setting WHERE name LIKE 'due:%'"
                ) { try $0.optionalTime() } ?? nil
            },
            run: { tenant, kind, limit in
                let now = tenant.now
                let items = try tenant.connection.rows(
                    """
                    SELECT name FROM setting WHERE name LIKE 'due:%' AND CAST(value AS INTEGER) <= ?1
                    ORDER BY CAST(value AS INTEGER), name LIMIT ?2
                    """, .integer(now.milliseconds), .int(limit)
                ) { try $0.text() }
                for item in items {
                    if tape.isBroken(item) { throw Broken() }
                    try tenant.set(item, toOptional: nil)
                    let done = Done(tenant: tenant.tenantID, item: item, at: now)
                    tenant.store.afterCommit { tape.done.withLock { $0.append(done) } }
                }
                return items.count
            })
        return TenantSchema(
            migrations: app.migrations, readProjections: app.readProjections, housekeep: app.housekeep, due: due,
            vouched: app.vouched, examine: app.examine)
    }
}

/// The scheduler's rounds: a test waits for one after the other, and may hold the thread up. Any thread.
final class Rounds: Sendable {
    private struct State {
        var passed = 0
        var isHeld = false
    }

    private static let patienceSeconds = 60

    private let state = Mutex(State())
    private let changed = DispatchSemaphore(value: 0)
    private let gate = DispatchSemaphore(value: 0)

    struct NeverCame: Error {}

    /// On the scheduler's thread.
    func pass() {
        let isHeld = state.withLock { state in
            state.passed += 1
            return state.isHeld
        }
        changed.signal()
        if isHeld { gate.wait() }
    }

    /// From its next round on the thread stands.
    func hold() { state.withLock { $0.isHeld = true } }

    /// One round of a thread that stands; it stands again before the next.
    func step() throws {
        let until = state.withLock { $0.passed } + 1
        gate.signal()
        try wait { state.withLock { $0.passed } >= until }
    }

    func open() {
        let wasHeld = state.withLock { state in
            defer { state.isHeld = false }
            return state.isHeld
        }
        if wasHeld { gate.signal() }
    }

    /// Goes on with the round in which it is true.
    func wait(for condition: () throws -> Bool) throws {
        let end = DispatchTime.now() + .seconds(Self.patienceSeconds)
        while try !condition() {
            guard changed.wait(timeout: end) == .success else { throw NeverCame() }
        }
    }

    /// Goes on when so many more rounds have begun.
    func wait(_ count: Int) throws {
        let until = state.withLock { $0.passed } + count
        try wait { state.withLock { $0.passed } >= until }
    }
}
