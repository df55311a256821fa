import CallKit
import SQLite
package import TenantRegistry

extension TenantTransaction {
    private static let hastened = Statement(
        """
        UPDATE delivery SET next_at = ?2 WHERE id IN (
            SELECT id FROM delivery WHERE state = 'pending' AND endpoint_id = ?1 AND next_at > ?2
                AND coalesce(last_status, 0) <> 429
            ORDER BY next_at LIMIT ?3)
        """)

    /// An endpoint answers again: what waits for the next attempt is due now, but for what it has asked to wait with
    /// (H3). Returns how many there were, `limit` at the most.
    package func hastenDeliveries(ofEndpoint id: Int64, limit: Int) throws -> Int {
        try connection.run(Self.hastened, .integer(id), .time(now), .int(limit))
        let count = connection.changes
        if count > 0 { noteDue(.delivery, at: now) }
        return count
    }
}
