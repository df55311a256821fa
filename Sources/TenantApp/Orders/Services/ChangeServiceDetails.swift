package import CallKit
package import HTTPCore
package import TenantRegistry

/// Changes what a service's end customer needs, name by name (O10, W13).
package struct ChangeServiceDetails: Sendable {
    package let serviceID: String
    /// The object as it was sent: it is judged together with what is there.
    package let sent: JSON
    /// The book that the caller may change.
    package let callerBook: Book

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Service {
        guard let service = try tenant.service(publicID: serviceID, resellerID: nil, book: nil) else {
            throw Refusal.notFound(.service)
        }
        try callerBook.judgeWrite(to: service.book)
        let details = try ServiceDetails(tenant.details(ofService: service.id), changedBy: sent, at: "details")
        try tenant.setDetails(details, ofService: service.id)
        detail.resellerID = service.resellerID
        detail.note("service", service.publicID)
        return service
    }
}
