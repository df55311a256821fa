package import CallKit
import Cryptography
package import HTTPCore
package import TenantRegistry

/// The demo's part of a blueprint: resellers in their states, with price books, balances, keys (D1, D2).
package struct FillDemo: Sendable {
    package struct MadeReseller: Sendable {
        package let id: String
        package let email: String
        package let password: String
        /// Whether an API of its tenant takes the password.
        let signsIn: Bool
        /// Nil where the reseller has not been approved.
        package let key: String?
        package let webhookSecret: String
        package let state: ResellerState
    }

    /// A demo reseller with its password hashed, on the background pool.
    package struct Person: Sendable {
        let json: JSON
        let password: String
        let passwordHash: String
        let key: MintedSecret
    }

    package let people: [Person]
    package let scopes: Scopes
    private let signsIn: Bool
    /// Countries and a stock of ports, where the demo has any.
    private let ports: DemoPorts?
    /// Who takes the demo's payments; nil: nobody.
    let paymentDriver: String?

    package static func slug(of demo: JSON) -> String? {
        if case .string(let slug)? = demo["slug"] { slug } else { nil }
    }

    package static func ownerEmail(of demo: JSON) -> String? {
        if case .string(let email)? = demo["owner_email"] { email } else { nil }
    }

    /// Makes passwords and keys. Throws where scrypt does.
    package init(_ blueprint: Blueprint, services: Services) throws {
        var people: [Person] = []
        if case .array(let resellers)? = blueprint.demo?["resellers"] {
            for json in resellers {
                let password = Hex.encode(services.random.bytes(8))
                people.append(
                    Person(
                        json: json, password: password,
                        passwordHash: try Password.hash(password, by: services.scrypt, random: services.random),
                        key: MintedSecret(
                            shape: KeyShape(blueprint.keyShape, prefix: blueprint.keyPrefix), book: .live,
                            random: services.random)))
            }
        }
        self.people = people
        ports = try blueprint.demo.flatMap { try DemoPorts($0) }
        if case .string(let driver)? = blueprint.demo?["payment_driver"] {
            paymentDriver = driver
        } else {
            paymentDriver = nil
        }
        scopes = .of(dialects: blueprint.dialects)
        signsIn = Dialects.all.contains { dialect in
            blueprint.dialects.contains(dialect.name) && dialect.routes.contains { $0.access == .resellerSession }
        }
    }

    package func run(_ tenant: TenantTransaction, owner: Int64) throws -> [MadeReseller] {
        try ports?.run(tenant)
        try fillPaymentService(tenant)
        return try people.map { try make($0, tenant, owner) }
    }

    private func make(_ person: Person, _ tenant: TenantTransaction, _ owner: Int64) throws -> MadeReseller {
        var detail = AuditDetail()
        var fields = FieldReader(person.json)
        let sentApplication = fields.read(Field.part(ResellerApplication.invited))
        let sentState = fields.string("state").flatMap { ResellerState(name: $0) }
        let balance = fields.optionalMoney("balance")
        let credit = fields.optionalMoney("credit_limit")
        let rate = fields.optionalPercent("default_discount_rate")
        let threshold = fields.optionalMoney("low_balance_threshold")
        var prices: [(sku: String, row: PriceRow)] = []
        if case .object(let members)? = fields.value("prices") {
            for member in members {
                var row = FieldReader(member.value, at: "/prices/\(member.name.pointerStep)")
                let price = row.read(Field.part(PriceRow.body))
                fields.absorb(row)
                if let price { prices.append((member.name, price)) }
            }
        }
        let (application, state) = try fields.finish(sentApplication, sentState)
        let made = try application.with(passwordHash: person.passwordHash)
            .run(
                tenant, state: state == .pending ? .pending : .active, approvedBy: state == .pending ? nil : owner,
                &detail)
        var reseller = made.reseller
        reseller.creditLimit = credit ?? .zero
        reseller.defaultDiscountRate = rate ?? .zero
        reseller.lowBalanceThreshold = threshold
        try tenant.saveTerms(of: reseller)
        for (sku, row) in prices {
            guard let product = try tenant.product(sku: sku) else { throw Refusal.notFound(.product) }
            try tenant.savePrice(row, resellerID: reseller.id, productID: product.id)
        }
        if let balance, balance > .zero {
            detail.note("reference", "demo")
            try tenant.post(
                .topUp, balance, from: .funding, to: .balance(reseller: reseller.id), reference: "demo",
                resellerID: reseller.id, book: .live, keyID: 0, detail: &detail)
            tenant.noteClockwork("demo.top_up", resellerID: reseller.id, book: .live, detail)
        }
        try fillPorts(of: reseller, person.json, tenant)
        guard state != .pending else { return report(made, person, key: nil, state) }
        var new = NewKey(
            accountID: made.accountID, resellerID: reseller.id, role: .reseller, scopes: scopes,
            display: person.key.display, createdBy: owner)
        new.name = "demo"
        new.limit = try tenant.keyLimitDefault()
        let key = try tenant.insertKey(new, secretHash: person.key.hash)
        try fillLicences(person.json, reseller, tenant)
        try fillCredits(person, reseller, key, tenant)
        try fillCodes(person, reseller, key, tenant)
        if state == .suspended { _ = try tenant.setState(of: reseller, to: .suspended, by: owner) }
        return report(made, person, key: person.key.text, state)
    }

    private func report(
        _ made: ResellerApplication.Made, _ person: Person, key: String?, _ state: ResellerState
    ) -> MadeReseller {
        MadeReseller(
            id: made.reseller.publicID, email: made.reseller.email, password: person.password, signsIn: signsIn,
            key: key, webhookSecret: made.webhookSecret, state: state)
    }
}
