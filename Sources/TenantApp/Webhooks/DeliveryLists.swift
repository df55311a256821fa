import CallKit
import SQLite
package import TenantRegistry

/// Which deliveries somebody asks for. Nothing in a set: any.
package struct DeliveryFilter: Sendable {
    package var book: Book
    package var resellerID: Int64?
    package var endpointID: Int64?
    package var eventID: Int64?
    package var states: Set<DeliveryState> = []
    package var types: Set<EventType> = []
    /// The hundreds of the last status.
    package var statusClass: Int64?
    /// When it was queued.
    package var since: Timestamp?
    package var until: Timestamp?

    package init(book: Book, resellerID: Int64? = nil) {
        self.book = book
        self.resellerID = resellerID
    }

    fileprivate func takes(_ delivery: Delivery) -> Bool {
        delivery.book == book && resellerID.map { $0 == delivery.resellerID } ?? true
            && endpointID.map { $0 == delivery.endpointID } ?? true
            && (states.isEmpty || states.contains(delivery.state))
            && (types.isEmpty || types.contains(delivery.type))
            && statusClass.map { $0 == (delivery.lastStatus ?? 0) / 100 } ?? true
            && since.map { $0 <= delivery.createdAt } ?? true && until.map { $0 > delivery.createdAt } ?? true
    }
}

/// A delivery's place in lists, which go by the time it was queued.
package struct DeliveryPlace: Sendable, Hashable, Comparable {
    package let at: Int64
    package let id: Int64

    package init(at: Int64, id: Int64) {
        self.at = at
        self.id = id
    }

    package static let newest = DeliveryPlace(at: .max, id: .max)
    package static let oldest = DeliveryPlace(at: .min, id: .min)

    package static func < (left: Self, right: Self) -> Bool { (left.at, left.id) < (right.at, right.id) }
}

extension Delivery {
    package var place: DeliveryPlace { DeliveryPlace(at: createdAt.milliseconds, id: id) }
}

/// Deliveries of a filter in the order in which they were queued, from either end: merged from stretches of one index,
/// each of one state, class of status and type, so that however many others there are nobody looks at them.
///
/// A value. What it has given it does not give again, also where rows move between its stretches in the meantime.
package struct DeliveryMerge: Sendable {
    fileprivate struct Stretch: Sendable {
        let scope: Int64
        let state: DeliveryState
        let statusClass: Int64
        let type: String
        /// Read, and not given yet: the next one last.
        var read: [DeliveryPlace] = []
        var isAtEnd = false
        /// Behind which more is read.
        var behind: DeliveryPlace
    }

    fileprivate enum Scope { case endpoint, book }

    /// Of a stretch that is read on. The first time as many as fill a page would be read in vain.
    fileprivate static let readMax = 16

    fileprivate let scope: Scope
    fileprivate let isDescending: Bool
    /// Where it ends.
    fileprivate let end: DeliveryPlace
    fileprivate var stretches: [Stretch]
}

extension TenantReader {
    /// Newest first, those before `place`.
    package func deliveries(_ filter: DeliveryFilter, before place: DeliveryPlace, limit: Int) throws -> [Delivery] {
        if let event = filter.eventID {
            let all = try deliveries(ofEvent: event).filter { filter.takes($0) && $0.place < place }
            return Array(all.sorted { $0.place > $1.place }.prefix(limit))
        }
        var merge = try deliveryMerge(filter, from: place, isDescending: true)
        return try next(&merge, limit: limit).map { place in
            guard let row = try delivery(id: place.id) else { throw Refusal.defect }
            return row
        }
    }

    /// `from`: exclusive.
    package func deliveryMerge(
        _ filter: DeliveryFilter, from place: DeliveryPlace, isDescending: Bool
    ) throws -> DeliveryMerge {
        let first = filter.since.map { DeliveryPlace(at: $0.milliseconds, id: .min) } ?? .oldest
        let last = filter.until.map { DeliveryPlace(at: $0.milliseconds, id: .min) } ?? .newest
        let begin = isDescending ? min(place, last) : max(place, first)
        var merge = DeliveryMerge(
            scope: filter.resellerID == nil && filter.endpointID == nil ? .book : .endpoint,
            isDescending: isDescending, end: isDescending ? first : last, stretches: [])
        for scope in try scopes(filter) {
            for (state, statusClass, type) in try stretches(of: scope, merge.scope, filter) {
                merge.stretches.append(
                    DeliveryMerge.Stretch(
                        scope: scope, state: state, statusClass: statusClass, type: type, behind: begin))
            }
        }
        return merge
    }

    /// The next ones, fewer at the end.
    package func next(_ merge: inout DeliveryMerge, limit: Int) throws -> [DeliveryPlace] {
        var places: [DeliveryPlace] = []
        while places.count < limit {
            var best: (index: Int, place: DeliveryPlace)?
            for index in merge.stretches.indices {
                try fill(&merge, index)
                guard let place = merge.stretches[index].read.last else { continue }
                if best.map({ merge.isDescending ? place > $0.place : place < $0.place }) ?? true {
                    best = (index, place)
                }
            }
            guard let best else { break }
            merge.stretches[best.index].read.removeLast()
            places.append(best.place)
        }
        return places
    }

