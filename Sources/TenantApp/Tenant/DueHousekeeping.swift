import CallKit
import SQLite
package import TenantRegistry

/// Rows that have had their time go, in files that nobody uses too. A file in use is cleared up as it is used
/// (`Fleet.tick`), at the pace at which its rows came.
package struct DueHousekeeping: DueWork {
    package let kind = DueKind.housekeeping

    package init() {}

    /// When the first row of each kind has had its time, each by an index, and for just those rows that `housekeep`
    /// takes.
    private static let ends = Statement(
        """
        SELECT min(at) FROM (
            SELECT min(created_at) + ?1 AS at FROM (SELECT created_at FROM idempotency ORDER BY rowid LIMIT 1)
                WHERE created_at + ?1 <= (SELECT at FROM audit ORDER BY seq DESC LIMIT 1)
            UNION ALL SELECT min(expires_at) + ?2 FROM api_key_secret WHERE expires_at IS NOT NULL
            UNION ALL SELECT min(expires_at) FROM webhook_secret WHERE expires_at IS NOT NULL
            UNION ALL SELECT min(expires_at) FROM webhook_endpoint_secret WHERE expires_at IS NOT NULL
            UNION ALL SELECT min(import_id) / 1024 + ?3 FROM price_staging
            UNION ALL SELECT min(import_id) / 1024 + ?3 FROM licence_staging
            UNION ALL SELECT min(verifies_until) FROM payment_service WHERE webhook_secret IS NOT NULL
            UNION ALL SELECT min(at) + ?4 FROM known_place
            UNION ALL SELECT min(updated_at) + ?5 FROM delivery WHERE state = 'delivered' OR state = 'dropped'
            UNION ALL SELECT min(updated_at) + ?6 FROM delivery WHERE state = 'dead' OR state = 'held'
            UNION ALL SELECT (min(hour) + 1) * 3600000 + ?7 FROM usage_hour
            UNION ALL SELECT (SELECT k.expires_at FROM api_key k
                WHERE k.role >= 3 AND k.expires_at IS NOT NULL
                    AND NOT EXISTS (SELECT 1 FROM api_key_secret s WHERE s.key_id = k.id)
                    AND NOT EXISTS (SELECT 1 FROM panel_user u WHERE u.signed_up_via = k.id)
                    AND NOT EXISTS (SELECT 1 FROM credit_event)
                ORDER BY k.expires_at LIMIT 1) + ?2)
        """)

    package func next(_ tenant: TenantReader) throws -> Timestamp? {
        // A long queue that is taken out of the way goes on at once, and so do totals that are far behind the ledger.
        if try !tenant.unsettledEndpoints().isEmpty { return tenant.now }
        let mark = try tenant.ledgerMark()
        if mark.newest - mark.counted >= Int64(TenantTransaction.followedPostingsMax) { return tenant.now }
        func days(_ days: Int64) -> SQLValue { .integer(days * Timestamp.millisecondsPerDay) }
        let first = try tenant.connection.row(
            Self.ends, days(TenantTransaction.idempotencyDays), days(TenantTransaction.endedSecretsKeptDays), days(1),
            days(KnownPlace.days), days(TenantTransaction.settledDeliveriesKeptDays),
            days(TenantTransaction.deadDeliveriesKeptDays), days(TenantTransaction.usageHoursKeptDays)
        ) { try $0.optionalTime() }
        guard let first = first ?? nil else { return nil }
        return Self.hour(after: first, of: tenant.tenantID)
    }

    /// A file is opened for it once an hour at the most, each tenant's at another minute.
    private static func hour(after time: Timestamp, of tenant: TenantID) -> Timestamp {
        let own = Int64(tenant.low % UInt64(hourMilliseconds))
        let (hours, _) = (time.milliseconds - own).quotientAndRemainder(dividingBy: hourMilliseconds)
        return Timestamp(milliseconds: (hours + 1) * hourMilliseconds + own)
    }

    private static let hourMilliseconds: Int64 = 3_600_000

    package func run(_ tenant: TenantTransaction, limit: Int) throws -> Int { try tenant.housekeep(limit: limit) }

    /// It changes nothing that anybody looks at.
    package func coming(_ tenant: TenantReader, _ page: DuePage) throws -> [DueItem] { [] }
}
