package import CallKit
package import TenantRegistry

/// The reseller pays for days of a port, bought or renewed (X4, X5). The test book never charges (X7): it posts zero.
package struct ChargePort: Sendable {
    package let price: PortPrice
    package let resellerID: Int64
    package let book: Book
    package let keyID: Int64

    private var charged: Money { book == .live ? price.cost : .zero }

    /// Refuses where the reseller does not have it. Nothing is written.
    package func judge(_ tenant: TenantReader) throws {
        let reseller = try payer(tenant)
        guard book == .live, price.cost > .zero else { return }
        let available = try tenant.balance(.balance(reseller: resellerID), book: book).adding(reseller.creditLimit)
        guard price.cost <= available else {
            throw Refusal.insufficientBalance(required: price.cost, available: available, currency: tenant.currency)
        }
    }

    /// Returns the posting.
    package func run(
        _ tenant: TenantTransaction, port publicID: String, _ detail: inout AuditDetail
    ) throws -> Int64 {
        try tenant.post(
            .port, charged, from: .balance(reseller: resellerID), to: .sales, reference: publicID,
            resellerID: resellerID, book: book, keyID: keyID, detail: &detail)
    }

    /// Tells where it took the balance under its threshold, behind the event of what was paid for.
    package func tellLowBalance(_ tenant: TenantTransaction) throws {
        try LowBalance.check(tenant, payer(tenant), book: book, spent: charged)
    }

    private func payer(_ tenant: TenantReader) throws -> Reseller {
        guard let reseller = try tenant.reseller(id: resellerID) else { throw Refusal.unknownCredential }
        return reseller
    }
}
