import CallKit
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// Units that a provisioner was to make, and whose share of the held money goes back (W13).
@Suite struct VoidTests {
    enum Way: CaseIterable {
        case rejected
        case givenUp
        case refused
    }

    struct Ordered: Sendable {
        let id: String
        let units: [String]
    }

    /// Units of a new product, at so much a month.
    static func order(
        _ rent: Rent, _ fulfilment: Fulfilment, cents: Int64, quantity: Int64 = 1
    ) throws -> Ordered {
        let id = rent.resellers[0]
        return try rent.node.write(rent.record, "POST /orders") { tenant, detail in
            let sku = fulfilment.rawValue
            let product = try tenant.insertProduct(
                sku: sku, name: sku, fulfilment: fulfilment, isHidden: false, days: nil, retailPrice: nil)
            try tenant.savePrice(
                PriceRow(terms: TermPrices(monthly: Money(micros: cents * 10_000)), setupFee: nil), resellerID: id,
                productID: product.id)
            detail.resellerID = id
            let placed = try PlaceOrder(
                request: OrderRequest(sku: sku, term: .monthly, quantity: quantity, customerExternalID: "c"),
                resellerID: id, book: .live, keyID: 0, idempotencyKey: nil
            ).run(tenant, &detail)
            return Ordered(id: placed.orderID, units: placed.serviceIDs)
        }
    }

    private static func giveBack(_ order: Ordered, _ way: Way, _ rent: Rent) throws {
        // A call each, as they come.
        for unit in way == .rejected ? [""] : order.units {
            try rent.node.write(rent.record, "POST /orders") { tenant, detail in
                switch way {
                case .rejected:
                    _ = try DecideOrder(orderID: order.id, decision: .reject(), accountID: 1, keyID: 0)
                        .run(tenant, &detail)
                case .givenUp:
                    _ = try MoveProvisioning(
                        serviceID: unit, move: .giveUp(reason: "no"), accountID: 1, keyID: 0
                    ).run(tenant, &detail)
                case .refused:
                    try TakeProvisioningAnswer(
                        serviceID: try tenant.knownService(unit).id, n: ProvisioningState.createNumber,
                        answer: .failed("no"), news: ProvisioningNews(at: tenant.now, outcome: "failed")
                    ).run(tenant, &detail)
                }
            }
        }
    }

    @Test(
        "W9 W13 what comes back of units that were not made resumes what was suspended for want of it",
        arguments: Way.allCases)
    func resumes(way: Way) throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(2_000)
        let service = try rent.order(.monthly)[0]
        let boxes = try Self.order(rent, .http, cents: 500, quantity: 2)
        try rent.live(days: 45)
        #expect(try rent.service(service).state == .suspended && rent.balance() == 0)
        try Self.giveBack(boxes, way, rent)
        #expect(try rent.service(service).state == .active && rent.balance() == 0)
        #expect(try rent.renewals(service).count == 1)
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
    }

    @Test("W9 an order that is rejected pays the oldest first, though the share of one unit pays a newer one alone")
    func oldestFirst() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(2_400)
        let dear = try rent.order(.monthly)[0]
        rent.node.clock.advance(seconds: 3_600)
        let cheap = try Self.order(rent, .instant, cents: 400).units[0]
        let boxes = try Self.order(rent, .http, cents: 500, quantity: 2)
        try rent.live(days: 45)
        #expect(try rent.service(cheap).state == .suspended && rent.service(dear).state == .suspended)
        try Self.giveBack(boxes, .rejected, rent)
        #expect(try rent.service(dear).state == .active && rent.service(cheap).state == .suspended)
    }
}
