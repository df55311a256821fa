import HTTPCore
import TenantRegistry
import TestGateway
import Testing

/// What was judged when a head came is judged again where the call has its effect, however late its body is (G3).
@Suite struct LateBodyTests {
    /// What happens while a body is on its way, and what its caller is told then.
    enum Meanwhile: String, CaseIterable, Sendable {
        case tenantSuspended, tenantRefunded, tenantPastItsEnd, tenantDeleted
        case keyRevoked, keyRotated
        case resellerSuspended, resellerTerminated, apiAccessOff

        var told: (status: Int, code: String) {
            switch self {
            case .tenantSuspended: (403, "tenant_suspended")
            case .tenantRefunded: (403, "tenant_refunded")
            case .tenantPastItsEnd: (403, "tenant_cancelled")
            case .tenantDeleted, .keyRevoked, .keyRotated, .resellerTerminated: (401, "unknown_key")
            case .resellerSuspended: (403, "reseller_suspended")
            case .apiAccessOff: (403, "api_access_off")
            }
        }

        /// Returns when it has been answered.
        func happen(to tenant: TestTenant, key: String) async throws -> TestResponse {
            let reseller = "/resellers/\(tenant.reseller.id)"
            switch self {
            case .tenantSuspended: return try await tenant.asProvider("POST", "/suspend")
            case .tenantRefunded: return try await tenant.asProvider("POST", "/refund")
            case .tenantPastItsEnd:
                let answer = try await tenant.asProvider("POST", "/cancel")
                tenant.gateway.clock.advance(seconds: 40 * 86_400)
                return answer
            case .tenantDeleted: return try await tenant.asProvider("DELETE", "?confirm=\(tenant.slug)")
            case .keyRevoked: return try await tenant.asOwner("DELETE", "/api-keys/\(key)")
            case .keyRotated: return try await tenant.asOwner("POST", "/api-keys/\(key)/rotate")
            case .resellerSuspended: return try await tenant.asOwner("POST", reseller + "/suspend")
            case .resellerTerminated: return try await tenant.asOwner("POST", reseller + "/terminate")
            case .apiAccessOff: return try await tenant.asOwner("PATCH", reseller, #"{"api_access":false}"#)
            }
        }
    }

    @Test(
        "G3 an order whose body comes after the state changed is refused with the truth, and writes nothing",
        arguments: Door.allCases, Meanwhile.allCases)
    func order(door: Door, meanwhile: Meanwhile) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let minted = try await hosting.mint(hosting.reseller.email)
            // Its standing is remembered from an order before.
            #expect(try await gateway.send(hosting.order("o-0", key: minted.key)).status == 201)
            let before = try await hosting.books()
            let held = try await gateway.client.begin(hosting.order("o-1", key: minted.key), bodyBytes: 1)
            #expect(!held.isAnswered)
            let change = try await meanwhile.happen(to: hosting, key: minted.id)
            #expect(change.status < 300, "\(change.text)")
            let answer = try await held.finish()
            #expect(answer.status == meanwhile.told.status && answer.code == meanwhile.told.code, "\(answer.text)")
            #expect(answer.field("Audit-Head") == nil && answer.field("Content-Type") == "application/problem+json")
            if meanwhile == .tenantDeleted { return }
            let after = try await hosting.books()
            #expect(after == before)
        }
    }

    @Test(
        "G3 a quote whose body comes after the state changed is refused as an order is", arguments: Door.allCases,
        [Meanwhile.tenantSuspended, .keyRevoked, .resellerSuspended])
    func quote(door: Door, meanwhile: Meanwhile) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let minted = try await hosting.mint(hosting.reseller.email)
            var quote = hosting.unsignedOrder().bearer(minted.key)
            quote.target += "/quote"
            let held = try await gateway.client.begin(quote, bodyBytes: 1)
            #expect(try await meanwhile.happen(to: hosting, key: minted.id).status < 300)
            let answer = try await held.finish()
            #expect(answer.status == meanwhile.told.status && answer.code == meanwhile.told.code)
        }
    }

    @Test("P3 an operator's top-up whose body comes after the suspension moves no balance", arguments: Door.allCases)
    func topUp(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let before = try await hosting.books()
            let topUp = TestRequest(
                "POST", hosting.path("/api/admin/resellers/\(hosting.reseller.id)/balance"),
                #"{"amount":"5.00","reference":"wire"}"#
            ).bearer(hosting.ownerKey).idempotent("t-1")
            let held = try await gateway.client.begin(topUp, bodyBytes: 1)
            try await hosting.asProvider("POST", "/suspend")
            #expect(try await held.finish().code == "tenant_suspended")
            #expect(try await hosting.books() == before)
            // Nothing was stored under its key: once the tenant is back the same call has its effect.
            try await hosting.asProvider("POST", "/resume")
            #expect(try await gateway.send(topUp).status == 200)
            #expect(try await hosting.balance() == "10005.00")
        }
    }

    @Test("O8 G3 a streamed ledger whose key is revoked on the way is compared with nothing", arguments: Door.allCases)
    func streamed(door: Door) async throws {
        try await withGateway(door) { gateway in
            let panel = try await gateway.tenant("panel")
            let key = try await panel.mint(panel.ownerEmail)
            let ledger = TestRequest(
                "POST", panel.path("/api/admin/reconciliations?reseller=\(panel.reseller.id)"),
                "external_ref,kind,amount,at\r\ntxn_1,topup,5.00,2026-03-01T00:00:00Z\r\n"
            ).bearer(key.key).with("Content-Type", "text/csv")
            let held = try await gateway.client.begin(ledger, bodyBytes: 40)
            try await panel.asOwner("DELETE", "/api-keys/\(key.id)")
            #expect(try await held.finish().code == "unknown_key")
            #expect(try await panel.count("SELECT count(*) FROM reconciliation") == 0)
            #expect(try await panel.count("SELECT count(*) FROM account_review") == 0)
        }
    }

    @Test("G3 a body that comes while nothing changed has its effect", arguments: Door.allCases)
    func unchanged(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let held = try await gateway.client.begin(hosting.order("o-1"), bodyBytes: 1)
            try await hosting.asProvider("POST", "/suspend")
            try await hosting.asProvider("POST", "/resume")
            #expect(try await held.finish().status == 201)
        }
    }
}
