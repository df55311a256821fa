import CallKit
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// Callbacks of a provisioner that uses its message ids carelessly (W13).
@Suite struct ProvisioningCallbackTests {
    private static func take(
        _ answer: ProvisioningAnswer, n: Int64 = ProvisioningState.createNumber, of unit: String, under id: String?,
        _ rent: Rent
    ) throws {
        let body = Array(#"{"state":"\#(answer.name)","n":\#(n)}"#.utf8)
        try rent.node.write(rent.record, "POST /callback") { tenant, detail in
            try TakeProvisioningAnswer(
                serviceID: try tenant.knownService(unit).id, n: n, answer: answer,
                news: ProvisioningNews(at: tenant.now, outcome: "callback \(answer.name)"),
                callbackMark: id.map { ProvisioningCallbacks.mark(id: $0, body: body) }
            ).run(tenant, &detail)
        }
    }

    private static func state(_ unit: String, _ rent: Rent) throws -> ProvisioningState? {
        try rent.node.read(rent.record) { try $0.provisioning(service: unit)?.state }
    }

    @Test("W13 a callback under an id that was used is news where it says something else; the same one again is none")
    func ready() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(500)
        let unit = try VoidTests.order(rent, .http, cents: 500).units[0]
        // Of no verb that there is, or of none yet: that uses up no id.
        for n in [Int64(0), 2, 99] { try Self.take(.ready(nil), n: n, of: unit, under: "a", rent) }
        #expect(try Self.state(unit, rent)?.verb == .create)
        try Self.take(.pending, of: unit, under: "a", rent)
        let pending = try Self.state(unit, rent)
        #expect(pending?.phase == .pending)
        rent.node.clock.advance(seconds: 1)
        try Self.take(.pending, of: unit, under: "a", rent)
        #expect(try Self.state(unit, rent) == pending)
        try Self.take(.ready(nil), of: unit, under: "a", rent)
        #expect(try Self.state(unit, rent)?.shown == .active && rent.service(unit).state == .active)
        #expect(try rent.balance() == 0 && rent.verifies().isSound)
    }

    @Test("W13 a late success under the id of the no before it is terminated, once")
    func late() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(500)
        let unit = try VoidTests.order(rent, .http, cents: 500).units[0]
        try Self.take(.failed("no"), of: unit, under: "a", rent)
        #expect(try rent.balance() == 500 && Self.state(unit, rent)?.n == 2)
        try Self.take(.absent, n: 2, of: unit, under: nil, rent)
        #expect(try Self.state(unit, rent)?.shown == .terminated)
        for _ in 1...2 {
            try Self.take(.ready(nil), of: unit, under: "a", rent)
            let state = try Self.state(unit, rent)
            #expect(state?.verb == .terminate && state?.n == 3 && state?.shown == .terminating)
        }
        #expect(try rent.balance() == 500 && rent.service(unit).state == .cancelled && rent.verifies().isSound)
    }
}
