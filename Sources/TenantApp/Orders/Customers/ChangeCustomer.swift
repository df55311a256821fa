package import CallKit
package import TenantRegistry

/// Changes what an end customer is called and where it is written to (O11): what is nil stays as it is. What was told
/// before, to webhooks and provisioners, stays as it was told.
package struct ChangeCustomer: Sendable {
    package let customerID: String
    package let email: String?
    package let name: String?
    /// The book that the caller may change.
    package let book: Book

    package init(customerID: String, email: String?, name: String?, book: Book) {
        self.customerID = customerID
        self.email = email
        self.name = name
        self.book = book
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Customer {
        let customer = try tenant.knownCustomer(customerID)
        try book.judgeWrite(to: customer.book)
        detail.resellerID = customer.resellerID
        detail.note("customer", customer.publicID)
        if let email, email != customer.email { detail.note("email", "changed") }
        if let name, name != customer.name { detail.note("name", "changed") }
        try tenant.changeCustomer(customer.id, email: email, name: name)
        return try tenant.knownCustomer(customerID)
    }
}
