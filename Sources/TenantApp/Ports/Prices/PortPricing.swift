package import CallKit

/// A mark-up in per cent with at most four digits after the point, as parts per million; it may be over 100.
///
/// Invariant: 0…10,000 per cent. A value: any thread.
package struct MarkUp: Sendable, Hashable {
    package let partsPerMillion: Int64

    package static let percentMax: Int64 = 10_000
    package static let standard = MarkUp(unchecked: 200_000)

    package init?(partsPerMillion: Int64) {
        guard 0...Self.percentMax * 10_000 ~= partsPerMillion else { return nil }
        self.partsPerMillion = partsPerMillion
    }

    private init(unchecked partsPerMillion: Int64) { self.partsPerMillion = partsPerMillion }

    /// Without zeros at its end: `25`, `12.5`.
    package var decimal: String { Self.text(partsPerMillion) }

    /// Any parts per million of one as per cent; negative too.
    package static func text(_ partsPerMillion: Int64) -> String {
        ExactDecimal.text(partsPerMillion, scale: Percent.fractionDigits, fractionDigitsMin: 0)
    }
}

/// What a cost is multiplied with, at most six digits after the point, in millionths.
///
/// Invariant: 0…1,000. A value: any thread.
package struct Multiplier: Sendable, Hashable {
    package let millionths: Int64

    package static let most: Int64 = 1_000
    package static let fractionDigits = 6

    package init?(millionths: Int64) {
        guard 0...Self.most * 1_000_000 ~= millionths else { return nil }
        self.millionths = millionths
    }

    package var decimal: String {
        ExactDecimal.text(millionths, scale: Self.fractionDigits, fractionDigitsMin: 0)
    }
}

/// How a price book makes a price of a cost (X2).
package enum PricingMode: String, Sendable, CaseIterable {
    /// A percentage on the cost.
    case margin
    /// A price a day, whatever the cost.
    case fixed
    case multiplier
}

/// What one level of a price book says: a country's, that of ports or traffic, or the default.
package struct PricingLevel: Sendable, Equatable {
    package var margin: MarkUp?
    package var fixed: Money?
    package var multiplier: Multiplier?

    package init(margin: MarkUp? = nil, fixed: Money? = nil, multiplier: Multiplier? = nil) {
        self.margin = margin
        self.fixed = fixed
        self.multiplier = multiplier
    }

    package var isEmpty: Bool { margin == nil && fixed == nil && multiplier == nil }

    /// The rule of this mode, where the level has one.
    package func rule(_ mode: PricingMode) -> PricingRule? {
        switch mode {
        case .margin: margin.map { .margin($0) }
        case .fixed: fixed.map { .fixed($0) }
        case .multiplier: multiplier.map { .multiplier($0) }
        }
    }

    /// The rule of this mode, else whichever the level has: a country's override speaks for itself.
    package func anyRule(_ mode: PricingMode) -> PricingRule? {
        rule(mode) ?? PricingMode.allCases.lazy.compactMap { rule($0) }.first
    }
}

/// The one rule that a price comes from.
package enum PricingRule: Sendable, Equatable {
    case margin(MarkUp)
    case fixed(Money)
    case multiplier(Multiplier)
}

/// What is priced, and what it is counted in.
package enum PricedThing: String, Sendable, CaseIterable {
    case port
    case traffic
}

/// A reseller's price book: what it charges its own customers; what it pays is the base price (X2).
/// Pure: any thread.
package struct PortPricebook: Sendable, Equatable {
    package var mode = PricingMode.margin
    package var defaults = PricingLevel(margin: .standard)
    package var port = PricingLevel(margin: .standard)
    package var traffic = PricingLevel(margin: .standard)

    package init() {}

    /// Country override > port or traffic pricing > default. A mode for which no level has anything falls back to
    /// margins.
    package func rule(for thing: PricedThing, country override: PricingLevel?) -> (rule: PricingRule, isOverride: Bool)
    {
        if let rule = override?.anyRule(mode) { return (rule, true) }
        let level = thing == .port ? port : traffic
        let rule = level.rule(mode) ?? defaults.rule(mode) ?? level.rule(.margin) ?? defaults.rule(.margin)
        return (rule ?? .margin(.standard), false)
    }
}

/// What a reseller pays for something and what it charges for it.
package struct PortPrice: Sendable, Equatable {
    /// Base price × days, to the minor unit.
    package let cost: Money
    /// By the rule, less the customer's discount, to the minor unit.
    package let resellerPrice: Money
    package let margin: Money
    /// The mark-up that comes of rule and discount, before rounding; negative where it sells under its cost.
    package let marginPartsPerMillion: Int64

    /// `quantity`: days of a port. Each amount is rounded once, half up (W3), but what is more than nothing is one
    /// minor unit at least: ports are bought and renewed day by day (0060).
    package init(
        base: Money, quantity: Int64, rule: PricingRule, discount: Percent, minorUnitDigits: Int
    ) throws(MoneyError) {
        let cost = try UnitPrice(picos: Int128(base.micros) * 1_000_000)
            .charge(quantity: quantity, minorUnitDigits: minorUnitDigits)
        let kept = Int128(Percent.hundred.partsPerMillion - discount.partsPerMillion)
        // In picos: a price in micros times a share in millionths, the share rounded nowhere.
        let price: Money
        let change: Int128
        switch rule {
        case .fixed(let fixed):
            price = try UnitPrice(picos: Int128(fixed.micros) * kept)
                .charge(quantity: quantity, minorUnitDigits: minorUnitDigits)
            let daily = Int128(base.micros)
            change = daily == 0 ? 0 : Self.divided((Int128(fixed.micros) * kept - daily * 1_000_000), by: daily)
        case .margin(let markUp):
            let factor = Int128(1_000_000 + markUp.partsPerMillion)
            price = try Self.line(base, factor: factor, kept, quantity, minorUnitDigits)
            change = Self.divided(factor * kept, by: 1_000_000) - 1_000_000
        case .multiplier(let multiplier):
            let factor = Int128(multiplier.millionths)
            price = try Self.line(base, factor: factor, kept, quantity, minorUnitDigits)
            change = Self.divided(factor * kept, by: 1_000_000) - 1_000_000
        }
        self.cost = cost
        resellerPrice = price
        margin = try price.subtracting(cost)
        marginPartsPerMillion = Int64(clamping: change)
    }

    /// base × quantity × factor × kept, the last two in millionths, rounded once: more than nothing is one unit at
    /// least.
    private static func line(
        _ base: Money, factor: Int128, _ kept: Int128, _ quantity: Int64, _ digits: Int
    ) throws(MoneyError) -> Money {
        let (amount, overflow) = (Int128(base.micros) * Int128(quantity)).multipliedReportingOverflow(by: factor * kept)
        guard !overflow else { throw .overflow }
        let unit = Int128(Money.powerOfTen(Money.fractionDigits - digits))
        let units = max(divided(amount, by: 1_000_000_000_000 * unit), amount > 0 ? 1 : 0)
        let (micros, tooLarge) = units.multipliedReportingOverflow(by: unit)
        guard !tooLarge, let micros = Int64(exactly: micros) else { throw .overflow }
        return Money(micros: micros)
    }

    /// Half away from zero.
    private static func divided(_ value: Int128, by divisor: Int128) -> Int128 {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest.magnitude * 2 >= divisor.magnitude ? quotient + (value < 0 ? -1 : 1) : quotient
    }
}
