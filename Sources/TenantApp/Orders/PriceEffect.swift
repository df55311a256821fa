import CallKit
import HTTPCore
import TenantRegistry

/// What a changed price book would mean (O4): the orders of some days, priced by the rows that it changes. Orders of
/// the live book; what was rejected, whole orders and single units, and what accrues by the hour, is not in them.
struct PriceEffect: Sendable {
    static let daysMax: Int64 = 90
    /// So many orders are looked at, newest first.
    static let ordersMax = 100_000
    /// So many resellers are listed, those first for whom most changes.
    static let resellersMax = 100
    private static let chunkRows = 500

    /// Some orders together.
    private struct Sum {
        var orders = 0
        var paid = Money.zero
        var repriced = Money.zero
        /// Those that could not be placed any more: the term has no price, or the row is not in force.
        var notSold = 0

        mutating func add(_ paid: Money, _ repriced: Money) throws(MoneyError) {
            self.paid = try self.paid.adding(paid)
            self.repriced = try self.repriced.adding(repriced)
        }
    }

    let days: Int64
    /// What the file says of each place.
    let rows: [PricePlace: PriceRow]
    let columns: [PriceColumn]

    func run(_ steps: Steps, now: Timestamp) async throws -> JSON {
        let from = now.adding(days: -days)
        let scope = self.scope
        var walk = try await SearchWalk(steps, .orders, below: .max) { _ in
            var filter = OrderFilter(book: .live, resellerID: scope.reseller)
            filter.productID = scope.product
            filter.from = from
            return filter
        }
        var sums: [Int64: Sum] = [:]
        var seen = 0
        while !walk.isAtEnd && seen < Self.ordersMax {
            let orders = try await walk.next(steps, Self.chunkRows)
            seen += orders.count
            let known = sums
            sums = try await steps.read { tenant in
                var sums = known
                for order in orders { try add(order, to: &sums, tenant) }
                return sums
            }
        }
        let (known, isPartial) = (sums, !walk.isAtEnd)
        return try await steps.read { try answer(known, from: from, isPartial: isPartial, $0) }
    }

    /// One reseller or one product, where the file is of it alone: then fewer orders are looked at.
    private var scope: (reseller: Int64?, product: Int64?) {
        let (resellers, products) = (Set(rows.keys.map(\.resellerID)), Set(rows.keys.map(\.productID)))
        return (resellers.count == 1 ? resellers.first : nil, products.count == 1 ? products.first : nil)
    }

    private func add(_ order: Order, to sums: inout [Int64: Sum], _ tenant: TenantReader) throws {
        guard order.state != .rejected,
            let named = rows[PricePlace(resellerID: order.resellerID, productID: order.productID)]
        else { return }
        let old = try tenant.priceRow(resellerID: order.resellerID, productID: order.productID)
        let new = old.map { named.taking(columns, onto: $0) } ?? named
        guard new != old, let reseller = try tenant.reseller(id: order.resellerID) else { return }
        var sum = sums[order.resellerID] ?? Sum()
        sum.orders += 1
        if new.isEnabled, let termPrice = new.terms[order.term] {
            let price = try QuoteOrder.price(
                new, termPrice: termPrice, term: order.term, quantity: order.quantity - order.rejectedUnits,
                standardRate: reseller.defaultDiscountRate, currency: tenant.currency)
            try sum.add(order.total.subtracting(tenant.sharesGivenBack(of: order)), price.total)
        } else {
            sum.notSold += 1
        }
        sums[order.resellerID] = sum
    }

    private func answer(_ sums: [Int64: Sum], from: Timestamp, isPartial: Bool, _ tenant: TenantReader) throws -> JSON {
        var whole = Sum()
        for sum in sums.values {
            whole.orders += sum.orders
            whole.notSold += sum.notSold
            try whole.add(sum.paid, sum.repriced)
        }
        let size = { (sum: Sum) in (sum.repriced.micros - sum.paid.micros).magnitude }
        let listed = sums.sorted { (size($0.value), $1.key) > (size($1.value), $0.key) }.prefix(Self.resellersMax)
        let resellers = try listed.map { id, sum -> JSON in
            guard let reseller = try tenant.reseller(id: id) else { throw Refusal.defect }
            return .object(
                [
                    JSONMember(name: "reseller", value: .string(reseller.publicID)),
                    JSONMember(name: "name", value: .string(reseller.company ?? reseller.name)),
                ] + (try members(sum, tenant)))
        }
        return .object(
            [
                JSONMember(name: "days", value: .number(JSONNumber(days))),
                JSONMember(name: "from", value: .string(from.text)),
            ] + (try members(whole, tenant)) + [
                JSONMember(name: "currency", value: .string(tenant.currency.code)),
                JSONMember(name: "is_partial", value: .bool(isPartial)),
                JSONMember(name: "resellers", value: .array(resellers)),
            ])
    }

    private func members(_ sum: Sum, _ tenant: TenantReader) throws -> [JSONMember] {
        let amounts = [
            ("paid", sum.paid), ("repriced", sum.repriced), ("difference", try sum.repriced.subtracting(sum.paid)),
        ].map { JSONMember(name: $0, value: .string(tenant.decimal($1))) }
        return [JSONMember(name: "orders", value: .number(JSONNumber(Int64(sum.orders))))] + amounts
            + [JSONMember(name: "not_sold", value: .number(JSONNumber(Int64(sum.notSold))))]
    }

    private static let sum: Schema = [
        "orders": .integer, "paid": .decimal, "repriced": .decimal, "difference": .decimal, "not_sold": .integer,
    ]
    static let schema: Schema =
        ["days": .integer, "from": .time] + sum
        + [
            "currency": .string, "is_partial": .boolean,
            "resellers": .array(of: ["reseller": .string, "name": .string] + sum),
        ]
}
