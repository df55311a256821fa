package import CallKit
package import TenantRegistry

/// A reseller's new customer of ports (X3). What the reseller calls it is free in its book, or the name of somebody
/// whom its orders know and who has no ports yet. What the orders know of them is told to nobody who does not say it.
package struct CreatePortCustomer: Sendable {
    package let email: String
    package let name: String?
    package let company: String?
    package let allocatedPortSlots: Int64
    /// What the reseller calls it.
    package let externalID: String?
    package let resellerID: Int64
    package let book: Book

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> PortCustomer {
        if let externalID,
            let known = try tenant.customer(externalID: externalID, resellerID: resellerID, book: book),
            try ![nil, email].contains(known.email) || ![nil, name].contains(known.name)
                || tenant.portCustomer(known.publicID, resellerID: resellerID, book: book) != nil
        {
            throw Refusal.conflict(.externalIDTaken)
        }
        let customer = try tenant.insertPortCustomer(
            email: email, name: name, company: company, externalID: externalID,
            allocatedPortSlots: allocatedPortSlots, resellerID: resellerID, book: book)
        detail.note("customer", customer.publicID)
        return customer
    }
}
