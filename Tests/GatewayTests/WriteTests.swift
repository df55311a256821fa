import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry
import TestGateway
import TestTenants
import Testing

/// What one write leaves behind: its effect, its audit row, its proof, its events, and what follows in memory and
/// registry (G5, G8, H1).
@Suite struct WriteTests {
    @Test(
        "G5 a write's answer carries the head of the chain that has it, signed by the tenant", arguments: Door.allCases)
    func proof(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let answer = try await gateway.send(hosting.order("o-1"))
            let head = try #require(answer.field("Audit-Head").flatMap { AuditHead(text: $0) })
            let signature = try #require(answer.field("Audit-Signature").flatMap { Base64.decode($0) })
            let publicKey = hosting.record.signingKey.publicKey
            #expect(
                Ed25519.verify(
                    signature: signature, message: head.signedBytes(of: hosting.record.id), publicKey: publicKey))
            let report = try Verifier(
                path: try await gateway.export(hosting.record), expectedHeads: [head], publicKey: publicKey
            ).run()
            #expect(report.isSound, "\(report.text)")
            #expect(try await gateway.send(hosting.partner("GET", "/balance")).field("Audit-Head") == nil)
        }
    }

    @Test("G5 the audit row says who did what, under the request's own id", arguments: Door.allCases)
    func auditRow(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let order = hosting.order("o-1")
            let answer = try await gateway.send(order)
            let row = try await hosting.read { tenant in
                try tenant.connection.row(
                    """
                    SELECT action, status, request_id, reseller_id, bytes_in, bytes_out, detail, key_id
                    FROM audit WHERE kind = 0 ORDER BY seq DESC LIMIT 1
                    """
                ) { row in
                    try (
                        action: row.text(), status: row.int(), requestID: RequestID(bytes: row.blob())?.text,
                        reseller: row.int(), bytesIn: row.int(), bytesOut: row.int(), detail: row.text(),
                        key: row.int()
                    )
                }
            }
            let found = try #require(row)
            #expect(found.action == "POST /api/partner/v1/orders" && found.status == 201)
            #expect(found.requestID == answer.field("Request-Id"))
            #expect(found.reseller == 1 && found.key > 0)
            #expect(found.bytesIn == Int64(order.body?.count ?? 0) && found.bytesOut == Int64(answer.body.count))
            #expect(found.detail.contains(answer["order", "id"] ?? "none"))
        }
    }

    @Test(
        "G8 what was answered is there for the next call, and kept answers follow the write", arguments: Door.allCases)
    func readBack(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let answer = try await gateway.send(hosting.order("o-1", quantity: 2))
            let id = try #require(answer["order", "id"])
            let order = try await gateway.send(hosting.partner("GET", "/orders/\(id)"))
            #expect(order["wholesale_total"] == "7.60" && order["services", "1", "status"] == "active")
            #expect(try await hosting.balance() == "9992.40")
            func price() async throws -> String? {
                let list = try await gateway.send(hosting.partner("GET", "/products"))
                let row = list.data.first { $0["sku"]?.string == "vps-1" || $0["product"]?.string == "vps-1" }
                return row.map { String(decoding: $0.encoded(), as: UTF8.self) }
            }
            // The second comes from the bytes that were kept ready.
            let (first, second) = (try await price(), try await price())
            #expect(first != nil && first == second)
            try await hosting.asOwner(
                "PUT", "/resellers/\(hosting.reseller.id)/products/vps-1", #"{"wholesale_monthly":"9.00"}"#)
            let third = try await price()
            #expect(third != first && third?.contains("9.00") == true)
        }
    }

    @Test("H1 an event is queued with the write that it tells of, and with no refused one", arguments: Door.allCases)
    func events(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let endpoint = try await gateway.send(
                hosting.partner(
                    "PUT", "/webhook", #"{"url":"https://shop.example/hook","events":["order.created"]}"#))
            #expect(endpoint.status == 200)
            #expect(try await gateway.send(hosting.order("o-1", quantity: 6, product: "metal-2")).status == 409)
            #expect(try await hosting.asOwner("GET", "/deliveries").data.isEmpty)
            #expect(try await gateway.send(hosting.order("o-2")).status == 201)
            let queued = try await hosting.asOwner("GET", "/deliveries")
            #expect(queued.data.count == 1 && queued["data", "0", "type"] == "order.created")
            #expect(queued["data", "0", "status"] == "pending")
        }
    }

    @Test(
        "G3 keys that were minted and revoked are so after a restart, before any file is opened",
        arguments: Door.allCases)
    func projection(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let kept = try await hosting.mint(hosting.reseller.email)
            let revoked = try await hosting.mint(hosting.reseller.email)
            try await hosting.asOwner("DELETE", "/api-keys/\(revoked.id)")
            gateway.stop()
            let node = try TestNode(gateway.dataPath, clock: gateway.clock, seed: 2)
            defer { node.stop() }
            func opens(_ key: String) -> Bool {
                node.fleet.roster.key(hash: SHA256.hash(Array(key.utf8)), at: node.clock.now()).map {
                    !$0.projection.isRevoked
                } ?? false
            }
            #expect(opens(kept.key) && opens(hosting.key) && opens(hosting.ownerKey))
            #expect(!opens(revoked.key))
        }
    }

    @Test("W4 a quote is the order's numbers and writes nothing", arguments: Door.allCases)
    func quote(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let before = try await hosting.books()
            var quote = hosting.unsignedOrder(quantity: 3).bearer(hosting.key)
            quote.target += "/quote"
            let told = try await gateway.send(quote)
            #expect(told.status == 200 && told["wholesale_total"] == "11.40")
            #expect(try await hosting.books() == before)
            let order = try await gateway.send(hosting.order("o-1", quantity: 3))
            #expect(order["wholesale_total"] == told["wholesale_total"])
        }
    }
}
