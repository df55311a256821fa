package import CallKit
import Cryptography
package import TenantRegistry

/// Buys activation codes of a plan: one posting and all codes, or nothing (A4).
///
/// The test book never charges (X7): its purchases post zero.
package struct GenerateCodes: Sendable {
    package static let countMax: Int64 = 100
    /// A code is 128 random bits: nobody guesses one.
    private static let codeBytes = 16

    package struct Result {
        package let codes: [String]
        package let total: Money
        package let balance: Money
    }

    package let planID: String
    /// 1…`countMax`.
    package let count: Int64
    package let resellerID: Int64
    package let book: Book
    package let keyID: Int64

    package init(planID: String, count: Int64, resellerID: Int64, book: Book, keyID: Int64) {
        self.planID = planID
        self.count = count
        self.resellerID = resellerID
        self.book = book
        self.keyID = keyID
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Result {
        guard let reseller = try tenant.reseller(id: resellerID) else { throw Refusal.unknownCredential }
        guard let plan = try tenant.plan(sku: planID, for: reseller, book: book) else {
            throw Refusal.field("/planId", "unknown", "is no plan that is offered")
        }
        try PayDueServices.payFirst(tenant, resellerID: resellerID, book: book, &detail)
        let total = try plan.wholesalePrice.times(count)
        let account = LedgerAccount.balance(reseller: resellerID)
        let balance = try tenant.balance(account, book: book)
        // What costs nothing needs nothing, whatever is owed.
        if book == .live, total > .zero, try total > balance.adding(reseller.creditLimit) {
            throw Refusal.insufficientBalance(required: total, available: balance, currency: tenant.currency)
        }
        let publicID = tenant.newPublicID("cdb")
        let charged = book == .live ? total : .zero
        let posting = try tenant.post(
            .codes, charged, from: account, to: .sales, reference: publicID, resellerID: resellerID, book: book,
            keyID: keyID, detail: &detail)
        let codes = (0..<count).map { _ in Hex.encode(tenant.store.random.bytes(Self.codeBytes)) }
        try tenant.insertCodes(
            NewCodeBatch(
                publicID: publicID, book: book, resellerID: resellerID, plan: plan, quantity: count, total: total,
                posting: posting, keyID: keyID),
            codes: codes, detail: &detail)
        try LowBalance.check(tenant, reseller, book: book, spent: charged)
        detail.isOrder = true
        detail.note("codes", publicID)
        detail.note("quantity", String(count))
        return Result(codes: codes, total: total, balance: try tenant.balance(account, book: book))
    }
}
