import Synchronization
package import TenantRegistry

/// How the archive stands, for metrics and for people (B3, B4). Any thread.
package final class ArchiveFigures: Sendable {
    /// What a trial found: tenants of a sample, restored from the archive and proved.
    package struct Trial: Sendable {
        package let at: Timestamp
        package let sound: [String]
        package let faults: [(slug: String, text: String)]
    }

    private struct State {
        var reachedAt = monotonicMilliseconds()
        var trouble: String?
        var loss: String?
        var trial: Trial?
        var pruning: (at: Timestamp, keptFrom: Timestamp?)?
    }

    private let state = Mutex(State())
    private let objectCount = Atomic<Int>(0)
    private let byteCount = Atomic<Int>(0)
    private let failureCount = Atomic<Int>(0)
    private let removedCount = Atomic<Int>(0)
    private let owing = Mutex<@Sendable () -> Int>({ 0 })
    /// Tells where it stands.
    package let place: String

    init(_ place: String) { self.place = place }

    /// What clients were told until this moment is in the archive.
    func reached(_ milliseconds: UInt64) { state.withLock { $0.reachedAt = milliseconds } }

    func put(_ bytes: Int) {
        objectCount.add(1, ordering: .relaxed)
        byteCount.add(bytes, ordering: .relaxed)
    }

    /// Whether it is news.
    @discardableResult
    func trouble(_ text: String?) -> Bool {
        if text != nil { failureCount.add(1, ordering: .relaxed) }
        return state.withLock { state in
            defer { state.trouble = text }
            return state.trouble != text
        }
    }

    /// What it has lost; nil: nothing, or copies from behind it are there.
    func loss(_ text: String?) { state.withLock { $0.loss = text } }

    func owes(_ count: @escaping @Sendable () -> Int) { owing.withLock { $0 = count } }
    func tried(_ trial: Trial) { state.withLock { $0.trial = trial } }
    func removed() { removedCount.add(1, ordering: .relaxed) }

    /// What lies behind the days that it keeps has gone. `keptFrom`: the first moment that it is known to go back to;
    /// nil where nothing lies behind them yet.
    func pruned(at: Timestamp, keptFrom: Timestamp?) { state.withLock { $0.pruning = (at: at, keptFrom: keptFrom) } }

    /// How long ago that was of which everything is in the archive.
    package var behindMilliseconds: Int {
        Int(monotonicMilliseconds() &- min(monotonicMilliseconds(), state.withLock { $0.reachedAt }))
    }
    func hasReached(after milliseconds: UInt64) -> Bool { state.withLock { $0.reachedAt > milliseconds } }

    /// What is in the way; nil where all is well.
    package var trouble: String? { state.withLock { $0.trouble } }
    /// What the archive lacks of what was put there; nil: nothing that a reader needs.
    package var loss: String? { state.withLock { $0.loss } }
    package var lastTrial: Trial? { state.withLock { $0.trial } }
    package var objects: Int { objectCount.load(ordering: .relaxed) }
    package var bytes: Int { byteCount.load(ordering: .relaxed) }
    /// Objects that went since they lay behind the days that it keeps.
    package var removedObjects: Int { removedCount.load(ordering: .relaxed) }
    package var prunedAt: Timestamp? { state.withLock { $0.pruning?.at } }
    package var keptFrom: Timestamp? { state.withLock { $0.pruning?.keptFrom } }
    package var failures: Int { failureCount.load(ordering: .relaxed) }
    /// Tenants that have no snapshot in the archive yet. Looks at all of them.
    package var owed: Int { owing.withLock { $0 }() }
}
