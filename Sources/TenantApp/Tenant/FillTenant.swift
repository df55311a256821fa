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
        try tenant.set("dialects", to: blueprint.dialects.joined(separator: ","))
        try tenant.setKeyLimitDefault(blueprint.keyLimit)
        for setting in blueprint.settings { try tenant.set(setting.name, to: setting.value) }
        for product in blueprint.products {
            _ = try tenant.insertProduct(
                sku: product.sku, name: product.name, fulfilment: product.fulfilment, isHidden: product.isHidden,
                days: product.days, retailPrice: product.retailPrice, wholesalePrice: product.wholesalePrice,
                list: product.list)
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
