package import CallKit
package import TenantRegistry

/// A unit at its provisioner, moved by an operator's hand (W13). Safe while a call is under way: its answer is judged
/// by the verb's number when it comes.
package struct MoveProvisioning: Sendable {
    package enum Move: Sendable {
        /// Ask again now, under the same id.
        case retry
        /// It is done over there: somebody has looked, or has done it.
        case confirm(ServiceDetails?)
        /// It will not be done: a unit that was to be created is given back, anything else is left as it is.
        case giveUp(reason: String)

        package var name: String {
            switch self {
            case .retry: "retry"
            case .confirm: "confirm"
            case .giveUp: "give_up"
            }
        }
    }

    package let serviceID: String
    package let move: Move
    package let accountID: Int64
    package let keyID: Int64
    package let callerBook: Book

    package init(serviceID: String, move: Move, accountID: Int64, keyID: Int64, callerBook: Book = .live) {
        self.serviceID = serviceID
        self.move = move
        self.accountID = accountID
        self.keyID = keyID
        self.callerBook = callerBook
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Provisioning {
        let unit = try known(tenant)
        detail.resellerID = unit.resellerID
        detail.note("service", unit.servicePublicID)
        if let verb = unit.state.verb { detail.note("verb", "\(verb.rawValue) \(unit.state.n)") }
        detail.note("move", move.name)
        if case .giveUp(let reason) = move { detail.note("given_up", reason) }
        try carryOut(tenant, &detail)
        if case .giveUp = move, unit.state.verb == .create {
            try PayDueServices.run(tenant, resellerID: unit.resellerID, book: unit.book, keyID: keyID, &detail)
        }
        return try known(tenant)
    }

    private func known(_ tenant: TenantReader) throws -> Provisioning {
        guard let unit = try tenant.provisioning(service: serviceID) else { throw Refusal.notFound(.provisioning) }
        return unit
    }

    /// One of several in a call: the detail names the postings alone, and what comes back pays nothing here.
    func carryOut(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        var unit = try known(tenant)
        try callerBook.judgeWrite(to: unit.book)
        guard let verb = unit.state.verb else { throw Refusal.conflict(.nothingIsAsked(unit.state.shown)) }
        var outcome = ProvisioningState.Outcome.nothing
        var said: String?
        switch move {
        case .retry: unit.state.retry(at: tenant.now)
        case .confirm(let details): outcome = unit.state.take(.ready(details), at: tenant.now)
        case .giveUp(let reason):
            said = reason
            if verb == .create {
                outcome = unit.state.take(.failed(reason), at: tenant.now)
            } else {
                unit.state.settle(at: tenant.now)
            }
        }
        try tenant.save(unit.state, ofService: unit.serviceID)
        try tenant.note(
            ProvisioningNews(at: tenant.now, outcome: move.name, excerpt: said), ofService: unit.serviceID)
        try TakeProvisioningAnswer.apply(
            outcome, to: unit, tenant, &detail, accountID: accountID, keyID: keyID)
    }
}
