package import CallKit
package import TenantRegistry

/// An operator has a service renew after all that it had end with its term (O10). A reseller's word is the reseller's.
package struct TakeBackEnd: Sendable {
    package let serviceID: String
    package let callerBook: Book
    package let keyID: Int64

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Service {
        guard var service = try tenant.service(publicID: serviceID, resellerID: nil, book: nil) else {
            throw Refusal.notFound(.service)
        }
        try callerBook.judgeWrite(to: service.book)
        guard let reseller = try tenant.reseller(id: service.resellerID) else { throw Refusal.defect }
        // Its services end with their paid term (W1).
        guard reseller.state != .terminated else { throw Refusal.conflict(.resellerTerminated) }
        guard service.state != .pending, service.state != .cancelled else {
            throw Refusal.conflict(.service(service.state, cannot: .cancel))
        }
        try tenant.judgeClock()
        detail.resellerID = service.resellerID
        detail.note("service", service.publicID)
        try EndService(tenant: tenant, reseller: reseller, keyID: keyID).takeBack(&service, by: .operator, &detail)
        return service
    }
}
