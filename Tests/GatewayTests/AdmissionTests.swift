import HTTPCore
import RateLimiter
import TestGateway
import Testing

/// The limits in their order, what they tell, and what they give back (G2, G6).
@Suite struct AdmissionTests {
    /// Refills so slowly that no test sees it.
    private static func limit(_ requests: Int) -> String {
        #"{"requests":\#(requests),"window_seconds":100000}"#
    }

    private func remaining(_ answer: TestResponse) -> Int? { answer.field("X-RateLimit-Remaining").flatMap { Int($0) } }

    @Test("G2 a key's own limit lets pass what it says, and its headers count down", arguments: Door.allCases)
    func key(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let minted = try await hosting.mint(hosting.reseller.email, #","limit":\#(Self.limit(3))"#)
            let call = hosting.partner("GET", "/balance", key: minted.key)
            for left in [2, 1, 0] {
                let answer = try await gateway.send(call)
                #expect(answer.status == 200 && remaining(answer) == left)
                #expect(answer.field("RateLimit-Policy") == "\"key\";q=3;w=100000")
                #expect(answer.field("RateLimit")?.hasPrefix("\"key\";r=\(left);t=") == true)
                #expect(answer.field("X-RateLimit-Limit") == "3")
            }
            let refused = try await gateway.send(call)
            #expect(refused.status == 429 && refused.code == "rate_limited" && remaining(refused) == 0)
            let seconds = try #require(refused.field("Retry-After").flatMap { Int($0) })
            #expect(seconds > 1 && seconds <= 33_334)
            // A changed limit holds for the very next request.
            try await hosting.asOwner("DELETE", "/api-keys/\(minted.id)/limit")
            #expect(try await gateway.send(call).status == 200)
        }
    }

