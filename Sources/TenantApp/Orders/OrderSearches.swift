package import CallKit
import HTTPCore
import SQLite
package import TenantRegistry

/// Which orders, or services of them, somebody looks for (O10, W6). Nil, or nothing in a set: any.
package struct OrderFilter: Sendable {
    package var book: Book
    package var resellerID: Int64?
    package var productID: Int64?
    package var orderID: Int64?
    package var states: Set<OrderState> = []
    /// Of services.
    package var serviceStates: Set<ServiceState> = []
    /// A customer's id, or its reseller's own id of it.
    package var customer: String?
    package var reference: String?
    /// Of one reseller's orders.
    package var idempotencyKey: String?
    /// How an id, a reference, an external id or an e-mail address begins; folded.
    package var text: String?
    /// `from` counts, `to` does not.
    package var from: Timestamp?
    package var to: Timestamp?

    package init(book: Book, resellerID: Int64? = nil) {
        self.book = book
        self.resellerID = resellerID
    }
}

/// A list that is searched, and how its rows are read.
package struct SearchedList<Row: Sendable>: Sendable {
    fileprivate let isOfServices: Bool
    fileprivate let id: @Sendable (Row) -> Int64
    fileprivate let read: @Sendable (TenantReader, Int64) throws -> Row?
}

extension SearchedList<Order> {
    package static let orders = SearchedList(isOfServices: false, id: \.id) { try $0.order(id: $1) }
}

extension SearchedList<Service> {
    package static let services = SearchedList(isOfServices: true, id: \.id) { try $0.service(id: $1) }
}

/// Goes down a list, newest first, a bounded number of rows at a step, so that no search holds a lane, however little
/// it finds. It goes along the index that says most, and looks at each row for the rest.
///
/// A value that moves on. Rows that come meanwhile are above it.
package struct SearchWalk<Row: Sendable>: Sendable {
    private let list: SearchedList<Row>
    private let plan: SearchPlan
    /// Everything from this id on has been looked at.
    package private(set) var place: Int64
    package private(set) var isAtEnd: Bool

    /// From below `place` on.
    package init(_ list: SearchedList<Row>, _ filter: OrderFilter, below place: Int64, in tenant: TenantReader) throws {
        self.list = list
        plan = try SearchPlan(filter, isOfServices: list.isOfServices, tenant)
        self.place = min(place, plan.end)
        isAtEnd = plan.isEmpty
    }

    /// The same, begun in a step of its own. `filter` finds the inner ids of what was asked for.
    package init(
        _ steps: Steps, _ list: SearchedList<Row>, below place: Int64,
        filter: @escaping @Sendable (TenantReader) throws -> OrderFilter
    ) async throws {
        self = try await steps.read { try SearchWalk(list, filter($0), below: place, in: $0) }
    }

    /// The next rows of one step, at most `rowsMax`; perhaps none before the end. Not to be called at the end.
    package mutating func next(in tenant: TenantReader, _ rowsMax: Int) throws -> [Row] {
        let found = try plan.look(below: place, rowsMax, tenant)
        place = found.place ?? 0
        isAtEnd = found.place == nil
        return try found.ids.map { id in
            guard let row = try list.read(tenant, id) else { throw Refusal.defect }
            return row
        }
    }

    package mutating func next(_ steps: Steps, _ rowsMax: Int) async throws -> [Row] {
        let walk = self
        let (moved, rows) = try await steps.read { tenant in
            var moved = walk
            let rows = try moved.next(in: tenant, rowsMax)
            return (moved, rows)
        }
        self = moved
        return rows
    }

    /// A page of at most `limit` rows, and the place behind which the next one begins; nil at the end.
    package mutating func page(_ steps: Steps, limit: Int) async throws -> (rows: [Row], next: Int64?) {
        var rows: [Row] = []
        var step = 0
        while !isAtEnd && rows.count <= limit && step < Self.stepsMax {
            // One more than is shown: whether there is a next page shows by it.
            rows += try await next(steps, limit + 1 - rows.count)
            step += 1
        }
        guard rows.count > limit else { return (rows, isAtEnd ? nil : place) }
        return (Array(rows.prefix(limit)), rows.prefix(limit).last.map(list.id))
    }

    /// So many steps are made for one page.
    private static var stepsMax: Int { 64 }
}

