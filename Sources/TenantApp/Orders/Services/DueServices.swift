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
    private static let first: [DueKind: Statement] = sources.mapValues { sources in
        let times = sources.map { source in
            """
            SELECT * FROM (SELECT \(source.time) AS at FROM \(source.rows)
                AND id NOT IN (SELECT value FROM json_each(?1)) ORDER BY \(source.column) LIMIT 1)
            """
        }
        return Statement("SELECT min(at) FROM (\(times.joined(separator: " UNION ALL ")))")
    }
    private static let due: [DueKind: Statement] = sources.mapValues { sources in
        let lists = sources.map { source in
            """
            SELECT * FROM (SELECT \(source.time) AS at, id FROM \(source.rows) AND \(source.column) <= ?1\(source.less)
                AND (\(source.column), id) > (?4\(source.less), ?5)
                AND id NOT IN (SELECT value FROM json_each(?3)) ORDER BY \(source.column), id LIMIT ?2)
            """
        }
        return Statement("\(lists.joined(separator: " UNION ALL ")) ORDER BY 1, 2 LIMIT ?2")
    }

    /// Rows of one index, and what of them says when they are due.
    private struct Source {
        let rows: String
        let column: String
        /// Later than the column by so many milliseconds.
        var laterBy: Int64 = 0

        var time: String { "\(column)\(laterBy == 0 ? "" : " + \(laterBy)")" }
        var less: String { laterBy == 0 ? "" : " - \(laterBy)" }
    }

    private static let announced = Source(
        rows: """
            service INDEXED BY service_renewals WHERE next_at IS NOT NULL AND is_announced = 1 AND term <> 'hourly'
            """, column: "next_at")
    private static let unannounced = Source(
        rows: """
            service INDEXED BY service_notices WHERE next_at IS NOT NULL AND is_announced = 0 AND term <> 'hourly'
            """, column: "next_at")
    private static let sources: [DueKind: [Source]] = [
        // What nobody could announce in time renews all the same.
        .renewal: [
            announced,
            Source(
                rows: unannounced.rows, column: "next_at",
                laterBy: Service.noticeDays * Timestamp.millisecondsPerDay),
        ],
        .notice: [unannounced],
        .hourly: [
            Source(
                rows: "service INDEXED BY service_accruals WHERE next_at IS NOT NULL AND term = 'hourly'",
                column: "next_at")
        ],
        .end: [
            Source(
                rows: """
                    service INDEXED BY service_ends
                    WHERE ends_at IS NOT NULL AND state IN ('active', 'past_due', 'suspended')
                    """, column: "ends_at")
        ],
    ]

    /// When the next service is due of a kind.
    func nextService(_ kind: DueKind) throws -> Timestamp? {
        guard let statement = Self.first[kind] else { return nil }
        return try memory.unreadableServices.next(kind, now: now) { putOff in
            try connection.row(statement, .text(putOff)) { try $0.optionalTime() } ?? nil
        }
    }

    /// What is due of a kind now, oldest first, behind a place.
    fileprivate func dueServices(_ kind: DueKind, after place: DuePlace, limit: Int) throws -> [DuePlace] {
        guard let statement = Self.due[kind] else { return [] }
        let putOff = memory.unreadableServices.ids(now: now)
        return try connection.rows(
            statement, .time(now), .int(limit), .text(putOff), .time(place.at), .integer(place.id)
        ) { row in
            DuePlace(at: try row.time(), id: try row.int())
        }
    }

    /// What comes next of a kind, with its hour.
    func comingServices(_ kind: DueKind, _ page: DuePage) throws -> [(at: Timestamp, id: Int64)] {
        // Each source gives its first rows by its index; a reseller's services are found by its orders.
        let ofReseller = """
            AND id IN (SELECT s.id FROM orders o CROSS JOIN service s ON s.order_id = o.id WHERE o.reseller_id = ?5)
            """
        let rows = (Self.sources[kind] ?? []).map { source in
            """
            SELECT * FROM (SELECT \(source.time) AS at, id
                FROM \(page.resellerID == nil ? source.rows : source.rows.replacing(/INDEXED BY \w+/, with: ""))
                AND (\(source.column), id) > (?1\(source.less), ?2) AND \(source.column) <= ?3\(source.less)
                \(page.resellerID == nil ? "" : ofReseller) ORDER BY \(source.column), id LIMIT ?4)
            """
        }
        guard !rows.isEmpty else { return [] }
        var values: [SQLValue] = [
            .time(page.after.at), .integer(page.after.id), .time(page.until), .int(page.limit),
        ]
        if let resellerID = page.resellerID { values.append(.integer(resellerID)) }
        return try connection.rows(
            dynamic: "\(rows.joined(separator: " UNION ALL ")) ORDER BY at, id LIMIT ?4", values
        ) { (at: try $0.time(), id: try $0.int()) }
    }

    private static let unpaid = Statement(
        """
        SELECT coalesce(s.renews_at, s.past_due_since), s.id FROM service s INDEXED BY service_unpaid
        WHERE s.reseller_id = ?1 AND s.past_due_since IS NOT NULL AND (s.ends_at IS NULL OR s.state = 'cancelled')
            AND (coalesce(s.renews_at, s.past_due_since), s.id) > (?2, ?3)
            AND s.id NOT IN (SELECT value FROM json_each(?5))
        ORDER BY coalesce(s.renews_at, s.past_due_since), s.id LIMIT ?4
        """)

    /// What a reseller has not paid, oldest first, behind a place.
    func unpaidServices(resellerID: Int64, after place: DuePlace?, limit: Int) throws -> [DuePlace] {
        try connection.rows(
            Self.unpaid, .integer(resellerID), .integer(place?.at.milliseconds ?? .min), .integer(place?.id ?? .min),
            .int(limit), .text(memory.unreadableServices.ids(now: now))
        ) { DuePlace(at: try $0.time(), id: try $0.int()) }
    }
}

