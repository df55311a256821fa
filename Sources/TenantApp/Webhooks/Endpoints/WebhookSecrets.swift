import CallKit
import Cryptography
import SQLite
package import TenantRegistry

extension TenantReader {
    /// A replaced signing secret signs and verifies on for so long (O3, H4).
    package static let secretOverlapSeconds: Int64 = 24 * 3600

    /// The secrets that verify a reseller's signed calls now, newest first, as bytes.
    package func webhookSecrets(resellerID: Int64) throws -> [[UInt8]] {
        let now = now
        if let known = memory.webhookSecrets[resellerID] {
            return known.compactMap { $0.expiresAt.map { $0 > now } ?? true ? $0.secret : nil }
        }
        let secrets = try connection.rows(
            """
            SELECT sealed, expires_at FROM webhook_secret
            WHERE reseller_id = ?1 AND (expires_at IS NULL OR expires_at > ?2) ORDER BY id DESC
            """,
            .integer(resellerID), .time(now)
        ) { row in
            let context = secretContext(resellerID)
            return (
                secret: try AES256GCM.open(row.blob(), key: store.secretKey, associatedData: context),
                expiresAt: try row.optionalTime()
            )
        }
        memory.webhookSecrets.remember(secrets, for: resellerID)
        return secrets.map(\.secret)
    }

    func secretContext(_ resellerID: Int64) -> [UInt8] { tenantID.bytes + Array("webhook:\(resellerID)".utf8) }
}

extension TenantTransaction {
    /// Makes a new signing secret. The present one ends after the overlap (0: now), and one that a rotation before has
    /// given an end ends at once: two are the most that ever sign and verify (O3). Returns the new one's `whsec_` text,
    /// to be shown once.
    package func mintWebhookSecret(
        resellerID: Int64, overlapSeconds: Int64 = TenantReader.secretOverlapSeconds
    ) throws -> String {
        let secret = WebhookSecret.mint(random: store.random)
        guard let bytes = WebhookSecret.decode(secret) else { throw Refusal.defect }
        memory.webhookSecrets[resellerID] = nil
        store.webhooksChange()
        // What ends now goes: as a time, its end would not have come yet once the clock is set back.
        try connection.run(
            "DELETE FROM webhook_secret WHERE reseller_id = ?1 AND (expires_at IS NOT NULL OR ?2)",
            .integer(resellerID), .bool(overlapSeconds == 0))
        try connection.run(
            "UPDATE webhook_secret SET expires_at = ?2 WHERE reseller_id = ?1", .integer(resellerID),
            .time(now.adding(seconds: overlapSeconds)))
        try connection.run(
            "INSERT INTO webhook_secret (reseller_id, sealed, created_at) VALUES (?1, ?2, ?3)", .integer(resellerID),
            .blob(
                try AES256GCM.seal(
                    bytes, key: store.secretKey, associatedData: secretContext(resellerID), random: store.random)),
            .time(now))
        return secret
    }
}
