import CallKit
package import HTTPCore

/// Mark-ups and multipliers in request bodies: numbers, or strings of them.
extension FieldReader {
    package mutating func optionalMarkUp(_ name: String) -> MarkUp? {
        optionalNumberText(name).flatMap { text in
            scaled(text, name, digits: Percent.fractionDigits, most: MarkUp.percentMax, MarkUp.init(partsPerMillion:))
        }
    }

    package mutating func optionalMultiplier(_ name: String) -> Multiplier? {
        optionalNumberText(name).flatMap { text in
            scaled(text, name, digits: Multiplier.fractionDigits, most: Multiplier.most, Multiplier.init(millionths:))
        }
    }

    private mutating func scaled<Value>(
        _ text: String, _ name: String, digits: Int, most: Int64, _ make: (Int64) -> Value?
    ) -> Value? {
        do throws(ExactDecimal.Failure) {
            if let value = make(try ExactDecimal.parse(text, scale: digits)) { return value }
            fail(name, code: "range", detail: "must be from 0 to \(most)")
        } catch {
            switch error {
            case .syntax: fail(name, code: "format", detail: Self.decimalExpected)
            case .precision: fail(name, code: "format", detail: "must have at most \(digits) digits after the point")
            case .overflow: fail(name, code: "range", detail: "must be from 0 to \(most)")
            }
        }
        return nil
    }
}
