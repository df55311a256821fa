package import TenantRegistry

/// A while in which a tenant's provisioners were asked without a break: what fell due before it waited for nobody's
/// answer (W13). A value.
package struct ProvisioningAsking: Sendable, Equatable {
    package let since: Timestamp
    /// When it was last looked for what is due.
    private let last: Timestamp

    package init(from now: Timestamp) { self.init(since: now, last: now) }

    private init(since: Timestamp, last: Timestamp) {
        self.since = since
        self.last = last
    }

    /// Looked again: the same while, or another one where nobody has looked for so long that what was due then counts
    /// as kept waiting, or where the clock has fallen back behind its beginning.
    package func goingOn(at now: Timestamp) -> ProvisioningAsking {
        let isBroken = now < since || now >= last.adding(seconds: ProvisioningState.lateSecondsMax)
        return isBroken ? ProvisioningAsking(from: now) : ProvisioningAsking(since: since, last: now)
    }
}
