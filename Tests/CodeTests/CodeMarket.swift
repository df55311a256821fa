import CallKit
import TenantApp
import TenantRegistry
import TestTenants

/// A tenant that sells the document's plans, with two resellers, and its clock.
struct CodeMarket {
    let node: TestNode
    let record: TenantRecord
    let resellers: [Int64]

    static func open(_ body: (CodeMarket) throws -> Void) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let market = try open(node)
        try body(market)
        // Whatever a test did, the file verifies.
        let report = try Verifier(path: try node.export(market.record)).run()
        guard report.isSound else { throw Unsound(text: report.text) }
    }

    struct Unsound: Error { let text: String }

    static func open(_ node: TestNode) throws -> CodeMarket {
        let record = try node.create("codes")
        let resellers = try node.write(record) { tenant, _ in
            for (sku, days, cents) in [("1month", 30, 100), ("6month", 180, 500), ("12month", 365, 1_000)] {
                _ = try tenant.insertProduct(
                    sku: sku, name: sku, fulfilment: .instant, isHidden: false, days: Int64(days),
                    retailPrice: Money(micros: Int64(2 * cents - 1) * 10_000),
                    wholesalePrice: Money(micros: Int64(cents) * 10_000))
            }
            return try (1...2).map { number in
                let reseller = try tenant.insertReseller(
                    email: "shop\(number)@example.com", name: "Shop", company: nil, state: .active, approvedBy: 1)
                _ = try tenant.insertWebhookEndpoint(
                    name: WebhookEndpoint.defaultName, url: "https://example.com/\(number)", events: ["code.redeemed"],
                    resellerID: reseller.id, book: .live)
                return reseller.id
            }
        }
        return CodeMarket(node: node, record: record, resellers: resellers)
    }

    func topUp(_ number: Int, _ units: Int64) throws {
        let reseller = resellers[number]
        _ = try node.write(record) { tenant, detail in
            detail.resellerID = reseller
            return try tenant.post(
                .topUp, Money(micros: units * 1_000_000), from: .funding, to: .balance(reseller: reseller),
                reference: "bank", resellerID: reseller, book: .live, keyID: 0, detail: &detail)
        }
    }

    @discardableResult
    func generate(_ number: Int, _ plan: String = "1month", count: Int64 = 1, book: Book = .live) throws -> [String] {
        let reseller = resellers[number]
        return try node.write(record, book: book) { tenant, detail in
            detail.resellerID = reseller
            return try GenerateCodes(planID: plan, count: count, resellerID: reseller, book: book, keyID: 1)
                .run(tenant, &detail).codes
        }
    }

    /// As the page does for a customer who gave the right password.
    @discardableResult
    func redeem(_ code: String, by email: String) throws -> SubscriptionStretch {
        try node.write(record) { tenant, detail in
            let book = try tenant.activationCode(code)?.book ?? .live
            let known = try tenant.subscriber(email: email, book: book)
            return try RedeemCode(
                code: code,
                customer: known.map { .known(publicID: $0.publicID, passwordHash: $0.passwordHash) }
                    ?? .new(email: email, passwordHash: "hash of \(email)")
            ).run(tenant, &detail).stretch
        }
    }

    func balance(_ number: Int) throws -> Money {
        let reseller = resellers[number]
        return try node.read(record) { try $0.balance(.balance(reseller: reseller), book: .live) }
    }

    func page(_ number: Int, _ page: Int64, size: Int, _ status: CodeStatus?) throws -> ([String], Int64) {
        let reseller = resellers[number]
        return try node.read(record) { tenant in
            let (codes, total) = try tenant.codePage(
                page, size: size, resellerID: reseller, book: .live, status: status)
            return (codes.map(\.code), total)
        }
    }

    func deliveries(_ number: Int) throws -> Int {
        let reseller = resellers[number]
        return try node.read(record) { tenant in
            try tenant.deliveries(DeliveryFilter(book: .live, resellerID: reseller), before: .newest, limit: 10_000)
                .count
        }
    }
}
