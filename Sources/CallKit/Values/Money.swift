/// An amount in a tenant's one currency, in micros: 10⁻⁶ of the currency unit (0006).
///
/// Invariant: exact; arithmetic that would leave Int64 throws `MoneyError.overflow`, nothing rounds but `rounded`.
/// A value: any thread.
package struct Money: Sendable, Hashable, Comparable {
    package let micros: Int64

    package static let fractionDigits = 6
    package static let zero = Money(micros: 0)
    package static let min = Money(micros: .min)
    package static let max = Money(micros: .max)

    package init(micros: Int64) { self.micros = micros }

    /// Reads `-?\d+(\.\d+)?`. A digit other than zero past
    /// `fractionDigitsMax` (0…6) throws `.precision`: nothing is rounded silently.
    package init(parsing text: String, fractionDigitsMax: Int = Money.fractionDigits) throws(MoneyError) {
        do throws(ExactDecimal.Failure) {
            let scaled = try ExactDecimal.parse(text, scale: fractionDigitsMax)
            micros = try Self.powerOfTen(Self.fractionDigits - fractionDigitsMax).timesChecked(scaled)
        } catch {
            switch error {
            case .syntax: throw .syntax
            case .precision: throw .precision
            case .overflow: throw .overflow
            }
        }
    }

    /// What a number with binary fractions behind it was meant to be: 0.1 + 0.2, which programs write as
    /// 0.30000000000000004, is 0.3. Its distance to six digits is less than 10⁻⁹, and there are digits beyond nine; nil
    /// for any other text, which `init(parsing:)` judges.
    package init?(nearly text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= ExactDecimal.charactersMax,
            parts[1].utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let kept = try? Money(parsing: "\(parts[0]).\(parts[1].prefix(Self.fractionDigits))")
        else { return nil }
        let beside = parts[1].utf8.dropFirst(Self.fractionDigits)
        let (near, rest) = (beside.prefix(Self.nearDigits), beside.dropFirst(Self.nearDigits))
        guard rest.contains(where: { $0 != 0x30 }) else { return nil }
        if near.allSatisfy({ $0 == 0x30 }) {
            self = kept
        } else if near.allSatisfy({ $0 == 0x39 }),
            let next = try? kept.adding(Money(micros: text.hasPrefix("-") ? -1 : 1))
        {
            self = next
        } else {
            return nil
        }
    }

    /// So many digits behind those that are kept are all zeros or all nines where it is nearly an amount.
    private static let nearDigits = 3

    package static func < (left: Money, right: Money) -> Bool { left.micros < right.micros }

    package var isNegative: Bool { micros < 0 }

    package func adding(_ other: Money) throws(MoneyError) -> Money {
        try Self.checked(micros.addingReportingOverflow(other.micros))
    }

    package func subtracting(_ other: Money) throws(MoneyError) -> Money {
        try Self.checked(micros.subtractingReportingOverflow(other.micros))
    }

    package func times(_ quantity: Int64) throws(MoneyError) -> Money {
        try Self.checked(micros.multipliedReportingOverflow(by: quantity))
    }

    package func negated() throws(MoneyError) -> Money { try Money.zero.subtracting(self) }

    /// To whole minor units (`digits` 0…6 after the point), half up; below zero half away from zero, so that the
    /// reversal of a rounded amount is the rounded reversal.
    package func rounded(toMinorUnitDigits digits: Int) throws(MoneyError) -> Money {
        let unit = Self.powerOfTen(Self.fractionDigits - digits)
        let (quotient, remainder) = micros.quotientAndRemainder(dividingBy: unit)
        guard remainder.magnitude * 2 >= unit.magnitude else { return Money(micros: quotient * unit) }
        let away: Int64 = micros < 0 ? -1 : 1
        return try Self.checked((quotient + away).multipliedReportingOverflow(by: unit))
    }

    /// Whether it is a whole number of minor units.
    package func isWhole(inMinorUnitDigits digits: Int) -> Bool {
        micros % Self.powerOfTen(Self.fractionDigits - digits) == 0
    }

    /// The minor units at least (`25.00`), more digits only where they are not zero (`0.0015`).
    package func decimal(minorUnitDigits: Int) -> String {
        ExactDecimal.text(micros, scale: Self.fractionDigits, fractionDigitsMin: minorUnitDigits)
    }

    private static func checked(_ result: (partialValue: Int64, overflow: Bool)) throws(MoneyError) -> Money {
        guard !result.overflow else { throw .overflow }
        return Money(micros: result.partialValue)
    }

    /// `exponent` 0…6.
    package static func powerOfTen(_ exponent: Int) -> Int64 {
        precondition((0...fractionDigits).contains(exponent), "a currency has 0 to 6 digits after the point")
        var power: Int64 = 1
        for _ in 0..<exponent { power *= 10 }
        return power
    }
}

package enum MoneyError: Error, Equatable {
    case overflow
    /// The text is no decimal number.
    case syntax
    /// It has more digits after the point than are kept.
    case precision
}

extension Int64 {
    fileprivate func timesChecked(_ other: Int64) throws(ExactDecimal.Failure) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        guard !overflow else { throw .overflow }
        return product
    }
}
