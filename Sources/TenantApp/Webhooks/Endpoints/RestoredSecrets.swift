import Cryptography
package import SQLite
package import TenantRegistry

extension TenantTransaction {
    /// Signing secrets in a file that takes another one's place (P5): a reseller or an endpoint that both have keeps
    /// those that it has now. What was rotated away since verifies nothing again, and what came after it goes on.
    /// `replaced` is the file that goes; what is damaged there stays as it was then.
    package func keepWebhookSecrets(of replaced: Connection) throws {
        try keep(.ofResellers, of: replaced) { secretContext($0) }
        try keep(.ofEndpoints, of: replaced) { endpointContext($0) }
    }

    private func keep(_ table: SecretTable, of replaced: Connection, context: (Int64) -> [UInt8]) throws {
        guard let present = try whole({ try table.secrets(in: replaced) }) else { return }
        for (owner, restored) in try table.secrets(in: connection).sorted(by: { $0.key.id < $1.key.id }) {
            guard let secrets = present[owner], secrets != restored else { continue }
            // They are sealed for this tenant and this row, which both files have alike.
            let areWhole = secrets.allSatisfy { secret in
                let opened = try? AES256GCM.open(
                    secret.sealed, key: store.secretKey, associatedData: context(owner.id))
                return opened != nil
            }
            if areWhole { try replace(table, of: owner, with: secrets) }
        }
    }

    private func replace(_ table: SecretTable, of owner: SecretOwner, with secrets: [SealedSecret]) throws {
        try connection.run(table.clear, .integer(owner.id))
        for secret in secrets {
            try connection.run(
                table.add, .integer(owner.id), .blob(secret.sealed), .integer(secret.createdAt),
                .optional(secret.expiresAt))
        }
    }
}

/// Whose a secret is, by what says in every copy of a tenant that it is the same row.
private struct SecretOwner: Hashable {
    let id: Int64
    let publicID: String
}

private struct SealedSecret: Equatable {
    let sealed: [UInt8]
    let createdAt: Int64
    let expiresAt: Int64?
}

/// A table of signing secrets.
private struct SecretTable {
    let read: Statement
    let clear: Statement
    let add: Statement

    static let ofResellers = SecretTable(
        read: Statement(
            """
            SELECT r.id, r.public_id, s.sealed, s.created_at, s.expires_at
            FROM webhook_secret s JOIN reseller r ON r.id = s.reseller_id ORDER BY s.id
            """),
        clear: Statement("DELETE FROM webhook_secret WHERE reseller_id = ?1"),
        add: Statement(
            """
            INSERT INTO webhook_secret (reseller_id, sealed, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)
            """))

    static let ofEndpoints = SecretTable(
        read: Statement(
            """
            SELECT e.id, e.public_id, s.sealed, s.created_at, s.expires_at
            FROM webhook_endpoint_secret s JOIN webhook_endpoint e ON e.id = s.endpoint_id ORDER BY s.id
            """),
        clear: Statement("DELETE FROM webhook_endpoint_secret WHERE endpoint_id = ?1"),
        add: Statement(
            """
            INSERT INTO webhook_endpoint_secret (endpoint_id, sealed, created_at, expires_at)
            VALUES (?1, ?2, ?3, ?4)
            """))

    /// Of each owner the oldest first.
    func secrets(in connection: Connection) throws -> [SecretOwner: [SealedSecret]] {
        var secrets: [SecretOwner: [SealedSecret]] = [:]
        try connection.forEach(read) { row in
            let owner = SecretOwner(id: try row.int(), publicID: try row.text())
            let secret = SealedSecret(
                sealed: try row.blob(), createdAt: try row.int(), expiresAt: try row.optionalInt())
            secrets[owner, default: []].append(secret)
            return true
        }
        return secrets
    }
}
