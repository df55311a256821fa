import Cryptography
import HTTPCore
import TenantRegistry
import TestGateway
import Testing

/// The provider's calls are judged where they have their effect: a key that was rotated meanwhile opens nothing (G3,
/// P5).
@Suite struct ProviderTests {
    /// A call of the provider's whose body is on its way, and what it would have changed.
    enum Call: String, CaseIterable, Sendable {
        case create, change, suspend, resume, cancel, refund, ownerKey, restore, rotate

        func request(_ tenant: TestTenant, export: [UInt8]) -> TestRequest {
            let path = "/tenants/\(tenant.slug)"
            let gateway = tenant.gateway
            switch self {
            case .create:
                return gateway.provider(
                    "POST", "/tenants",
                    #"{"slug":"late","blueprint":"hosting","owner_email":"o@late.example","password":"long enough"}"#)
            case .change:
                return gateway.provider("PATCH", path, #"{"rate_limit":{"requests":1,"window_seconds":1}}"#)
            case .suspend, .resume, .cancel, .refund: return gateway.provider("POST", "\(path)/\(rawValue)", "{}")
            case .ownerKey: return gateway.provider("POST", path + "/owner-key", "{}")
            case .restore: return gateway.provider("POST", path + "/restore").carrying(export)
            case .rotate: return gateway.provider("POST", "/provider-key/rotate", "{}")
            }
        }
    }

    private struct State: Equatable {
        let tenants: Int
        let state: TenantState
        let endsAt: Timestamp?
        let limit: Bool
        let incarnation: Int64
        let keys: Int64
        let orders: Int64

        init(_ tenant: TestTenant) async throws {
            let profile = tenant.record.profile
            tenants = tenant.gateway.fleet.roster.tenantCount
            state = profile.state
            endsAt = profile.endsAt
            limit = profile.limit != nil
            incarnation = try await tenant.count("SELECT incarnation FROM meta")
            keys = try await tenant.count("SELECT count(*) FROM api_key")
            orders = try await tenant.count("SELECT count(*) FROM orders")
        }
    }

    @Test(
        "G3 a call under a provider's key that was rotated while its body came is refused and changes nothing",
        arguments: Door.allCases, Call.allCases)
    func rotated(door: Door, call: Call) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let export = try await hosting.asProvider("GET", "/export")
            #expect(export.status == 200)
            #expect(try await gateway.send(hosting.order("o-1")).status == 201)
            if call == .resume { try await hosting.asProvider("POST", "/suspend") }
            let before = try await State(hosting)
            let request = call.request(hosting, export: export.body)
            let held = try await gateway.client.begin(request, bodyBytes: 1)
            #expect(!held.isAnswered)
            try await gateway.rotateProviderKey()
            let answer = try await held.finish()
            #expect(answer.status == 401 && answer.code == "unknown_key", "\(answer.text)")
            #expect(try await State(hosting) == before)
            // The key that took its place is the provider's still.
            #expect(try await hosting.asProvider("GET", "").status == 200)
            guard call != .rotate else { return }
            let again = try await gateway.send(call.request(hosting, export: export.body))
            #expect([200, 201].contains(again.status), "\(again.text)")
            #expect(try await State(hosting) != before)
        }
    }

    @Test(
        "G3 P2 a change that changes nothing tells nothing under a provider's key that was rotated while its body came",
        arguments: Door.allCases)
    func rotatedWithoutChange(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let request = gateway.provider("PATCH", "/tenants/\(hosting.slug)", #"{"rate_limit":null}"#)
            #expect(try await gateway.send(request).status == 200)
            let held = try await gateway.client.begin(request, bodyBytes: 1)
            #expect(!held.isAnswered)
            try await gateway.rotateProviderKey()
            let answer = try await held.finish()
            #expect(answer.status == 401 && answer.code == "unknown_key", "\(answer.text)")
        }
    }

