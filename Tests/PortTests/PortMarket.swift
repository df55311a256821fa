import CallKit
import HTTPCore
import TenantApp
import TenantRegistry
import TestTenants

/// A tenant that sells ports in one country at 2.00 a day, with two resellers and a customer each.
struct PortMarket {
    let node: TestNode
    let record: TenantRecord
    let resellers: [Int64]
    let customers: [String]

    static let country = "germany_id"

    static func open(
        _ node: TestNode, named slug: String = "ports", rows: String, slots: Int64 = 100
    ) throws -> PortMarket {
        let record = try node.create(slug)
        var file = try PortStockFile(Array(rows.utf8), isCSV: true)
        let stock = try file.whole()
        let (resellers, customers) = try node.write(record) { tenant, detail in
            try tenant.savePortCountry(country, name: "Germany", basePrice: Money(micros: 2_000_000))
            for book in [Book.live, .test] {
                try tenant.takeIn(stock, book: book)
            }
            var resellers: [Int64] = []
            var customers: [String] = []
            for number in 1...2 {
                let reseller = try tenant.insertReseller(
                    email: "shop\(number)@example.com", name: "Shop", company: nil, state: .active, approvedBy: 1)
                _ = try tenant.insertWebhookEndpoint(
                    name: "all", url: "https://example.com/\(number)", events: EventType.ports.map(\.rawValue),
                    resellerID: reseller.id, book: .live)
                resellers.append(reseller.id)
                customers.append(
                    try tenant.insertPortCustomer(
                        email: "c@example.com", name: nil, company: nil, externalID: nil, allocatedPortSlots: slots,
                        resellerID: reseller.id, book: .live
                    ).publicID)
            }
            return (resellers, customers)
        }
        return PortMarket(node: node, record: record, resellers: resellers, customers: customers)
    }

    func topUp(_ number: Int, _ units: Int64) throws {
        let reseller = resellers[number]
        _ = try node.write(record) { tenant, detail in
            detail.resellerID = reseller
            return try tenant.post(
                .topUp, Money(micros: units * 1_000_000), from: .funding, to: .balance(reseller: reseller),
                reference: "bank", resellerID: reseller, book: .live, keyID: 0, detail: &detail)
        }
    }

    /// Nil where the customer's slots are used up.
    @discardableResult
    func buy(
        _ number: Int, days: Int64 = 1, isExclusive: Bool = false, isPrivate: Bool = false
    ) throws -> Port? {
        let (reseller, customer) = (resellers[number], customers[number])
        return try node.write(record) { tenant, detail in
            detail.resellerID = reseller
            var request = CreatePort.Request(customerID: customer, countryID: Self.country, days: days)
            request.isExclusive = isExclusive
            request.isPrivate = isPrivate
            let create = CreatePort(request: request, resellerID: reseller, book: .live, keyID: 0)
            if case .created(let port, _, _) = try create.run(tenant, &detail) { return port }
            return nil
        }
    }

    func renew(_ number: Int, _ port: Port, days: Int64) throws {
        let reseller = resellers[number]
        _ = try node.write(record) { tenant, detail in
            detail.resellerID = reseller
            return try RenewPort(
                portID: port.publicID, days: days, resellerID: reseller, book: .live, keyID: 0
            ).run(tenant, &detail).port
        }
    }

    func rotate(_ number: Int, _ port: Port) throws -> Port {
        let reseller = resellers[number]
        return try node.write(record) { tenant, detail in
            detail.resellerID = reseller
            return try RotatePort(portID: port.publicID, resellerID: reseller, book: .live).run(tenant, &detail)
        }
    }

    @discardableResult
    func transfer(_ number: Int, micros: Int64, reference: String? = nil) throws -> CustomerTransfer {
        let (reseller, customer) = (resellers[number], customers[number])
        return try node.write(record) { tenant, detail in
            detail.resellerID = reseller
            return try TransferToCustomer(
                customerID: customer, amount: Money(micros: micros), description: nil, referenceID: reference,
                resellerID: reseller, book: .live, keyID: 0
            ).run(tenant, &detail).transfer
        }
    }

    func balance(_ number: Int) throws -> Money {
        let reseller = resellers[number]
        return try node.read(record) { try $0.balance(.balance(reseller: reseller), book: .live) }
    }

    func customer(_ number: Int) throws -> PortCustomer {
        let (reseller, customer) = (resellers[number], customers[number])
        return try node.read(record) { try $0.knownPortCustomer(customer, resellerID: reseller, book: .live) }
    }

    func events(_ number: Int) throws -> [String] {
        let reseller = resellers[number]
        return try node.read(record) { tenant in
            try tenant.deliveries(DeliveryFilter(book: .live, resellerID: reseller), before: .newest, limit: 1_000).map(
                \.type.rawValue)
        }
    }

    /// What the offline verifier finds wrong.
    func faults() throws -> [String] {
        try Verifier(path: try node.export(record)).run().findings.map { "\($0.place): \($0.text)" }
    }
}