extension TenantTransaction {
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

    /// Where to go on with what this one has not paid; nil: nothing waits.
    func payable(resellerID: Int64) throws -> DuePlace? {
        try connection.row(
            "SELECT due_at, service_id FROM payable WHERE reseller_id = ?1", .integer(resellerID)
        ) { DuePlace(at: try $0.time(), id: try $0.int()) }
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

/// Services of one reseller and book, in the order in which they are due.
struct ServiceGroup {
    let resellerID: Int64
    let book: Book
    var services: [Service]
}

/// What is due of a kind, as far as one look at the rows goes.
struct DueServices {
    let groups: [ServiceGroup]
    /// The place of the last row that was looked at.
    let last: DuePlace
    /// So many rows were put off, which is done with them for today.
    let putOff: Int

    /// Rows that have been seen to.
    var count: Int { groups.reduce(putOff) { $0 + $1.services.count } }
}

extension TenantTransaction {
    /// What is due of a kind now, oldest first, `limit` rows at the most; nil: nothing is. Rows that cannot be read and
    /// are too many to be remembered are stepped over.
    func readDueServices(_ kind: DueKind, limit: Int) throws -> DueServices? {
        var place = DuePlace.beginning
        while true {
            let due = try dueServices(kind, after: place, limit: limit)
            guard let last = due.last else { break }
            let known = memory.unreadableServices.count
            let groups = try readServices(due.map(\.id))
            let found = DueServices(groups: groups, last: last, putOff: memory.unreadableServices.count - known)
            if found.count > 0 { return found }
            place = last
        }
        if place != .beginning { memory.unreadableServices.rest(kind, now: now) }
        return nil
    }

    /// By reseller and book. A row that cannot be read is told and put off by a day, in memory alone.
    func readServices(_ ids: [Int64]) throws -> [ServiceGroup] {
        struct Place: Hashable {
            let resellerID: Int64
            let book: Book
        }
        var groups: [ServiceGroup] = []
        var places: [Place: Int] = [:]
        for id in ids {
            do {
                guard let service = try service(id: id) else { throw Refusal.notFound(.service) }
                let key = Place(resellerID: service.resellerID, book: service.book)
                if let place = places[key] {
                    groups[place].services.append(service)
                } else {
                    places[key] = groups.count
                    groups.append(ServiceGroup(resellerID: key.resellerID, book: key.book, services: [service]))
                }
            } catch let corrupt as CorruptRow {
                store.tell(corrupt)
                memory.unreadableServices.add(id, now: now)
            } catch is Refusal {
                // Its order, customer or product is missing: `verify` says so.
                memory.unreadableServices.add(id, now: now)
            }
        }
        return groups
    }
}
