/// Levels of the limiter: what a node lets others know of them while it lives, for whoever has its tenants next (N5).
extension ClusterMember {
    struct Levels {
        /// Given what another node has saved, once these tenants are this node's and before they are served.
        var take: (@Sendable ([UInt8], Set<TenantID>) -> Void)?
        /// Saves those of a tenant that goes.
        var keep: (@Sendable (TenantRecord, @escaping @Sendable () -> Void) -> Void)?
        var isSaving = false
        /// The newest that are still to be saved, and who waits for them.
        var next: [UInt8]?
        var waiting: [@Sendable () -> Void] = []

        fileprivate mutating func takeNext() -> (levels: [UInt8]?, waiting: [@Sendable () -> Void]) {
            defer { (next, waiting) = (nil, []) }
            return (next, waiting)
        }
    }

    /// `take`: is given what another node has saved, once these tenants are this node's and before they are served.
    /// `keep`: saves those of a tenant that goes, and calls back.
    package func attach(
        take: @escaping @Sendable ([UInt8], Set<TenantID>) -> Void,
        keep: @escaping @Sendable (TenantRecord, @escaping @Sendable () -> Void) -> Void
    ) {
        state.withLock { ($0.levels.take, $0.levels.keep) = (take, keep) }
    }

    /// The tenant's are there for its next node as they are now; or could not be saved. Returns at once.
    func keepLevels(of record: TenantRecord, then: @escaping @Sendable () -> Void) {
        if let keep = state.withLock({ $0.levels.keep }) { keep(record, then) } else { then() }
    }

    /// These are the newest, for whoever takes over: they are saved next. `then` comes once these, or newer ones, are
    /// there, or could not be saved. Returns whether `saveNextLevels` is to follow, where no lock is held.
    package func note(levels: [UInt8], then: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            state.levels.next = levels
            state.levels.waiting.append(then)
            defer { state.levels.isSaving = true }
            return !state.levels.isSaving
        }
    }

    /// Saves those that were noted last. Returns at once.
    package func saveNextLevels() {
        let isTaken = asking.submit { [self] in
            let (levels, waiting) = state.withLock { $0.levels.takeNext() }
            if let levels { try? log.save(levels: levels, of: name) }
            for then in waiting { then() }
            let goesOn = state.withLock { state in
                state.levels.isSaving = state.levels.next != nil
                return state.levels.isSaving
            }
            if goesOn { saveNextLevels() }
        }
        if isTaken { return }
        let waiting = state.withLock { state in
            state.levels.isSaving = false
            return state.levels.takeNext().waiting
        }
        for then in waiting { then() }
    }

    /// Blocks. Where it throws, what some limits are drawn on is not known: the tenants are not to be served yet.
    func takeLevels(of tenants: [TenantID]) throws(SharedLogError) {
        let (take, others) = state.withLock { ($0.levels.take, $0.peers.keys.filter { $0 != name }) }
        guard let take else { return }
        for other in others {
            if let bytes = try log.levels(of: other) { take(bytes, Set(tenants)) }
        }
    }
}
