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
        let state: DeliveryState
        let statusClass: Int64
        let type: String
        /// Read, and not given yet: the next one last.
        var read: [DeliveryPlace] = []
        var isAtEnd = false
        /// Behind which more is read.
        var behind: DeliveryPlace
        /// So many are read next: most stretches of a page give few or none.
        var reads = 2
    }

    fileprivate static let readMax = 64

    fileprivate let scope: DeliveryScope
    fileprivate let isDescending: Bool
    /// Where it ends.
    fileprivate let end: DeliveryPlace
    fileprivate var stretches: [Stretch] = []
}

/// Whose deliveries: each has an index that begins so.
enum DeliveryScope: Sendable {
    case endpoint(Int64)
    case reseller(Int64, Book)
    case book(Book)

    fileprivate var number: Int {
        switch self {
        case .endpoint: 0
        case .reseller: 1
        case .book: 2
        }
    }

    fileprivate var key: (SQLValue, SQLValue) {
        switch self {
        case .endpoint(let id): (.integer(id), .null)
        case .reseller(let id, let book): (.integer(id), .book(book))
        case .book(let book): (.book(book), .null)
        }
    }
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
        var scope = filter.resellerID.map { DeliveryScope.reseller($0, filter.book) } ?? .book(filter.book)
        if let endpoint = filter.endpointID { scope = .endpoint(endpoint) }
        var merge = DeliveryMerge(scope: scope, isDescending: isDescending, end: isDescending ? first : last)
        if let endpoint = filter.endpointID, try !isEndpoint(endpoint, of: filter) { return merge }
        merge.stretches = try stretches(of: scope, filter).map { state, statusClass, type in
            DeliveryMerge.Stretch(state: state, statusClass: statusClass, type: type, behind: begin)
        }
        return merge
    }

    /// The next ones, fewer at the end.
    package func next(_ merge: inout DeliveryMerge, limit: Int) throws -> [DeliveryPlace] {
        var places: [DeliveryPlace] = []
        while places.count < limit {
            var best: (index: Int, place: DeliveryPlace)?
            for index in merge.stretches.indices {
                if merge.stretches[index].read.isEmpty { try fill(&merge, index) }
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
        guard !stretch.isAtEnd else { return }
        let key = merge.scope.key
        var read = try connection.rows(
            DeliveryLists.stretch(merge.scope, isDescending: merge.isDescending), key.0, key.1,
            .text(stretch.state.rawValue), .integer(stretch.statusClass), .text(stretch.type),
            .integer(stretch.behind.at), .integer(stretch.behind.id), .integer(merge.end.at), .int(stretch.reads)
        ) { row in DeliveryPlace(at: try row.int(), id: try row.int()) }
        merge.stretches[index].isAtEnd = read.count < stretch.reads
        merge.stretches[index].reads = min(2 * stretch.reads, DeliveryMerge.readMax)
        if let last = read.last { merge.stretches[index].behind = last }
        read.reverse()
        merge.stretches[index].read = read
    }

    private func isEndpoint(_ id: Int64, of filter: DeliveryFilter) throws -> Bool {
        try connection.exists(
            "SELECT 1 FROM webhook_endpoint WHERE id = ?1 AND book = ?2 AND (?3 IS NULL OR reseller_id = ?3)",
            .integer(id), .book(filter.book), .optional(filter.resellerID))
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

    /// What there is of each state, class and type that is asked for, found by leaps along the index.
    private func stretches(
        of scope: DeliveryScope, _ filter: DeliveryFilter
    ) throws -> [(DeliveryState, Int64, String)] {
        var found: [(DeliveryState, Int64, String)] = []
        for state in DeliveryState.allCases where filter.states.isEmpty || filter.states.contains(state) {
            for statusClass in try classes(of: scope, state, only: filter.statusClass) {
                for type in try types(of: scope, state, statusClass)
                where filter.types.isEmpty || filter.types.contains(where: { $0.rawValue == type }) {
                    found.append((state, statusClass, type))
                }
            }
        }
        return found
    }

    private func classes(of scope: DeliveryScope, _ state: DeliveryState, only: Int64?) throws -> [Int64] {
        if let only { return [only] }
        var (found, last): ([Int64], Int64) = ([], -1)
        while let next = try connection.row(
            DeliveryLists.nextClass(scope), scope.key.0, scope.key.1, .text(state.rawValue), .integer(last),
            read: { try $0.int() })
        {
            found.append(next)
            last = next
        }
        return found
    }

    private func types(of scope: DeliveryScope, _ state: DeliveryState, _ statusClass: Int64) throws -> [String] {
        var (found, last): ([String], String) = ([], "")
        while let next = try connection.row(
            DeliveryLists.nextType(scope), scope.key.0, scope.key.1, .text(state.rawValue), .integer(statusClass),
            .text(last), read: { try $0.text() })
        {
            found.append(next)
            last = next
        }
        return found
    }
}

/// Statements over `delivery_by_endpoint`, `delivery_by_reseller` and `delivery_by_book`, which begin otherwise each.
enum DeliveryLists {
    private static let scopes = [
        "endpoint_id = ?1 AND ?2 IS NULL", "reseller_id = ?1 AND book = ?2", "book = ?1 AND ?2 IS NULL",
    ]
    private static let classes = scopes.map { scope in
        Statement(
            """
            SELECT status_class FROM delivery WHERE \(scope) AND state = ?3 AND status_class > ?4
            ORDER BY status_class LIMIT 1
            """)
    }
    private static let types = scopes.map { scope in
        Statement(
            """
            SELECT type FROM delivery WHERE \(scope) AND state = ?3 AND status_class = ?4 AND type > ?5
            ORDER BY type LIMIT 1
            """)
    }
    private static let descending = scopes.map { scope in
        Statement(
            """
            SELECT created_at, id FROM delivery WHERE \(scope) AND state = ?3 AND status_class = ?4 AND type = ?5
                AND (created_at, id) < (?6, ?7) AND created_at >= ?8
            ORDER BY created_at DESC, id DESC LIMIT ?9
            """)
    }
    private static let ascending = scopes.map { scope in
        Statement(
            """
            SELECT created_at, id FROM delivery WHERE \(scope) AND state = ?3 AND status_class = ?4 AND type = ?5
                AND (created_at, id) > (?6, ?7) AND created_at < ?8
            ORDER BY created_at, id LIMIT ?9
            """)
    }

    static func nextClass(_ scope: DeliveryScope) -> Statement { classes[scope.number] }
    static func nextType(_ scope: DeliveryScope) -> Statement { types[scope.number] }
    static func stretch(_ scope: DeliveryScope, isDescending: Bool) -> Statement {
        (isDescending ? descending : ascending)[scope.number]
    }
}
