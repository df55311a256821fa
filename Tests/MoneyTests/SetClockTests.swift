import CallKit
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// Calls during which somebody sets the node's clock: what they did and their record are of different times.
@Suite struct SetClockTests {
    private static let days: Int64 = 3 * 86_400

    /// Tops up while the clock moves: the posting is of the time before, the record of the time after.
    private static func topUp(_ rent: Rent, moving seconds: Int64) throws {
        let (id, clock) = (rent.resellers[0], rent.node.clock)
        try rent.node.write(rent.record, "POST /balance") { tenant, detail in
            guard let publicID = try tenant.reseller(id: id)?.publicID else { throw Refusal.defect }
            _ = try AdjustBalance(
                resellerID: publicID, amount: Money(micros: 10_000), reference: "set", book: .live, keyID: 0
            ).run(tenant, &detail)
            clock.advance(seconds: seconds)
        }
    }

    @Test("P5 a posting of another time than its record is found out, but where the chain shows the clock's step")
    func step() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try Self.topUp(rent, moving: Self.days)
        let lone = try rent.verifies()
        #expect(lone.findings.contains { $0.text.contains("It was made at 2026-01-31T10:00:00") }, "\(lone.text)")
        // The clock is set right: the next record tells so.
        rent.node.clock.advance(seconds: -Self.days)
        try rent.topUp(1)
        let explained = try rent.verifies()
        #expect(explained.isSound, "\(explained.text)")
    }

    @Test("P5 a clock that goes forward by hours while a call runs leaves its file sound")
    func hours() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try Self.topUp(rent, moving: 7 * 3_600)
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
    }
}
