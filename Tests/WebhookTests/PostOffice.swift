import CallKit
import Cryptography
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// A shop whose first reseller has an endpoint for its orders, and what becomes of deliveries to it when they are
/// answered as a test says. It stands where the sender does.
struct PostOffice {
    let shop: Shop
    let folder: TestFolder
    let endpoint: WebhookEndpoint

    var node: TestNode { shop.node }
    var reseller: Int64 { shop.resellerIDs[0] }

    static func open() throws -> PostOffice {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        let shop = try Shop.open(node)
        for reseller in shop.resellerIDs { try shop.topUp(reseller, units: 100_000) }
        let endpoint = try node.read(shop.record) { [shop] tenant in
            try #require(try tenant.defaultWebhook(resellerID: shop.resellerIDs[0], book: .live))
        }
        return PostOffice(shop: shop, folder: folder, endpoint: endpoint)
    }

    /// The file verifies, and the node has ended.
    func close() throws {
        let record = shop.record
        let report = try Verifier(path: try node.export(record)).run()
        #expect(report.findings.isEmpty, "\(report.findings)")
        node.stop()
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (TenantTransaction) throws -> Value
    ) throws -> Value {
        try node.write(shop.record) { tenant, _ in try body(tenant) }
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (TenantReader) throws -> Value) throws -> Value {
        try node.read(shop.record, body)
    }

    /// One event for the endpoint: the order's; returns its delivery.
    @discardableResult
    func post(of number: Int = 0) throws -> Delivery {
        let reseller = shop.resellerIDs[number]
        try shop.order(reseller, "manual")
        return try #require(try deliveries(of: number).first)
    }

    /// Newest first.
    func deliveries(of number: Int = 0, endpoint: Int64? = nil) throws -> [Delivery] {
        let reseller = shop.resellerIDs[number]
        return try read { tenant in
            var filter = DeliveryFilter(book: .live, resellerID: reseller)
            filter.endpointID = endpoint
            return try tenant.deliveries(filter, before: .newest, limit: 10_000)
        }
    }

    func delivery(_ known: Delivery) throws -> Delivery {
        try read { try #require(try $0.delivery(publicID: known.publicID)) }
    }

    func current(_ known: WebhookEndpoint? = nil) throws -> WebhookEndpoint {
        let id = (known ?? endpoint).publicID
        return try read { try $0.knownWebhookEndpoint(id) }
    }

    /// Another endpoint of the first reseller.
    func another(_ name: String, _ events: [EventType] = [.orderCreated]) throws -> WebhookEndpoint {
        let reseller = reseller
        return try node.write(shop.record) { tenant, detail in
            try CreateWebhook(name: name, url: "https://example.com/\(name)", events: events.map(\.rawValue))
                .run(tenant, resellerID: reseller, book: .live, &detail).endpoint
        }
    }

    /// An attempt that ends so, now.
    @discardableResult
    func answer(
        _ delivery: Delivery, _ outcome: AttemptOutcome, status: Int? = nil, retryAfter: RetryAfter? = nil,
        from url: String? = nil
    ) throws -> [EndpointChange] {
        let now = node.clock.now()
        return try write { tenant in
            try tenant.record([
                AttemptResult(
                    deliveryID: delivery.id, at: now, milliseconds: 12, outcome: outcome, status: status,
                    answer: Array("said".utf8), address: "203.0.113.9", retryAfter: retryAfter, url: url)
            ])
        }
    }

    /// What a sender would send now.
    func claim(_ limit: Int = 100, excluding underWay: Set<Int64> = []) throws -> [ClaimedDelivery] {
        let id = endpoint.id
        return try read { try $0.claim(endpoint: id, excluding: underWay, limit: limit) }
    }

    func move(_ move: ChangeEndpointState.Move, byOperator: Bool = false) throws {
        let id = endpoint.publicID
        try node.write(shop.record) { tenant, detail in
            _ = try ChangeEndpointState(move, byOperator: byOperator)
                .run(try tenant.knownWebhookEndpoint(id), tenant, &detail)
        }
    }

    /// What a reseller may change.
    func change(_ terms: WebhookTerms, of known: WebhookEndpoint? = nil) throws {
        let id = (known ?? endpoint).publicID
        try node.write(shop.record) { tenant, detail in
            _ = try ChangeWebhook(terms).run(try tenant.knownWebhookEndpoint(id), tenant, &detail)
        }
    }

    func remove(_ known: WebhookEndpoint? = nil) throws {
        let id = (known ?? endpoint).publicID
        try node.write(shop.record) { tenant, detail in
            try RemoveWebhook().run(try tenant.knownWebhookEndpoint(id), tenant, &detail)
        }
    }

    /// The endpoint answers again, as its sender has found.
    func hasten() throws -> Int {
        let id = endpoint.id
        return try write { try $0.hastenDeliveries(ofEndpoint: id, limit: 100) }
    }

    func replay(_ filter: DeliveryFilter? = nil) throws -> Int {
        let filter = filter ?? DeliveryFilter(book: .live, resellerID: reseller)
        return try write { tenant in
            var replay = try ReplayDeliveries(filter, tenant)
            while !replay.isOver { try replay.advance(tenant) { id, at in try tenant.replay(id, at: at) } }
            return replay.count
        }
    }

    func pass(seconds: Int64) { node.clock.advance(seconds: seconds) }
}