/// How a search goes: along which index, within which bounds, and what each row is looked at for. Computed once.
private struct SearchPlan: Sendable {
    /// What is gone along.
    enum Base: Sendable {
        case all
        case test
        case reseller(Int64)
        case product(Int64)
        case customer(Int64)
        case pending
        case rejected
        case services(ServiceState)
        /// These orders, newest first.
        case orders([Int64])
    }

    /// More orders than that are not gathered: then there are enough of them to be met on the way.
    private static let gatheredMax = 2_000
    /// So many rows a step looks at.
    private static let rowsMax = 1_000
    /// A clock may have been set back between two orders. What was made within so much time of a bound is looked at.
    private static let slackSeconds: Int64 = 600

    let base: Base
    /// Ids below this one are asked for.
    private(set) var end = Int64.max
    private var beginning: Int64 = 0
    private(set) var isEmpty = false
    private let isOfServices: Bool
    private let filter: OrderFilter

    init(_ filter: OrderFilter, isOfServices: Bool, _ tenant: TenantReader) throws {
        self.isOfServices = isOfServices
        var filter = filter
        let chosen = try Self.gathered(filter, isOfServices: isOfServices, tenant)
        if chosen == nil && filter.idempotencyKey != nil {
            // An order whose stored answer is gone is older than those are kept.
            let oldest = tenant.now.adding(days: -TenantReader.idempotencyDays)
            filter.to = filter.to.map { min($0, oldest) } ?? oldest
        }
        base = chosen ?? Self.base(filter, isOfServices: isOfServices)
        self.filter = filter
        let (table, prefix): (String, StaticString) = isOfServices ? ("service", "svc") : ("orders", "ord")
        // What was made so long before the bound was made before everything behind it, whatever the clock did between.
        if let from = filter.from?.adding(seconds: -Self.slackSeconds) {
            beginning = (try tenant.lastID(of: table, before: PublicID.beginning(prefix, at: from)) ?? 0) + 1
        }
        if let to = filter.to?.adding(seconds: Self.slackSeconds),
            let first = try tenant.firstID(of: table, from: PublicID.beginning(prefix, at: to))
        {
            end = first
        }
        if case .orders(let ids) = base, ids.isEmpty { isEmpty = true }
    }

    /// The index that says most where nothing is gathered.
    private static func base(_ filter: OrderFilter, isOfServices: Bool) -> Base {
        // Few orders wait at a time, whoever's they are.
        if !isOfServices, filter.states == [.pending] { return .pending }
        if let id = filter.resellerID { return .reseller(id) }
        if isOfServices, filter.serviceStates.count == 1, let state = filter.serviceStates.first, state != .active {
            return .services(state)
        }
        if !isOfServices, filter.states == [.rejected] { return .rejected }
        if let id = filter.productID { return .product(id) }
        return filter.book == .test ? .test : .all
    }

    /// The orders that a filter names so well that they are few; nil where it does not, or there are many.
    private static func gathered(_ filter: OrderFilter, isOfServices: Bool, _ tenant: TenantReader) throws -> Base? {
        if let id = filter.orderID { return .orders([id]) }
        if let key = filter.idempotencyKey {
            return try tenant.orderID(placedUnder: key, filter).map { .orders([$0]) }
        }
        let most = gatheredMax
        if let reference = filter.reference {
            let ids = try tenant.orderIDs(reference: reference, limit: most + 1)
            if ids.count <= most { return .orders(ids) }
        }
        if let customer = filter.customer {
            let customers = try tenant.customerIDs(named: customer, filter, limit: most + 1)
            if customers.count == 1 { return .customer(customers[0]) }
            if customers.count <= most, let ids = try tenant.orderIDs(ofCustomers: customers, limit: most) {
                return .orders(ids)
            }
        }
        guard let text = filter.text else { return nil }
        return try tenant.orderIDs(beginning: text, isOfServices: isOfServices, limit: most).map { .orders($0) }
    }

    // MARK: One step

    /// What is found below `place`, and down to where it was looked; nil at the end.
    func look(below place: Int64, _ wanted: Int, _ tenant: TenantReader) throws -> (ids: [Int64], place: Int64?) {
        let look = Look(isOfServices: isOfServices)
        var query = SearchQuery(isOfServices: isOfServices)
        query.take(filter)
        if case .orders(let orders) = base { return try self.look(at: orders, query, below: place, wanted, tenant) }
        query.go(along: base, book: filter.book, below: place, from: beginning, limit: Self.rowsMax)
        var (state, seen) = (look, 0)
        try tenant.connection.forEach(dynamic: query.text, query.values) { row in
            seen += 1
            return try state.take(&row, wanted)
        }
        let isDone = seen < Self.rowsMax && state.ids.count < wanted
        return (state.ids, isDone ? nil : state.place)
    }

