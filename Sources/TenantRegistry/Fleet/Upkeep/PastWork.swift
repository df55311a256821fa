import Synchronization

/// What is to be done for tenants' past, a piece at a time (B2). Any thread.
final class PastWork: Sendable {
    private struct State {
        /// Tenants that may want a base, in the order in which they came to.
        var wanted: [TenantID] = []
        /// Of files as they were when they came: they become bases.
        var copies: [PastCopy] = []
        var isBusy = false
        /// When all tenants were looked through last.
        var looked: UInt64?
    }

    private let state = Mutex(State())
    /// Held while copies become bases.
    private let adding = Mutex(())
    private static let copiesMax = 256

    /// The tenant has another file than before.
    func want(_ id: TenantID) { state.withLock { $0.wanted.append(id) } }

    var hasRoomForCopy: Bool { state.withLock { $0.copies.count < Self.copiesMax } }
    func give(_ copy: PastCopy) { state.withLock { $0.copies.append(copy) } }

    /// Each copy that is here, of one tenant or of all, is a base when this returns.
    func addCopies(of tenant: TenantID?, _ add: (PastCopy) -> Void) {
        adding.withLock { _ in
            while let copy = takeCopy(of: tenant) { add(copy) }
        }
    }

    private func takeCopy(of tenant: TenantID?) -> PastCopy? {
        state.withLock { state in
            let place = state.copies.firstIndex { tenant == nil || $0.tenant == tenant }
            return place.map { state.copies.remove(at: $0) }
        }
    }

    /// All that stand here; nobody does any more.
    func takeAll() -> [TenantID] {
        state.withLock { state in
            defer { state.wanted = [] }
            return state.wanted
        }
    }

    /// False while something is being done.
    func begin() -> Bool {
        state.withLock { state in
            defer { state.isBusy = true }
            return !state.isBusy
        }
    }

    func end() { state.withLock { $0.isBusy = false } }

    /// Whether it is time to look through all tenants.
    func isTimeToLook(now: UInt64, every nanoseconds: UInt64) -> Bool {
        state.withLock { state in
            if let looked = state.looked, now &- looked < nanoseconds { return false }
            state.looked = now
            return true
        }
    }
}

/// A tenant's file as it was when it came, to be the first base of its past. A value; who takes it removes the file.
struct PastCopy: Sendable {
    let path: String
    let tenant: TenantID
    let incarnation: Int64
    /// Where the log ended then.
    let lsn: UInt64
    let at: Timestamp
}
