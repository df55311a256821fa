package import CallKit
package import TenantRegistry

/// Tops a reseller's balance up, or corrects it downwards (O5). One posting between the tenant's funding account
/// and the balance.
///
/// A correction may use up the credit limit and no more: what a reseller could not have spent is not taken from it
/// either.
package struct AdjustBalance: Sendable {
    package let resellerID: String
    /// Not zero; negative for a correction. In whole minor units.
    package let amount: Money
    package let reference: String
    package let book: Book
    package let keyID: Int64

    package init(resellerID: String, amount: Money, reference: String, book: Book, keyID: Int64) {
        self.resellerID = resellerID
        self.amount = amount
        self.reference = reference
        self.book = book
        self.keyID = keyID
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Reseller {
        let reseller = try tenant.knownReseller(resellerID)
        let balance = LedgerAccount.balance(reseller: reseller.id)
        detail.resellerID = reseller.id
        detail.note("reseller", reseller.publicID)
        detail.note("reference", reference)
        let before = try tenant.balance(balance, book: book)
        do {
            if amount.isNegative {
                let after = try before.adding(amount)
                guard try after.adding(reseller.creditLimit) >= .zero else {
                    throw Refusal.unprocessable(.belowCreditLimit)
                }
                let taken = try amount.negated()
                try tenant.post(
                    .correction, taken, from: balance, to: .funding, reference: reference, resellerID: reseller.id,
                    book: book, keyID: keyID, detail: &detail)
                try LowBalance.check(tenant, reseller, book: book, spent: taken)
            } else {
                try tenant.post(
                    .topUp, amount, from: .funding, to: balance, reference: reference, resellerID: reseller.id,
                    book: book, keyID: keyID, detail: &detail)
            }
        } catch is MoneyError {
            throw Refusal.unprocessable(.balanceTooLarge)
        }
        detail.note(
            "balance", from: tenant.decimal(before), to: tenant.decimal(try tenant.balance(balance, book: book)))
        return reseller
    }
}