    private func fill(_ merge: inout DeliveryMerge, _ index: Int) throws {
        let stretch = merge.stretches[index]
        guard stretch.read.isEmpty, !stretch.isAtEnd else { return }
        let statement = DeliveryLists.stretch(merge.scope == .book, isDescending: merge.isDescending)
        var read = try connection.rows(
            statement, .integer(stretch.scope), .text(stretch.state.rawValue), .integer(stretch.statusClass),
            .text(stretch.type), .integer(stretch.behind.at), .integer(stretch.behind.id), .integer(merge.end.at),
            .int(DeliveryMerge.readMax)
        ) { row in DeliveryPlace(at: try row.int(), id: try row.int()) }
        merge.stretches[index].isAtEnd = read.count < DeliveryMerge.readMax
        if let last = read.last { merge.stretches[index].behind = last }
        read.reverse()
        merge.stretches[index].read = read
    }

    /// Endpoints of a filter that take deliveries now, oldest first.
    func receivingEndpoints(_ filter: DeliveryFilter) throws -> [Int64] {
        try connection.rows(
            """
            SELECT id FROM webhook_endpoint WHERE book = ?1 AND state = 'active' AND removed_at IS NULL
                AND (?2 IS NULL OR reseller_id = ?2) AND (?3 IS NULL OR id = ?3) ORDER BY id
            """,
            .book(filter.book), .optional(filter.resellerID), .optional(filter.endpointID)
        ) { try $0.int() }
    }

    private func scopes(_ filter: DeliveryFilter) throws -> [Int64] {
        if let endpoint = filter.endpointID {
            let isTheirs = try connection.exists(
                "SELECT 1 FROM webhook_endpoint WHERE id = ?1 AND book = ?2 AND (?3 IS NULL OR reseller_id = ?3)",
                .integer(endpoint), .book(filter.book), .optional(filter.resellerID))
            return isTheirs ? [endpoint] : []
        }
        guard let reseller = filter.resellerID else { return [filter.book.rawValue] }
        return try connection.rows(
            "SELECT id FROM webhook_endpoint WHERE reseller_id = ?1 AND book = ?2", .integer(reseller),
            .book(filter.book)
        ) { try $0.int() }
    }

    /// What there is of each state, class and type that is asked for, found by leaps along the index.
    private func stretches(
        of scope: Int64, _ kind: DeliveryMerge.Scope, _ filter: DeliveryFilter
    ) throws -> [(DeliveryState, Int64, String)] {
        let isBook = kind == .book
        var found: [(DeliveryState, Int64, String)] = []
        for state in DeliveryState.allCases where filter.states.isEmpty || filter.states.contains(state) {
            var classes: [Int64] = []
            if let only = filter.statusClass {
                classes = [only]
            } else {
                var last: Int64 = -1
                while let next = try connection.row(
                    DeliveryLists.nextClass(isBook), .integer(scope), .text(state.rawValue), .integer(last),
                    read: { try $0.int() })
                {
                    classes.append(next)
                    last = next
                }
            }
            for statusClass in classes {
                var last = ""
                while let next = try connection.row(
                    DeliveryLists.nextType(isBook), .integer(scope), .text(state.rawValue), .integer(statusClass),
                    .text(last), read: { try $0.text() })
                {
                    last = next
                    if filter.types.isEmpty || filter.types.contains(where: { $0.rawValue == next }) {
                        found.append((state, statusClass, next))
                    }
                }
            }
        }
        return found
    }
}

/// Statements over `delivery_by_book` and `delivery_by_endpoint`, which differ in their first column alone.
enum DeliveryLists {
    private static let columns = ["endpoint_id", "book"]
    private static let classes = columns.map { column in
        Statement(
            """
            SELECT status_class FROM delivery WHERE \(column) = ?1 AND state = ?2 AND status_class > ?3
            ORDER BY status_class LIMIT 1
            """)
    }
    private static let types = columns.map { column in
        Statement(
            """
            SELECT type FROM delivery WHERE \(column) = ?1 AND state = ?2 AND status_class = ?3 AND type > ?4
            ORDER BY type LIMIT 1
            """)
    }
    private static let descending = columns.map { column in
        Statement(
            """
            SELECT created_at, id FROM delivery
            WHERE \(column) = ?1 AND state = ?2 AND status_class = ?3 AND type = ?4
                AND (created_at, id) < (?5, ?6) AND created_at >= ?7
            ORDER BY created_at DESC, id DESC LIMIT ?8
            """)
    }
    private static let ascending = columns.map { column in
        Statement(
            """
            SELECT created_at, id FROM delivery
            WHERE \(column) = ?1 AND state = ?2 AND status_class = ?3 AND type = ?4
                AND (created_at, id) > (?5, ?6) AND created_at < ?7
            ORDER BY created_at, id LIMIT ?8
            """)
    }

    static func nextClass(_ isBook: Bool) -> Statement { classes[isBook ? 1 : 0] }
    static func nextType(_ isBook: Bool) -> Statement { types[isBook ? 1 : 0] }
    static func stretch(_ isBook: Bool, isDescending: Bool) -> Statement {
        (isDescending ? descending : ascending)[isBook ? 1 : 0]
    }
}
