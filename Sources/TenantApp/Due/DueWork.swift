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
    /// many; fewer than `limit` says that nothing more is due. Of kinds that are done outside the file: makes due now
    /// what a clock that was ahead put off beyond `DueKind.latestTry`.
    func run(_ tenant: TenantTransaction, limit: Int) throws -> Int

    /// What comes next, for the operator, in the order in which it will run: by time, then by `id`.
    func coming(_ tenant: TenantReader, _ page: DuePage) throws -> [DueItem]
}

/// Which part of what comes next is asked for. A value.
package struct DuePage: Sendable {
    /// Items behind this place alone: `at` and `id` both; an item at the same instant with a higher id is behind it.
    package let after: (at: Timestamp, id: Int64)
    package let until: Timestamp
    /// Nil: of all resellers.
    package let resellerID: Int64?
    package let limit: Int

    package init(after: (at: Timestamp, id: Int64), until: Timestamp, resellerID: Int64?, limit: Int) {
        self.after = after
        self.until = until
        self.resellerID = resellerID
        self.limit = limit
    }

    /// From the first on.
    package init(until: Timestamp, resellerID: Int64? = nil, limit: Int) {
        self.init(after: (.earliest, .min), until: until, resellerID: resellerID, limit: limit)
    }
}

/// Something that will happen by itself: a line of the operator's list.
package struct DueItem: Sendable {
    package let kind: DueKind
    package let at: Timestamp
    /// The row's id: what falls due at one instant runs in this order.
    package let id: Int64
    /// Public id of the service, port or delivery.
    package let object: String
    package let resellerPublicID: String?
    /// What will be charged.
    package let amount: Money?
    /// How often it has been tried; nil for what is done at once.
    package let tries: Int64?
    package let book: Book

    package init(
        kind: DueKind, at: Timestamp, id: Int64, object: String, resellerPublicID: String?, amount: Money? = nil,
        tries: Int64? = nil, book: Book
    ) {
        self.kind = kind
        self.at = at
        self.id = id
        self.object = object
        self.resellerPublicID = resellerPublicID
        self.amount = amount
        self.tries = tries
        self.book = book
    }
}

extension TenantTransaction {
    /// The audit row of an effect that no call has, the clock's or the demo's: it counts as no request, and the chain
    /// vouches for its postings.
    package func noteClockwork(_ action: String, resellerID: Int64, book: Book, _ detail: AuditDetail) {
        var record = AuditRecord.act(at: now, action: action)
        record.resellerID = resellerID
        record.book = book
        record.detail = detail.json
        store.note(record)
    }
}
