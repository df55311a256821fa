import HTTPCore
import TestGateway
import Testing

/// When a body is read, how much of it, and in which pieces (G6, L1).
@Suite struct BodyTests {
    @Test("G6 no byte of a body is asked for before the credential has been judged", arguments: Door.allCases)
    func credentialFirst(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let order = hosting.order("o-1", key: "tgh_live_nothing")
            let refused = try await gateway.client.begin(order, bodyBytes: 1)
            #expect(refused.isAnswered)
            #expect(try await refused.finish().status == 401)
            let known = try await gateway.client.begin(hosting.order("o-1"), bodyBytes: 1)
            #expect(!known.isAnswered)
            #expect(try await known.finish().status == 201)
        }
    }

    @Test("a body that comes in pieces is the same body", arguments: Door.allCases, [1, 7, 64 << 10])
    func pieces(door: Door, bytes: Int) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            #expect(try await gateway.send(hosting.order("o-1").inChunks(of: bytes)).status == 201)
            let held = try await gateway.client.begin(hosting.order("o-2"), bodyBytes: bytes)
            #expect(try await held.finish().status == 201)
            #expect(try await hosting.books().orders == 2)
        }
    }

    @Test("G6 a body past its bound is 413 in the caller's envelope, announced or not", arguments: Door.allCases)
    func tooLarge(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let large = [UInt8](repeating: 0x20, count: (1 << 20) + 1)
            for request in [
                hosting.order("o-1").carrying(large), hosting.order("o-2").carrying(large).inChunks(of: 1 << 16),
            ] {
                let answer = try await gateway.send(request)
                #expect(answer.status == 413 && answer.code == "too_large")
            }
            let fits = try await gateway.send(hosting.order("o-3", of: Array(large.dropLast())))
            #expect(fits.status == 400 && fits.code == "unparseable")
            #expect(try await hosting.books().orders == 0)
        }
    }

    @Test(
        "a body that cannot be read is 400, one with wrong fields 422 with a pointer to each", arguments: Door.allCases)
    func unreadable(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            for (body, status) in [("", 400), ("{", 400), ("[]", 422), ("{}", 422), (#"{"term":"weekly"}"#, 422)] {
                let answer = try await gateway.send(hosting.order("o-\(gateway.next())", of: Array(body.utf8)))
                #expect(answer.status == status, "\(body)")
                if status == 422 { #expect(answer["errors", "0", "pointer"] != nil) }
            }
        }
    }

    @Test(
        "L1 a token may stand in the body, and only a small body is read for somebody unknown",
        arguments: Door.allCases)
    func credentialInBody(door: Door) async throws {
        try await withGateway(door) { gateway in
            let licences = try await gateway.tenant("licences")
            func assign(_ token: String, filling: Int = 0) async throws -> TestResponse {
                let body =
                    #"{"api_token":"\#(token)","license":"ps-XXXX-XXXXXXX-XXX","discord_user_id":"1"}"#
                    + String(repeating: " ", count: filling)
                return try await gateway.send(TestRequest("POST", licences.path("/reseller/assignlicense"), body))
            }
            let wrong = try await assign("lic_live_nothing")
            #expect(wrong.status == 401 && wrong["ok"] == "false")
            let large = try await assign(licences.key, filling: 16 << 10)
            #expect(large.status == 413 && large["ok"] == "false")
            let none = try await gateway.send(TestRequest("GET", licences.path("/reseller/licenseinfo")))
            #expect(none.status == 401)
            let good = try await assign(licences.key)
            #expect(good.status == 200 && good["ok"] == "true")
            #expect(try await licences.count("SELECT count(*) FROM licence_assignment") == 1)
        }
    }

    @Test("a client that goes before its body is complete has done nothing", arguments: Door.allCases)
    func gone(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let panel = try await gateway.tenant("panel")
            let before = try await hosting.books()
            let order = hosting.order("o-1")
            try await gateway.client.begin(order, bodyBytes: 10).abandon()
            let ledger = TestRequest(
                "POST", panel.path("/api/admin/reconciliations?reseller=\(panel.reseller.id)"),
                "external_ref,kind,amount,at\r\n"
            ).bearer(panel.ownerKey).with("Content-Type", "text/csv")
            try await gateway.client.begin(ledger, bodyBytes: 10).abandon()
            #expect(try await hosting.books() == before)
            #expect(try await panel.count("SELECT count(*) FROM reconciliation") == 0)
            // The key was not used up.
            #expect(try await gateway.send(order).status == 201)
        }
    }
}
