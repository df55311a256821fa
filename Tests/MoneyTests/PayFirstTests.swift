import CallKit
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// Whatever takes from a balance waits for what was due before and could be paid (W9): each call that charges, by name.
@Suite struct PayFirstTests {
    enum Spending: String, CaseIterable, Sendable {
        case order, hourlyOrder, codes, port, portRenewal, transfer
        case pay, payHours, resume, suspendHours, cancelHours, endHours
    }

    /// A reseller that owes for 250 services and the hours of one, and has money for them all and a little more, of
    /// which one transaction has paid a part.
    private struct Scene {
        private static let extraCents: Int64 = 900

        let rent: Rent
        let due: [String]
        /// By its operator, before it was due.
        let suspended: String
        let hourly: String
        let customer: String
        let port: String

        static func open() throws -> Scene {
            let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
            let customer = try sellCodesAndPorts(rent)
            try rent.topUp(251_000 + extraCents)
            let due = try rent.order(.monthly, 250)
            let suspended = try rent.order(.monthly)[0]
            try rent.change(suspended, .suspend)
            try rent.live(until: "2026-02-11T00:00:00Z")
            let port = try buyPort(rent, of: customer, days: 10)
            let hourly = try rent.order(.hourly)[0]
            try rent.topUp(-rent.balance())
            try rent.live(days: 2)
            let scene = Scene(
                rent: rent, due: due, suspended: suspended, hourly: hourly, customer: customer, port: port)
            #expect(try rent.count("service WHERE state = 'past_due'") == 251)
            #expect(try rent.topUp(253_000).count == PayDueServices.servicesMax && rent.count("payable") == 1)
            return scene
        }

        /// Returns the customer that ports are bought for.
        private static func sellCodesAndPorts(_ rent: Rent) throws -> String {
            var file = try PortStockFile(
                Array(
                    """
                    device,server_ip,http_port,socks_port,country,mode
                    d1,192.0.2.1,1-4,11-14,germany_id,shared

                    """.utf8), isCSV: true)
            let stock = try file.whole()
            return try rent.node.write(rent.record) { [id = rent.resellers[0]] tenant, _ in
                _ = try tenant.insertProduct(
                    sku: "plan", name: "Plan", fulfilment: .instant, isHidden: false, days: 30,
                    retailPrice: Money(micros: 2_000_000), wholesalePrice: Money(micros: 1_000_000))
                _ = try tenant.savePortCountry("germany_id", name: "Germany", basePrice: Money(micros: 100_000))
                try tenant.takeIn(stock, book: .live)
                return try tenant.insertPortCustomer(
                    email: "c@example.com", name: nil, company: nil, externalID: nil, allocatedPortSlots: 4,
                    resellerID: id, book: .live
                ).publicID
            }
        }

        private static func buyPort(_ rent: Rent, of customer: String, days: Int64) throws -> String {
            try rent.node.write(rent.record, "POST /ports") { [id = rent.resellers[0]] tenant, detail in
                detail.resellerID = id
                let request = CreatePort.Request(customerID: customer, countryID: "germany_id", days: days)
                let create = CreatePort(request: request, resellerID: id, book: .live, keyID: 0)
                guard case .created(let port, _, _) = try create.run(tenant, &detail) else { throw Refusal.defect }
                return port.publicID
            }
        }

        func perform(_ spending: Spending) throws {
            switch spending {
            case .order: try rent.order(.monthly)
            case .hourlyOrder: try rent.order(.hourly)
            case .codes, .portRenewal, .transfer: try sell(spending)
            case .port: _ = try Self.buyPort(rent, of: customer, days: 1)
            case .pay: try rent.pay(due[249])
            case .payHours: try rent.pay(hourly)
            case .resume: try rent.change(suspended, .resume)
            case .suspendHours: try rent.change(hourly, .suspend)
            case .cancelHours: try rent.change(hourly, .cancel)
            case .endHours: try rent.own(hourly, .end)
            }
        }

        private func sell(_ spending: Spending) throws {
            try rent.node.write(rent.record, "POST /\(spending)") {
                [id = rent.resellers[0], port = port, customer = customer] tenant, detail in
                detail.resellerID = id
                switch spending {
                case .codes:
                    _ = try GenerateCodes(planID: "plan", count: 1, resellerID: id, book: .live, keyID: 1)
                        .run(tenant, &detail)
                case .portRenewal:
                    _ = try RenewPort(portID: port, days: 1, resellerID: id, book: .live, keyID: 0)
                        .run(tenant, &detail)
                default:
                    _ = try TransferToCustomer(
                        customerID: customer, amount: Money(micros: 1_000_000), description: nil, referenceID: nil,
                        resellerID: id, book: .live, keyID: 0
                    ).run(tenant, &detail)
                }
            }
        }
    }

    @Test(
        "W9 W4 money that came in pays all that was due before, whatever else it is asked for",
        arguments: Spending.allCases)
    func dueFirst(_ spending: Spending) throws {
        let scene = try Scene.open()
        let rent = scene.rent
        defer { rent.node.stop() }
        let before = try rent.balance()
        // More waits than its own transaction has room for.
        #expect(throws: Refusal.unavailable(.payingDue)) { try scene.perform(spending) }
        #expect(try rent.balance() == before && rent.count("payable") == 1)
        #expect(try rent.run(ChargeDueServices(.renewal), limit: 60) == 60)
        try scene.perform(spending)
        #expect(try rent.count("service WHERE state = 'past_due'") == 0 && rent.count("payable") == 0)
        #expect(try scene.due.allSatisfy { try rent.service($0).state == .active })
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 a service that is paid with what was due before it is not paid twice by the call that asks for it")
    func once() throws {
        let scene = try Scene.open()
        let rent = scene.rent
        defer { rent.node.stop() }
        #expect(try rent.run(ChargeDueServices(.renewal), limit: 60) == 60)
        try rent.pay(scene.due[249])
        #expect(try rent.renewals(scene.due[249]).count == 1 && rent.count("renewal") == 250)
        #expect(throws: Refusal.conflict(.nothingDue)) { try rent.pay(scene.due[249]) }
    }
}
