package import CallKit
package import TenantRegistry

/// One kind of work that falls due in a tenant's file while nobody asks (0030).
///
/// On the tenant's lane. What is due is asked of the rows, by an index; whoever writes such a row says so with
/// `noteDue` in the same function.
package protocol DueWork: Sendable {
    var kind: DueKind { get }

    /// When the next item falls due; nil where none waits.
    func next(_ tenant: TenantReader) throws -> Timestamp?

    /// Does what is due at `tenant.now`, oldest first, `limit` items at the most, each whole or not at all. Returns how
    /// many; fewer than `limit` says that nothing more is due.
    func run(_ tenant: TenantTransaction, limit: Int) throws -> Int

    /// What comes next, for the operator: soonest first.
    func coming(_ tenant: TenantReader, until: Timestamp, limit: Int) throws -> [DueItem]
}

/// Something that will happen by itself: a line of the operator's list.
package struct DueItem: Sendable {
    package let kind: DueKind
    package let at: Timestamp
    /// Public id of the service, port or delivery.
    package let object: String
    package let resellerPublicID: String?
    /// What will be charged.
    package let amount: Money?

    package init(kind: DueKind, at: Timestamp, object: String, resellerPublicID: String?, amount: Money? = nil) {
        self.kind = kind
        self.at = at
        self.object = object
        self.resellerPublicID = resellerPublicID
        self.amount = amount
    }
}
