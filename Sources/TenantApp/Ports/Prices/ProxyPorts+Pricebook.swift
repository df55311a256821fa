import CallKit
import HTTPCore
import TenantRegistry

/// What a reseller charges its customers (X2): read by any key of the reseller, written by one that may write (X1).
extension ProxyPorts {
    static let pricebook: [Route] = [
        Route(
            .get, "/reseller/countries", "List countries and their base prices", access: .reseller([]),
            isTagged: true, parameters: .page(), gives: Schemas.list("countries", Schemas.country)
        ) { call in
            let page = try Paging(call)
            return .read { tenant in
                let rows = try tenant.portCountries(after: page.after, limit: page.fetch)
                return list("countries", rows, page, id: \.id) { country, json in
                    json.field("_id", country.publicID)
                    json.field("name", country.name)
                    json.field("basePrice", raw: tenant.decimal(country.basePrice))
                    json.field("currency", tenant.currency.code)
                }
            }
        },
        Route(
            .get, "/reseller/pricebook", "Read your price book", access: .reseller([]), isTagged: true,
            gives: .read(Schemas.pricebook)
        ) { call in
            .read { tenant in try answer(tenant, call) }
        },
        Route(
            .put, "/reseller/pricebook", "Change your price book; what is left out stays",
            access: .resellerWithAny(.writes), moves: .oneBook,
            takes: Schemas.pricebookChange, gives: .done(Schemas.pricebook)
        ) {
            call in
            let change = try pricebookChange(call)
            return .write { tenant, detail in
                try change.run(tenant, &detail)
                return try answer(tenant, call)
            }
        },
        Route(
            .post, "/reseller/pricebook/country-override", "Price a country of its own; null takes its price away",
            access: .resellerWithAny(.writes), moves: .oneBook,
            idempotency: .accepted, takes: Schemas.newOverride, gives: .made(Schemas.override)
        ) { call in
            var fields = try call.fields()
            let sentID = fields.string("countryId", characters: 1...100, .id)
            fields.expectAny(of: ["marginPercent", "fixedPrice", "multiplier"])
            let level = fields.pricingLevel()
            let countryID = try fields.finish(sentID)
            return .write { tenant, detail in
                guard let country = try tenant.portCountry(countryID) else { throw Refusal.notFound(.country) }
                try tenant.save(level, country: country.id, resellerID: call.resellerID, book: call.book)
                detail.note("country", country.publicID)
                return .json(201) { json in
                    json.field("countryId", country.publicID)
                    encode(level, tenant, &json)
                }
            }
        },
        Route(
            .post, "/reseller/pricebook/calculate", "Price something; nothing is written", access: .reseller([]),
            moves: .nothing,
            takes: Schemas.calculation, gives: .read(Schemas.calculated)
        ) {
            call in
            let request = try calculation(call)
            return .read { tenant in
                let country = try request.countryID.flatMap { try tenant.portCountry($0) }
                guard let base = request.basePrice ?? country?.basePrice else {
                    throw Refusal.field("/basePrice", "required", "is required without a known countryId")
                }
                let discount = try request.customerID.map {
                    try tenant.portCustomerDiscount($0, resellerID: call.resellerID, book: call.book)
                }
                let result = try PricePort(
                    thing: request.thing, basePrice: base, quantity: request.quantity, country: country,
                    discount: discount ?? .zero, resellerID: call.resellerID, book: call.book
                ).run(tenant)
                return .json { json in
                    json.field("basePrice", raw: tenant.decimal(result.price.cost))
                    json.field("resellerPrice", raw: tenant.decimal(result.price.resellerPrice))
                    json.field("marginAmount", raw: tenant.decimal(result.price.margin))
                    json.field("marginPercent", raw: MarkUp.text(result.price.marginPartsPerMillion))
                    json.array("appliedRules") { json in for rule in result.appliedRules { json.element(rule) } }
                }
            }
        },
    ]

    // MARK: Reading

    private static let changeable = [
        "pricingMode", "defaultMarginPercent", "fixedPrice", "multiplier", "portPricing", "trafficPricing",
    ]

