import CallKit
package import Cryptography
import TenantApp
package import TenantRegistry

/// A key that was minted: its hash, and its id in the tenant's file.
package struct TestKey: Sendable {
    package let hash: Digest
    package let id: Int64

    package init(hash: Digest, id: Int64) {
        self.hash = hash
        self.id = id
    }
}

extension TestNode {
    /// Mints as the pipeline does: the registry hears of the hash first.
    package func mint(_ record: TenantRecord, reseller: Int64? = nil) throws -> TestKey {
        let secret = MintedSecret(prefix: "tst", book: .live, random: fleet.random)
        try awaited { then in fleet.registry.reserve(secret.hash, for: record.id, then: then) }
        let id = try write(record, "POST /api/admin/api-keys") { tenant, detail in
            let new = NewKey(
                accountID: 1, resellerID: reseller, role: reseller == nil ? .owner : .reseller, scopes: .all,
                display: secret.display, createdBy: 1)
            return try MintKey(secret: secret, new: new).run(tenant, &detail).id
        }
        return TestKey(hash: secret.hash, id: id)
    }

    package func revoke(_ record: TenantRecord, _ key: TestKey) throws {
        try write(record, "DELETE /api/admin/api-keys/{id}") { tenant, _ in try tenant.revokeKey(key.id) }
    }

    /// Rotates as the pipeline does; the key is the same, under a secret that nobody is told.
    /// Returns the key with its new secret.
    @discardableResult
    package func rotate(_ record: TenantRecord, _ key: TestKey, overlapSeconds: Int64) throws -> TestKey {
        let secret = MintedSecret(prefix: "tst", book: .live, random: fleet.random)
        try awaited { then in fleet.registry.reserve(secret.hash, for: record.id, then: then) }
        try write(record, "POST /api/admin/api-keys/{id}/rotate") { tenant, _ in
            _ = try tenant.rotateKey(key.id, to: secret, overlapSeconds: overlapSeconds)
        }
        return TestKey(hash: secret.hash, id: key.id)
    }

    package func opens(_ key: TestKey) -> Bool { fleet.roster.key(hash: key.hash, at: clock.now()) != nil }
}
