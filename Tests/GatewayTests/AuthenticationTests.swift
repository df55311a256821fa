import Cryptography
import HTTPCore
import TenantRegistry
import TestGateway
import Testing

/// Who calls, and whether the states of key, reseller and tenant let it (G1, G3, W1).
@Suite struct AuthenticationTests {
    @Test(
        "G1 no key, garbage, a key that was never made and another tenant's key are one answer",
        arguments: Door.allCases)
    func unknown(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let other = try await gateway.tenant("hosting", slug: "other")
            let path = hosting.path("/api/partner/v1/balance")
            let made = APIKeyFormat.mint(prefix: "tgh", mode: "live", random: gateway.fleet.random)
            var answers: [TestResponse] = [try await gateway.send(TestRequest("GET", path))]
            for key in ["x", made, other.key, String(hosting.key.dropLast()), hosting.key + "0"] {
                answers.append(try await gateway.send(TestRequest("GET", path).bearer(key)))
            }
            answers.append(
                try await gateway.send(TestRequest("GET", path).with("Authorization", "Basic \(hosting.key)")))
            for answer in answers {
                #expect(answer.status == 401 && answer.code == "unknown_key")
                #expect(answer.field("WWW-Authenticate") == "Bearer")
                #expect(answer["detail"] == answers[0]["detail"])
            }
            let spaced = TestRequest("GET", path).with("Authorization", "bEARER  \(hosting.key)")
            #expect(try await gateway.send(spaced).status == 200)
        }
    }

    @Test("G3 a revoked key opens nothing from the answer on", arguments: Door.allCases)
    func revoked(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let minted = try await hosting.mint(hosting.reseller.email)
            let call = hosting.partner("GET", "/balance", key: minted.key)
            #expect(try await gateway.send(call).status == 200)
            #expect(try await hosting.asOwner("DELETE", "/api-keys/\(minted.id)").status == 200)
            #expect(try await gateway.send(call).status == 401)
            #expect(try await gateway.send(hosting.partner("GET", "/balance")).status == 200)
        }
    }

    @Test("O1 a key with an end opens until then and not at it", arguments: Door.allCases)
    func expired(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let end = gateway.clock.now().adding(seconds: 60)
            let minted = try await hosting.mint(hosting.reseller.email, #","expires_at":"\#(end.text)""#)
            let call = hosting.partner("GET", "/balance", key: minted.key)
            gateway.clock.advance(milliseconds: 59_999)
            #expect(try await gateway.send(call).status == 200)
            gateway.clock.advance(milliseconds: 1)
            #expect(try await gateway.send(call).status == 401)
        }
    }

    @Test("O1 a rotated key's old secret lives for the overlap, and not at all without one", arguments: Door.allCases)
    func rotated(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let minted = try await hosting.mint(hosting.reseller.email)
            func opens(_ key: String?) async throws -> Bool {
                try await gateway.send(hosting.partner("GET", "/balance", key: key ?? "")).status == 200
            }
            func rotate(_ json: String?) async throws -> String? {
                try await hosting.asOwner("POST", "/api-keys/\(minted.id)/rotate", json)["key"]
            }
            let second = try await rotate(#"{"overlap_seconds":30}"#)
            #expect(try await opens(minted.key))
            #expect(try await opens(second))
            gateway.clock.advance(seconds: 30)
            #expect(try await !opens(minted.key))
            let third = try await rotate(nil)
            #expect(try await !opens(second))
            #expect(try await opens(third))
        }
    }

    @Test("W1 each state of a reseller opens what it should, to its key and to its person", arguments: Door.allCases)
    func resellerStates(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let key = hosting.key
            func session() async throws -> String {
                let body = #"{"email":"\#(hosting.reseller.email)","password":"\#(hosting.reseller.password)"}"#
                let answer = try await gateway.send(
                    TestRequest("POST", hosting.path("/api/partner/v1/session"), body))
                return answer["token"] ?? ""
            }
            func call(_ method: String, _ path: String, _ key: String) async throws -> String {
                let answer = try await gateway.send(hosting.partner(method, path, key: key))
                return answer.status < 300 ? "ok" : answer.code ?? "\(answer.status)"
            }
            let token = try await session()
            #expect(try await call("GET", "/balance", key) == "ok")
            #expect(try await call("GET", "/keys", token) == "ok")
            #expect(try await call("GET", "/keys", key) == "session_only")
            let path = "/resellers/\(hosting.reseller.id)"
            try await hosting.asOwner("PATCH", path, #"{"api_access":false}"#)
            #expect(try await call("GET", "/balance", key) == "api_access_off")
            #expect(try await call("GET", "/balance", token) == "ok")
            try await hosting.asOwner("PATCH", path, #"{"api_access":true}"#)
            try await hosting.asOwner("POST", path + "/suspend")
            #expect(try await call("GET", "/balance", key) == "reseller_suspended")
            // A person reads on, signs in and out, and changes nothing.
            #expect(try await call("GET", "/balance", token) == "ok")
            #expect(try await call("POST", "/keys", token) == "reseller_suspended")
            #expect(try await call("DELETE", "/session", try await session()) == "ok")
            try await hosting.asOwner("POST", path + "/terminate")
            #expect(try await call("GET", "/balance", key) == "unknown_key")
            #expect(try await call("GET", "/balance", token) == "unknown_key")
            #expect(try await session() == "")
        }
    }

    @Test(
        "G3 W1 a sign-in makes no session where its reseller was terminated since its password was looked at",
        arguments: Door.allCases)
    func terminatedMeanwhile(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let reseller = hosting.reseller
            let sessions = "SELECT count(*) FROM api_key WHERE role = \(KeyRole.resellerSession.rawValue)"
            let before = try await hosting.count(sessions)
            let turnstile = try await Turnstile(in: hosting.record)
            defer { turnstile.open() }
            async let signIn = gateway.send(
                TestRequest(
                    "POST", hosting.path("/api/partner/v1/session"),
                    #"{"email":"\#(reseller.email)","password":"\#(reseller.password)"}"#))
            // Its look at the account waits, behind that the end of its reseller: what makes the session comes last.
            try await turnstile.waitForStep()
            async let end = hosting.asOwner("POST", "/resellers/\(reseller.id)/terminate")
            try await until { hosting.record.lane.waiting == 2 }
            turnstile.open()
            #expect(try await end.status == 200)
            let answer = try await signIn
            #expect(answer.status == 401 && answer["token"] == nil, "\(answer.text)")
            #expect(try await hosting.count(sessions) == before)
        }
    }

    @Test("W1 a pending reseller's person signs in and out, and does no business", arguments: Door.allCases)
    func pending(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let beta = hosting.resellers[1]
            let session = try await gateway.send(
                TestRequest(
                    "POST", hosting.path("/api/partner/v1/session"),
                    #"{"email":"\#(beta.email)","password":"\#(beta.password)"}"#))
            let token = try #require(session["token"])
            for (method, path) in [("GET", "/balance"), ("GET", "/orders"), ("POST", "/orders/quote")] {
                let answer = try await gateway.send(hosting.partner(method, path, key: token))
                #expect(answer.status == 403 && answer.code == "reseller_pending", "\(method) \(path)")
            }
            #expect(try await gateway.send(hosting.partner("DELETE", "/session", key: token)).status == 204)
            #expect(try await gateway.send(hosting.partner("GET", "/keys", key: token)).status == 401)
        }
    }

    @Test("O1 a key of the wrong role or without the scope is known, and refused", arguments: Door.allCases)
    func roles(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let reader = try await hosting.mint(hosting.reseller.email, #","scopes":["partner:read"]"#)
            let order = try await gateway.send(hosting.order("o-1", key: reader.key))
            #expect(order.status == 403 && order.code == "scope_missing")
            let admin = TestRequest("GET", hosting.path("/api/admin/resellers"))
            #expect(try await gateway.send(admin.bearer(hosting.key)).code == "wrong_role")
            let owners = hosting.partner("GET", "/balance", key: hosting.ownerKey)
            #expect(try await gateway.send(owners).code == "wrong_role")
            // A known caller is told its limits, whatever it was refused for.
            #expect(order.field("RateLimit") != nil)
        }
    }

    @Test("P3 P4 G2 a tenant that is closed is 403 with the reason, in each API's envelope", arguments: Door.allCases)
    func tenantStates(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let codes = try await gateway.tenant("codes")
            func code() async throws -> String? {
                try await gateway.send(hosting.partner("GET", "/balance")).code
            }
            try await hosting.asProvider("POST", "/suspend")
            #expect(try await code() == "tenant_suspended")
            // A known caller is told its limits, and loses none of them.
            let refused = try await gateway.send(hosting.partner("GET", "/balance"))
            let again = try await gateway.send(hosting.partner("GET", "/balance"))
            #expect(refused.field("RateLimit") != nil && refused.field("RateLimit-Policy") != nil)
            #expect(again.field("X-RateLimit-Remaining") == refused.field("X-RateLimit-Remaining"))
            #expect(try await hosting.asOwner("GET", "/resellers").code == "tenant_suspended")
            try await hosting.asProvider("POST", "/resume")
            #expect(try await code() == nil)
            let cancelled = try await hosting.asProvider("POST", "/cancel")
            #expect(try await code() == nil)
            let end = try #require(cancelled["ends_at"])
            while gateway.clock.now().text < end { gateway.clock.advance(seconds: 86_400) }
            #expect(try await code() == "tenant_cancelled")
            gateway.clock.set(TestGateway.start)
            try await codes.asProvider("POST", "/refund")
            let me = try await gateway.send(
                TestRequest("GET", codes.path("/api/reseller/me")).with("x-api-key", codes.key))
            #expect(me.status == 403 && me["error"]?.contains("refunded") == true)
        }
    }
}
