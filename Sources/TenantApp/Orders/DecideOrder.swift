package import CallKit
package import TenantRegistry

/// Carries a pending order out, or rejects it: the hold is posted or given back (O10). Once: a decided order
/// is a conflict. Of an order that a provisioner carries out, what is still open is decided, unit by unit (W13).
package struct DecideOrder {
    package enum Decision: Sendable {
        /// With what the end customer needs, the same for each unit.
        case activate(ServiceDetails? = nil)
        case reject(reason: String? = nil)
    }

    package let orderID: String
    package let decision: Decision
    package let accountID: Int64
    package let keyID: Int64
    /// Of the key that decides: one of mode `test` decides orders of the test book alone.
    package let callerBook: Book

    package init(orderID: String, decision: Decision, accountID: Int64, keyID: Int64, callerBook: Book = .live) {
        self.orderID = orderID
        self.decision = decision
        self.accountID = accountID
        self.keyID = keyID
        self.callerBook = callerBook
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Order {
        guard let order = try tenant.order(publicID: orderID, resellerID: nil, book: nil) else {
            throw Refusal.notFound(.order)
        }
        try callerBook.judgeWrite(to: order.book)
        guard order.state == .pending else {
            throw Refusal.conflict(.orderNotPending(order.state))
        }
        detail.resellerID = order.resellerID
        detail.note("order", order.publicID)
        let services = try tenant.services(ofOrder: order.id)
        if let first = services.first, try tenant.provisioning(ofService: first.id) != nil {
            if case .reject(let reason?) = decision { detail.note("reason", reason) }
            for service in services where service.state == .pending { try decideUnit(service, tenant, &detail) }
            // Once the shares of all units are back, so that the oldest due is paid first.
            if case .reject = decision { try payDue(order, tenant, &detail) }
            return try tenant.knownOrder(orderID)
        }
        let charged = order.book == .live ? order.total : .zero
        let held = LedgerAccount.held(reseller: order.resellerID)
        switch decision {
        case .activate(let details):
            let posting = try tenant.post(
                .capture, charged, from: held, to: .sales, reference: order.publicID, resellerID: order.resellerID,
                book: order.book, keyID: keyID, detail: &detail)
            try tenant.decide(order, as: .completed, posting: posting, by: accountID)
            try tenant.activateServices(ofOrder: order)
            let completed = try tenant.emitOrder(.orderCompleted, tenant.knownOrder(orderID))
            if try tenant.reseller(id: order.resellerID)?.state == .terminated {
                // Its services end with their paid term, those that begin now too (W1).
                try tenant.endServicesWithTerm(resellerID: order.resellerID)
            }
            for service in try tenant.services(ofOrder: order.id) where service.state == .active {
                if let details { try tenant.setDetails(details, ofService: service.id) }
                try tenant.emitService(.serviceActivated, service)
            }
            return completed
        case .reject(let reason):
            let posting = try tenant.post(
                .void, charged, from: held, to: .balance(reseller: order.resellerID), reference: order.publicID,
                resellerID: order.resellerID, book: order.book, keyID: keyID, detail: &detail)
            try tenant.decide(order, as: .rejected, posting: posting, by: accountID)
            // Units that an operator cancelled before have been given back already.
            let open = services.filter { $0.state != .cancelled }
            try tenant.cancelServices(ofOrder: order)
            try tenant.addUnits(
                -Int64(open.count), resellerID: order.resellerID, productID: order.productID, book: order.book)
            if let reason {
                try tenant.noteOutcome(of: order, ready: 0, rejected: order.quantity, reason: reason)
                detail.note("reason", reason)
            }
            let rejected = try tenant.emitOrder(.orderRejected, tenant.knownOrder(orderID))
            for service in open {
                try tenant.emitService(.serviceCancelled, tenant.knownService(service.publicID)) { json in
                    json.field("reason", reason)
                }
            }
            try payDue(order, tenant, &detail)
            return rejected
        }
    }

    private func payDue(_ order: Order, _ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        try PayDueServices.run(tenant, resellerID: order.resellerID, book: order.book, keyID: keyID, &detail)
    }

    private func decideUnit(_ service: Service, _ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        let move: MoveProvisioning.Move =
            switch decision {
            case .activate(let details): .confirm(details)
            case .reject(let reason): .giveUp(reason: reason ?? "The operator rejected the order.")
            }
        try MoveProvisioning(
            serviceID: service.publicID, move: move, accountID: accountID, keyID: keyID, callerBook: callerBook
        ).carryOut(tenant, &detail)
    }
}
