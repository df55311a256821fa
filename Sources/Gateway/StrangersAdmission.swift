import CallKit
import Cryptography
import HTTPCore
import RateLimiter
import TenantRegistry

/// What nobody has shown a key for is taken from budgets of its own, each of one tenant: by address, and by all its
/// strangers together (G6). Nothing of it is counted against the tenant's month, its limit or a reseller's, and what
/// one tenant's strangers have used up refuses nobody at another.
///
/// A link or a signature pays when it is known what it is: one that is right is its tenant's call, whatever the address
/// has done; one that is wrong is a guess of the address. Any thread.
struct StrangersAdmission: Sendable {
    let budgets: Budgets

    func admit(
        _ routed: Routed, of tenant: TenantRecord, _ payer: Payer, address: IPAddress, now: UInt64
    ) throws(Overrun) -> SharedRoom? {
        switch routed.route.openCalls {
        case .shared, .signOuts:
            // Part of the pages of everybody: other open calls do not use it up, and many addresses do not use up the
            // tenant's lane by it.
            let together: Budget = routed.route.keepsForEver ? .pageFilesTenant : .openCallsTenant
            let (key, all) = (AddressKey(address, at: tenant.id), AddressKey(of: tenant.id))
            try take(.openCallsAddress, key, before: (together, all), now: now)
            let decision = budgets.take(together, all, now: now)
            guard decision.admitted else {
                budgets.giveBack(.openCallsAddress, key)
                throw Overrun(decision, "strangers")
            }
            return nil
        case .signIns:
            try take(.signInsAddress, AddressKey(address, at: tenant.id), now: now)
            return nil
        case .applications:
            let key = AddressKey(address, at: tenant.id, aspect: routed.action.hashValue)
            try take(.applicationsAddress, key, now: now)
            return nil
        case .capability, .signed: return try look(routed, of: tenant, payer, address: address, now: now)
        }
    }

    /// Whoever signs out by a session that still opens; `tenant`: nil at the console.
    func admit(session: Digest, of tenant: TenantRecord?, now: UInt64) throws(Overrun) {
        let decision = budgets.take(.linkCalls, AddressKey(session, at: tenant?.id), now: now)
        if !decision.admitted { throw Overrun(decision, "session") }
    }

    /// The way in to the node's pages.
    func admitToNode(_ routed: Routed, address: IPAddress, now: UInt64) throws(Overrun) {
        let isSignIn = if case .signIns = routed.route.openCalls { true } else { false }
        try take(isSignIn ? .signInsAddress : .openCallsAddress, AddressKey(address, at: nil), now: now)
    }

    /// An API's description at an address of no tenant.
    func described(to address: IPAddress, now: UInt64) -> Overrun? {
        let decision = budgets.take(.openCallsAddress, AddressKey(address, at: nil), now: now)
        return decision.admitted ? nil : Overrun(decision, "address")
    }

    /// `later`: what is asked behind it, whose wait a refusal tells as well.
    private func take(
        _ budget: Budget, _ key: AddressKey, before later: (Budget, AddressKey)? = nil, now: UInt64
    ) throws(Overrun) {
        let decision = budgets.take(budget, key, now: now)
        if !decision.admitted { throw Overrun(wait(decision, alsoFor: later, now: now), "address") }
    }

    private func wait(_ refused: Decision, alsoFor later: (Budget, AddressKey)?, now: UInt64) -> Decision {
        guard let (budget, key) = later,
            let other = budgets.refusal(budget, key, now: now, isCounted: false)
        else { return refused }
        return refused.waiting(alsoFor: other)
    }

    /// An address that has used up its guesses still has its links looked at, a few at a time.
    private func look(
        _ routed: Routed, of tenant: TenantRecord, _ payer: Payer, address: IPAddress, now: UInt64
    ) throws(Overrun) -> SharedRoom? {
        let link = routed.parameters.first.map { AddressKey($0, at: tenant.id) }
        if let refused = budgets.refusal(.linksTenant, together(routed, of: tenant), now: now) {
            throw Overrun(wait(refused, alsoFor: link.map { (.linkCalls, $0) }, now: now), "links")
        }
        if let link, let refused = budgets.refusal(.linkCalls, link, now: now) {
            throw Overrun(refused, "link")
        }
        guard
            let spent = budgets.refusal(.guessesAddress, AddressKey(address, at: tenant.id), now: now, isCounted: false)
        else { return nil }
        guard let place = budgets.guessesInFlight.place(for: payer) else { throw Overrun(spent, "address") }
        return place
    }

    /// Whoever has a few links may open them as often as all of a tenant's are: signatures have as much beside them.
    private func together(_ routed: Routed, of tenant: TenantRecord) -> AddressKey {
        AddressKey(owner: tenant.id.number, subject: 0, aspect: routed.route.openCalls == .signed ? 1 : 0)
    }

    /// The link or signature was right.
    func paid(_ routed: Routed, of tenant: TenantRecord, now: UInt64) {
        _ = budgets.take(.linksTenant, together(routed, of: tenant), now: now)
        if let link = routed.parameters.first {
            _ = budgets.take(.linkCalls, AddressKey(link, at: tenant.id), now: now)
        }
    }

    /// A key, link or signature that opens nothing: past so many the address hears 429 in place of what was wrong.
    func missed(at tenant: TenantRecord?, address: IPAddress, now: UInt64) -> Overrun? {
        let decision = budgets.take(.guessesAddress, AddressKey(address, at: tenant?.id), now: now)
        return decision.admitted ? nil : Overrun(decision, "address")
    }
}
