/// Asks every level in turn: the request passes all of them or costs none anything (G2).
extension RequestLimits {
    /// Takes `cost` from key, reseller, route class, tenant and process. The first that refuses ends it, and the
    /// earlier ones get back what they gave. So the level that binds admits exactly its capacity, however many threads
    /// ask. A refusal says how long to wait for the later ones too, which were only looked at.
    package static func admit(_ levels: borrowing RequestLimits, cost: Int = 1, now: UInt64) -> Verdict {
        levels.admit(cost: cost, now: now)
    }

    package func admit(cost: Int = 1, now: UInt64) -> Verdict {
        let key = self.key?.take(cost: cost, now: now)
        if let key, !key.admitted { return refusal(at: .key, key, cost, now) }

        let reseller = self.reseller?.take(cost: cost, now: now)
        if let reseller, !reseller.admitted {
            putBack(cost, key)
            return refusal(at: .reseller, reseller, cost, now)
        }

        let routeClass = self.routeClass?.take(cost: cost, now: now)
        if let routeClass, !routeClass.admitted {
            putBack(cost, key, reseller)
            return refusal(at: .routeClass, routeClass, cost, now)
        }

        let tenant = self.tenant?.take(cost: cost, now: now)
        if let tenant, !tenant.admitted {
            putBack(cost, key, reseller, routeClass)
            return refusal(at: .tenant, tenant, cost, now)
        }

        let process = self.process?.take(cost: cost, now: now)
        if let process, !process.admitted {
            putBack(cost, key, reseller, routeClass, tenant)
            return refusal(at: .process, process, cost, now)
        }
        return Verdict(admittedBy: key, reseller, routeClass, tenant, process)
    }

    /// Gives back what an admission took, say for a request that turned out not to have run.
    package func giveBack(cost: Int = 1) {
        key?.giveBack(cost: cost)
        reseller?.giveBack(cost: cost)
        routeClass?.giveBack(cost: cost)
        tenant?.giveBack(cost: cost)
        process?.giveBack(cost: cost)
    }

    /// What the level says that refuses, with the wait until the later ones have room as well.
    private func refusal(at level: LimitScope, _ decision: Decision, _ cost: Int, _ now: UInt64) -> Verdict {
        var decision = decision
        func look(at later: Bucket?, _ scope: LimitScope) {
            guard let later, scope.rawValue > level.rawValue else { return }
            decision = decision.waiting(alsoFor: later.peek(cost: cost, now: now))
        }
        look(at: reseller, .reseller)
        look(at: routeClass, .routeClass)
        look(at: tenant, .tenant)
        look(at: process, .process)
        return Verdict(admitted: false, level: level, decision: decision)
    }

    private func putBack(
        _ cost: Int, _ key: Decision?, _ reseller: Decision? = nil, _ routeClass: Decision? = nil,
        _ tenant: Decision? = nil
    ) {
        // Each names the policy it was taken under: one may have changed in between.
        if let tenant { self.tenant?.giveBack(cost: cost, takenUnder: tenant.policy) }
        if let routeClass { self.routeClass?.giveBack(cost: cost, takenUnder: routeClass.policy) }
        if let reseller { self.reseller?.giveBack(cost: cost, takenUnder: reseller.policy) }
        if let key { self.key?.giveBack(cost: cost, takenUnder: key.policy) }
    }
}

extension Verdict {
    fileprivate init(
        admittedBy key: Decision?, _ reseller: Decision?, _ routeClass: Decision?, _ tenant: Decision?,
        _ process: Decision?
    ) {
        var binding: (level: LimitScope, decision: Decision)?
        func weigh(_ level: LimitScope, _ decision: Decision?) {
            guard let decision else { return }
            if let least = binding, least.decision.remaining <= decision.remaining { return }
            binding = (level, decision)
        }
        weigh(.key, key)
        weigh(.reseller, reseller)
        weigh(.routeClass, routeClass)
        weigh(.tenant, tenant)
        weigh(.process, process)
        self.init(admitted: true, level: binding?.level, decision: binding?.decision)
    }
}
