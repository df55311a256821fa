import Synchronization

/// When a tenant's file is to be asked again, by kind: milliseconds since 1970, `never` where nothing waits. Any thread.
///
/// Invariant: an instant here is never later than the rows say, once a batch has committed; an earlier one costs a look.
package final class DueTimes: Sendable {
    package static let never = Int64.max

    private let times = Mutex([Int64](repeating: DueTimes.never, count: DueKind.allCases.count))

    package subscript(kind: DueKind) -> Int64 { times.withLock { $0[kind.rawValue] } }

    /// The earliest of all kinds.
    package var first: Int64 { times.withLock { $0.min() ?? Self.never } }

    /// Something falls due then. True where that is earlier than all that was known.
    @discardableResult
    package func note(_ kind: DueKind, _ at: Int64) -> Bool {
        times.withLock { times in
            let first = times.min() ?? Self.never
            times[kind.rawValue] = min(times[kind.rawValue], at)
            return at < first
        }
    }

    /// What the rows say now.
    package func set(_ kind: DueKind, _ at: Int64?) {
        times.withLock { $0[kind.rawValue] = at ?? Self.never }
    }
}
