import CallKit
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// What becomes of units that are asked for while another provisioner is put in force (W13).
@Suite struct ProvisionerChangeTests {
    private static let old = "https://old.example/units"
    private static let new = "https://new.example/units"

    private static func put(_ url: String, _ rent: Rent) throws {
        try rent.node.write(rent.record, "PUT /provisioning") { tenant, _ in
            try tenant.setProvisioner(
                product: Provisioner.ofTenant, url: url, secret: [UInt8](repeating: 7, count: 32), timeoutSeconds: 30,
                baseURL: "https://tollgate.example/t/rent")
        }
    }

    private static func take(
        _ answer: ProvisioningAnswer, of unit: String, outcome: String? = nil, at url: String?, _ rent: Rent
    ) throws {
        try rent.node.write(rent.record, "POST /callback") { tenant, detail in
            try TakeProvisioningAnswer(
                serviceID: try tenant.knownService(unit).id, n: ProvisioningState.createNumber, answer: answer,
                news: ProvisioningNews(at: tenant.now, outcome: outcome ?? answer.name), askedURL: url
            ).run(tenant, &detail)
        }
    }

    private static func state(_ unit: String, _ rent: Rent) throws -> ProvisioningState? {
        try rent.node.read(rent.record) { try $0.provisioning(service: unit)?.state }
    }

    @Test("W13 what is under way at a provisioner that is replaced is asked of the next one, by the same number")
    func replaced() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try Self.put(Self.old, rent)
        try rent.topUp(2_000)
        let units = try VoidTests.order(rent, .http, cents: 500, quantity: 2).units
        try Self.take(.pending, of: units[0], at: Self.old, rent)
        rent.node.clock.advance(seconds: 3)
        // Whatever else of it is changed, it knows what is under way.
        try Self.put(Self.old, rent)
        #expect(try Self.state(units[0], rent)?.phase == .pending)
        try Self.put(Self.new, rent)
        // The other's answer was on its way meanwhile.
        try Self.take(.pending, of: units[1], at: Self.old, rent)
        for unit in units {
            let state = try Self.state(unit, rent)
            #expect(state?.phase == .asking && state?.n == 1 && state?.tries == 0 && state?.nextAt == rent.now)
            try Self.take(.pending, of: unit, at: Self.new, rent)
            #expect(try Self.state(unit, rent)?.phase == .pending)
        }
        #expect(try rent.balance() == 1_000)
        try rent.node.write(rent.record, "DELETE /provisioning") { tenant, _ in
            try tenant.removeProvisioner(product: Provisioner.ofTenant)
        }
        #expect(try units.map { try Self.state($0, rent)?.phase } == [.asking, .asking])
        #expect(try rent.verifies().isSound)
    }

    @Test(
        "W13 a no of one who was replaced meanwhile gives nothing back: the next one is asked",
        arguments: [ProvisioningAnswer.absent, .failed("moved"), .unclear])
    func lateNo(answer: ProvisioningAnswer) throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try Self.put(Self.old, rent)
        try rent.topUp(500)
        let unit = try VoidTests.order(rent, .http, cents: 500).units[0]
        try Self.take(.pending, of: unit, at: Self.old, rent)
        rent.node.clock.advance(seconds: 10)
        // The poll is out meanwhile.
        try Self.put(Self.new, rent)
        rent.node.clock.advance(seconds: 3)
        try Self.take(answer, of: unit, at: Self.old, rent)
        let state = try Self.state(unit, rent)
        #expect(state?.verb == .create && state?.n == 1 && state?.phase == .asking && state?.nextAt == rent.now)
        #expect(try rent.balance() == 0)
        try Self.take(.ready(nil), of: unit, at: Self.old, rent)
        #expect(try Self.state(unit, rent)?.shown == .active && rent.service(unit).state == .active)
        #expect(try rent.verifies().isSound)
    }

    @Test("W13 P3 a callback that comes while what leaves is held takes nothing of its verb's time")
    func heldCallback() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try Self.put(Self.old, rent)
        try rent.topUp(500)
        let unit = try VoidTests.order(rent, .http, cents: 500).units[0]
        try rent.node.write(rent.record) { tenant, _ in
            try tenant.connection.run("UPDATE meta SET outbound_held_at = ?1 WHERE id = 1", .time(tenant.now))
        }
        rent.sleep(days: 3)
        try rent.node.write(rent.record, "POST /callback") { tenant, detail in
            try TakeProvisioningAnswer(
                serviceID: try tenant.knownService(unit).id, n: ProvisioningState.createNumber, answer: .pending,
                news: ProvisioningNews(at: tenant.now, outcome: "callback pending"), callbackMark: "1"
            ).run(tenant, &detail)
        }
        let state = try Self.state(unit, rent)
        #expect(state?.phase == .pending && state?.since == rent.now)
    }

    @Test("W13 P3 nothing that leaves is due while it is held, and so nothing is late")
    func held() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try Self.put(Self.old, rent)
        try rent.topUp(500)
        _ = try VoidTests.order(rent, .http, cents: 500)
        try rent.node.write(rent.record) { tenant, _ in
            try tenant.connection.run("UPDATE meta SET outbound_held_at = ?1 WHERE id = 1", .time(tenant.now))
        }
        rent.sleep(days: 1)
        for work in DueWorks.all where work.kind.isOutbound {
            let next = try rent.node.read(rent.record) { try work.next($0) }
            #expect(next == nil, "\(work.kind)")
        }
        try rent.node.write(rent.record) { tenant, _ in try tenant.releaseOutbound() }
        let next = try rent.node.read(rent.record) { try DueProvisionings().next($0) }
        #expect(next != nil)
    }

    @Test("W13 a unit that found no provisioner, if only until it was stuck, is asked of the next one at once")
    func nobody() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(2_000)
        let units = try VoidTests.order(rent, .http, cents: 500, quantity: 2).units
        try Self.take(.unclear, of: units[1], outcome: "no_provisioner", at: nil, rent)
        while let next = try Self.state(units[0], rent)?.nextAt {
            rent.node.clock.set(next)
            try Self.take(.unclear, of: units[0], outcome: "no_provisioner", at: nil, rent)
        }
        #expect(try Self.state(units[0], rent)?.phase == .stuck)
        try Self.put(Self.new, rent)
        for unit in units {
            let state = try Self.state(unit, rent)
            #expect(state?.phase == .asking && state?.since == rent.now && state?.nextAt == rent.now)
        }
        #expect(try rent.verifies().isSound)
    }
}