    private func look(
        at orders: [Int64], _ predicate: SearchQuery, below place: Int64, _ wanted: Int, _ tenant: TenantReader
    ) throws -> (ids: [Int64], place: Int64?) {
        let highest = isOfServices ? try tenant.orderID(ofServiceBelow: place) ?? 0 : place - 1
        var (state, looked) = (Look(isOfServices: isOfServices), 0)
        var query = predicate
        query.goByOrder(below: place, from: beginning)
        for order in orders where order <= highest {
            if looked >= Self.rowsMax { return (state.ids, state.place) }
            query.order = order
            try tenant.connection.forEach(dynamic: query.text, query.values) { row in
                looked += 1
                return try state.take(&row, wanted)
            }
            if state.ids.count >= wanted { return (state.ids, state.place) }
        }
        return (state.ids, nil)
    }

    /// What one step has found so far.
    private struct Look {
        let isOfServices: Bool
        var ids: [Int64] = []
        /// The last row that was looked at.
        var place: Int64?

        init(isOfServices: Bool) { self.isOfServices = isOfServices }

        mutating func take(_ row: inout RowReader, _ wanted: Int) throws -> Bool {
            let id = try row.int()
            place = id
            if try row.bool() { ids.append(id) }
            return ids.count < wanted
        }
    }
}

/// The statement of one step: fixed pieces, with what was asked for as bound values.
private struct SearchQuery {
    private let isOfServices: Bool
    private(set) var values: [SQLValue] = []
    private(set) var text = ""
    private var rules: [String] = []
    private var needsCustomer = false
    /// Where the order's id stands among the values.
    private var orderPlace = 0

    init(isOfServices: Bool) { self.isOfServices = isOfServices }

    private mutating func bind(_ value: SQLValue) -> String {
        values.append(value)
        return "?\(values.count)"
    }

    // MARK: What each row is looked at for

    mutating func take(_ filter: OrderFilter) {
        rules = ["o.book = \(filter.book.rawValue)"]
        if let id = filter.resellerID { rules.append("o.reseller_id = \(bind(.integer(id)))") }
        if let id = filter.productID { rules.append("o.product_id = \(bind(.integer(id)))") }
        if !filter.states.isEmpty { rules.append("o.state IN (\(names(filter.states)))") }
        if isOfServices {
            rules.append(
                filter.serviceStates.isEmpty ? "s.state <> 'cancelled'" : "s.state IN (\(names(filter.serviceStates)))")
        }
        if let customer = filter.customer {
            needsCustomer = true
            let name = bind(.text(customer))
            rules.append("(c.external_id IS \(name) OR c.public_id = \(name))")
        }
        if let reference = filter.reference { rules.append("o.reference IS \(bind(.text(reference)))") }
        if let key = filter.idempotencyKey { rules.append("o.idempotency_key IS \(bind(.text(key)))") }
        if let from = filter.from { rules.append("o.created_at >= \(bind(.time(from)))") }
        if let to = filter.to { rules.append("o.created_at < \(bind(.time(to)))") }
        if let text = filter.text { take(text) }
    }

    private mutating func take(_ beginning: String) {
        needsCustomer = true
        var columns = ["o.public_id", "o.reference_folded", "c.external_folded", "c.email"]
        if isOfServices { columns.append("s.public_id") }
        let either = EmailAddress.beginnings(beginning).flatMap { beginning -> [String] in
            let (first, end) = (bind(.text(beginning)), bind(.text(beginning.behindAll)))
            return columns.map { "coalesce(\($0) >= \(first) AND \($0) < \(end), 0)" }
        }
        rules.append("(\(either.joined(separator: " OR ")))")
    }

    /// Of an enum: no text of a caller's.
    private func names<T: RawRepresentable>(_ values: Set<T>) -> String where T.RawValue == String {
        values.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")
    }

    // MARK: What is gone along

