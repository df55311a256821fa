import CallKit
import SQLite
package import TenantRegistry

/// A place in the order in which what is due is paid: oldest first, ties by id.
package struct DuePlace: Sendable, Comparable {
    package let at: Timestamp
    package let id: Int64

    package static func < (left: DuePlace, right: DuePlace) -> Bool { (left.at, left.id) < (right.at, right.id) }
}

/// Services as the clock finds them, by index.
extension TenantReader {
    private static let first: [DueKind: Statement] = sources.mapValues { source in
        Statement("SELECT min(\(source.time)) FROM \(source.rows)")
    }
    private static let due: [DueKind: Statement] = sources.mapValues { source in
        Statement("SELECT id FROM \(source.rows) AND \(source.time) <= ?1 ORDER BY \(source.time), id LIMIT ?2")
    }

    private static let sources: [DueKind: (rows: String, time: String)] = [
        .renewal: (
            """
            service INDEXED BY service_renewals WHERE next_at IS NOT NULL AND is_announced = 1 AND term <> 'hourly'
            """, "next_at"
        ),
        .notice: (
            """
            service INDEXED BY service_notices WHERE next_at IS NOT NULL AND is_announced = 0 AND term <> 'hourly'
            """, "next_at"
        ),
        .hourly: ("service INDEXED BY service_accruals WHERE next_at IS NOT NULL AND term = 'hourly'", "next_at"),
        .end: (
            """
            service INDEXED BY service_ends
            WHERE ends_at IS NOT NULL AND state IN ('active', 'past_due', 'suspended')
            """, "ends_at"
        ),
    ]

    /// When the next service is due of a kind.
    func nextService(_ kind: DueKind) throws -> Timestamp? {
        guard let statement = Self.first[kind] else { return nil }
        return try connection.row(statement) { try $0.optionalTime() } ?? nil
    }

    /// Ids of what is due of a kind now, oldest first.
    func dueServices(_ kind: DueKind, limit: Int) throws -> [Int64] {
        guard let statement = Self.due[kind] else { return [] }
        return try connection.rows(statement, .time(now), .int(limit)) { try $0.int() }
    }

    /// What comes next of a kind, with its hour. A renewal that waits for its notice is one that comes, too.
    func comingServices(_ kind: DueKind, _ page: DuePage) throws -> [(at: Timestamp, id: Int64)] {
        let notice = Service.noticeDays * Timestamp.millisecondsPerDay
        let rows: String
        switch kind {
        case .renewal:
            rows = """
                SELECT id, next_at AS at, reseller_id FROM service INDEXED BY service_renewals
                WHERE next_at IS NOT NULL AND is_announced = 1 AND term <> 'hourly' AND next_at BETWEEN ?1 AND ?3
                UNION ALL SELECT id, next_at + \(notice), reseller_id FROM service INDEXED BY service_notices
                WHERE next_at IS NOT NULL AND is_announced = 0 AND term <> 'hourly'
                    AND next_at BETWEEN ?1 - \(notice) AND ?3 - \(notice)
                """
        default:
            guard let source = Self.sources[kind] else { return [] }
            rows = """
                SELECT id, \(source.time) AS at, reseller_id FROM \(source.rows) AND \(source.time) BETWEEN ?1 AND ?3
                """
        }
        var values: [SQLValue] = [
            .time(page.after.at), .integer(page.after.id), .time(page.until), .int(page.limit),
        ]
        if let resellerID = page.resellerID { values.append(.integer(resellerID)) }
        return try connection.rows(
            dynamic: """
                SELECT at, id FROM (\(rows)) WHERE (at, id) > (?1, ?2)
                    \(page.resellerID == nil ? "" : "AND reseller_id = ?5") ORDER BY at, id LIMIT ?4
                """, values
        ) { (at: try $0.time(), id: try $0.int()) }
    }

    private static let unpaid = Statement(
        """
        SELECT s.id FROM service s INDEXED BY service_unpaid
        WHERE s.reseller_id = ?1 AND s.past_due_since IS NOT NULL
            AND (coalesce(s.renews_at, s.past_due_since), s.id) > (?2, ?3)
        ORDER BY coalesce(s.renews_at, s.past_due_since), s.id LIMIT ?4
        """)

    /// What a reseller has not paid, oldest first, behind a place.
    func unpaidServices(resellerID: Int64, after place: DuePlace?, limit: Int) throws -> [Int64] {
        try connection.rows(
            Self.unpaid, .integer(resellerID), .integer(place?.at.milliseconds ?? .min), .integer(place?.id ?? .min),
            .int(limit)
        ) { try $0.int() }
    }
}

extension TenantTransaction {
    /// A row that cannot be read is looked at again a day later, so that it keeps no other from its hour.
    func postponeService(_ id: Int64, _ kind: DueKind) throws {
        let later = now.adding(days: 1)
        if kind == .end {
            try connection.run("UPDATE service SET ends_at = ?2 WHERE id = ?1", .integer(id), .time(later))
        } else {
            try connection.run("UPDATE service SET next_at = ?2 WHERE id = ?1", .integer(id), .time(later))
        }
        noteDue(kind, at: later)
    }

    /// The next period has been announced.
    func noteAnnounced(_ service: Service) throws {
        try connection.run(
            "UPDATE service SET is_announced = 1, next_at = ?2 WHERE id = ?1", .integer(service.id),
            .optional(service.nextAt))
        if let next = service.nextAt { noteDue(.renewal, at: next) }
    }
}

/// Resellers whose money came in while more was due than one transaction pays.
extension TenantReader {
    func nextPayable() throws -> (resellerID: Int64, place: DuePlace)? {
        try connection.row("SELECT reseller_id, due_at, service_id FROM payable ORDER BY reseller_id LIMIT 1") { row in
            (resellerID: try row.int(), place: DuePlace(at: try row.time(), id: try row.int()))
        }
    }
}

extension TenantTransaction {
    /// The rest, behind `place`, is paid before anything else of the reseller is charged; nil: there is no rest.
    func setPayable(resellerID: Int64, after place: DuePlace?) throws {
        guard let place else {
            return try connection.run("DELETE FROM payable WHERE reseller_id = ?1", .integer(resellerID))
        }
        try connection.run(
            """
            INSERT INTO payable (reseller_id, due_at, service_id) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET due_at = excluded.due_at, service_id = excluded.service_id
            """,
            .integer(resellerID), .time(place.at), .integer(place.id))
        noteDue(.renewal, at: now)
    }
}
