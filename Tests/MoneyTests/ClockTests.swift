import CallKit
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct ClockTests {
    private static let refused = Refusal.unavailable(.clockNotBelieved)

    /// From here on the node knows a leap by its steady clock.
    private static func look(_ rent: Rent) {
        rent.node.fleet.clockGuard.look(rent.now, steady: rent.node.fleet.monotonic.nanoseconds())
    }

    private static func accept(_ rent: Rent) {
        _ = rent.node.fleet.clockGuard.accept(rent.now, steady: rent.node.fleet.monotonic.nanoseconds())
    }

    @Test("G7 W9 while the clock is not believed no call charges, and money that comes pays nothing")
    func terms() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000)
        let id = try rent.order(.monthly)[0]
        try rent.live(until: "2026-02-12T00:00:00Z")
        Self.look(rent)
        rent.sleep(days: 40)
        #expect(try rent.topUp(5_000).isEmpty && rent.balance() == 5_000)
        #expect(throws: Self.refused) { try rent.pay(id) }
        #expect(throws: Self.refused) { try rent.own(id, .end) }
        #expect(throws: Self.refused) { try rent.change(id, .cancel, .termEnd) }
        try rent.change(id, .suspend)
        #expect(throws: Self.refused) { try rent.change(id, .resume) }
        let cheap = RepriceFilter(term: .monthly, price: Money(micros: 1_000_000), book: .live)
        #expect(throws: Self.refused) {
            try rent.node.write(rent.record, "POST /reprice") { tenant, detail in
                _ = try RepriceServices(filter: cheap, keyID: 0, isDryRun: false).change(tenant, after: 0, &detail)
            }
        }
        #expect(throws: Self.refused) {
            try rent.node.write(rent.record, "DELETE /cancel") { tenant, detail in
                _ = try TakeBackEnd(serviceID: id, callerBook: .live, keyID: 0).run(tenant, &detail)
            }
        }
        #expect(try rent.balance() == 5_000 && rent.count("renewal") == 0)
        Self.accept(rent)
        try rent.change(id, .resume)
        #expect(try rent.balance() == 3_000 && rent.renewals(id).count == 2)
        try rent.runDue()
        #expect(try rent.verifies().isSound)
    }

    @Test("G7 W9 money that came while the clock was not believed pays what was due then, by itself")
    func waited() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000)
        let id = try rent.order(.monthly)[0]
        try rent.live(until: "2026-02-18T00:00:00Z")
        #expect(try rent.service(id).state == .suspended)
        Self.look(rent)
        rent.sleep(days: 2)
        try rent.topUp(5_000)
        #expect(try rent.service(id).state == .suspended)
        Self.accept(rent)
        try rent.runDue()
        #expect(try rent.service(id).state == .active && rent.balance() == 4_000)
        #expect(try rent.count("payable") == 0)
        #expect(try rent.verifies().isSound)
    }

    @Test("G7 W3 while the clock is not believed no hour is counted by it")
    func hours() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000)
        let id = try rent.order(.hourly)[0]
        Self.look(rent)
        rent.sleep(days: 3)
        for move in [ChangeService.Move.suspend, .cancel] {
            #expect(throws: Self.refused) { try rent.change(id, move) }
        }
        #expect(try rent.balance() == 1_000 && rent.service(id).accruedHours == 0)
        #expect(try rent.verifies().isSound)
    }
}
