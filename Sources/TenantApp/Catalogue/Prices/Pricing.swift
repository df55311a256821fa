package import CallKit

/// An exact price of one unit, in 10⁻¹² of the currency unit: a term price in micros times a share in millionths. Kept
/// unrounded, because only a whole line is rounded (W3). A value: any thread.
package struct UnitPrice: Sendable, Hashable, Comparable {
    let picos: Int128

    package static let none = UnitPrice(picos: 0)
    static let picosPerMicro: Int64 = 1_000_000

    /// With so many units more of another price.
    package func adding(_ price: UnitPrice, times count: Int64) throws(MoneyError) -> UnitPrice {
        try Self.sum([(self, 1), (price, count)])
    }

    package static func < (left: UnitPrice, right: UnitPrice) -> Bool { left.picos < right.picos }

    /// Of so many units each, together.
    package static func sum(_ units: [(price: UnitPrice, count: Int64)]) throws(MoneyError) -> UnitPrice {
        var sum: Int128 = 0
        for (price, count) in units {
            let (picos, isTooMany) = price.picos.multipliedReportingOverflow(by: Int128(count))
            let (next, isTooLarge) = sum.addingReportingOverflow(picos)
            guard !isTooMany, !isTooLarge else { throw .overflow }
            sum = next
        }
        return UnitPrice(picos: sum)
    }

    /// Which way an amount goes that is no whole number of minor units. Below zero each goes as its reversal does.
    package enum Rounding: Sendable {
        case halfUp
        /// A non-zero amount is at least one minor unit.
        case up
    }

    /// `quantity` units, rounded to `minorUnitDigits` (0…6) after the point.
    package func line(
        quantity: Int64, minorUnitDigits: Int, rounding: Rounding = .halfUp
    ) throws(MoneyError) -> Money {
        let (exact, overflow) = picos.multipliedReportingOverflow(by: Int128(quantity))
        guard !overflow else { throw .overflow }
        let unitMicros = Money.powerOfTen(Money.fractionDigits - minorUnitDigits)
        let unitPicos = Int128(unitMicros) * Int128(Self.picosPerMicro)
        var (units, rest) = exact.quotientAndRemainder(dividingBy: unitPicos)
        let isNext = rounding == .up ? rest != 0 : rest.magnitude * 2 >= unitPicos.magnitude
        if isNext { units += exact < 0 ? -1 : 1 }
        let (micros, tooLarge) = units.multipliedReportingOverflow(by: Int128(unitMicros))
        guard !tooLarge, let micros = Int64(exactly: micros) else { throw .overflow }
        return Money(micros: micros)
    }
}

extension UnitPrice {
    /// What is charged by itself, and may be again and again: rounded half up, but one minor unit at least where it
    /// comes to anything (0060).
    package func charge(quantity: Int64, minorUnitDigits: Int) throws(MoneyError) -> Money {
        let amount = try line(quantity: quantity, minorUnitDigits: minorUnitDigits)
        return try amount == .zero
            ? line(quantity: quantity, minorUnitDigits: minorUnitDigits, rounding: .up) : amount
    }
}

/// What a reseller pays (W3). Pure: any thread.
package enum Pricing {
    /// The row's override where it is set (0 counts), else the reseller's default.
    package static func rate(override: Percent?, default standard: Percent) -> Percent { override ?? standard }

    /// Term price × (1 − rate/100), exact.
    package static func unit(termPrice: Money, rate: Percent) -> UnitPrice {
        UnitPrice(picos: Int128(termPrice.micros) * Int128(Percent.hundred.partsPerMillion - rate.partsPerMillion))
    }

    /// round(quantity × unit price), half up to the minor unit.
    package static func line(
        termPrice: Money, rate: Percent, quantity: Int64, minorUnitDigits: Int
    ) throws(MoneyError) -> Money {
        try unit(termPrice: termPrice, rate: rate).line(quantity: quantity, minorUnitDigits: minorUnitDigits)
    }

    /// What a renewal of one unit costs.
    package static func renewal(termPrice: Money, rate: Percent, minorUnitDigits: Int) throws(MoneyError) -> Money {
        try unit(termPrice: termPrice, rate: rate).charge(quantity: 1, minorUnitDigits: minorUnitDigits)
    }

    /// The setup fee of every unit: no fee is 0, it is not discounted, and it is rounded apart from the line.
    package static func setup(fee: Money?, quantity: Int64, minorUnitDigits: Int) throws(MoneyError) -> Money {
        try line(termPrice: fee ?? .zero, rate: .zero, quantity: quantity, minorUnitDigits: minorUnitDigits)
    }

    /// An order of hourly units needs balance for so many hours of them and of all that the reseller has (W3).
    package static let hoursInAdvance: Int64 = 24
}

/// The five term prices of a price row; nil where the term is not sold (W2, W4 `term_not_priced`).
package struct TermPrices: Sendable, Hashable {
    package var monthly: Money?
    package var quarterly: Money?
    package var semiAnnual: Money?
    package var annual: Money?
    package var hourly: Money?

    package init(
        monthly: Money? = nil, quarterly: Money? = nil, semiAnnual: Money? = nil, annual: Money? = nil,
        hourly: Money? = nil
    ) {
        self.monthly = monthly
        self.quarterly = quarterly
        self.semiAnnual = semiAnnual
        self.annual = annual
        self.hourly = hourly
    }

    package subscript(term: Term) -> Money? {
        get {
            switch term {
            case .monthly: monthly
            case .quarterly: quarterly
            case .semiAnnual: semiAnnual
            case .annual: annual
            case .hourly: hourly
            }
        }
        set {
            switch term {
            case .monthly: monthly = newValue
            case .quarterly: quarterly = newValue
            case .semiAnnual: semiAnnual = newValue
            case .annual: annual = newValue
            case .hourly: hourly = newValue
            }
        }
    }
}
