import Archive
import Synchronization
import TenantRegistry

/// Objects in memory.
final class MemoryStore: ObjectStore {
    let place = "memory"
    private let stored = Mutex<[String: [UInt8]]>([:])
    /// When each was written, as its list says.
    private let clock: any WallClock
    private let times = Mutex<[String: Timestamp]>([:])
    /// Called before an object is there.
    private let onPut: @Sendable (String) -> Void
    private let hidden = Mutex<Set<String>>([])
    /// Why it lists nothing, and how often it has said so.
    private let silence = Mutex<(reason: StoreFailure?, count: Int)>((nil, 0))

    init(clock: any WallClock = SystemClock(), onPut: @escaping @Sendable (String) -> Void = { _ in }) {
        self.clock = clock
        self.onPut = onPut
    }

    func put(_ name: String, _ bytes: [UInt8]) throws(StoreFailure) -> Bool {
        onPut(name)
        let isThere = stored.withLock { $0.updateValue(bytes, forKey: name) == bytes }
        if !isThere { times.withLock { [now = clock.now()] in $0[name] = now } }
        return isThere
    }
    func get(_ name: String) throws(StoreFailure) -> [UInt8]? { stored.withLock { $0[name] } }
    func objects(_ prefix: String, after: String) throws(StoreFailure) -> [StoredObject] {
        let failure = silence.withLock { silence in
            if silence.reason != nil { silence.count += 1 }
            return silence.reason
        }
        if let failure { throw failure }
        let (known, hidden) = (times.withLock { $0 }, self.hidden.withLock { $0 })
        let all = stored.withLock { $0 }
        return all.keys.filter { $0.hasPrefix(prefix) && $0 > after && !hidden.contains($0) }.sorted().map { name in
            StoredObject(name: name, bytes: Int64(all[name]?.count ?? 0), writtenAt: known[name])
        }
    }

    /// Its list lags: these are there, and not in it yet.
    func hide(_ names: Set<String>) { hidden.withLock { $0 = names } }

    /// Nil: it lists again.
    func listNothing(_ reason: StoreFailure?) { silence.withLock { $0.reason = reason } }
    var listFailures: Int { silence.withLock { $0.count } }

    func remove(_ name: String) throws(StoreFailure) { stored.withLock { $0[name] = nil } }
    func giveUp() {}
}
