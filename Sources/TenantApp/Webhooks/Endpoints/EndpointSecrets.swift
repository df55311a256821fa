import Cryptography
import SQLite
import TenantRegistry

extension TenantReader {
    /// Every secret that signs what goes to this endpoint now, newest first, as bytes.
    func secrets(of endpoint: WebhookEndpoint) throws -> [[UInt8]] {
        if endpoint.isDefault { return try webhookSecrets(resellerID: endpoint.resellerID) }
        return try connection.rows(
            """
            SELECT sealed FROM webhook_endpoint_secret
            WHERE endpoint_id = ?1 AND (expires_at IS NULL OR expires_at > ?2) ORDER BY id DESC
            """,
            .integer(endpoint.id), .time(now)
        ) { row in
            try AES256GCM.open(row.blob(), key: store.secretKey, associatedData: endpointContext(endpoint.id))
        }
    }

    /// The same of one that may have been removed since: of which nothing is left.
    func secrets(ofEndpoint publicID: String) throws -> [[UInt8]] {
        try secrets(of: try knownWebhookEndpoint(publicID))
    }

    func endpointContext(_ id: Int64) -> [UInt8] { tenantID.bytes + Array("endpoint:\(id)".utf8) }
}

extension TenantTransaction {
    /// In a fork (B2): endpoints are off until an operator enables them, and what signs is new and told to nobody yet.
    func replaceWebhookSecrets() throws {
        try connection.run("DELETE FROM webhook_secret")
        try connection.run("DELETE FROM webhook_endpoint_secret")
        try connection.run(
            """
            UPDATE webhook_endpoint SET state = 'disabled', disabled_reason = 'operator', disabled_at = ?1, updated_at = ?1
            WHERE state <> 'disabled'
            """,
            .time(now))
        for reseller in try connection.rows("SELECT id FROM reseller", read: { try $0.int() }) {
            _ = try mintWebhookSecret(resellerID: reseller, overlapSeconds: 0)
        }
        for id in try connection.rows(
            "SELECT id FROM webhook_endpoint WHERE removed_at IS NULL", read: { try $0.int() })
        {
            guard let endpoint = try webhookEndpoint(id: id), !endpoint.isDefault else { continue }
            _ = try mintSecret(of: endpoint, overlapSeconds: 0)
        }
    }

    /// A new secret of the endpoint's, or for `default` of its reseller's. The present one ends after the overlap
    /// (0: now), one that has an end already at once. Returns the new one's `whsec_` text, to be shown once.
    package func mintSecret(of endpoint: WebhookEndpoint, overlapSeconds: Int64) throws -> String {
        if endpoint.isDefault {
            return try mintWebhookSecret(resellerID: endpoint.resellerID, overlapSeconds: overlapSeconds)
        }
        let secret = WebhookSecret.mint(random: store.random)
        guard let bytes = WebhookSecret.decode(secret) else { preconditionFailure("a minted secret is none") }
        store.webhooksChange()
        try connection.run(
            "DELETE FROM webhook_endpoint_secret WHERE endpoint_id = ?1 AND (expires_at IS NOT NULL OR ?2)",
            .integer(endpoint.id), .bool(overlapSeconds == 0))
        try connection.run(
            "UPDATE webhook_endpoint_secret SET expires_at = ?2 WHERE endpoint_id = ?1", .integer(endpoint.id),
            .time(now.adding(seconds: overlapSeconds)))
        let sealed = try AES256GCM.seal(
            bytes, key: store.secretKey, associatedData: endpointContext(endpoint.id), random: store.random)
        try connection.run(
            "INSERT INTO webhook_endpoint_secret (endpoint_id, sealed, created_at) VALUES (?1, ?2, ?3)",
            .integer(endpoint.id), .blob(sealed), .time(now))
        return secret
    }
}
