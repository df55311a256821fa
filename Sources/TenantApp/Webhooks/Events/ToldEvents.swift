import SQLite
package import TenantRegistry

/// A place in the order of events. `at` is that event's: a file that was restored to a time before it has another event
/// of that id, or none.
package struct EventPlace: Sendable {
    package let id: Int64
    package let at: Timestamp

    package static let beginning = EventPlace(id: 0, at: Timestamp(milliseconds: 0))
}

/// An event as the feed has it.
package struct ToldEvent: Sendable {
    package let place: EventPlace
    package let publicID: String
    package let resellerPublicID: String
    /// As it was signed and sent.
    package let body: [UInt8]
}

/// Which events a page of the feed is of; nil is any.
package struct EventFilter: Sendable {
    package let resellerID: Int64?
    package let book: Book
    package let types: Set<String>?
}

extension TenantReader {
    /// In the order of their commits, behind `place`; and the place of the last one that was looked at, from which to
    /// go on. A page looks at a bounded number of events, whatever it is of.
    package func events(
        _ filter: EventFilter, after place: EventPlace, limit: Int
    ) throws -> (events: [ToldEvent], end: EventPlace, hasMore: Bool) {
        var values: [SQLValue] = [.book(filter.book), .integer(try standing(place).id), .int(Self.eventsSeenMax + 1)]
        if let resellerID = filter.resellerID { values.append(.integer(resellerID)) }
        var (events, end, seen, hasMore): ([ToldEvent], EventPlace, Int, Bool) = ([], place, 0, false)
        try connection.forEach(
            dynamic: """
                SELECT e.id, e.at, e.type, e.public_id, r.public_id, e.body
                FROM event e CROSS JOIN reseller r ON r.id = e.reseller_id
                WHERE e.book = ?1 AND e.id > ?2 \(filter.resellerID == nil ? "" : "AND e.reseller_id = ?4")
                ORDER BY e.id LIMIT ?3
                """, values
        ) { row in
            if events.count == limit || seen == Self.eventsSeenMax {
                hasMore = true
                return false
            }
            seen += 1
            end = EventPlace(id: try row.int(), at: try row.time())
            let type = try row.text()
            guard filter.types?.contains(type) ?? true else { return true }
            events.append(
                ToldEvent(
                    place: end, publicID: try row.text(), resellerPublicID: try row.text(),
                    body: try row.withText { Array($0) }))
            return true
        }
        return (events, end, hasMore)
    }

    /// So many events a page looks at.
    private static let eventsSeenMax = 1_000

    /// The same place in this file. Where the file was restored to a time before that event, all that it held then was
    /// seen, and what came since is newer than the event was.
    private func standing(_ place: EventPlace) throws -> EventPlace {
        let at = try connection.row("SELECT at FROM event WHERE id = ?1", .integer(place.id)) { try $0.time() }
        if at == place.at || place.id == 0 { return place }
        let last = try connection.row(
            "SELECT id FROM event WHERE id <= ?1 AND at <= ?2 ORDER BY id DESC LIMIT 1", .integer(place.id),
            .time(place.at)
        ) { try $0.int() }
        return EventPlace(id: last ?? 0, at: place.at)
    }
}
