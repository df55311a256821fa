import CallKit
package import TenantRegistry

/// What a path or a filter names, or 404: for the operator, who sees all of the tenant.
extension TenantReader {
    package func knownReseller(_ publicID: String) throws -> Reseller {
        guard let reseller = try reseller(publicID: publicID) else { throw Refusal.notFound(.reseller) }
        return reseller
    }

    /// The id of the reseller that a filter names; nil where there is no filter.
    package func resellerID(filter publicID: String?) throws -> Int64? {
        try publicID.map { try knownReseller($0).id }
    }

    package func knownProduct(_ sku: String) throws -> Product {
        guard let product = try product(sku: sku) else { throw Refusal.notFound(.product) }
        return product
    }

    /// A key, not a session.
    package func knownKey(_ publicID: String) throws -> APIKey {
        guard let key = try key(publicID: publicID), !key.role.isSession else { throw Refusal.notFound(.key) }
        return key
    }
}