    @Test(
        "P5 an order whose body comes after a restore is judged by the file that is there now",
        arguments: Door.allCases)
    func lateAfterRestore(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let export = try await hosting.asProvider("GET", "/export")
            let minted = try await hosting.mint(hosting.reseller.email)
            let unknown = try await gateway.client.begin(hosting.order("o-1", key: minted.key), bodyBytes: 1)
            let known = try await gateway.client.begin(hosting.order("o-2"), bodyBytes: 1)
            let restored = try await gateway.send(
                gateway.provider("POST", "/tenants/hosting/restore").carrying(export.body))
            #expect(restored.status == 200 && restored["incarnation"] == "2")
            #expect(try await unknown.finish().code == "unknown_key")
            #expect(try await known.finish().status == 201)
            #expect(try await hosting.books().orders == 1)
        }
    }

    @Test(
        "P4 a refund is possible for fourteen days from provisioning, and not a moment longer", arguments: Door.allCases
    )
    func refundPeriod(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let codes = try await gateway.tenant("codes")
            gateway.clock.advance(milliseconds: 14 * 86_400_000 - 1)
            #expect(try await codes.asProvider("POST", "/refund").status == 200)
            gateway.clock.advance(milliseconds: 1)
            let late = try await hosting.asProvider("POST", "/refund")
            #expect(late.status == 409 && late.code == "refund_period_over", "\(late.text)")
            #expect(hosting.record.profile.state == .active && codes.record.profile.state == .refunded)
        }
    }

    @Test("P5 calls that go on while a tenant is restored leave a file that verifies", arguments: Door.allCases)
    func underLoad(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let export = try await hosting.asProvider("GET", "/export")
            for round in 0..<3 {
                async let restored = gateway.send(
                    gateway.provider("POST", "/tenants/hosting/restore").carrying(export.body))
                try await withThrowingTaskGroup { group in
                    for number in 0..<40 {
                        group.addTask {
                            number % 4 == 0
                                ? try await gateway.send(hosting.order("o-\(round)-\(number)")).status
                                : try await gateway.send(hosting.partner("GET", "/balance")).status
                        }
                    }
                    for try await status in group { #expect([200, 201].contains(status)) }
                }
                #expect(try await restored.status == 200)
            }
        }
    }

    @Test("P8 G3 of two rotations at once one is answered, the other by a dead key", arguments: Door.allCases)
    func rotationsAtOnce(door: Door) async throws {
        try await withGateway(door) { gateway in
            for _ in 0..<5 {
                let request = gateway.provider("POST", "/provider-key/rotate", "{}")
                let first = try await gateway.client.begin(request, bodyBytes: 1)
                let second = try await gateway.client.begin(request, bodyBytes: 1)
                async let one = first.finish()
                async let other = second.finish()
                let answers = try await [one, other]
                #expect(answers.map(\.status).sorted() == [200, 401])
                let key = try #require(answers.first { $0.status == 200 }?["provider_key"])
                gateway.take(providerKey: key)
                #expect(try await gateway.asProvider("GET", "/blueprints").status == 200)
            }
        }
    }

    @Test("P5 G3 an export begun with a key that was rotated meanwhile is not handed out", arguments: Door.allCases)
    func exportAfterRotation(door: Door) async throws {
        try await withGateway(door) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let turnstile = try await Turnstile(in: hosting.record)
            defer { turnstile.open() }
            let request = gateway.provider("GET", "/tenants/hosting/export")
            let before = SHA256.hash(gateway.providerKey)
            async let export = gateway.send(request)
            try await turnstile.waitForStep()
            async let rotation: Void = gateway.rotateProviderKey()
            try await until { !gateway.fleet.providerKeys.isLive(before, at: gateway.clock.now()) }
            turnstile.open()
            let answer = try await export
            #expect(answer.status == 401 && answer.code == "unknown_key", "\(answer.status)")
            try await rotation
            #expect(try await hosting.asProvider("GET", "/export").status == 200)
        }
    }

    @Test("P2 two changes of quotas at once both stay; one that is refused in a part changes nothing")
    func changesAtOnce() async throws {
        try await withGateway(.inProcess) { gateway in
            let hosting = try await gateway.tenant("hosting")
            let panel = try await gateway.tenant("panel")
            for round in 1...10 {
                async let keys = hosting.asProvider("PATCH", "", #"{"quotas":{"keys":\#(100 + round)}}"#)
                async let resellers = hosting.asProvider("PATCH", "", #"{"quotas":{"resellers":\#(200 + round)}}"#)
                for answer in try await [keys, resellers] { #expect(answer.status == 200, "\(answer.text)") }
                let quotas = hosting.record.profile.quotas
                #expect(quotas.keysMax == Int64(100 + round) && quotas.resellersMax == Int64(200 + round))
            }
            try await hosting.asProvider("PATCH", "", #"{"tier":"standard","domains":[{"host":"taken.example"}]}"#)
            let before = panel.record.profile
            let refused = try await panel.asProvider(
                "PATCH", "", #"{"tier":"lite","domains":[{"host":"own.example"},{"host":"taken.example"}]}"#)
            #expect([409, 422].contains(refused.status), "\(refused.text)")
            #expect(panel.record.profile.tier == before.tier && panel.record.profile.domains == before.domains)
            #expect(gateway.fleet.roster.tenant(host: "own.example") == nil)
        }
    }
}