    private static func pricebookChange(_ call: Call) throws -> ChangePortPricebook {
        var fields = try call.fields()
        fields.expectChange(
            of: changeable, clearable: ["fixedPrice", "multiplier", "portPricing", "trafficPricing"])
        var change = ChangePortPricebook(resellerID: call.resellerID, book: call.book)
        change.mode = fields.optionalChoice("pricingMode", as: PricingMode.self)
        change.defaults = fields.levelChange(margin: "defaultMarginPercent")
        change.port = fields.nestedLevelChange("portPricing")
        change.traffic = fields.nestedLevelChange("trafficPricing")
        try fields.finish()
        return change
    }

    private struct Calculation: Sendable {
        var thing: PricedThing
        var basePrice: Money?
        var quantity: Int64
        var countryID: String?
        var customerID: String?
    }

    private static func calculation(_ call: Call) throws -> Calculation {
        var fields = try call.fields()
        let thing = fields.optionalChoice("type", as: PricedThing.self) ?? .port
        let base = fields.optionalMoney("basePrice", in: AmountRule.prices)
        let quantity =
            switch thing {
            case .port: fields.optionalInteger("days", in: 1...PricePort.daysMax)
            case .traffic: fields.optionalInteger("gigabytes", in: 1...PricePort.gigabytesMax)
            }
        let countryID = fields.optionalString("countryId", characters: 1...100, .id)
        let customerID = fields.optionalString("customerId", characters: 1...100, .id)
        try fields.finish()
        return Calculation(
            thing: thing, basePrice: base, quantity: quantity ?? 1, countryID: countryID, customerID: customerID)
    }

    // MARK: Writing

    private static func answer(_ tenant: TenantReader, _ call: Call) throws -> Answer {
        let pricebook = try tenant.portPricebook(resellerID: call.resellerID, book: call.book)
        let overrides = try tenant.countryOverrides(resellerID: call.resellerID, book: call.book)
        return .json { json in
            json.field("pricingMode", pricebook.mode.rawValue)
            json.field("defaultMarginPercent", raw: pricebook.defaults.margin?.decimal)
            json.field("fixedPrice", raw: pricebook.defaults.fixed.map { tenant.decimal($0) })
            json.field("multiplier", raw: pricebook.defaults.multiplier?.decimal)
            json.object("portPricing") { json in encode(pricebook.port, tenant, &json) }
            json.object("trafficPricing") { json in encode(pricebook.traffic, tenant, &json) }
            json.array("countryOverrides") { json in
                for override in overrides {
                    json.object { json in
                        json.field("countryId", override.countryID)
                        encode(override.level, tenant, &json)
                    }
                }
            }
            json.field("currency", tenant.currency.code)
        }
    }

    private static func encode(_ level: PricingLevel, _ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("marginPercent", raw: level.margin?.decimal)
        json.field("fixedPrice", raw: level.fixed.map { tenant.decimal($0) })
        json.field("multiplier", raw: level.multiplier?.decimal)
    }
}

extension FieldReader {
    fileprivate mutating func pricingLevel() -> PricingLevel {
        PricingLevel(
            margin: optionalMarkUp("marginPercent"), fixed: optionalMoney("fixedPrice", in: AmountRule.prices),
            multiplier: optionalMultiplier("multiplier"))
    }

    fileprivate mutating func levelChange(margin: String) -> ChangePortPricebook.Level {
        ChangePortPricebook.Level(
            margin: change(margin) { $0.optionalMarkUp(margin) },
            fixed: change("fixedPrice") { $0.optionalMoney("fixedPrice", in: AmountRule.prices) },
            multiplier: change("multiplier") { $0.optionalMultiplier("multiplier") })
    }

    /// Null clears the whole level.
    fileprivate mutating func nestedLevelChange(_ name: String) -> ChangePortPricebook.Level? {
        if has(name) && isNull(name) { return .cleared }
        guard var nested = optionalObject(name) else { return nil }
        let names = ["marginPercent", "fixedPrice", "multiplier"]
        nested.expectChange(of: names, clearable: names)
        let change = nested.levelChange(margin: "marginPercent")
        absorb(nested)
        return change
    }
}
