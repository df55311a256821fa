package import CallKit
package import TenantRegistry

/// Pays what a reseller owes for one service now: it need not wait for the next daily try (W9).
package struct PayService: Sendable {
    package let serviceID: String
    package let resellerID: Int64
    package let book: Book
    package let keyID: Int64

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Service {
        guard var service = try tenant.service(publicID: serviceID, resellerID: resellerID, book: book) else {
            throw Refusal.notFound(.service)
        }
        guard let reseller = try tenant.reseller(id: resellerID) else { throw Refusal.unknownCredential }
        guard service.pastDueSince != nil, service.endsAt == nil || service.state == .cancelled else {
            throw Refusal.conflict(.nothingDue)
        }
        try tenant.judgeClock()
        detail.note("service", service.publicID)
        try PayDueServices.payFirst(tenant, before: &service, &detail)
        // It was among what was due before.
        if service.pastDueSince == nil { return service }
        let charge = ChargeService(tenant: tenant, reseller: reseller, keyID: keyID)
        var spent = Money.zero
        switch try charge.run(&service, &detail) {
        case .nothing: break
        case .paid(let amount): spent = amount
        case .unpaid(let required):
            let available = try tenant.balances(of: reseller, book: book).available
            throw Refusal.insufficientBalance(required: required, available: available, currency: tenant.currency)
        }
        spent = try spent.adding(charge.catchUp(&service, &detail))
        try LowBalance.check(tenant, reseller, book: book, spent: spent)
        return service
    }
}
