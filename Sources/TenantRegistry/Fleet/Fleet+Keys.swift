import Cryptography

/// What the node's master key opens.
extension Fleet {
    /// What the cursors of the node's own lists are sealed under.
    package var secretOfLists: [UInt8] { HMACSHA256.code(key: masterKey, Array("tollgate lists".utf8)).bytes }

    /// AES-256-GCM under the master key, bound to the tenant.
    package func wrap(_ secret: [UInt8], of tenant: TenantID) throws -> [UInt8] {
        try AES256GCM.seal(secret, key: masterKey, associatedData: tenant.bytes, random: random)
    }

    package func unwrap(_ sealed: [UInt8], of tenant: TenantID) throws -> [UInt8] {
        try AES256GCM.open(sealed, key: masterKey, associatedData: tenant.bytes)
    }

    /// Throws where a master key opens no tenant's keys: it is another folder's.
    static func judge(_ masterKey: [UInt8], of data: DataDirectory, by snapshot: RegistrySnapshot) throws {
        let tenants = snapshot.tenants.filter { !$0.profile.isUnfinished }
        let opensOne = tenants.contains { tenant in
            let sealed = tenant.wrappedSecretKey
            return (try? AES256GCM.open(sealed, key: masterKey, associatedData: tenant.profile.id.bytes)) != nil
        }
        guard tenants.isEmpty || opensOne else {
            throw DataDirectory.Failure.unusable(
                data.masterKeyPath, "it is not the master key of this data folder: put the one back that was here")
        }
    }
}
