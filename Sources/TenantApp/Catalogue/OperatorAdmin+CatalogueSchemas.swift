import CallKit
import HTTPCore
import TenantRegistry

/// The catalogue, prices and stock.
extension OperatorAdmin.Schemas {
    private static let fulfilment = Field.choice("fulfilment", Fulfilment.self)

    static let newProduct = Body(
        Field.sku("sku"), Field.text("name", 1...200), fulfilment, Field.bool("hidden").or(false),
        Field.part(PlanTerms.body), Field.object("list", ListPrices.body).or(.none)
    ).map { sku, name, fulfilment, isHidden, plan, list in
        CreateProduct(
            sku: sku, name: name, fulfilment: fulfilment, isHidden: isHidden, days: plan.days,
            retailPrice: plan.retailPrice, wholesalePrice: plan.wholesalePrice, list: list)
    }
    static let productChange = Body.change(
        Field.text("name", 1...200).omittable, fulfilment.omittable, Field.bool("hidden").omittable,
        PlanTerms.days.clearable, PlanTerms.retailPrice.clearable, PlanTerms.wholesalePrice.clearable,
        Field.object("list", ListPrices.change).clearable
    ).checkedFirst { fields in
        if fields.has("sku") { fields.fail("sku", code: "immutable", detail: "is the product's name for ever") }
    }
    static let product = Shape<Product>(
        "Product",
        [
            .member("sku", \.sku), .member("name", \.name), .member("fulfilment", \.fulfilment),
            .member("hidden", \.isHidden), .member("days", \.days), .member("retail_price", \.retailPrice),
            .member("wholesale_price", \.wholesalePrice),
            .objectOrNull("list", ListPrices.shape) { $0.list.isEmpty ? nil : $0.list }, .currency("currency"),
            .member("created_at", \.createdAt), .member("updated_at", \.updatedAt),
        ])

    static let newPriceRow = PriceRow.change
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

    static let effectDays = Parameter.query("effect_days", .integer(1...PriceEffect.daysMax))
    static let sheetRow = Shape<SheetRow>(
        "SheetRow",
        [
            .member("reseller", \.reseller.publicID),
            .member("reseller_name") { $0.reseller.company ?? $0.reseller.name },
            .member("reseller_status", \.reseller.state), .member("sku", \.product.sku),
            .member("name", \.product.name),
            .member("hidden", \.product.isHidden),
            .objectOrNull("list", ListPrices.shape) { $0.product.list.isEmpty ? nil : $0.product.list },
            .objectOrNull("price", pricedTerms, \.price), .currency("currency"),
        ])

    private static let pricedTerms = Shape<PriceRow>("Prices", PriceRow.members)
    static let priceChange = Shape<PriceChange>(
        "PriceChange",
        [
            .member("at", \.at), .member("reseller", \.resellerPublicID), .member("sku", \.sku),
            .member("way", \.author.way), .member("key", \.keyPublicID), .member("account", \.account),
            .member("request_id") { $0.author.requestID == .none ? nil : $0.author.requestID.text },
            .objectOrNull("from", pricedTerms, \.old), .objectOrNull("to", pricedTerms, \.new), .currency("currency"),
        ])

    static let country = Shape<PortCountry>(
        "Country",
        [
            .member("id", \.publicID), .member("name", as: .string.nullable, \.name),
            .member("base_price", \.basePrice),
            .currency("currency"), .member("updated_at", \.updatedAt),
        ])
    static let newCountry = Body(Field.money("base_price", AmountRule.prices), Field.text("name", 1...100).optional)
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
    static let importedLicences: Schema = ["ok": .boolean, "imported": .integer, "expired": .integer.omittable]
    /// Applied, or tried.
    static let importedPrices = Schema.either(
        ["ok": .boolean, "rows": .integer], ImportTrial.schema + ["effect": PriceEffect.schema.omittable])
    static let importedProducts = Schema.either(
        ["ok": .boolean, "rows": .integer, "new": .integer], ImportTrial.schema)
    private static let slotMembers: [Shape<PortSlot>.Member] = [
        .member("device", \.deviceName), .member("server_ip", \.serverIP), .member("http_port", \.httpPort),
        .member("socks_port", \.socksPort), .member("country", \.countryID), .member("city", \.city),
        .member("carrier", \.carrier),
        .member("mode") { $0.isExclusiveCapable ? "exclusive-capable" : "shared" },
        .member("status", \.state), .member("port", \.portID), .member("created_at", \.createdAt),
        .member("withdrawn_at", \.withdrawnAt),
    ]
    static let slot = Shape<PortSlot>("Slot", slotMembers)
    static let usedSlot = Shape<UsedSlot>([
        .part(slotMembers, \.slot), .member("reseller", \.reseller), .member("customer", \.port?.customerPublicID),
        .member("expires_at", \.port?.expiresAt),
    ])

    private static let licenceKeys = BodyField<[String]>(
        "keys", .array(of: .id(LicenceFile.keyCharactersMax), count: 1...CorrectLicences.keysMax)
    ) { fields, name, _ in
        guard let elements = fields.array(name, count: 1...CorrectLicences.keysMax) else { return nil }
        var keys: [String] = []
        for (index, element) in elements.enumerated() {
            let place = String(index)
            var one = FieldReader(.object([JSONMember(name: place, value: element)]), at: "/\(name)")
            if let key = one.string(place, characters: 1...LicenceFile.keyCharactersMax, .id) {
                if keys.contains(key) { one.fail(place, code: "duplicate", detail: "stands twice") }
                keys.append(key)
            }
            fields.absorb(one)
        }
        return fields.errors.isEmpty ? keys : nil
    }
    static let withdrawnLicences = Body(licenceKeys)
    static let movedLicences = Body(
        licenceKeys, Field.id("reseller", 255).optional,
        Field.id("product", FieldReader.skuCharactersMax).optional
    ).made { values, fields in
        guard values.1 == nil && values.2 == nil else { return values }
        fields.failWhole(code: "required", detail: "must name a reseller, a product or both")
        return nil
    }.described { $0.needingOne(of: ["reseller", "product"]) }
    struct CorrectedLicences {
        let count: Int
        let book: Book
    }
    static let correctedLicences = Shape<CorrectedLicences>([
        .ok, .member("licences", \.count), .member("mode", \.book),
    ])
    static let licenceWithdrawal = Shape<LicenceWithdrawal>(
        "LicenceWithdrawal",
        [
            .member("key", \.key), .member("product", \.sku), .member("reseller", \.reseller),
            .member("expiration", \.expiresAt), .member("created_at", \.createdAt), .member("withdrawn_at", \.at),
            .member("account", \.account), .member("moved_to", \.successorReseller),
            .member("moved_to_product", \.successorSKU),
        ])

    struct StockedLicence {
        let licence: Licence
        let reseller: String?
        let assignee: String?
        let at: Timestamp
    }
    static let licence = Shape<StockedLicence>(
        "Licence",
        [
            .member("key", \.licence.key), .member("product", \.licence.sku), .member("reseller", \.reseller),
            .member("expiration", \.licence.expiresAt), .member("created_at", \.licence.createdAt),
            .member("held_until") { $0.licence.heldUntil > $0.at ? $0.licence.heldUntil : nil },
            .member("assigned_at", \.licence.assignedAt), .member("discord_user_id", \.assignee),
        ])
}
