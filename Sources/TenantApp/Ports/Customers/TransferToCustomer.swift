package import CallKit
package import TenantRegistry

/// Moves balance from a reseller to a customer of its own (X3): for the reseller's accounting; ports are paid by
/// the reseller. With a reference it happens once.
///
/// The test book never charges (X7): there the customer's balance is funded by the tenant, not by the reseller.
package struct TransferToCustomer: Sendable {
    package let customerID: String
    /// More than zero, in whole minor units.
    package let amount: Money
    package let description: String?
    package let referenceID: String?
    package let resellerID: Int64
    package let book: Book
    package let keyID: Int64

    package init(
        customerID: String, amount: Money, description: String?, referenceID: String?, resellerID: Int64, book: Book,
        keyID: Int64
    ) {
        self.customerID = customerID
        self.amount = amount
        self.description = description
        self.referenceID = referenceID
        self.resellerID = resellerID
        self.book = book
        self.keyID = keyID
    }

    package func run(
        _ tenant: TenantTransaction, _ detail: inout AuditDetail
    ) throws -> (transfer: CustomerTransfer, customer: PortCustomer) {
        let customer = try tenant.knownPortCustomer(customerID, resellerID: resellerID, book: book)
        detail.note("customer", customer.publicID)
        if let referenceID, let known = try tenant.transfer(referenceID: referenceID, customer: customer.id, book: book)
        {
            guard known.amount == amount else {
                throw Refusal.conflict(.referenceReused(tenant.decimal(known.amount)))
            }
            detail.note("transfer", known.publicID)
            return (known, customer)
        }
        guard let reseller = try tenant.reseller(id: resellerID) else { throw Refusal.unknownCredential }
        try PayDueServices.payFirst(tenant, resellerID: resellerID, book: book, &detail)
        let source = LedgerAccount.balance(reseller: resellerID)
        let available = try tenant.balance(source, book: book)
        if book == .live, amount > available {
            throw Refusal.insufficientBalance(required: amount, available: available, currency: tenant.currency)
        }
        let publicID = tenant.newPublicID("trf")
        let target = LedgerAccount.customer(customer.id, reseller: resellerID)
        let posting = try tenant.post(
            .transfer, amount, from: book == .live ? source : .funding, to: target, reference: publicID,
            resellerID: resellerID, book: book, keyID: keyID, detail: &detail)
        let transfer = try tenant.insertTransfer(
            publicID, to: customer.id, of: amount, description: description, referenceID: referenceID, posting: posting,
            customerBalance: try tenant.balance(target, book: book),
            resellerBalance: try tenant.balance(source, book: book), resellerID: resellerID, book: book)
        try LowBalance.check(tenant, reseller, book: book, spent: amount)
        detail.note("transfer", publicID)
        return (transfer, customer)
    }
}
