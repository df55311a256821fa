import CallKit
import HTTPCore
import TenantRegistry

/// The catalogue, prices and stock.
extension OperatorAdmin.Schemas {
    private static let price = Schema.amount(AmountRule.prices)

    private static let fulfilment = BodyField<Fulfilment>(
        "fulfilment", .one(of: OperatorAdmin.fulfilmentsServed.map(\.rawValue))
    ) { fields, name, _ in
        guard let text = fields.string(name, characters: 1...64) else { return nil }
        if let found = OperatorAdmin.fulfilmentsServed.first(where: { $0.rawValue == text }) { return found }
        let names = OperatorAdmin.fulfilmentsServed.map(\.rawValue).joined(separator: ", ")
        let isKnown = Fulfilment(rawValue: text) != nil
        fields.fail(
            name, code: isKnown ? "unavailable" : "choice",
            detail: isKnown ? "cannot be served here yet; available are \(names)" : "must be one of \(names)")
        return nil
    }

    static let newProduct = Body(
        Field.sku("sku"), Field.text("name", 1...200), fulfilment, Field.bool("hidden").or(false),
        Field.part(PlanTerms.body)
    ).map { sku, name, fulfilment, isHidden, plan in
        CreateProduct(
            sku: sku, name: name, fulfilment: fulfilment, isHidden: isHidden, days: plan.days,
            retailPrice: plan.retailPrice, wholesalePrice: plan.wholesalePrice)
    }
    static let productChange = Body.change(
        Field.text("name", 1...200).omittable, fulfilment.omittable, Field.bool("hidden").omittable,
        PlanTerms.days.clearable, PlanTerms.retailPrice.clearable, PlanTerms.wholesalePrice.clearable
    ).checkedFirst { fields in
        if fields.has("sku") { fields.fail("sku", code: "immutable", detail: "is the product's name for ever") }
    }
    static let product = Shape<Product>(
        "Product",
        [
            .member("sku", \.sku), .member("name", \.name), .member("fulfilment", \.fulfilment),
            .member("hidden", \.isHidden), .member("days", \.days), .member("retail_price", \.retailPrice),
            .member("wholesale_price", \.wholesalePrice), .currency("currency"), .member("created_at", \.createdAt),
            .member("updated_at", \.updatedAt),
        ])

    static let newPriceRow = PriceRow.body.closed
    struct ResellersPrice {
        let reseller: String
        let row: PricedProduct
    }
    static let priceRow = Shape<ResellersPrice>(
        "PriceRow",
        [
            .member("reseller", \.reseller), .member("sku", \.row.sku), .member("name", \.row.name),
            .member("hidden", \.row.isHidden), .part(PriceRow.members, isDescribedLast: true, \.row.price),
            .currency("currency"),
        ])

    static let country = Schema.named(
        "Country",
        ["id": .string, "name": .string.nullable, "base_price": .decimal, "currency": .string, "updated_at": .time])
    static let newCountry: Schema = ["base_price": price, "name": .text(100).optional]
    static let countryID = Parameter.path("id", .matching("^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"))

    // Files and JSON alike are judged row by row against what there is; every error names its row.
    private static let licenceRow: Schema = [
        "reseller": .text(255), "product": .text(FieldReader.skuCharactersMax),
        "key": .text(LicenceFile.keyCharactersMax), "expiration": .moment,
    ]
    static let licenceStock = Schema.either(
        ["licences": Schema.array(of: licenceRow).with("minItems", .int(1))], licenceRow
    ).orFile("text/csv")
    /// A port, or a range of them.
    private static let portRange = Schema.either(.integer(1...65_535), .matching("^[0-9]{1,5}(-[0-9]{1,5})?$"))
    private static let portRows = Schema.array(
        of: [
            "device": .text(100), "server_ip": Schema.matching("^[0-9A-Za-z.:-]+$").with("maxLength", .int(253)),
            "http_port": portRange, "socks_port": portRange, "country": .text(100), "city": .text(100).optional,
            "carrier": .text(100).optional, "mode": .one(of: PortStockFile.modes.keys.sorted()).optional,
        ], count: 1...PortStockFile.slotsMax)
    static let portStock = Schema.either(["ports": portRows], portRows).orFile("text/csv")
    static let importedPorts: Schema = [
        "ok": .boolean, "imported": .integer, "new_devices": .integer, "mode": .book,
    ]
    static let importedLicences: Schema = ["ok": .boolean, "imported": .integer]
    static let importedPrices: Schema = ["ok": .boolean, "rows": .integer]
    static let slot = Schema.named(
        "Slot",
        [
            "device": .string, "server_ip": .string, "http_port": .integer, "socks_port": .integer,
            "country": .string, "city": .string.nullable, "carrier": .string.nullable, "mode": .string,
            "status": .choice(OperatorAdmin.SlotState.self), "port": .string.nullable, "created_at": .time,
        ])
    static let licence = Schema.named(
        "Licence",
        [
            "key": .string, "product": .string, "reseller": .string.nullable, "expiration": .time,
            "created_at": .time, "held_until": .time.nullable, "assigned_at": .time.nullable,
            "discord_user_id": .string.nullable,
        ])
}
