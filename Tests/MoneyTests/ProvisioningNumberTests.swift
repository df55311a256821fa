import CallKit
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct ProvisioningNumberTests {
    @Test("W13 P5 after each restore of one export a unit's next verb has a number that it never had")
    func restored() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(2_000)
        let units = try VoidTests.order(rent, .http, cents: 500, quantity: 2).units
        let (idle, asked) = (units[0], units[1])
        func confirm(_ unit: String, _ n: Int64) throws {
            try rent.node.write(rent.record, "POST /callback") { tenant, detail in
                try TakeProvisioningAnswer(
                    serviceID: try tenant.knownService(unit).id, n: n, answer: .ready(nil),
                    news: ProvisioningNews(at: tenant.now, outcome: "ready")
                ).run(tenant, &detail)
            }
        }
        func number(_ unit: String) throws -> Int64 {
            try rent.node.read(rent.record) { try $0.provisioning(service: unit)?.state.n ?? 0 }
        }
        for unit in units { try confirm(unit, ProvisioningState.createNumber) }
        try rent.change(asked, .suspend)
        #expect(try number(idle) == 1 && number(asked) == 2)
        let export = try rent.node.export(rent.record)
        let copies = try (1...2).map { try rent.folder.copy(export, to: "copy-\($0).sqlite") }
        // As it went on, and as it goes on after each restore.
        var numbers: [String: Set<Int64>] = [:]
        for copy in [nil, copies[0], copies[1]] as [String?] {
            if let copy {
                _ = try rent.node.restore(rent.record, from: copy)
                // A verb under way is asked for on, as the same question.
                #expect(try number(idle) == 1 && number(asked) == 2)
            }
            try rent.change(idle, .suspend)
            try confirm(asked, 2)
            try rent.change(asked, .resume)
            for unit in units {
                let isNew = numbers[unit, default: []].insert(try number(unit)).inserted
                #expect(isNew)
            }
        }
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
    }
}