    @Test("G2 what one limit refuses is given back to the limits that let it pass", arguments: Door.allCases)
    func givingBack(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let terms = "/resellers/\(hosting.reseller.id)"
            try await hosting.asOwner("PATCH", terms, #"{"rate_limit":\#(Self.limit(10))}"#)
            // The key has room, its reseller has not.
            let minted = try await hosting.mint(hosting.reseller.email, #","limit":\#(Self.limit(100))"#)
            let call = hosting.partner("GET", "/balance", key: minted.key)
            for _ in 0..<10 { #expect(try await gateway.send(call).status == 200) }
            for _ in 0..<5 {
                let refused = try await gateway.send(call)
                #expect(refused.status == 429)
                #expect(refused.field("RateLimit-Policy")?.hasPrefix("\"reseller\"") == true)
            }
            try await hosting.asOwner("PATCH", terms, #"{"rate_limit":{"requests":1000000,"window_seconds":1}}"#)
            let after = try await gateway.send(call)
            #expect(after.status == 200 && remaining(after) == 89)
        }
    }

    @Test(
        "W7 a reseller's limit binds all of its keys together, and a key's own holds as well", arguments: Door.allCases)
    func reseller(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            try await hosting.asOwner(
                "PATCH", "/resellers/\(hosting.reseller.id)", #"{"rate_limit":\#(Self.limit(5))}"#)
            let own = try await hosting.mint(hosting.reseller.email, #","limit":\#(Self.limit(2))"#)
            var statuses: [Int] = []
            for key in [own.key, own.key, own.key, hosting.key, hosting.key, hosting.key, hosting.key] {
                statuses.append(try await gateway.send(hosting.partner("GET", "/balance", key: key)).status)
            }
            #expect(statuses == [200, 200, 429, 200, 200, 200, 429])
        }
    }

    @Test("P2 a tenant's limit and its month's quota bound all of its calls together", arguments: Door.allCases)
    func tenant(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let other = try await gateway.tenant("hosting", slug: "other")
            try await hosting.asProvider("PATCH", "", #"{"rate_limit":\#(Self.limit(2))}"#)
            #expect(try await gateway.send(hosting.partner("GET", "/balance")).status == 200)
            #expect(try await hosting.asOwner("GET", "/resellers").status == 200)
            let refused = try await gateway.send(hosting.partner("GET", "/balance"))
            #expect(refused.status == 429 && refused.field("RateLimit-Policy")?.hasPrefix("\"tenant\"") == true)
            #expect(try await gateway.send(other.partner("GET", "/balance")).status == 200)
            try await hosting.asProvider("PATCH", "", #"{"rate_limit":null,"quotas":{"requests_monthly":0}}"#)
            let past = try await gateway.send(hosting.partner("GET", "/balance"))
            #expect(past.status == 402 && past.code == "quota_exceeded")
            #expect(try await gateway.send(other.partner("GET", "/balance")).status == 200)
        }
    }

    @Test("G6 the process's limit is the last one, and is told as such", arguments: Door.allCases)
    func process(door: Door) async throws {
        let limit = Policy(requests: 3, windowSeconds: 100_000, burst: 3)
        try await withGateway(door, TestGateway.Setup(processLimit: limit)) { gateway in
            let tenants = [try await gateway.tenant("hosting"), try await gateway.tenant("hosting", slug: "other")]
            for tenant in [tenants[0], tenants[1], tenants[0]] {
                #expect(try await gateway.send(tenant.partner("GET", "/balance")).status == 200)
            }
            let refused = try await gateway.send(tenants[1].partner("GET", "/balance"))
            #expect(refused.status == 429 && refused.field("RateLimit-Policy")?.hasPrefix("\"process\"") == true)
        }
    }

    @Test(
        "G6 an address that tries many keys is refused for failing; a right key from there and other addresses are not",
        arguments: Door.allCases)
    func failures(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let guess = hosting.partner("GET", "/balance", key: "tgh_live_nothing").from("198.51.100.7")
            var statuses: [Int: Int] = [:]
            // 300 a minute, and what the minute gives back meanwhile.
            while statuses[429, default: 0] == 0, statuses[401, default: 0] < 2_000 {
                statuses[try await gateway.send(guess).status, default: 0] += 1
            }
            #expect(statuses[401, default: 0] >= 300 && statuses[429] == 1)
            let told = try await gateway.send(guess)
            #expect([401, 429].contains(told.status))
            #expect(try await gateway.send(hosting.partner("GET", "/balance").from("198.51.100.7")).status == 200)
            #expect(
                try await gateway.send(
                    hosting.partner("GET", "/balance", key: "tgh_live_nothing").from("198.51.100.8")
                ).status == 401)
        }
    }

    @Test("W11 an address sends twenty applications in fifteen minutes, and no more", arguments: Door.allCases)
    func ration(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let apply = TestRequest("POST", hosting.path("/api/partner/v1/apply"), "{}")
            for _ in 0..<20 { #expect(try await gateway.send(apply.from("2001:db8::1")).status == 422) }
            // IPv6 by /64.
            let refused = try await gateway.send(apply.from("2001:db8::2"))
            #expect(refused.status == 429 && refused.field("RateLimit-Policy") == "\"address\";q=20;w=900")
            #expect(try await gateway.send(apply.from("2001:db8:0:1::1")).status == 422)
        }
    }

    @Test("A6 a route's own limit counts for each reseller apart", arguments: Door.allCases)
    func routeClass(door: Door) async throws {
        try await withGateway(door) { gateway in
            let codes = try await gateway.tenant("codes")
            let topUp = TestRequest("POST", codes.path("/api/reseller/topup"), #"{"amount":10}"#)
                .with("x-api-key", codes.key)
            for _ in 0..<10 { #expect(try await gateway.send(topUp).status == 200) }
            let refused = try await gateway.send(topUp)
            #expect(refused.status == 429 && refused.field("RateLimit-Policy") == "\"topup\";q=10;w=900")
            let me = TestRequest("GET", codes.path("/api/reseller/me")).with("x-api-key", codes.key)
            #expect(try await gateway.send(me).status == 200)
        }
    }
}
