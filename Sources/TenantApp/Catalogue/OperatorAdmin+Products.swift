package import CallKit
package import HTTPCore
import TenantRegistry

/// The catalogue (O4). Products are hidden, never deleted: orders name them.
extension OperatorAdmin {
    static let products: [Route] = [
        Route(
            .post, "/products", "Add a product", access: .administrator, idempotency: .accepted,
            takes: Schemas.newProduct, gives: .made(Schemas.product), refuses: [409]
        ) { call in
            let create = try newProduct(call)
            return .write { tenant, detail in
                let product = try create.run(tenant, &detail)
                return .json(201) { json in encode(product, tenant, &json) }
            }
        },
        Route(
            .get, "/products", "List products", access: .administrator, parameters: .page(),
            gives: .list(Schemas.product)
        ) { call in
            let page = try Paging(try call.query())
            return .read { tenant in
                let rows = try tenant.products(after: page.after, limit: page.fetch)
                return page.answer(rows, id: \.id) { product, json in encode(product, tenant, &json) }
            }
        },
        Route(.get, "/products/{sku}", "Read a product", access: .administrator, gives: .read(Schemas.product)) {
            call in
            .read { tenant in
                let product = try tenant.knownProduct(call.parameters[0])
                return .json { json in encode(product, tenant, &json) }
            }
        },
        Route(
            .patch, "/products/{sku}", "Change a product", access: .administrator, takes: Schemas.productChange,
            gives: .done(Schemas.product)
        ) { call in
            let change = try productChange(call)
            return .write { tenant, detail in
                let product = try change.run(tenant, &detail)
                return .json { json in encode(product, tenant, &json) }
            }
        },
    ]

    /// What orders can be fulfilled by now: a provisioning call and imported stock come with their own parts.
    static let fulfilmentsServed: [Fulfilment] = [.instant, .manual]

    private static func newProduct(_ call: Call) throws -> CreateProduct {
        var fields = try call.fields()
        let sku = fields.sku("sku")
        let name = fields.string("name", characters: 1...200)
        let fulfilment = fields.fulfilment(fulfilmentsServed)
        let isHidden = fields.optionalBool("hidden") ?? false
        let plan = fields.planTerms()
        try fields.finish()
        guard let sku, let name, let fulfilment else { throw Refusal.defect }
        return CreateProduct(
            sku: sku, name: name, fulfilment: fulfilment, isHidden: isHidden, days: plan.days,
            retailPrice: plan.retailPrice, wholesalePrice: plan.wholesalePrice)
    }

    private static let changeable = ["name", "fulfilment", "hidden"] + planTerms
    private static let planTerms = ["days", "retail_price", "wholesale_price"]

    private static func productChange(_ call: Call) throws -> ChangeProduct {
        var fields = try call.fields()
        if fields.has("sku") { fields.fail("sku", code: "immutable", detail: "is the product's name for ever") }
        try fields.expectChange(of: changeable, clearable: planTerms)
        var change = ChangeProduct(sku: call.parameters[0])
        change.name = fields.optionalString("name", characters: 1...200)
        if fields.has("fulfilment"), !fields.isNull("fulfilment") {
            change.fulfilment = fields.fulfilment(fulfilmentsServed)
        }
        change.isHidden = fields.optionalBool("hidden")
        let plan = fields.planTerms()
        if fields.has("days") { change.days = .some(plan.days) }
        if fields.has("retail_price") { change.retailPrice = .some(plan.retailPrice) }
        if fields.has("wholesale_price") { change.wholesalePrice = .some(plan.wholesalePrice) }
        try fields.finish()
        return change
    }

    private static func encode(_ product: Product, _ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("sku", product.sku)
        json.field("name", product.name)
        json.field("fulfilment", product.fulfilment.rawValue)
        json.field("hidden", product.isHidden)
        json.field("days", product.days)
        json.field("retail_price", product.retailPrice.map { tenant.decimal($0) })
        json.field("wholesale_price", product.wholesalePrice.map { tenant.decimal($0) })
        json.field("currency", tenant.currency.code)
        json.field("created_at", product.createdAt.text)
        json.field("updated_at", product.updatedAt.text)
    }
}

extension FieldReader {
    package static let skuCharactersMax = 64

    /// `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`: it stands in paths and in files.
    package mutating func sku(_ name: String) -> String? {
        guard let text = string(name, characters: 1...Self.skuCharactersMax) else { return nil }
        let isPlain = text.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            case 0x2E, 0x2D, 0x5F: index > 0
            default: false
            }
        }
        guard isPlain else {
            fail(name, code: "format", detail: "must be letters, digits, dots, dashes and underscores")
            return nil
        }
        return text
    }

    /// What makes a product a plan of activation codes, where all three are there (O4, A2).
    package mutating func planTerms() -> (days: Int64?, retailPrice: Money?, wholesalePrice: Money?) {
        (
            optionalInteger("days", in: 1...Plan.daysMax), optionalMoney("retail_price", in: AmountRule.prices),
            optionalMoney("wholesale_price", in: AmountRule.prices)
        )
    }

    fileprivate mutating func fulfilment(_ available: [Fulfilment]) -> Fulfilment? {
        guard let text = string("fulfilment", characters: 1...64) else { return nil }
        if let found = available.first(where: { $0.rawValue == text }) { return found }
        let names = available.map(\.rawValue).joined(separator: ", ")
        let isKnown = Fulfilment(rawValue: text) != nil
        fail(
            "fulfilment", code: isKnown ? "unavailable" : "choice",
            detail: isKnown ? "cannot be served here yet; available are \(names)" : "must be one of \(names)")
        return nil
    }
}
