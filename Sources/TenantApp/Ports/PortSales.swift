package import CallKit
import SQLite
package import TenantRegistry

/// What ports came to: cost, price and how many were bought and renewed. A sum that grows.
package struct PortSales: Sendable, Equatable {
    package var ports: Int64 = 0
    package var renewals: Int64 = 0
    package var cost = Money.zero
    package var price = Money.zero

    package init() {}

    /// Of the reseller's price over what it paid.
    package var margin: Money { Money(micros: price.micros - cost.micros) }

    mutating func add(isRenewal: Bool, cost: Money, price: Money) throws {
        if isRenewal { renewals += 1 } else { ports += 1 }
        self.cost = try self.cost.adding(cost)
        self.price = try self.price.adding(price)
    }
}

/// Sales of one day, in UTC, to one customer.
package struct PortSalesPlace: Sendable, Hashable, Comparable {
    /// Days since 1970.
    package let day: Int64
    package let customerID: Int64

    package init(day: Int64, customerID: Int64) {
        self.day = day
        self.customerID = customerID
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.day, left.customerID) < (right.day, right.customerID)
    }
}

/// What ports of one day came to with one customer.
package struct PortSalesLine: Sendable {
    package let place: PortSalesPlace
    package let sales: PortSales
}

/// Adds up what one reseller's ports came to in a period, from the ports and their renewals themselves: those of the
/// period alone, a bounded number at a step, by time. A value that moves on.
package struct PortSalesWalk: Sendable {
    /// So many ports and so many renewals a step looks at.
    static let salesMax = 1_000

    static let bought = Statement(
        """
        SELECT id, customer_id, created_at, cost, reseller_price FROM port INDEXED BY port_bought
        WHERE reseller_id = ?1 AND book = ?2 AND (created_at, id) > (?3, ?4) AND created_at < ?5
        ORDER BY created_at, id LIMIT ?6
        """)
    static let renewed = Statement(
        """
        SELECT n.id, x.customer_id, n.at, n.cost, n.reseller_price
        FROM port_renewal n INDEXED BY port_renewal_by_time CROSS JOIN port x ON x.id = n.port_id
        WHERE n.reseller_id = ?1 AND n.book = ?2 AND (n.at, n.id) > (?3, ?4) AND n.at < ?5
        ORDER BY n.at, n.id LIMIT ?6
        """)

    private let resellerID: Int64
    private let book: Book
    private let end: Timestamp
    private let last: PortSalesPlace?
    private var portsAfter: Place?
    private var renewalsAfter: Place?
    package private(set) var total = PortSales()
    private var byPlace: [PortSalesPlace: PortSales] = [:]

    /// `last`: only what lies behind it is wanted; sums of days before its own are left out.
    package init(resellerID: Int64, book: Book, period: Range<Timestamp>, behind last: PortSalesPlace? = nil) {
        self.resellerID = resellerID
        self.book = book
        self.last = last
        end = period.upperBound
        let beginning = max(period.lowerBound, last.map { Timestamp(day: $0.day) } ?? period.lowerBound)
        portsAfter = Place(at: beginning, id: 0)
        renewalsAfter = Place(at: beginning, id: 0)
    }

    package var isAtEnd: Bool { portsAfter == nil && renewalsAfter == nil }

    package mutating func next(in tenant: TenantReader) throws {
        if let place = portsAfter {
            portsAfter = try add(Self.bought, isRenewal: false, after: place, in: tenant)
        }
        if let place = renewalsAfter {
            renewalsAfter = try add(Self.renewed, isRenewal: true, after: place, in: tenant)
        }
    }

    /// The first lines whose days are over, by day and customer: no step adds to them any more.
    package func lines(_ linesMax: Int) -> [PortSalesLine] {
        let frontier = [portsAfter, renewalsAfter].compactMap { $0?.day }.min() ?? .max
        let places = byPlace.keys.filter { place in place.day < frontier && last.map { $0 < place } ?? true }
        return places.sorted().prefix(linesMax).compactMap { place in
            byPlace[place].map { PortSalesLine(place: place, sales: $0) }
        }
    }

    /// The place that the next step goes on after; nil where nothing follows.
    private mutating func add(
        _ statement: Statement, isRenewal: Bool, after place: Place, in tenant: TenantReader
    ) throws -> Place? {
        let sales = try tenant.connection.rows(
            statement, .integer(resellerID), .book(book), .time(place.at), .integer(place.id), .time(end),
            .int(Self.salesMax)
        ) { row in try Sale(&row) }
        for sale in sales {
            try total.add(isRenewal: isRenewal, cost: sale.cost, price: sale.price)
            try byPlace[PortSalesPlace(day: sale.place.day, customerID: sale.customerID), default: PortSales()]
                .add(isRenewal: isRenewal, cost: sale.cost, price: sale.price)
        }
        return sales.count < Self.salesMax ? nil : sales.last?.place
    }

    /// By time, and among those of one time by id.
    private struct Place: Sendable {
        let at: Timestamp
        let id: Int64

        var day: Int64 { at.milliseconds / Timestamp.millisecondsPerDay }
    }

    private struct Sale {
        let place: Place
        let customerID: Int64
        let cost: Money
        let price: Money

        init(_ row: inout RowReader) throws {
            let id = try row.int()
            customerID = try row.int()
            place = Place(at: try row.time(), id: id)
            cost = try row.money()
            price = try row.money()
        }
    }
}
