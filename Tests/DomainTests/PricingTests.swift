import CallKit
import TenantApp
import TestSeeds
import Testing

private func money(_ text: String) throws -> Money { try Money(parsing: text) }

@Suite struct PricingRules {
    /// A row with every other term set, so that "not sold" is tried for each.
    static let populated: [Set<Term>] = [
        Set(Term.allCases), [.monthly, .semiAnnual, .hourly], [.quarterly, .annual], [],
    ]
    static let overrides: [String?] = [nil, "0", "12.5", "33.3333", "100"]
    static let defaults = ["0", "10", "99.9999", "100"]

    @Test(
        "W3 unit price is term price less the override, else the default; 0 counts; a term not sold has none",
        arguments: populated)
    func terms(sold: Set<Term>) throws {
        var prices = TermPrices()
        for (index, term) in Term.allCases.enumerated() where sold.contains(term) {
            prices[term] = try money(["9.99", "27.49", "0.01", "99.95", "0.013333"][index])
        }
        for term in Term.allCases {
            #expect((prices[term] != nil) == sold.contains(term))
            guard let price = prices[term] else { continue }
            for override in Self.overrides {
                for standard in Self.defaults {
                    let set = try override.map { try Percent(parsing: $0) }
                    let rate = Pricing.rate(override: set, default: try Percent(parsing: standard))
                    #expect(rate.decimal == override ?? standard)
                    for quantity in [1, 2, 3, 7, 100] as [Int64] {
                        let line = try Pricing.line(
                            termPrice: price, rate: rate, quantity: quantity, minorUnitDigits: 2)
                        #expect(line.micros == expected(price.micros, rate.partsPerMillion, quantity, digits: 2))
                    }
                }
            }
        }
    }

    /// The rule as the contract words it, in arithmetic of its own: half up in units of 10⁻¹².
    private func expected(_ micros: Int64, _ parts: Int64, _ quantity: Int64, digits: Int) -> Int64 {
        var unit: Int128 = 1
        for _ in 0..<(12 - digits) { unit *= 10 }
        let exact = Int128(micros) * Int128(1_000_000 - parts) * Int128(quantity)
        return Int64((2 * exact + unit) / (2 * unit) * (unit / 1_000_000))
    }

    @Test(
        "W3 the line is rounded once, not the unit",
        arguments: [
            ("9.99", "10", 1, "8.99"), ("9.99", "10", 3, "26.97"), ("9.99", "10", 10, "89.91"),
            ("0.01", "50", 1, "0.01"), ("0.01", "50", 2, "0.01"),
            ("0.01", "50", 3, "0.02"), ("0.01", "50.0001", 1, "0.00"), ("1.00", "33.3333", 3, "2.00"),
            ("10.00", "12.5", 1, "8.75"),
            ("0.333333", "0", 3, "1.00"), ("0.001666", "0", 3, "0.00"), ("0.001667", "0", 3, "0.01"),
            ("5.00", "100", 1000, "0.00"), ("5", "0", 0, "0.00"),
        ])
    func lines(price: String, rate: String, quantity: Int64, line: String) throws {
        let total = try Pricing.line(
            termPrice: money(price), rate: Percent(parsing: rate), quantity: quantity, minorUnitDigits: 2)
        #expect(total.decimal(minorUnitDigits: 2) == line)
    }

    @Test(
        "W3 rounding follows the currency's minor unit",
        arguments: [
            (0, "1234.5", "1235"), (0, "1234.499999", "1234"), (2, "0.005", "0.01"), (2, "0.004999", "0.00"),
            (3, "0.0005", "0.001"), (3, "0.000499", "0.000"),
            (4, "0.00005", "0.0001"), (6, "0.000001", "0.000001"),
        ])
    func minorUnits(digits: Int, price: String, line: String) throws {
        let total = try Pricing.line(termPrice: money(price), rate: .zero, quantity: 1, minorUnitDigits: digits)
        #expect(total.decimal(minorUnitDigits: digits) == line)
    }

