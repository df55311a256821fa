import CallKit
import HTTPCore
import TenantRegistry

/// The catalogue, prices and stock.
extension OperatorAdmin.Schemas {
    private static let fulfilment = Schema.one(of: OperatorAdmin.fulfilmentsServed.map(\.rawValue))
    private static let days = Schema.integer(1...Plan.daysMax)
    private static let price = Schema.amount(AmountRule.prices)

    /// What makes a product a plan of activation codes.
    private static let planTerms: Schema = [
        "days": days.optional, "retail_price": price.optional, "wholesale_price": price.optional,
    ]
    static let newProduct: Schema =
        [
            "sku": Schema.matching("^[A-Za-z0-9][A-Za-z0-9._-]*$").with(
                "maxLength", .int(FieldReader.skuCharactersMax)),
            "name": .text(200), "fulfilment": fulfilment, "hidden": .boolean.optional,
        ] + planTerms
    static let productChange = Schema.change(
        [
            "name": .text(200).omittable, "fulfilment": fulfilment.omittable, "hidden": .boolean.omittable,
        ] + planTerms)
    static let product = Schema.named(
        "Product",
        [
            "sku": .string, "name": .string, "fulfilment": .choice(Fulfilment.self), "hidden": .boolean,
            "days": .integer.nullable, "retail_price": .decimal.nullable, "wholesale_price": .decimal.nullable,
            "currency": .string, "created_at": .time,
            "updated_at": .time,
        ])

    static let newPriceRow =
        (members(
            price.optional, .percent.optional, .boolean.optional,
            .integer(0...PriceColumn.quantityMax).optional)).closed
    static let priceRow = Schema.named(
        "PriceRow",
        ["reseller": .string, "sku": .string, "name": .string, "hidden": .boolean, "currency": .string]
            + members(.decimal.nullable, .decimal.nullable, .boolean, .integer.nullable))

    private static func members(_ price: Schema, _ rate: Schema, _ flag: Schema, _ count: Schema) -> Schema {
        PriceColumn.allCases.reduce([:]) { schema, column in
            let member =
                switch column {
                case .monthly, .quarterly, .semiAnnual, .annual, .hourly, .setupFee, .once: price
                case .discountRateOverride: rate
                case .isEnabled: flag
                case .maxQuantity: count
                }
            return schema + Schema(dictionaryLiteral: (column.rawValue, member))
        }
    }

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
