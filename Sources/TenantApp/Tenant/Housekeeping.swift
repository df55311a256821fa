import CallKit
import SQLite
package import TenantRegistry

/// What has had its time, cleared a bounded number of rows at a call. Rows that the audit log or orders name
/// stay for ever: of keys only the secrets go.
extension TenantTransaction {
    /// A secret is kept for so long past its end.
    package static let endedSecretsKeptDays: Int64 = 1

    /// `limit`: rows of each kind. Returns how many rows it changed.
    @discardableResult
    package func housekeep(limit: Int = housekeepingRowsMax) throws -> Int {
        try saveRooms()
        let before = connection.totalChanges
        try purgeIdempotency(limit: limit)
        try purgeSecrets(limit: limit)
        try purgeAbandonedImports(limit: limit)
        try purgePaymentSecrets()
        try purgeKnownPlaces(limit: limit)
        try purgeSessions(limit: limit)
        try settleQueues(limit: Self.settledAtOnceMax)
        try purgeDeliveries(limit: limit)
        try purgeReplays(limit: limit)
        try purgeUsage(limit: limit)
        // What is left goes on at once.
        let isFarBehind = try followLedger() == Self.followedPostingsMax
        if try joinUsage() || isFarBehind { noteDue(.housekeeping, at: now) }
        return Int(connection.totalChanges - before)
    }

    /// Hashes that open nothing any more: of sessions, and of keys after a rotation's overlap. Nobody is judged by
    /// them, so nothing has to follow in the registry, where dead hashes stay dead.
    private func purgeSecrets(limit: Int) throws {
        try connection.run(
            """
            DELETE FROM api_key_secret WHERE hash IN
                (SELECT hash FROM api_key_secret WHERE expires_at <= ?1 LIMIT ?2)
            """,
            .time(now.adding(days: -Self.endedSecretsKeptDays)), .int(limit))
        try connection.run(
            "DELETE FROM webhook_secret WHERE id IN (SELECT id FROM webhook_secret WHERE expires_at <= ?1 LIMIT ?2)",
            .time(now), .int(limit))
        try connection.run(
            """
            DELETE FROM webhook_endpoint_secret WHERE id IN
                (SELECT id FROM webhook_endpoint_secret WHERE expires_at <= ?1 LIMIT ?2)
            """,
            .time(now), .int(limit))
    }

    /// Sessions that have ended: each sign-in leaves one. The audit log keeps whose they were. A tenant with credit
    /// events keeps them, since an event may name the session that reported it.
    private func purgeSessions(limit: Int) throws {
        try connection.run(
            """
            DELETE FROM api_key WHERE id IN (
                SELECT k.id FROM api_key k
                WHERE k.role >= 3 AND k.expires_at <= ?1
                    AND NOT EXISTS (SELECT 1 FROM api_key_secret s WHERE s.key_id = k.id)
                    AND NOT EXISTS (SELECT 1 FROM panel_user u WHERE u.signed_up_via = k.id)
                    AND NOT EXISTS (SELECT 1 FROM credit_event)
                LIMIT ?2)
            """,
            .time(now.adding(days: -Self.endedSecretsKeptDays)), .int(limit))
    }

    /// Price books and stock whose import was cut off, say by a restart.
    private func purgeAbandonedImports(limit: Int) throws {
        try connection.run(
            """
            DELETE FROM price_staging WHERE (import_id, line) IN
                (SELECT import_id, line FROM price_staging WHERE import_id < ?1 LIMIT ?2)
            """,
            .integer(ImportID.abandonedBefore(now)), .int(limit))
        try connection.run(
            """
            DELETE FROM product_staging WHERE (import_id, line) IN
                (SELECT import_id, line FROM product_staging WHERE import_id < ?1 LIMIT ?2)
            """,
            .integer(ImportID.abandonedBefore(now)), .int(limit))
        try connection.run(
            """
            DELETE FROM licence_staging WHERE (import_id, place) IN
                (SELECT import_id, place FROM licence_staging WHERE import_id < ?1 LIMIT ?2)
            """,
            .integer(ImportID.abandonedBefore(now)), .int(limit))
        try connection.run(
            """
            DELETE FROM port_staging WHERE (import_id, place) IN
                (SELECT import_id, place FROM port_staging WHERE import_id < ?1 LIMIT ?2)
            """,
            .integer(ImportID.abandonedBefore(now)), .int(limit))
        try connection.run(
            """
            DELETE FROM stock_staging WHERE (import_id, place) IN
                (SELECT import_id, place FROM stock_staging WHERE import_id < ?1 LIMIT ?2)
            """,
            .integer(ImportID.abandonedBefore(now)), .int(limit))
    }
}
