package import HTTPCore

/// Amounts and shares in request bodies: a decimal string (`"12.50"`) or a JSON number, read from its text.
extension FieldReader {
    package mutating func money(
        _ name: String, in range: ClosedRange<Money> = Money.min...Money.max,
        fractionDigitsMax: Int = Money.fractionDigits
    ) -> Money? {
        numberText(name).flatMap { money($0, name, range, fractionDigitsMax) }
    }

    package mutating func optionalMoney(
        _ name: String, in range: ClosedRange<Money> = Money.min...Money.max,
        fractionDigitsMax: Int = Money.fractionDigits
    ) -> Money? {
        optionalNumberText(name).flatMap { money($0, name, range, fractionDigitsMax) }
    }

    /// A JSON number, read from its text; a string is none, for dialects that write amounts as numbers.
    package mutating func moneyNumber(
        _ name: String, in range: ClosedRange<Money>, fractionDigitsMax: Int = Money.fractionDigits
    ) -> Money? {
        switch value(name) {
        case nil, .null, .number: return money(name, in: range, fractionDigitsMax: fractionDigitsMax)
        default:
            fail(name, code: "type", detail: "must be a number")
            return nil
        }
    }

    /// The same of a number that a program may have computed: what binary fractions leave beside an amount is no part
    /// of it.
    package mutating func computedMoneyNumber(_ name: String, in range: ClosedRange<Money>) -> Money? {
        guard case .number(let number)? = value(name), let meant = Money(nearly: number.text) else {
            return moneyNumber(name, in: range)
        }
        return money(meant.decimal(minorUnitDigits: 0), name, range, Money.fractionDigits)
    }

    /// An amount of a file that a program wrote, a JSON number or text: a file has no types where it is CSV.
    package mutating func computedMoney(_ name: String, in range: ClosedRange<Money>) -> Money? {
        guard let text = numberText(name) else { return nil }
        let meant = Money(nearly: text)?.decimal(minorUnitDigits: 0)
        return money(meant ?? text, name, range, Money.fractionDigits)
    }

    /// 0 to 100.
    package mutating func percent(_ name: String) -> Percent? { numberText(name).flatMap { percent($0, name) } }

    package mutating func optionalPercent(_ name: String) -> Percent? {
        optionalNumberText(name).flatMap { percent($0, name) }
    }

    private mutating func money(
        _ text: String, _ name: String, _ range: ClosedRange<Money>, _ fractionDigitsMax: Int
    ) -> Money? {
        do throws(MoneyError) {
            let money = try Money(parsing: text, fractionDigitsMax: fractionDigitsMax)
            guard range.contains(money) else { throw .overflow }
            return money
        } catch {
            switch error {
            case .syntax:
                fail(name, code: "format", detail: fractionDigitsMax == 0 ? Self.wholeExpected : Self.decimalExpected)
            case .precision:
                let most = fractionDigitsMax == 0 ? "no digits" : "at most \(fractionDigitsMax) digits"
                fail(name, code: "format", detail: "must have \(most) after the point")
            case .overflow:
                let (low, high) = (range.lowerBound, range.upperBound)
                fail(
                    name, code: "range",
                    detail: "must be from \(low.decimal(minorUnitDigits: 0)) to \(high.decimal(minorUnitDigits: 0))")
            }
            return nil
        }
    }

    package static let decimalExpected = "must be a decimal number like 12.50, without an exponent"
    /// Of a currency without minor units.
    private static let wholeExpected = "must be a whole number like 1250, without an exponent"

    private mutating func percent(_ text: String, _ name: String) -> Percent? {
        do throws(PercentError) {
            return try Percent(parsing: text)
        } catch {
            switch error {
            case .syntax: fail(name, code: "format", detail: Self.decimalExpected)
            case .precision:
                fail(name, code: "format", detail: "must have at most \(Percent.fractionDigits) digits after the point")
            case .range: fail(name, code: "range", detail: "must be from 0 to 100")
            }
            return nil
        }
    }
}
