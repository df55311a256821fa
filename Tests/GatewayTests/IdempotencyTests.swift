import CallKit
import HTTPCore
import TenantRegistry
import TestGateway
import TestTenants
import Testing

/// The same call again gives the same answer and does nothing (G4).
@Suite struct IdempotencyTests {
    @Test("G4 the same call again is the same bytes and buys nothing, the key bare or quoted", arguments: Door.allCases)
    func again(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let first = try await gateway.send(hosting.order("o-1"))
            #expect(first.status == 201 && first.field("Idempotency-Hit") == nil)
            let before = try await hosting.books()
            for id in ["o-1", "\"o-1\"", "o-1"] {
                gateway.clock.advance(seconds: 60)
                let again = try await gateway.send(hosting.order(id))
                #expect(again.status == 201 && again.body == first.body, "\(id)")
                #expect(again.field("Idempotency-Hit") == "true")
                #expect(again.field("Content-Type") == first.field("Content-Type"))
            }
            #expect(try await hosting.books() == before)
            #expect(before.orders == 1)
        }
    }

    @Test(
        "G4 another payload, path or method under the same key is 422, and the first answer stays",
        arguments: Door.allCases)
    func otherPayload(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let first = try await gateway.send(hosting.order("o-1"))
            let before = try await hosting.books()
            let other = try await gateway.send(hosting.order("o-1", quantity: 2))
            #expect(other.status == 422 && other.code == "idempotency_key_reused")
            var target = hosting.unsignedOrder()
            target.target += "?"
            let elsewhere = try await gateway.send(
                target.bearer(hosting.key).idempotent("o-1")
                    .signed(with: hosting.reseller.webhookSecret, at: gateway.clock.now()))
            #expect(elsewhere.status == 422 && elsewhere.code == "idempotency_key_reused")
            #expect(try await gateway.send(hosting.order("o-1")).body == first.body)
            #expect(try await hosting.books() == before)
        }
    }

    @Test("G4 the same call at a bare path and below /t/ is the same call", arguments: Door.allCases)
    func otherAddress(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            func bare(_ id: String) -> TestRequest {
                var order = hosting.unsignedOrder()
                order.target = "/api/partner/v1/orders"
                return order.bearer(hosting.key).idempotent(id)
                    .signed(with: hosting.reseller.webhookSecret, at: gateway.clock.now())
            }
            let first = try await gateway.send(hosting.order("o-1"))
            #expect(first.status == 201)
            let again = try await gateway.send(bare("o-1"))
            #expect(again.status == 201 && again.body == first.body && again.field("Idempotency-Hit") == "true")
            let second = try await gateway.send(bare("o-2"))
            #expect(second.status == 201 && second.field("Idempotency-Hit") == nil)
            #expect(try await gateway.send(hosting.order("o-2")).body == second.body)
            #expect(try await hosting.books().orders == 2)
        }
    }

    @Test("G4 an answer of an earlier release, whose fingerprint has the tenant's address, is found by that address")
    func earlierFingerprint() throws {
        let key = try #require(IdempotencyKey("o-1"))
        let own = IdempotencyClaim.fingerprint(.post, (target: "/orders", body: []))
        let earlier = IdempotencyClaim.fingerprint(.post, (target: "/t/acme/orders", body: []))
        let other = IdempotencyClaim.fingerprint(.post, (target: "/t/other/orders", body: []))
        var claim = IdempotencyClaim(key, scope: 1, book: .live, fingerprint: own)
        #expect(claim.stands(for: own) && !claim.stands(for: earlier))
        claim.fingerprintWithAddress = { earlier }
        #expect(claim.stands(for: own) && claim.stands(for: earlier) && !claim.stands(for: other))
    }

    @Test("G4 an import that an earlier release answered is given that answer, too", arguments: Door.allCases)
    func earlierImport(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            try await hosting.asOwner("POST", "/products", #"{"sku":"stocked","name":"S","fulfilment":"stock"}"#)
            let (path, items) = (hosting.path("/api/admin/products/stocked/stock"), Array("item\none\n".utf8))
            let stock = TestRequest("POST", path).with("Content-Type", "text/csv").bearer(hosting.ownerKey)
                .idempotent("stock").carrying(items)
            let first = try await gateway.send(stock)
            #expect(first.status == 201)
            let earlier = IdempotencyClaim.fingerprint(.post, (target: path, body: items)).description
            try await handedOver { done in
                hosting.record.onLane(
                    writes: true,
                    { store in
                        try store.transaction.connection.run(
                            dynamic: "UPDATE idempotency SET fingerprint = x'\(earlier)' WHERE key = 'stock'")
                    },
                    then: { done.resume(with: $0) })
            }
            let again = try await gateway.send(stock)
            #expect(again.status == 201 && again.body == first.body && again.field("Idempotency-Hit") == "true")
            #expect(try await hosting.count("SELECT count(*) FROM stock_item") == 1)
        }
    }

    @Test("G4 a refusal that was decided is stored: a late retry does not buy after a top-up", arguments: Door.allCases)
    func storedRefusal(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let dear = hosting.order("o-1", quantity: 100, product: "metal-1")
            let refused = try await gateway.send(dear)
            #expect(refused.status == 402 && refused.code == "insufficient_balance")
            let missing = try await gateway.send(hosting.order("o-2", product: "none"))
            #expect(missing.status == 404)
            let before = try await hosting.books()
            try await hosting.asOwner(
                "POST", "/resellers/\(hosting.reseller.id)/balance", #"{"amount":"100000.00","reference":"wire"}"#)
            let again = try await gateway.send(dear)
            #expect(again.status == 402 && again.body == refused.body && again.field("Idempotency-Hit") == "true")
            #expect(again.field("Content-Type") == "application/problem+json")
            #expect(try await gateway.send(hosting.order("o-2", product: "none")).body == missing.body)
            #expect(try await hosting.books().orders == before.orders)
            #expect(try await gateway.send(hosting.order("o-3", quantity: 100, product: "metal-1")).status == 201)
        }
    }

    @Test("G4 what was refused for the caller's sake is not stored: 401, 403 and 429", arguments: Door.allCases)
    func notStored(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let unsigned = hosting.unsignedOrder().bearer(hosting.key).idempotent("o-1")
            #expect(try await gateway.send(unsigned).status == 401)
            #expect(try await gateway.send(hosting.order("o-1")).status == 201)
            let path = "/resellers/\(hosting.reseller.id)"
            try await hosting.asOwner("POST", path + "/suspend")
            #expect(try await gateway.send(hosting.order("o-2")).status == 403)
            try await hosting.asOwner("POST", path + "/resume")
            #expect(try await gateway.send(hosting.order("o-2")).status == 201)
            let minted = try await hosting.mint(
                hosting.reseller.email, #","limit":{"requests":1,"window_seconds":100000}"#)
            #expect(try await gateway.send(hosting.partner("GET", "/balance", key: minted.key)).status == 200)
            #expect(try await gateway.send(hosting.order("o-3", key: minted.key)).status == 429)
            try await hosting.asOwner("DELETE", "/api-keys/\(minted.id)/limit")
            #expect(try await gateway.send(hosting.order("o-3", key: minted.key)).status == 201)
            #expect(try await hosting.books().orders == 3)
        }
    }

    @Test("G4 a key is its reseller's and its book's own", arguments: Door.allCases)
    func scopes(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let gamma = hosting.resellers[2]
            try await hosting.asOwner("POST", "/resellers/\(gamma.id)/resume")
            let test = try await hosting.mint(hosting.reseller.email, #","mode":"test""#)
            let second = try await hosting.mint(hosting.reseller.email)
            var orders: Set<String> = []
            for request in [
                hosting.order("o-1"), hosting.order("o-1", by: gamma), hosting.order("o-1", key: test.key),
                // Another key of the same reseller is the same caller.
                hosting.order("o-1", key: second.key),
            ] {
                let answer = try await gateway.send(request)
                #expect(answer.status == 201)
                orders.insert(answer["order", "id"] ?? "")
            }
            #expect(orders.count == 3)
            #expect(try await hosting.books().orders == 3)
        }
    }

    @Test("G4 a secret is shown once: the repeated call is told that it was", arguments: Door.allCases)
    func shownOnce(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let mint = TestRequest(
                "POST", hosting.path("/api/admin/api-keys"), #"{"owner_email":"\#(hosting.reseller.email)"}"#
            ).bearer(hosting.ownerKey).idempotent("mint")
            let first = try await gateway.send(mint)
            let secret = try #require(first["key"])
            let again = try await gateway.send(mint)
            #expect(again.status == 201 && again.field("Idempotency-Hit") == "true")
            #expect(again["key"] == nil && again["already_shown"] == "true" && again["id"] == first["id"])
            #expect(!again.text.contains(secret))
            #expect(try await hosting.count("SELECT count(*) FROM api_key WHERE role <> 0") == 3)
        }
    }

    @Test("G4 where money moves a key is demanded, and one of a wrong form is refused", arguments: Door.allCases)
    func forms(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            #expect(try await gateway.send(hosting.order(nil)).status == 400)
            for id in [String(repeating: "k", count: 256), "a b", "\"", "\"\"", "caf\u{e9}"] {
                #expect(try await gateway.send(hosting.order(id)).status == 400, "\(id)")
            }
            #expect(try await gateway.send(hosting.order(String(repeating: "k", count: 255))).status == 201)
            #expect(try await hosting.books().orders == 1)
        }
    }

    @Test("G4 an answer is kept thirty days", arguments: Door.allCases)
    func end(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let first = try await gateway.send(hosting.order("o-1"))
            gateway.clock.advance(milliseconds: 30 * 86_400_000 - 1)
            #expect(try await gateway.send(hosting.order("o-1")).body == first.body)
            gateway.clock.advance(milliseconds: 1)
            let fresh = try await gateway.send(hosting.order("o-1"))
            #expect(fresh.status == 201 && fresh.field("Idempotency-Hit") == nil)
            #expect(try await hosting.books().orders == 2)
        }
    }
}
