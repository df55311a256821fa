import CallKit
import HTTPCore
import TenantApp
import TenantRegistry
import TestGateway
import Testing

extension Office {
    /// An active reseller with money, a webhook, and a product of each kind; its public id and number.
    func shop() async throws -> (id: String, caller: KeyHolder) {
        let id = await reseller()
        await call(.post, "/resellers/\(id)/balance", #"{"amount":100,"reference":"start"}"#)
        for kind in ["instant", "manual"] {
            await call(.post, "/products", #"{"sku":"\#(kind)","name":"P","fulfilment":"\#(kind)"}"#)
            await call(.put, "/resellers/\(id)/products/\(kind)", #"{"wholesale_monthly":10}"#)
        }
        let key = await call(.post, "/api-keys", #"{"owner_email":"shop@example.com"}"#)["key"]
        guard let caller = caller(key) else { throw Missing.key }
        await call(
            .put, "/webhook",
            #"{"url":"https://shop.example/hook","events":["order.created","reseller.suspended"]}"#, as: caller,
            on: WholesaleOrders())
        return (id, caller)
    }

    /// Two units of a product, ordered with a key of the reseller's: the answer's order and services.
    func order(_ sku: String, as caller: KeyHolder) async -> (orderID: String, serviceIDs: [String]) {
        let answer = await call(
            .post, "/orders",
            #"{"product":"\#(sku)","term":"monthly","quantity":2,"customer":{"external_id":"c1"}}"#, as: caller,
            on: WholesaleOrders())
        guard case .array(let services) = answer.json["services"] else { return ("", []) }
        return (answer.json["order"]?["id"]?.string ?? "", services.compactMap { $0["id"]?.string })
    }
}

@Suite struct OperatorOrders {
    @Test("O10 a pending order is carried out or rejected, once; a rejection gives the hold back")
    func decisions() async throws {
        try await Office.open { office in
            let shop = try await office.shop()
            let (first, second) = (
                await office.order("manual", as: shop.caller), await office.order("manual", as: shop.caller)
            )
            #expect(await office.call(.get, "/resellers/\(shop.id)")["held"] == "40.00")
            #expect(await office.call(.get, "/orders?state=pending&reseller=\(shop.id)").data.count == 2)
            let active = await office.call(.post, "/orders/\(first.orderID)/activate")
            #expect(active["state"] == "completed" && active["reseller"] == shop.id && active["mode"] == "live")
            let rejected = await office.call(.post, "/orders/\(second.orderID)/reject")
            #expect(rejected["state"] == "rejected")
            let reseller = await office.call(.get, "/resellers/\(shop.id)")
            #expect(reseller["held"] == "0.00" && reseller["balance"] == "80.00")
            for move in ["activate", "reject"] {
                #expect(await office.call(.post, "/orders/\(first.orderID)/\(move)").status == 409)
            }
            #expect(await office.call(.get, "/orders/\(first.orderID)").json["services"] != nil)
            #expect(await office.call(.get, "/orders/ord_none").status == 404)
            #expect(await office.call(.get, "/orders?mode=test").data.isEmpty)
            #expect(
                await office.call(.get, "/customers?reseller=\(shop.id)").data.first?["reseller"]?.string == shop.id)
        }
    }

    @Test("O10 services are suspended, resumed and cancelled; a cancelled one is final")
    func services() async throws {
        try await Office.open { office in
            let shop = try await office.shop()
            let service = await office.order("instant", as: shop.caller).serviceIDs[0]
            for (move, status) in [("suspend", "suspended"), ("resume", "active"), ("cancel", "cancelled")] {
                #expect(await office.call(.post, "/services/\(service)/\(move)")["status"] == status)
            }
            #expect(await office.call(.post, "/services/\(service)/resume").status == 409)
            #expect(await office.call(.get, "/services").data.count == 1)
            #expect(await office.call(.get, "/services?status=cancelled&reseller=\(shop.id)").data.count == 1)
        }
    }

    @Test("W1 a terminated reseller's queued deliveries are dropped and its services end with their paid term")
    func termination() async throws {
        try await Office.open { office in
            let shop = try await office.shop()
            let service = await office.order("instant", as: shop.caller).serviceIDs[0]
            let before = await office.call(.get, "/services/\(service)")
            await office.call(.post, "/resellers/\(shop.id)/terminate")
            let after = await office.call(.get, "/services/\(service)")
            #expect(after["ends_at"] == before["renews_at"] && after["renews_at"] == "null")
            #expect(after["status"] == "active")
            let deliveries = await office.call(.get, "/deliveries")
            #expect(deliveries.data.allSatisfy { $0["status"]?.string == "dropped" } && !deliveries.data.isEmpty)
            let id = deliveries.data.first?["id"]?.string ?? ""
            #expect(await office.call(.post, "/deliveries/\(id)/retry").refusal?.code == "reseller_terminated")
        }
    }

    @Test("W1 what happens after the end queues nothing more, and a unit that begins then ends with its paid term")
    func afterTermination() async throws {
        try await Office.open { office in
            let shop = try await office.shop()
            let pending = await office.order("manual", as: shop.caller)
            await office.call(.post, "/resellers/\(shop.id)/terminate")
            #expect(await office.call(.post, "/orders/\(pending.orderID)/activate").status == 200)
            let service = await office.call(.get, "/services/\(pending.serviceIDs[0])")
            #expect(service["renews_at"] == "null" && service["ends_at"] != "null")
            let deliveries = await office.call(.get, "/deliveries")
            #expect(deliveries.data.allSatisfy { $0["status"]?.string == "dropped" } && !deliveries.data.isEmpty)
        }
    }

    @Test("O7 a dead delivery is visible with its last answer, and a retry puts it back into the queue")
    func deliveries() async throws {
        try await Office.open { office in
            let shop = try await office.shop()
            _ = await office.order("instant", as: shop.caller)
            await office.call(.post, "/resellers/\(shop.id)/suspend")
            #expect(
                await office.call(.get, "/deliveries").data.compactMap { $0["type"]?.string } == [
                    "reseller.suspended", "order.created",
                ])
            try await office.onLane { tenant in
                for _ in 0..<DeliverySchedule.attemptsMax {
                    let refused = AttemptResult(
                        deliveryID: 1, at: tenant.now, milliseconds: 20, outcome: .status, status: 500,
                        answer: Array("oops".utf8))
                    _ = try tenant.record([refused])
                }
            }
            for query in ["status=dead", "status=dead&reseller=\(shop.id)", "status=dead&reseller=\(shop.id)&limit=1"] {
                let dead = await office.call(.get, "/deliveries?\(query)")
                #expect(dead.data.count == 1 && dead.data[0]["last_outcome"]?.string == "status")
            }
            let first = await office.call(.get, "/deliveries?reseller=\(shop.id)&limit=1")
            let second = await office.call(
                .get, "/deliveries?reseller=\(shop.id)&limit=1&cursor=\(first["next_cursor"])")
            #expect(second.data.first?["status"]?.string == "dead" && second["has_more"] == "false")
            let id = second.data.first?["id"]?.string ?? ""
            let whole = await office.call(.get, "/deliveries/\(id)")
            #expect(whole["last_status"] == "500" && whole["failures"] == "10")
            #expect(whole.text.contains(#""oops""#))
            let retried = await office.call(.post, "/deliveries/\(id)/retry")
            #expect(retried["status"] == "pending" && retried["failures"] == "0")
            #expect(retried["next_attempt_at"] == office.clock.now().text)
            #expect(await office.call(.get, "/deliveries?status=pending").data.count == 2)
        }
    }
}

@Suite struct Soundness {
    @Test("a file that the operator's API wrote verifies offline: chain, ledger, orders, units, deliveries")
    func verifies() async throws {
        try await Office.open { office in
            let shop = try await office.shop()
            let path = "/resellers/\(shop.id)"
            await office.call(.patch, path, #"{"credit_limit":"20.00","default_discount_rate":"5"}"#)
            await office.call(.post, "\(path)/balance", #"{"amount":"-1.25","reference":"correction"}"#)
            let manual = (
                await office.order("manual", as: shop.caller), await office.order("manual", as: shop.caller)
            )
            await office.call(.post, "/orders/\(manual.0.orderID)/activate")
            await office.call(.post, "/orders/\(manual.1.orderID)/reject")
            let services = await office.order("instant", as: shop.caller).serviceIDs
            await office.call(.post, "/services/\(services[0])/cancel")
            await office.call(.post, "\(path)/suspend")
            await office.call(.get, "/usage")
            await office.call(.post, "\(path)/terminate")
        }
    }
}

@Suite struct Settings {
    @Test("O12 the theme is the tenant's; each part changes alone and null takes it away")
    func theme() async throws {
        try await Office.open { office in
            #expect(await office.call(.get, "/settings")["name"] == "acme")
            let set = await office.call(
                .patch, "/settings",
                ##"{"name":"Acme","colours":{"primary":"#1A2b3C","accent":"#000000"}}"##
            )
            #expect(set["name"] == "Acme" && set.json["colours"]?["primary"]?.string == "#1a2b3c")
            let cleared = await office.call(.patch, "/settings", #"{"colours":{"accent":null}}"#)
            #expect(cleared["logo"] == "null" && cleared.json["colours"]?["accent"] == .null)
            #expect(cleared.json["colours"]?["primary"]?.string == "#1a2b3c" && cleared["name"] == "Acme")
            for (body, pointers) in [
                ("{}", [""]), (#"{"logo":"https://x.example/l.png"}"#, ["/logo"]), (#"{"logo":null}"#, ["/logo"]),
                (
                    ##"{"colours":{"primary":"red","accent":"#12345g","text":"#000000"}}"##,
                    ["/colours/primary", "/colours/accent", "/colours/text"]
                ),
            ] {
                #expect(await office.call(.patch, "/settings", body).pointers == pointers)
            }
        }
    }

    @Test("housekeeping clears what has ended and leaves what is in force")
    func housekeeping() async throws {
        try await Office.open { office in
            let minted = await office.call(.post, "/api-keys", #"{"owner_email":"clerk@example.com"}"#)
            await office.call(.post, "/api-keys/\(minted["id"])/rotate", #"{"overlap_seconds":60}"#)
            func secrets() async throws -> Int64? {
                try await office.onLane { tenant in
                    try tenant.housekeep()
                    return try tenant.connection.row("SELECT count(*) FROM api_key_secret") { try $0.int() }
                }
            }
            let before = try await secrets()
            #expect(before == 4)
            office.clock.advance(seconds: 2 * 86_400)
            let after = try await secrets()
            #expect(after == 3)
        }
    }
}