    mutating func go(along base: SearchPlan.Base, book: Book, below place: Int64, from: Int64, limit: Int) {
        var (index, rule, isByService) = ("", "", isOfServices)
        switch base {
        case .all, .orders: break
        case .services(let state):
            // The second rule is the index's own.
            index = " INDEXED BY service_not_active"
            rule = "s.state = '\(state.rawValue)' AND s.state <> 'active'"
        case .test: (index, rule, isByService) = (" INDEXED BY orders_of_test", "o.book = 1", false)
        case .pending: (index, rule) = (" INDEXED BY orders_pending", "o.state = 'pending'")
        case .rejected: (index, rule) = (" INDEXED BY orders_rejected", "o.state = 'rejected'")
        case .reseller(let id):
            index = " INDEXED BY orders_by_reseller"
            (rule, isByService) = ("o.reseller_id = \(bind(.integer(id))) AND o.book = \(book.rawValue)", false)
        case .product(let id):
            index = " INDEXED BY orders_by_product"
            (rule, isByService) = ("o.product_id = \(bind(.integer(id)))", false)
        case .customer(let id):
            index = " INDEXED BY orders_by_customer"
            (rule, isByService) = ("o.customer_id = \(bind(.integer(id)))", false)
        }
        let (place, first) = (bind(.integer(place)), bind(.integer(from)))
        let bounds = "\(row).id < \(place) AND \(row).id >= \(first)"
        var tables = "orders o\(index)"
        var places = rule.isEmpty ? [bounds] : [rule, bounds]
        var order = "o.id DESC"
        if isOfServices && isByService {
            (tables, order) = ("service s\(index) CROSS JOIN orders o ON o.id = s.order_id", "s.id DESC")
        } else if isOfServices {
            tables += " CROSS JOIN service s ON s.order_id = o.id"
            order = "o.id DESC, s.id DESC"
            places.append(
                """
                o.id <= coalesce((SELECT b.order_id FROM service b WHERE b.id < \(place) ORDER BY b.id DESC LIMIT 1), 0)
                """)
        }
        write(tables, places, order, limit: bind(.int(limit)))
    }

    /// One order after the other, each by `order`: the text is that of all.
    mutating func goByOrder(below place: Int64, from: Int64) {
        orderPlace = values.count
        let (order, place, first) = (bind(.integer(0)), bind(.integer(place)), bind(.integer(from)))
        let tables = isOfServices ? "orders o CROSS JOIN service s ON s.order_id = o.id" : "orders o"
        write(
            tables, ["o.id = \(order)", "\(row).id < \(place) AND \(row).id >= \(first)"], "\(row).id DESC", limit: nil)
    }

    /// The order that is looked at, once it goes by orders.
    var order: Int64 = 0 {
        didSet { values[orderPlace] = .integer(order) }
    }

    private var row: String { isOfServices ? "s" : "o" }

    private mutating func write(_ tables: String, _ places: [String], _ order: String, limit: String?) {
        let customer = needsCustomer ? " CROSS JOIN customer c ON c.id = o.customer_id" : ""
        text = """
            SELECT \(row).id, \(rules.joined(separator: " AND ")) FROM \(tables)\(customer)
            WHERE \(places.joined(separator: " AND ")) ORDER BY \(order)\(limit.map { " LIMIT \($0)" } ?? "")
            """
    }
}

// MARK: Few orders, by name

extension TenantReader {
    fileprivate func firstID(of table: String, from publicID: String) throws -> Int64? {
        try connection.row(
            dynamic: "SELECT id FROM \(table) WHERE public_id >= ?1 ORDER BY public_id LIMIT 1", [.text(publicID)]
        ) { try $0.int() }
    }

    fileprivate func lastID(of table: String, before publicID: String) throws -> Int64? {
        try connection.row(
            dynamic: "SELECT id FROM \(table) WHERE public_id < ?1 ORDER BY public_id DESC LIMIT 1", [.text(publicID)]
        ) { try $0.int() }
    }

    fileprivate func orderID(ofServiceBelow id: Int64) throws -> Int64? {
        try connection.row("SELECT order_id FROM service WHERE id < ?1 ORDER BY id DESC LIMIT 1", .integer(id)) {
            try $0.int()
        }
    }

