import CallKit
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// Files of orders that were decided unit by unit, and that somebody changed with an SQLite shell.
@Suite struct UnitTamperingTests {
    typealias Harm = PeriodTamperingTests.Harm

    /// Order 1 is pending: of its services 1 is ready, 2 was rejected, 3 is open. Order 2 is completed: of its services
    /// 4 is ready and 5 was rejected. Order 3 was made at once.
    private static let shared = Result { try make() }

    private static func make() throws -> (folder: TestFolder, path: String) {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        let first = try VoidTests.order(rent, .http, cents: 500, quantity: 3).units
        let second = try again(rent, quantity: 2)
        try rent.order(.monthly)
        for unit in [first[0], second[0]] { try answer(.ready(nil), for: unit, rent) }
        for unit in [first[1], second[1]] { try answer(.failed("no"), for: unit, rent) }
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
        let folder = try TestFolder()
        let path = try folder.copy(try rent.node.export(rent.record), to: "export.sqlite")
        try ExportSeal.remove(from: path)
        return (folder, path)
    }

    /// More units of the product whose provisioner makes them.
    private static func again(_ rent: Rent, quantity: Int64) throws -> [String] {
        let id = rent.resellers[0]
        return try rent.node.write(rent.record, "POST /orders") { tenant, detail in
            detail.resellerID = id
            return try PlaceOrder(
                request: OrderRequest(
                    sku: Fulfilment.http.rawValue, term: .monthly, quantity: quantity, customerExternalID: "c"),
                resellerID: id, book: .live, keyID: 0, idempotencyKey: nil
            ).run(tenant, &detail).serviceIDs
        }
    }

    private static func answer(_ answer: ProvisioningAnswer, for unit: String, _ rent: Rent) throws {
        try rent.node.write(rent.record, "POST /callback") { tenant, detail in
            try TakeProvisioningAnswer(
                serviceID: try tenant.knownService(unit).id, n: ProvisioningState.createNumber, answer: answer,
                news: ProvisioningNews(at: tenant.now, outcome: answer.name)
            ).run(tenant, &detail)
        }
    }

    private static func posting(of service: Int) -> String {
        "(SELECT posting_id FROM unit_decision WHERE service_id = \(service))"
    }

    static let harms = [
        Harm(
            "a decision is removed", "DELETE FROM unit_decision WHERE service_id = 4",
            "The unit is active and its order completed, but no posting decided it"),
        Harm(
            "a decision of an open order is removed", "DELETE FROM unit_decision WHERE service_id = 1",
            "The unit is active and its order pending, but no posting decided it"),
        Harm(
            "an open unit is called active", "UPDATE service SET state = 'active' WHERE id = 3",
            "The unit is active and its order pending, but no posting decided it"),
        Harm(
            "a capture is called a void", "UPDATE posting SET kind = 'void' WHERE id = \(posting(of: 1))",
            "The unit is active, but a posting of kind void decided it"),
        Harm(
            "a void is called a capture", "UPDATE posting SET kind = 'capture' WHERE id = \(posting(of: 2))",
            "It counts 1 units ready and 1 rejected; there are 2 and 0"),
        Harm(
            "a share is lowered",
            "UPDATE entry SET amount = amount - sign(amount) * 1000000 WHERE posting_id = \(posting(of: 1))",
            "The posting moves 4.00 EUR; the unit's share of 15.00 EUR is 5.00 EUR"),
        Harm(
            "a unit's money comes from another order",
            "UPDATE unit_decision SET posting_id = \(posting(of: 4)) WHERE service_id = 1",
            "The posting that decided the unit is of another order"),
        Harm(
            "a unit is decided in another order", "UPDATE unit_decision SET order_id = 2 WHERE service_id = 1",
            "The unit was decided in another order"),
        Harm(
            "a unit's posting is gone",
            "PRAGMA foreign_keys=OFF; UPDATE unit_decision SET posting_id = 9999 WHERE service_id = 1",
            "The posting that decided the unit is missing"),
        Harm(
            "one unit more is called ready",
            "UPDATE order_outcome SET ready_units = ready_units + 1 WHERE order_id = 2",
            "It counts 2 units ready and 1 rejected; there are 1 and 1"),
        Harm(
            "what came of an order is removed", "DELETE FROM order_outcome WHERE order_id = 2",
            "It counts 0 units ready and 0 rejected; there are 1 and 1"),
        Harm(
            "units are counted that nobody decided", "INSERT INTO order_outcome VALUES (3, 1, 0, NULL)",
            "It counts units that no posting decided"),
        Harm(
            "an order of which a unit is ready is called rejected", "UPDATE orders SET state = 'rejected' WHERE id = 2",
            "It is rejected; 2 of its 2 units are decided, 1 of them ready"),
        Harm(
            "an open unit is not asked for",
            "UPDATE provisioning SET verb = NULL, phase = 'idle', next_at = NULL WHERE service_id = 3",
            "The unit is pending, but its provisioner is not asked to create it"),
        Harm(
            "an open unit loses its provisioning", "DELETE FROM provisioning WHERE service_id = 3",
            "The unit is pending, but no provisioner is to make it"),
        Harm(
            "an active unit is to be ended", "UPDATE provisioning SET wanted = 'terminated' WHERE service_id = 1",
            "The unit is active, but its provisioner is to make it terminated"),
        Harm(
            "a rejected unit is to be made", "UPDATE provisioning SET wanted = 'active' WHERE service_id = 5",
            "The unit is cancelled, but its provisioner is to make it active"),
        Harm(
            "a unit is provisioned in the test book", "UPDATE provisioning SET book = 1 WHERE service_id = 1",
            "The unit and its provisioning are of different books"),
    ]

    @Test("W13 a tampered decision, share, count or provisioning of a unit is found out and named", arguments: harms)
    func harm(harm: Harm) throws {
        let shared = try Self.shared.get()
        let folder = try TestFolder()
        let path = try folder.copy(shared.path, to: "copy.sqlite")
        try DataFolder.tamper(path, harm.sql)
        let report = try Verifier(path: path).run()
        #expect(report.findings.contains { $0.text.contains(harm.words) }, "\(report.text)")
    }
}
