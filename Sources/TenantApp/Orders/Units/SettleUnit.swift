package import CallKit
package import TenantRegistry

/// Decides one unit of a pending order (W13): its share of what is held is captured and its service begins, or the
/// share goes back and the service ends. The order is decided with its last unit. Nothing where the unit was decided
/// before.
package struct SettleUnit: Sendable {
    package enum Decision: Sendable, Equatable {
        case ready
        case rejected(reason: String?)
    }

    package let serviceID: String
    package let decision: Decision
    /// Who decided, and by which key; 0 for a provisioner.
    package let accountID: Int64
    package let keyID: Int64

    package static let reasonCharactersMax = 500

    package init(serviceID: String, decision: Decision, accountID: Int64 = 0, keyID: Int64 = 0) {
        self.serviceID = serviceID
        self.decision = decision
        self.accountID = accountID
        self.keyID = keyID
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        guard let service = try tenant.service(publicID: serviceID, resellerID: nil, book: nil),
            let order = try tenant.order(publicID: service.orderPublicID, resellerID: nil, book: nil)
        else { throw Refusal.defect }
        guard service.state == .pending, order.state == .pending else { return }
        detail.resellerID = order.resellerID
        let share = order.share(
            ofUnit: try tenant.place(of: service), minorUnitDigits: tenant.currency.minorUnitDigits)
        let charged = order.book == .live ? share : .zero
        switch decision {
        case .ready: try capture(charged, service, order, tenant, &detail)
        case .rejected(let reason): try giveBack(charged, reason, service, order, tenant, &detail)
        }
        try close(order, tenant)
    }

    private func capture(
        _ share: Money, _ service: Service, _ order: Order, _ tenant: TenantTransaction, _ detail: inout AuditDetail
    ) throws {
        let posting = try tenant.post(
            .capture, share, from: .held(reseller: order.resellerID), to: .sales, reference: order.publicID,
            resellerID: order.resellerID, book: order.book, keyID: keyID, detail: &detail)
        try tenant.noteDecision(of: service, in: order, posting: posting)
        try tenant.noteOutcome(of: order, ready: 1, rejected: 0, reason: nil)
        try tenant.activateServices(ofOrder: order, only: service)
        if try tenant.reseller(id: order.resellerID)?.state == .terminated {
            // Its services end with their paid term, those that begin now too (W1).
            try tenant.endServicesWithTerm(resellerID: order.resellerID)
        }
        try tenant.emitService(.serviceActivated, try tenant.knownService(service.publicID))
    }

    private func giveBack(
        _ share: Money, _ reason: String?, _ service: Service, _ order: Order, _ tenant: TenantTransaction,
        _ detail: inout AuditDetail
    ) throws {
        let posting = try tenant.post(
            .void, share, from: .held(reseller: order.resellerID), to: .balance(reseller: order.resellerID),
            reference: order.publicID, resellerID: order.resellerID, book: order.book, keyID: keyID, detail: &detail)
        try tenant.noteDecision(of: service, in: order, posting: posting)
        try tenant.noteOutcome(of: order, ready: 0, rejected: 1, reason: reason)
        try tenant.cancelServices(ofOrder: order, only: service)
        try tenant.addUnits(-1, resellerID: order.resellerID, productID: order.productID, book: order.book)
        try tenant.emitService(.serviceCancelled, try tenant.knownService(service.publicID)) { json in
            json.field("reason", reason)
        }
    }

    /// With its last unit the order is decided: carried out where any unit was, and it says how many.
    private func close(_ order: Order, _ tenant: TenantTransaction) throws {
        if try tenant.hasPendingUnits(order) { return }
        let counted = try tenant.knownOrder(order.publicID)
        try tenant.decide(order, as: counted.readyUnits > 0 ? .completed : .rejected, posting: nil, by: accountID)
        try tenant.emitOrder(
            counted.readyUnits > 0 ? .orderCompleted : .orderRejected, try tenant.knownOrder(order.publicID))
    }
}

extension Order {
    /// One unit's part of the total, in whole minor units: the parts of all units come to the total.
    package func share(ofUnit place: Int64, minorUnitDigits: Int) -> Money {
        Money(
            micros: Self.share(
                of: total.micros, unit: place, quantity: quantity, minorUnitDigits: minorUnitDigits))
    }

    /// In micros; `unit` is from 0, below `quantity`.
    static func share(of total: Int64, unit: Int64, quantity: Int64, minorUnitDigits: Int) -> Int64 {
        let minor = Money.powerOfTen(Money.fractionDigits - minorUnitDigits)
        func upTo(_ units: Int64) -> Int64 {
            quantity.dividingFullWidth((total / minor).multipliedFullWidth(by: units)).quotient
        }
        return (upTo(unit + 1) - upTo(unit)) * minor
    }
}

extension TenantReader {
    func knownService(_ publicID: String) throws -> Service {
        guard let service = try service(publicID: publicID, resellerID: nil, book: nil) else { throw Refusal.defect }
        return service
    }

    func knownOrder(_ publicID: String) throws -> Order {
        guard let order = try order(publicID: publicID, resellerID: nil, book: nil) else { throw Refusal.defect }
        return order
    }
}
