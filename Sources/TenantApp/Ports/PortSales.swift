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

/// Adds up what one reseller's ports came to in a period, from the ports and their renewals themselves, a bounded
/// number at a step. A value that moves on.
package struct PortSalesWalk: Sendable {
    /// So many ports a step looks at.
    private static let portsMax = 500

    private let resellerID: Int64
    private let book: Book
    private let period: Range<Timestamp>
    private var after: Int64 = 0
    package private(set) var isAtEnd = false
    package private(set) var total = PortSales()
    package private(set) var byPlace: [PortSalesPlace: PortSales] = [:]

    package init(resellerID: Int64, book: Book, period: Range<Timestamp>) {
        self.resellerID = resellerID
        self.book = book
        self.period = period
    }

    package mutating func next(in tenant: TenantReader) throws {
        let ports = try tenant.connection.rows(
            """
            SELECT id, customer_id, created_at, expires_at, cost, reseller_price FROM port
            WHERE reseller_id = ?1 AND book = ?2 AND id > ?3 ORDER BY id LIMIT ?4
            """,
            .integer(resellerID), .book(book), .integer(after), .int(Self.portsMax)
        ) { row in try Sold(&row) }
        for port in ports {
            try add(port.customerID, port.createdAt, port.cost, port.price, isRenewal: false)
            // A port is renewed within its life.
            if port.createdAt >= period.upperBound || port.expiresAt < period.lowerBound { continue }
            try tenant.connection.forEach(
                "SELECT at, cost, reseller_price FROM port_renewal WHERE port_id = ?1", .integer(port.id)
            ) { row in
                let (at, cost, price) = (try row.time(), try row.money(), try row.money())
                try add(port.customerID, at, cost, price, isRenewal: true)
                return true
            }
        }
        after = ports.last?.id ?? after
        isAtEnd = ports.count < Self.portsMax
    }

    private mutating func add(
        _ customer: Int64, _ at: Timestamp, _ cost: Money, _ price: Money, isRenewal: Bool
    ) throws {
        guard period.contains(at) else { return }
        let place = PortSalesPlace(day: at.milliseconds / Timestamp.millisecondsPerDay, customerID: customer)
        try total.add(isRenewal: isRenewal, cost: cost, price: price)
        try byPlace[place, default: PortSales()].add(isRenewal: isRenewal, cost: cost, price: price)
    }

    private struct Sold {
        let id: Int64
        let customerID: Int64
        let createdAt: Timestamp
        let expiresAt: Timestamp
        let cost: Money
        let price: Money

        init(_ row: inout RowReader) throws {
            id = try row.int()
            customerID = try row.int()
            createdAt = try row.time()
            expiresAt = try row.time()
            cost = try row.money()
            price = try row.money()
        }
    }
}
