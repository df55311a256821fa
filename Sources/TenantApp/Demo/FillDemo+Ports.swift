import CallKit
import HTTPCore
import TenantRegistry

/// The demo's countries and stock of ports, the same in both books: what a test key buys there is (D1, X7).
struct DemoPorts: Sendable {
    private let countries: [(id: String, name: String, price: Money)]
    private let rows: [PortStockRow]

    /// Nil where the demo has no countries.
    init?(_ demo: JSON) throws {
        guard case .array(let values)? = demo["countries"] else { return nil }
        countries = try values.map { value in
            var fields = FieldReader(value, at: "/countries")
            let id = fields.string("id", characters: 1...100)
            let name = fields.string("name", characters: 1...100)
            let price = fields.money("base_price", in: AmountRule.prices)
            let country = try fields.finish(id, name, price)
            return (id: country.0, name: country.1, price: country.2)
        }
        guard case .array(let stock)? = demo["ports"] else {
            rows = []
            return
        }
        var file = try PortStockFile(stock)
        rows = try file.whole()
    }

    func run(_ tenant: TenantTransaction) throws {
        for country in countries {
            try tenant.savePortCountry(country.id, name: country.name, basePrice: country.price)
        }
        guard !rows.isEmpty else { return }
        for book in [Book.live, .test] {
            try tenant.takeIn(rows, book: book)
        }
    }
}

extension FillDemo {
    /// The customers of a demo reseller, with their transfers and ports: bought as any other.
    func fillPorts(of reseller: Reseller, _ json: JSON, _ tenant: TenantTransaction) throws {
        guard case .array(let customers)? = json["customers"] else { return }
        for value in customers {
            var fields = FieldReader(value, at: "/customers")
            let sentEmail = fields.email("email")
            let name = fields.string("name", characters: 1...200)
            let externalID = fields.optionalString("external_id", characters: 1...128)
            let sentSlots = fields.integer("slots", in: 0...1_000)
            let balance = fields.optionalMoney("balance", in: AmountRule.prices)
            let ports = fields.optionalInteger("ports", in: 0...100) ?? 0
            let country = fields.optionalString("country", characters: 1...100)
            let (email, slots) = try fields.finish(sentEmail, sentSlots)
            let customer = try tenant.insertPortCustomer(
                email: email, name: name, company: nil, externalID: externalID, allocatedPortSlots: slots,
                resellerID: reseller.id, book: .live)
            if let balance, balance > .zero {
                let transfer = TransferToCustomer(
                    customerID: customer.publicID, amount: balance, description: "demo", referenceID: nil,
                    resellerID: reseller.id, book: .live, keyID: 0)
                try note("demo.transfer", reseller, tenant) { detail in _ = try transfer.run(tenant, &detail) }
            }
            for _ in 0..<ports {
                guard let country else { break }
                let create = CreatePort(
                    request: .init(customerID: customer.publicID, countryID: country, days: 30),
                    resellerID: reseller.id, book: .live, keyID: 0)
                try note("demo.port", reseller, tenant) { detail in _ = try create.run(tenant, &detail) }
            }
        }
    }

    /// One line of the audit log for each: it vouches for what was posted.
    private func note(
        _ action: String, _ reseller: Reseller, _ tenant: TenantTransaction,
        _ perform: (inout AuditDetail) throws -> Void
    ) throws {
        var detail = AuditDetail()
        try perform(&detail)
        tenant.noteClockwork(action, resellerID: reseller.id, book: .live, detail)
    }
}
