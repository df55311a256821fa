import SQLite
import Synchronization

/// What lies in a tenant's file until somebody minds it: webhooks that are held, and those that came to nothing. A
/// value.
package struct Backlog: Sendable, Equatable {
    package var held: Int64
    package var dead: Int64

    package init(held: Int64 = 0, dead: Int64 = 0) {
        self.held = held
        self.dead = dead
    }

    fileprivate mutating func add(_ other: Backlog) {
        held += other.held
        dead += other.dead
    }
}

/// What the registry knows of a tenant's backlog.
package enum RegisteredBacklog: Sendable {
    /// The file is to be asked.
    case unknown
    case known(Backlog)
}

/// A tenant's backlog as its file said last, so that no file is opened to be told (G7).
///
/// Invariant: it is stale, or says what the file's last commit made it; a file that no program with these figures has
/// opened yet has none. Any thread.
final class TenantBacklog: Sendable {
    private struct State {
        var now = Backlog()
        var isStale = false
        /// As the registry has it; nil: it is to ask.
        var saved: Backlog? = Backlog()
    }

    private let state = Mutex(State())

    func start(_ known: RegisteredBacklog) {
        state.withLock { state in
            switch known {
            case .unknown: state = State(isStale: true, saved: nil)
            case .known(let backlog): state = State(now: backlog, saved: backlog)
            }
        }
    }

    /// The tenant is another node's, which counts it.
    func forget() { state.withLock { $0 = State() } }

    /// A commit has changed it.
    func change() { state.withLock { $0.isStale = true } }

    /// On the tenant's lane, where it was counted.
    func found(_ backlog: Backlog) {
        state.withLock { state in
            state.now = backlog
            state.isStale = false
        }
    }

    var now: Backlog { state.withLock { $0.now } }
    var isStale: Bool { state.withLock { $0.isStale } }
    /// Whether there is anything to be counted or saved.
    var isDirty: Bool { state.withLock { $0.isStale || $0.saved != $0.now } }

    /// What the registry is to be told; nil where it knows it.
    func take(of tenant: TenantID) -> BacklogSave? {
        state.withLock { state in
            let backlog: Backlog? = state.isStale ? nil : state.now
            return backlog == state.saved ? nil : BacklogSave(tenant: tenant, backlog: backlog)
        }
    }

    func saved(_ backlog: Backlog?) { state.withLock { $0.saved = backlog } }
}

/// A tenant's backlog on its way into the registry; nil: the file is to be asked.
struct BacklogSave: Sendable {
    let tenant: TenantID
    let backlog: Backlog?
}

extension Fleet {
    /// Counts what lies in the file. On its lane.
    func count(backlogOf record: TenantRecord, in tenant: TenantReader) {
        do {
            record.backlog.found(try schema.meter.backlog(tenant))
        } catch {
            report("tenant \(record.id.text): what lies in it is not counted: \(error)")
        }
    }

    /// Of all tenants of this node.
    package var backlog: Backlog {
        roster.allTenants.reduce(into: Backlog()) { sum, record in
            if isServedHere(record.id) { sum.add(record.backlog.now) }
        }
    }
}