    /// The stored answer says when the order was placed, and the order's id begins with that moment: orders need no
    /// index of keys.
    fileprivate func orderID(placedUnder key: String, _ filter: OrderFilter) throws -> Int64? {
        guard let reseller = filter.resellerID else { return nil }
        let at = try connection.row(
            "SELECT created_at FROM idempotency WHERE reseller_id = ?1 AND book = ?2 AND key = ?3", .integer(reseller),
            .book(filter.book), .text(key)
        ) { try $0.time() }
        guard let at else { return nil }
        return try connection.row(
            """
            SELECT id FROM orders WHERE public_id >= ?1 AND public_id < ?2 AND +reseller_id = ?3 AND +book = ?4
                AND idempotency_key = ?5
            """,
            .text(PublicID.beginning("ord", at: at)), .text(PublicID.beginning("ord", at: at.adding(milliseconds: 1))),
            .integer(reseller), .book(filter.book), .text(key)
        ) { try $0.int() }
    }

    fileprivate func orderIDs(reference: String, limit: Int) throws -> [Int64] {
        try connection.rows(
            """
            SELECT id FROM orders WHERE reference_folded = ?1 AND reference = ?2 ORDER BY id DESC LIMIT ?3
            """,
            .text(reference.folded), .text(reference), .int(limit)
        ) { try $0.int() }
    }

    /// By our id, or their resellers' own.
    fileprivate func customerIDs(named name: String, _ filter: OrderFilter, limit: Int) throws -> [Int64] {
        var ids: Set<Int64> = []
        if let id = try connection.row(
            "SELECT id FROM customer WHERE public_id = ?1", .text(name), read: { try $0.int() })
        {
            ids.insert(id)
        }
        if let reseller = filter.resellerID {
            let own = try customer(externalID: name, resellerID: reseller, book: filter.book)
            if let own { ids.insert(own.id) }
            return Array(ids)
        }
        ids.formUnion(
            try connection.rows(
                "SELECT id FROM customer WHERE external_folded = ?1 AND external_id = ?2 AND book = ?3 LIMIT ?4",
                .text(name.folded), .text(name), .book(filter.book), .int(limit)
            ) { try $0.int() })
        return Array(ids)
    }

    /// Newest first; nil where there are more than `limit`.
    fileprivate func orderIDs(ofCustomers customers: [Int64], limit: Int) throws -> [Int64]? {
        var ids: [Int64] = []
        for customer in customers {
            ids += try connection.rows(
                "SELECT id FROM orders WHERE customer_id = ?1 LIMIT ?2", .integer(customer), .int(limit + 1)
            ) { try $0.int() }
            if ids.count > limit { return nil }
        }
        return ids.sorted(by: >)
    }

    /// Those of which an id, a reference, an external id or an e-mail address begins so, newest first; nil where there
    /// are more than `limit`.
    fileprivate func orderIDs(beginning text: String, isOfServices: Bool, limit: Int) throws -> [Int64]? {
        func gathered(_ sources: [Statement]) throws -> Set<Int64>? {
            var ids: Set<Int64> = []
            for text in EmailAddress.beginnings(text) {
                for source in sources {
                    let found = try connection.rows(source, .text(text), .text(text.behindAll), .int(limit + 1)) {
                        try $0.int()
                    }
                    if found.count > limit { return nil }
                    ids.formUnion(found)
                }
            }
            return ids
        }
        guard var ids = try gathered(isOfServices ? SearchSources.ofServices : SearchSources.ofOrders),
            let customers = try gathered(SearchSources.ofCustomers),
            let theirs = try orderIDs(ofCustomers: Array(customers), limit: limit)
        else { return nil }
        ids.formUnion(theirs)
        return ids.count > limit ? nil : ids.sorted(by: >)
    }
}

/// Where a text is searched for; each column has its index.
private enum SearchSources {
    static let ofOrders = [
        Statement("SELECT id FROM orders WHERE public_id >= ?1 AND public_id < ?2 LIMIT ?3"),
        Statement("SELECT id FROM orders WHERE reference_folded >= ?1 AND reference_folded < ?2 LIMIT ?3"),
    ]
    static let ofServices =
        ofOrders + [Statement("SELECT order_id FROM service WHERE public_id >= ?1 AND public_id < ?2 LIMIT ?3")]
    static let ofCustomers = [
        Statement("SELECT id FROM customer WHERE external_folded >= ?1 AND external_folded < ?2 LIMIT ?3"),
        Statement("SELECT id FROM customer WHERE email >= ?1 AND email < ?2 LIMIT ?3"),
    ]
}
