/// What falls due in a tenant's file while nobody asks. Everything of a kind is computed from rows (0030): an hour
/// that is remembered only says when the file is to be asked.
package enum DueKind: Int, Sendable, CaseIterable {
    /// Webhook deliveries (H3).
    case delivery
    /// Calls to provisioners (W13).
    case provisioning
    /// Renewals, and tries of what is past due (W9).
    case renewal
    /// Hourly services that accrue (W3).
    case hourly
    /// Services that end with their term (W9).
    case end
    /// Renewals announced (W10).
    case notice
    /// Ports that expire (X5).
    case port
    /// Rows that have had their time.
    case housekeeping

    /// For metrics and lists.
    package var name: String { "\(self)" }

    /// Done outside the file, by whoever is registered for it; all others are done on the tenant's lane.
    package var isOutbound: Bool { self == .delivery || self == .provisioning }

    /// Of what is done outside the file nothing waits longer for its next try: a row that names a later hour was
    /// written while the clock was ahead. A day and a fifth, and two hours that a receiver may ask for (H3); eight
    /// hours (W13).
    package func latestTry(at now: Timestamp) -> Timestamp {
        isOutbound ? now.adding(seconds: (self == .delivery ? 31 : 9) * 3_600) : .latest
    }

    /// All that has effects in the file, in the order in which kinds of one instant run.
    package static let inFile = allCases.filter { !$0.isOutbound }
}
