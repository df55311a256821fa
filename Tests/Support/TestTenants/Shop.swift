package import CallKit
import Cryptography
import HTTPCore
package import TenantApp
package import TenantRegistry

/// A tenant with resellers, products and prices, and what its callers do with them.
package struct Shop: Sendable {
    package let node: TestNode
    package let record: TenantRecord
    package let resellerIDs: [Int64]

    /// A shop that is there already, say in a file that was opened again.
    package init(node: TestNode, record: TenantRecord, resellerIDs: [Int64]) {
        self.node = node
        self.record = record
        self.resellerIDs = resellerIDs
    }

    /// `instant` costs 5.00 a month with a setup fee of 1.00, `manual` 7.50 with 10 % off; `hourly` terms cost 0.0105.
    package static let setupFee = Money(micros: 1_000_000)

    package static func open(_ node: TestNode, _ slug: String = "shop", resellers: Int = 2) throws -> Shop {
        let record = try node.create(slug)
        let ids = try node.write(record, "POST /api/admin/resellers") { tenant, _ in
            var ids: [Int64] = []
            for number in 1...resellers {
                let reseller = try tenant.insertReseller(
                    email: "shop\(number)@example.com", name: "Shop \(number)", company: nil, state: .active,
                    approvedBy: 1)
                _ = try tenant.insertWebhookEndpoint(
                    name: WebhookEndpoint.defaultName, url: "https://example.com/\(number)",
                    events: ["order.created", "service.activated"], resellerID: reseller.id, book: .live)
                ids.append(reseller.id)
            }
            for (sku, fulfilment) in [("instant", Fulfilment.instant), ("manual", .manual)] {
                let product = try tenant.insertProduct(
                    sku: sku, name: sku, fulfilment: fulfilment, isHidden: false, days: nil, retailPrice: nil)
                for id in ids {
                    try tenant.savePrice(
                        PriceRow(
                            terms: TermPrices(
                                monthly: Money(micros: sku == "instant" ? 5_000_000 : 7_500_000),
                                hourly: Money(micros: 10_500)),
                            setupFee: sku == "instant" ? setupFee : nil,
                            discountRateOverride: sku == "manual" ? Percent(partsPerMillion: 100_000) : nil),
                        resellerID: id, productID: product.id)
                }
            }
            return ids
        }
        return Shop(node: node, record: record, resellerIDs: ids)
    }

    package func topUp(_ reseller: Int64, units: Int64) throws {
        _ = try node.write(record, "POST /api/admin/resellers/{id}/balance") { tenant, detail in
            detail.resellerID = reseller
            detail.note("reference", "bank")
            return try tenant.post(
                .topUp, Money(micros: units * 1_000_000), from: .funding, to: .balance(reseller: reseller),
                reference: "bank", resellerID: reseller, book: .live, keyID: 0, detail: &detail)
        }
    }

    /// Places an order and stores its answer where it has a key; returns the order's public id.
    @discardableResult
    package func order(
        _ reseller: Int64, _ sku: String = "instant", term: Term = .monthly, quantity: Int64 = 1, book: Book = .live,
        key: String? = nil
    ) throws -> String {
        try node.write(record, "POST /api/partner/v1/orders", book: book) { tenant, detail in
            try Self.place(
                tenant, &detail, reseller: reseller, sku: sku, term: term, quantity: quantity, book: book, key: key)
        }
    }

    package static func place(
        _ tenant: TenantTransaction, _ detail: inout AuditDetail, reseller: Int64, sku: String, term: Term = .monthly,
        quantity: Int64, book: Book = .live, key: String?
    ) throws -> String {
        let request = OrderRequest(sku: sku, term: term, quantity: quantity, customerExternalID: "customer-1")
        detail.resellerID = reseller
        let result = try PlaceOrder(
            request: request, resellerID: reseller, book: book, keyID: 0, idempotencyKey: key
        ).run(tenant, &detail)
        if let key = key.flatMap({ IdempotencyKey($0) }) {
            let answer = Answer.json(201) { json in
                json.object("order") { $0.field("id", result.orderID) }
            }
            try tenant.storeAnswer(
                answer, for: IdempotencyClaim(key, scope: reseller, book: book, fingerprint: .zero))
        }
        return result.orderID
    }

    package func decide(_ order: String, _ decision: DecideOrder.Decision) throws {
        _ = try node.write(record, "POST /api/admin/orders/{id}") { tenant, detail in
            try DecideOrder(orderID: order, decision: decision, accountID: 1, keyID: 0).run(tenant, &detail).publicID
        }
    }

    package func cancel(service id: String) throws {
        _ = try node.write(record, "POST /api/admin/services/{id}/cancel") { tenant, detail in
            try ChangeService(serviceID: id, move: .cancel).run(tenant, &detail).publicID
        }
    }

    package func services(ofOrder id: String) throws -> [String] {
        try node.read(record) { tenant in
            guard let order = try tenant.order(publicID: id, resellerID: nil, book: nil) else { return [] }
            return try tenant.services(ofOrder: order.id).map(\.publicID)
        }
    }

    /// A bit of everything: top-ups, instant and held orders decided both ways and open, both books, a cancelled unit.
    package func trade() throws {
        for reseller in resellerIDs { try topUp(reseller, units: 1_000) }
        let (first, last) = (resellerIDs[0], resellerIDs[resellerIDs.count - 1])
        try order(first, quantity: 3, key: "first")
        try order(last, quantity: 1)
        try order(first, "instant", term: .hourly, quantity: 2)
        try order(first, "instant", quantity: 5, book: .test, key: "first")
        try decide(try order(first, "manual", quantity: 2, key: "second"), .activate())
        try decide(try order(last, "manual", quantity: 2), .reject())
        try decide(try order(last, "manual", quantity: 2, book: .test), .activate())
        try order(last, "manual", quantity: 4, key: "third")
        let sold = try order(last, quantity: 2)
        try cancel(service: try services(ofOrder: sold)[0])
    }
}
