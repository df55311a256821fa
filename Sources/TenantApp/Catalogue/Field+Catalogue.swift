package import CallKit
package import HTTPCore

extension FieldReader {
    package static let skuCharactersMax = 64
}

extension Field {
    /// `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`: it stands in paths and in files.
    package static func sku(_ name: String) -> BodyField<String> {
        let schema = Schema.matching("^[A-Za-z0-9][A-Za-z0-9._-]*$").with(
            "maxLength", .int(FieldReader.skuCharactersMax))
        return BodyField(name, schema) { fields, name, _ in
            guard let text = fields.string(name, characters: 1...FieldReader.skuCharactersMax) else { return nil }
            let isPlain = text.utf8.enumerated().allSatisfy { index, byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                case 0x2E, 0x2D, 0x5F: index > 0
                default: false
                }
            }
            guard isPlain else {
                fields.fail(name, code: "format", detail: "must be letters, digits, dots, dashes and underscores")
                return nil
            }
            return text
        }
    }
}

/// What makes a product a plan of activation codes, where all three are there (O4, A2).
package struct PlanTerms: Sendable {
    package let days: Int64?
    package let retailPrice: Money?
    package let wholesalePrice: Money?

    static let days = Field.integer("days", 1...Plan.daysMax)
    static let retailPrice = Field.money("retail_price", AmountRule.prices)
    static let wholesalePrice = Field.money("wholesale_price", AmountRule.prices)

    package static let body = Body(days.optional, retailPrice.optional, wholesalePrice.optional).map {
        days, retailPrice, wholesalePrice in
        PlanTerms(days: days, retailPrice: retailPrice, wholesalePrice: wholesalePrice)
    }
}
