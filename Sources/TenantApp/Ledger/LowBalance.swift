package import CallKit
package import TenantRegistry

/// Tells a reseller once, when a spending takes its balance under its threshold.
package enum LowBalance {
    package static func check(_ tenant: TenantTransaction, _ reseller: Reseller, book: Book, spent: Money) throws {
        guard book == .live, spent > .zero, let threshold = reseller.lowBalanceThreshold else { return }
        let after = try tenant.balance(.balance(reseller: reseller.id), book: book)
        guard after < threshold, try after.adding(spent) >= threshold else { return }
        try tenant.emit(.balanceLow, reseller) { json in json.field("balance", tenant.decimal(after)) }
    }
}
