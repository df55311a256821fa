package import Cryptography
import SQLite

/// A copy of the node's registry, and a node that is made of one (P11).
extension Fleet {
    /// What seals the node's own objects in a backup, and what they are wrapped under.
    package var masterKeyOfBackup: [UInt8] { masterKey }

    /// One consistent copy of the registry, which has followed what tenants used (P9), and what was answered at any
    /// node before; `then` owns the file that it is given the path of.
    package func copyRegistry(then: @escaping @Sendable (Result<String, any Error>) -> Void) {
        let path = data.temporaryPath(random.uint64())
        let copy: @Sendable (Bool) -> Void = { [self] isCaughtUp in
            guard isCaughtUp else { return then(.failure(LaneFailure.logUnavailable)) }
            registry.copy(to: path) { result in then(result.map { path }) }
        }
        meter(isAsked: true) { [self] in
            if let cluster { cluster.catchUp(then: copy) } else { copy(true) }
        }
    }
}

package enum NodeCopy {
    /// Makes the registry of a new node of another's: what was wrapped under `old` is wrapped under the new node's
    /// master key, and tenants that are not `kept` are gone. The folder has no registry yet. Takes over the file at
    /// `path`.
    ///
    /// Every deletion that was planned is taken back: it may have been since the copy, and it may be due by when the
    /// node starts. Gives the slugs of those tenants.
    @discardableResult
    package static func place(
        registry path: String, in data: DataDirectory, from old: [UInt8], keeping kept: Set<TenantID>,
        random: any RandomSource
    ) throws -> [String] {
        let new = try data.masterKey(orMake: { random.bytes(AES256GCM.keyBytes) })
        let connection = try Connection(path: path, flags: [.readWrite])
        let planned: [String]
        do {
            guard try connection.applicationID == RegistryStore.applicationID else {
                throw TenantFileError.notATenantFile("the copy is no registry")
            }
            try connection.execute("PRAGMA foreign_keys=ON")
            try RegistryStore.bringUp(connection)
            try connection.beginImmediate()
            try rewrap(connection, from: old, to: new, keeping: kept, random)
            planned = try connection.rows("SELECT slug FROM tenant WHERE deletes_at IS NOT NULL ORDER BY slug") {
                try $0.text()
            }
            try connection.run("UPDATE tenant SET deletes_at = NULL")
            // What a crash left half-reserved opened nothing; every file is asked anew for what falls due.
            try connection.run("DELETE FROM secret WHERE key_id IS NULL AND is_revoked = 0")
            try connection.run("DELETE FROM due")
            try connection.run("UPDATE due_state SET is_whole = 0")
            // Tenants came as whole files.
            try connection.run("UPDATE node_log SET needed = NULL")
            try connection.commit()
            connection.close()
        } catch {
            connection.close()
            throw error
        }
        try DataDirectory.synchronise(file: path)
        try DataDirectory.rename(path, to: data.registryPath)
        try DataDirectory.synchronise(folder: data.path)
        return planned
    }

    private static func rewrap(
        _ connection: Connection, from old: [UInt8], to new: [UInt8], keeping kept: Set<TenantID>,
        _ random: any RandomSource
    ) throws {
        func again(_ sealed: [UInt8], of id: TenantID) throws -> [UInt8] {
            try AES256GCM.seal(
                AES256GCM.open(sealed, key: old, associatedData: id.bytes), key: new, associatedData: id.bytes,
                random: random)
        }
        let tenants = try connection.rows(
            "SELECT id, wrapped_secret_key, wrapped_signing_key FROM tenant LEFT JOIN tenant_key ON tenant_id = id"
        ) {
            try (id: $0.tenantID(), secret: $0.optionalBlob() ?? [], signing: $0.optionalBlob() ?? [])
        }
        for tenant in tenants {
            guard kept.contains(tenant.id) else {
                try SQLiteRegistry.forgetSecrets(of: tenant.id, connection)
                try connection.run("DELETE FROM tenant WHERE id = ?1", .blob(tenant.id.bytes))
                continue
            }
            try connection.run(
                "UPDATE tenant_key SET wrapped_secret_key = ?2, wrapped_signing_key = ?3 WHERE tenant_id = ?1",
                .blob(tenant.id.bytes), .blob(try again(tenant.secret, of: tenant.id)),
                .blob(try again(tenant.signing, of: tenant.id)))
        }
        let domains = try connection.rows(
            "SELECT host, tenant_id, wrapped_private_key FROM domain WHERE wrapped_private_key IS NOT NULL"
        ) { try (host: $0.text(), tenant: $0.tenantID(), key: $0.blob()) }
        for domain in domains where kept.contains(domain.tenant) {
            try connection.run(
                "UPDATE domain SET wrapped_private_key = ?2 WHERE host = ?1", .text(domain.host),
                .blob(try again(domain.key, of: domain.tenant)))
        }
    }

    /// A copy that goes into an archive: tenants' keys are no part of it, nor what is the old node's alone. Changes of
    /// the registry are applied to it later, row by row.
    package static func strip(registry path: String) throws {
        let connection = try Connection(path: path, flags: [.readWrite])
        defer { connection.close() }
        try connection.execute("PRAGMA secure_delete=ON; DELETE FROM tenant_key; VACUUM")
        try DataDirectory.synchronise(file: path)
    }

    /// Tables of the registry that an archive has no rows of.
    package static let unarchived: Set<String> = [
        "tenant_key", "marker", "due", "due_state", "node_log", "console_form", "console_sign_out",
    ]

    /// Makes a registry whole that was stripped: with what became of its rows since, in their order, and with tenants'
    /// keys as the old node had wrapped them.
    package static func complete(
        registry path: String, changes: [[UInt8]], keys: [TenantID: WrappedKeys]
    ) throws {
        let connection = try Connection(path: path, flags: [.readWrite])
        defer { connection.close() }
        try connection.execute("PRAGMA foreign_keys=OFF; PRAGMA recursive_triggers=OFF")
        for change in changes { try connection.apply(changes: change) }
        try connection.beginImmediate()
        for (id, wrapped) in keys {
            try connection.run(
                """
                INSERT OR REPLACE INTO tenant_key (tenant_id, wrapped_secret_key, wrapped_signing_key)
                SELECT id, ?2, ?3 FROM tenant WHERE id = ?1
                """, .blob(id.bytes), .blob(wrapped.secret), .blob(wrapped.signing))
        }
        try connection.commit()
        try DataDirectory.synchronise(file: path)
    }

    /// Tenants of a whole registry that were there at a moment, and are not half made or half erased.
    package static func slugs(inRegistry path: String, madeBefore moment: Timestamp) throws -> [TenantID: String] {
        let connection = try Connection(path: path, flags: .immutable)
        defer { connection.close() }
        try connection.configureForeign()
        var slugs: [TenantID: String] = [:]
        let rows = try connection.rows(
            "SELECT id, slug FROM tenant WHERE created_at <= ?1 AND state NOT IN (?2, ?3)",
            .integer(moment.milliseconds), .integer(TenantState.creating.rawValue),
            .integer(TenantState.deleting.rawValue)
        ) {
            try (id: $0.tenantID(), slug: $0.text())
        }
        for row in rows { slugs[row.id] = row.slug }
        return slugs
    }

    /// What a tenant's own objects are sealed under, out of a copy of the registry; nil where it has no such tenant.
    package static func wrappedKeys(inRegistry path: String) throws -> [TenantID: WrappedKeys] {
        let connection = try Connection(path: path, flags: .immutable)
        defer { connection.close() }
        try connection.configureForeign()
        guard try connection.applicationID == RegistryStore.applicationID else {
            throw TenantFileError.notATenantFile("the copy is no registry")
        }
        let faults = try connection.integrityCheck()
        if let fault = faults.first { throw TenantFileError.damaged(fault) }
        // Of an older program's registry they are in the tenants' rows.
        let isOlder = try connection.userVersion < RegistryTenantKeysMigration.migration.version
        let source =
            isOlder
            ? "SELECT id, wrapped_secret_key, wrapped_signing_key FROM tenant" : RegistryTenantKeysMigration.keys
        var keys: [TenantID: WrappedKeys] = [:]
        let rows = try connection.rows(dynamic: source) {
            try (id: $0.tenantID(), wrapped: WrappedKeys(secret: $0.blob(), signing: $0.blob()))
        }
        for row in rows { keys[row.id] = row.wrapped }
        return keys
    }
}

/// A tenant's two keys as the registry has them, under the master key.
package struct WrappedKeys: Sendable, Equatable {
    package let secret: [UInt8]
    package let signing: [UInt8]

    package init(secret: [UInt8], signing: [UInt8]) {
        self.secret = secret
        self.signing = signing
    }

    /// The key itself. Throws where the master key is another.
    package func secretKey(under masterKey: [UInt8], of id: TenantID) throws -> [UInt8] {
        try AES256GCM.open(secret, key: masterKey, associatedData: id.bytes)
    }

    /// Signs a file that a replay has made, as its own node would have signed an export of that moment.
    package func sign(_ path: String, under masterKey: [UInt8], of id: TenantID) throws -> AuditHead {
        let seed = try AES256GCM.open(signing, key: masterKey, associatedData: id.bytes)
        let connection = try Connection(path: path, flags: .immutable)
        defer { connection.close() }
        try connection.configureForeign()
        let head = try AuditHead(lastOf: connection)
        try ExportSeal.append(to: path, head: head, tenant: id, key: SigningKey(seed: seed))
        return head
    }
}