    @Test(
        "W3 W9 up: what is more than nothing is a minor unit at least, what is whole stays; a renewal is never nothing",
        arguments: [
            ("0", "0.00", "0.00"), ("0.000001", "0.01", "0.01"), ("0.0045", "0.01", "0.01"), ("0.01", "0.01", "0.01"),
            ("0.010001", "0.02", "0.01"), ("0.6642", "0.67", "0.66"), ("2.00", "2.00", "2.00"),
        ])
    func up(price: String, line: String, renewal: String) throws {
        let unit = Pricing.unit(termPrice: try money(price), rate: .zero)
        let total = try unit.line(quantity: 1, minorUnitDigits: 2, rounding: .up)
        #expect(total.decimal(minorUnitDigits: 2) == line)
        #expect(try unit.line(quantity: -1, minorUnitDigits: 2, rounding: .up) == total.negated())
        let again = try Pricing.renewal(termPrice: money(price), rate: .zero, minorUnitDigits: 2)
        #expect(again.decimal(minorUnitDigits: 2) == renewal)
    }

    @Test("W3 setup fee: per unit, none is 0, not discounted, rounded apart")
    func setup() throws {
        #expect(try Pricing.setup(fee: nil, quantity: 5, minorUnitDigits: 2) == .zero)
        #expect(try Pricing.setup(fee: money("2.50"), quantity: 4, minorUnitDigits: 2) == money("10.00"))
        let half = try money("0.005")
        let line = try Pricing.line(termPrice: half, rate: .zero, quantity: 1, minorUnitDigits: 2)
        let fee = try Pricing.setup(fee: half, quantity: 1, minorUnitDigits: 2)
        #expect(try line.adding(fee) == money("0.02"))
    }

    @Test("W3 hours accrue exactly, and what they come to is rounded once")
    func hourly() throws {
        let hour = Pricing.unit(termPrice: try money("0.013333"), rate: try Percent(parsing: "10"))
        var accrued = UnitPrice.none
        var charged = Money.zero
        for _ in 0..<7 {
            accrued = try accrued.adding(hour, times: 24)
            charged = try accrued.line(quantity: 1, minorUnitDigits: 2)
        }
        // 7 × 24 × 0.0119997, where each day for itself comes to 0.29.
        #expect(charged == (try money("2.02")))
        #expect(throws: MoneyError.overflow) {
            try accrued.adding(hour, times: .max).line(quantity: .max, minorUnitDigits: 2)
        }
    }

    @Test("an amount that does not fit is an error, never a wrong amount")
    func overflow() throws {
        #expect(throws: MoneyError.overflow) {
            try Pricing.line(termPrice: .max, rate: .zero, quantity: 2, minorUnitDigits: 2)
        }
        #expect(throws: MoneyError.overflow) {
            try Pricing.line(termPrice: .max, rate: .zero, quantity: .max, minorUnitDigits: 0)
        }
        #expect(throws: MoneyError.overflow) {
            try Pricing.line(termPrice: .max, rate: .zero, quantity: 1, minorUnitDigits: 2)
        }
        #expect(try Pricing.line(termPrice: .max, rate: .zero, quantity: 1, minorUnitDigits: 6) == .max)
        #expect(try Pricing.line(termPrice: .max, rate: .hundred, quantity: .max, minorUnitDigits: 2) == .zero)
    }

    @Test("W3 any line is within half a minor unit of the exact product, and reversals mirror it")
    func property() throws {
        var random = Seeded(state: 3)
        for _ in 0..<20_000 {
            let price = Money(micros: Int64.random(in: 0...1_000_000_000_000, using: &random))
            let rate = try #require(Percent(partsPerMillion: Int64.random(in: 0...1_000_000, using: &random)))
            let quantity = Int64.random(in: 1...1000, using: &random)
            let digits = Int.random(in: 0...3, using: &random)
            let line = try Pricing.line(termPrice: price, rate: rate, quantity: quantity, minorUnitDigits: digits)
            #expect(line.isWhole(inMinorUnitDigits: digits))
            #expect(line.micros == expected(price.micros, rate.partsPerMillion, quantity, digits: digits))
            let reversed = try Pricing.line(termPrice: price, rate: rate, quantity: -quantity, minorUnitDigits: digits)
            #expect(reversed.micros == -line.micros)
        }
    }
}
