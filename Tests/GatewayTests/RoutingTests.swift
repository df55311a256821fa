import HTTPCore
import TestGateway
import Testing

/// Which tenant an address names, which route a path is, and what is told where there is none (G1, X7).
@Suite struct RoutingTests {
    @Test(
        "G1 a tenant is reached by its path, its own host, its name below the base domain, and by the key alone",
        arguments: Door.allCases)
    func addresses(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            try await hosting.asProvider("PATCH", "", #"{"domains":[{"host":"shop.example.com"}]}"#)
            let bare = TestRequest("GET", "/api/partner/v1/products").bearer(hosting.key)
            let products = try await gateway.send(hosting.partner("GET", "/products"))
            #expect(products.status == 200 && !products.data.isEmpty)
            for request in [
                bare, bare.to(host: "shop.example.com"), bare.to(host: "SHOP.example.com:8443"),
                bare.to(host: "shop.example.com."),
                bare.to(host: "hosting.\(TestGateway.baseDomain)"),
            ] {
                let answer = try await gateway.send(request)
                #expect(answer.status == 200 && answer.body == products.body, "\(request.host)")
            }
        }
    }

    @Test("G1 an address of no tenant and one of another tenant are the same answer", arguments: Door.allCases)
    func foreignAddresses(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            _ = try await gateway.tenant("hosting", slug: "other")
            let path = "/api/partner/v1/products"
            let plain = TestRequest("GET", path).bearer(hosting.key)
            for request in [
                TestRequest("GET", "/t/other\(path)").bearer(hosting.key),
                TestRequest("GET", "/t/nobody\(path)").bearer(hosting.key),
                plain.to(host: "other.\(TestGateway.baseDomain)"), plain.to(host: "nobody.\(TestGateway.baseDomain)"),
            ] {
                let answer = try await gateway.send(request)
                #expect(answer.status == 401 && answer.code == "unknown_key", "\(request.target) \(request.host)")
            }
            // Without a key the same: nothing tells whether there is such a tenant.
            let anonymous = [
                try await gateway.send(TestRequest("GET", "/t/other\(path)")),
                try await gateway.send(TestRequest("GET", "/t/nobody\(path)")),
            ]
            #expect(anonymous.allSatisfy { $0.status == 401 && $0.code == "unknown_key" })
        }
    }

    @Test("a path that no route has is 404 in the envelope of the API it lies below", arguments: Door.allCases)
    func unknownPaths(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            for target in ["/api/partner/v1/nothing", "/api/partner/v1/orders/", "/api/partner/v1/%6Frders"] {
                let answer = try await gateway.send(TestRequest("GET", hosting.path(target)).bearer(hosting.key))
                #expect(answer.status == 404 && answer.code == "path_not_found", "\(target)")
                #expect(answer.field("Content-Type") == "application/problem+json")
            }
            let codes = try await gateway.send(TestRequest("GET", hosting.path("/api/reseller/nothing")))
            #expect(codes.status == 404 && codes["error"] != nil && codes.code == nil)
            // The blueprint does not have this API: its paths are not there, whoever asks.
            let foreign = try await gateway.send(TestRequest("GET", hosting.path("/api/reseller/plans")))
            #expect(foreign.status == 404 && foreign["error"] != nil)
            // A key there does not lack a scope, which none can have.
            let known = TestRequest("GET", hosting.path("/api/reseller/me")).with("x-api-key", hosting.key)
            let lacking = try await gateway.send(known)
            #expect(lacking.status == 404 && lacking["error"] != nil && lacking.field("RateLimit") != nil)
            let root = try await gateway.send(TestRequest("GET", "/nothing"))
            #expect(root.status == 404 && root.field("Request-Id") != nil)
        }
    }

    @Test(
        "a path that no API has is 404 in the API's envelope, with a tenant's address and without, at its base too",
        arguments: [
            ("/api/partner/v1", "hosting", ["type", "title", "status", "code", "request_id"]),
            ("/api/admin", "hosting", ["type", "title", "status", "code", "request_id"]),
            ("/api/reseller", "codes", ["error"]), ("/api/v1/reseller", "panel", ["ok", "error"]),
            ("/v1", "proxies", ["statusCode", "error", "message"]), ("/reseller", "licences", ["ok", "message"]),
        ])
    func envelopes(base: String, blueprint: String, members: [String]) async throws {
        try await withGateway(.inProcess) { gateway in
            let tenant = try await gateway.tenant(blueprint)
            for target in [base, base + "/nothing", base + "/"] {
                for place in [target, tenant.path(target)] {
                    let answer = try await gateway.send(TestRequest("GET", place).bearer(tenant.key))
                    #expect(answer.status == 404, "\(place)")
                    let body = String(decoding: answer.body, as: UTF8.self)
                    for member in members { #expect(body.contains("\"\(member)\":"), "\(place) \(body)") }
                    let isProblem = answer.field("Content-Type") == "application/problem+json"
                    #expect(isProblem == members.contains("code"), "\(place)")
                }
            }
        }
    }

    @Test(
        "a method that a path does not take is 405 with those that it takes; an unknown one is 501",
        arguments: Door.allCases)
    func methods(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let wrong = try await gateway.send(hosting.partner("DELETE", "/orders"))
            #expect(wrong.status == 405 && wrong.field("Allow") == "POST, GET, HEAD, OPTIONS")
            // One list, whoever asks for it.
            let asked = try await gateway.send(hosting.partner("OPTIONS", "/orders"))
            #expect(asked.status == 204 && asked.field("Allow") == wrong.field("Allow"))
            let unknown = try await gateway.send(hosting.partner("BREW", "/orders"))
            #expect(unknown.status == 501 && unknown.code == "method_not_implemented")
            let head = try await gateway.send(hosting.partner("HEAD", "/balance"))
            #expect(head.status == 200 && head.body.isEmpty)
            #expect(head.field("RateLimit") != nil)
        }
    }

    @Test("a path's parameters are percent-decoded once; what is not encoding is no route", arguments: Door.allCases)
    func percentEncoding(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            #expect(try await hosting.asOwner("GET", "/products/vps%2D1")["sku"] == "vps-1")
            #expect(try await hosting.asOwner("GET", "/products/vps%252D1").status == 404)
            #expect(try await hosting.asOwner("GET", "/products/vps%2").status == 404)
            #expect(try await hosting.asOwner("GET", "/products/%FF").status == 404)
            // A slash within a parameter is no end of it.
            #expect(try await hosting.asOwner("GET", "/products/vps%2F1").status == 404)
        }
    }

    @Test("X7 a description needs no key and no tenant", arguments: Door.allCases)
    func descriptions(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            for target in [
                "/api/partner/v1/openapi.json", hosting.path("/api/partner/v1/openapi.json"),
                "/provider/v1/openapi.json",
            ] {
                let answer = try await gateway.send(TestRequest("GET", target))
                #expect(answer.status == 200 && answer["openapi"]?.hasPrefix("3.1") == true, "\(target)")
            }
        }
    }

    @Test("G7 health is at the root, and every answer has an id of its own", arguments: Door.allCases)
    func health(door: Door) async throws {
        try await withGateway(door) { gateway in
            var ids: Set<String> = []
            for target in ["/healthz", "/readyz", "/metrics", "/nothing", "/t/nobody/api/partner/v1/orders"] {
                let answer = try await gateway.send(TestRequest("GET", target))
                ids.insert(answer.field("Request-Id") ?? "")
            }
            #expect(ids.count == 5 && !ids.contains(""))
        }
    }
}
