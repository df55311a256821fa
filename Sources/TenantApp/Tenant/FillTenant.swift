import CallKit
package import Cryptography
package import TenantRegistry

/// Fills a new tenant's file in its first transaction: settings, products, the owner and its key (P1).
package struct FillTenant: Sendable {
    package let blueprint: Blueprint
    package let ownerEmail: String
    /// nil: the owner is invited.
    package let passwordHash: String?
    package let ownerKey: MintedSecret
    package let invitationHash: Digest?

    package init(
        blueprint: Blueprint, ownerEmail: String, passwordHash: String?, ownerKey: MintedSecret, invitationHash: Digest?
    ) {
        self.blueprint = blueprint
        self.ownerEmail = ownerEmail
        self.passwordHash = passwordHash
        self.ownerKey = ownerKey
        self.invitationHash = invitationHash
    }

    /// Returns the owner's account.
    @discardableResult
    package func run(_ tenant: TenantTransaction) throws -> Int64 {
        try tenant.set(Scopes.dialectsSetting, to: blueprint.dialects.joined(separator: ","))
        try tenant.setKeyLimitDefault(blueprint.keyLimit)
        for setting in blueprint.settings { try tenant.set(setting.name, to: setting.value) }
        for product in blueprint.products {
            let digits = tenant.currency.minorUnitDigits
            _ = try tenant.insertProduct(
                sku: product.sku, name: product.name, fulfilment: product.fulfilment, isHidden: product.isHidden,
                days: product.days, retailPrice: try product.retailPrice?.payable(digits),
                wholesalePrice: try product.wholesalePrice?.payable(digits), list: try product.list.payable(digits))
        }
        let owner = try tenant.insertAccount(
            email: ownerEmail, name: "Owner", role: .owner, resellerID: nil, passwordHash: passwordHash)
        if let invitationHash { try tenant.insertLink(.invitation, account: owner, tokenHash: invitationHash) }
        try Self.mintOwnerKey(ownerKey, account: owner, tenant)
        return owner
    }

    @discardableResult
    package static func mintOwnerKey(_ secret: MintedSecret, account: Int64, _ tenant: TenantTransaction) throws
        -> APIKey
    {
        var new = NewKey(
            accountID: account, resellerID: nil, role: .owner, scopes: .all, display: secret.display,
            createdBy: 0)
        new.name = "owner"
        return try tenant.insertKey(new, secretHash: secret.hash)
    }
}

/// A blueprint's prices are written in its own currency; a tenant may have one with fewer digits.
extension Money {
    /// The next whole minor unit.
    fileprivate func payable(_ minorUnitDigits: Int) throws(MoneyError) -> Money {
        try Pricing.unit(termPrice: self, rate: .zero).line(
            quantity: 1, minorUnitDigits: minorUnitDigits, rounding: .up)
    }
}

extension ListPrices {
    /// Hours are added up before they are rounded, and stay as fine as they are.
    fileprivate func payable(_ minorUnitDigits: Int) throws(MoneyError) -> ListPrices {
        var list = self
        list.terms.monthly = try terms.monthly?.payable(minorUnitDigits)
        list.terms.quarterly = try terms.quarterly?.payable(minorUnitDigits)
        list.terms.semiAnnual = try terms.semiAnnual?.payable(minorUnitDigits)
        list.terms.annual = try terms.annual?.payable(minorUnitDigits)
        list.setupFee = try setupFee?.payable(minorUnitDigits)
        return list
    }
}
