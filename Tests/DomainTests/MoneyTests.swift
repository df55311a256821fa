import CallKit
import HTTPCore
import TenantApp
import TestSeeds
import Testing

@Suite struct MoneyValues {
    @Test(
        "an amount is read exactly, in every form that is a decimal number",
        arguments: [
            ("0", 0), ("-0", 0), ("0.00", 0), ("1", 1_000_000), ("25.00", 25_000_000), ("0.000001", 1),
            ("-0.000001", -1), ("007.5", 7_500_000),
            ("1.99", 1_990_000), ("1.0000000000", 1_000_000), ("9223372036854.775807", Int64.max),
            ("-9223372036854.775808", Int64.min),
            ("0.10", 100_000),
        ])
    func reading(text: String, micros: Int64) throws { #expect(try Money(parsing: text).micros == micros) }

    @Test(
        "what is no decimal number is refused",
        arguments: [
            "", "-", "+1", ".5", "5.", "1.2.3", "1,5", " 1", "1 ", "0x1", "1e", "1e+", "1e1.5", "--1", "NaN",
            "1e3", "1E0", "1e-6", "0e0", "1e999999999", "1e-999999999",
            "Infinity", "1_000", "１",
            "1.5\u{0}", String(repeating: "1", count: 65),
        ])
    func syntax(text: String) { #expect(throws: MoneyError.syntax) { try Money(parsing: text) } }

    @Test(
        "nothing is rounded silently",
        arguments: ["0.0000001", "1.2345678", "-0.0000009"])
    func precision(text: String) { #expect(throws: MoneyError.precision) { try Money(parsing: text) } }

    @Test(
        "C3 what a sum of binary fractions leaves beside an amount is less than a billionth, and no part of it",
        arguments: [
            ("0.30000000000000004", 300_000), ("0.7999999999999999", 800_000), ("0.0000009999999999", 1),
            ("0.0000000000000001", 0), ("-0.30000000000000004", -300_000), ("-0.7999999999999999", -800_000),
            ("9.9999999999999999", 10_000_000), ("1.0000000009", 1_000_000), ("1.0000000010001", nil),
            ("0.3000000010000001", nil), ("0.300000001", nil), ("0.2999999990", nil), ("0.29999999901", 300_000),
            ("0.3", nil), ("0.300000000000", nil), ("3", nil), ("3e-1", nil), ("0.3000000000001e1", nil), ("", nil),
            ("-", nil), (".30000000000000004", nil), ("1.2.3", nil), ("9223372036854.7758079999999", nil),
        ] as [(String, Int64?)])
    func nearly(text: String, micros: Int64?) { #expect(Money(nearly: text)?.micros == micros) }

    @Test(
        "an amount too large is refused",
        arguments: [
            "9223372036854.775808", "-9223372036854.775809", "10000000000000", "99999999999999999999",
        ])
    func overflow(text: String) { #expect(throws: MoneyError.overflow) { try Money(parsing: text) } }

    @Test("digits past the minor unit are refused where it is asked for, zeros do no harm")
    func minorUnit() throws {
        #expect(try Money(parsing: "25.10", fractionDigitsMax: 2).micros == 25_100_000)
        #expect(try Money(parsing: "25.1000", fractionDigitsMax: 2).micros == 25_100_000)
        #expect(throws: MoneyError.precision) { try Money(parsing: "25.101", fractionDigitsMax: 2) }
        #expect(try Money(parsing: "7", fractionDigitsMax: 0).micros == 7_000_000)
        #expect(throws: MoneyError.precision) { try Money(parsing: "7.5", fractionDigitsMax: 0) }
        #expect(throws: MoneyError.overflow) { try Money(parsing: "99999999999999", fractionDigitsMax: 0) }
    }

    @Test(
        "an amount is written with its minor unit, more digits only where needed",
        arguments: [
            (25_000_000, 2, "25.00"), (0, 2, "0.00"), (0, 0, "0"), (1500, 2, "0.0015"), (1, 2, "0.000001"),
            (-1, 2, "-0.000001"),
            (100_000, 2, "0.10"), (120_000, 3, "0.120"), (5_000_000, 0, "5"), (5_100_000, 0, "5.1"),
            (-2_500_000, 2, "-2.50"),
            (Int64.max, 2, "9223372036854.775807"), (Int64.min, 2, "-9223372036854.775808"),
            (10_000_000, 6, "10.000000"),
        ])
    func writing(micros: Int64, digits: Int, text: String) {
        #expect(Money(micros: micros).decimal(minorUnitDigits: digits) == text)
    }

    @Test("any amount reads back from its text, whatever the minor unit")
    func roundTrip() throws {
        var random = Seeded(state: 1)
        for _ in 0..<5000 {
            let money = Money(micros: Int64(bitPattern: random.next()) >> Int64.random(in: 0...62, using: &random))
            #expect(try Money(parsing: money.decimal(minorUnitDigits: Int.random(in: 0...6, using: &random))) == money)
        }
    }

    @Test(
        "rounding is half up at every edge, and a reversal rounds to the reversal",
        arguments: [
            (0, 2, 0), (4_999, 2, 0), (5_000, 2, 10_000), (5_001, 2, 10_000), (9_999, 2, 10_000), (10_000, 2, 10_000),
            (14_999, 2, 10_000),
            (15_000, 2, 20_000), (-4_999, 2, 0), (-5_000, 2, -10_000), (-15_000, 2, -20_000), (499_999, 0, 0),
            (500_000, 0, 1_000_000),
            (1_499_999, 0, 1_000_000), (1_500_000, 0, 2_000_000), (499, 3, 0), (500, 3, 1000), (7, 6, 7),
            (1_999_995, 2, 2_000_000),
        ])
    func rounding(micros: Int64, digits: Int, expected: Int64) throws {
        #expect(try Money(micros: micros).rounded(toMinorUnitDigits: digits).micros == expected)
        #expect(try Money(micros: -micros).rounded(toMinorUnitDigits: digits).micros == -expected)
    }

    @Test("arithmetic past the ends is an error, up to them it is exact")
    func arithmetic() throws {
        let one = Money(micros: 1)
        #expect(try Money.max.subtracting(one).adding(one) == .max)
        #expect(throws: MoneyError.overflow) { try Money.max.adding(one) }
        #expect(throws: MoneyError.overflow) { try Money.min.subtracting(one) }
        #expect(throws: MoneyError.overflow) { try Money.min.negated() }
        #expect(throws: MoneyError.overflow) { try Money.max.times(2) }
        #expect(throws: MoneyError.overflow) { try Money.min.times(-1) }
        #expect(throws: MoneyError.overflow) { try Money.max.rounded(toMinorUnitDigits: 0) }
        #expect(throws: MoneyError.overflow) { try Money.min.rounded(toMinorUnitDigits: 2) }
        #expect(try Money(micros: -7).times(3).micros == -21)
        #expect(try Money(micros: 7).negated().micros == -7)
        #expect(
            Money(micros: 20_000).isWhole(inMinorUnitDigits: 2) && !Money(micros: 20_001).isWhole(inMinorUnitDigits: 2))
    }
}

@Suite struct PercentValues {
    @Test(
        "a percent is read and written in its shortest form",
        arguments: [
            ("0", "0"), ("12.50", "12.5"), ("100", "100"), ("100.0000", "100"), ("0.0001", "0.0001"),
            ("33.3333", "33.3333"), ("-0", "0"),
        ])
    func forms(text: String, canonical: String) throws { #expect(try Percent(parsing: text).decimal == canonical) }

    @Test("outside 0 to 100, or with more than four digits, it is refused")
    func refused() {
        for text in ["-1", "100.0001", "101", "1000000000", "-0.0001"] {
            #expect(throws: PercentError.range) { try Percent(parsing: text) }
        }
        for text in ["0.00001", "33.33333"] { #expect(throws: PercentError.precision) { try Percent(parsing: text) } }
        for text in ["", "5%", "x", "1.", "1e1"] { #expect(throws: PercentError.syntax) { try Percent(parsing: text) } }
        #expect(Percent(partsPerMillion: 1_000_001) == nil && Percent(partsPerMillion: -1) == nil)
    }
}

@Suite struct CurrencyCodes {
    @Test(
        "a currency has its ISO 4217 minor unit",
        arguments: [
            ("USD", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("ISK", 0), ("KWD", 3), ("BHD", 3), ("TND", 3), ("XOF", 0),
            ("CLF", 4), ("GBP", 2),
        ])
    func digits(code: String, digits: Int) { #expect(Currency(code)?.minorUnitDigits == digits) }

    @Test("any other code is refused", arguments: ["", "usd", "US", "USDT", "XAU", "XXX", "ABC", "DEM"])
    func unknown(code: String) { #expect(Currency(code) == nil) }
}

@Suite struct MoneyFields {
    @Test("amounts and percents come as strings or numbers, read from their text")
    func forms() throws {
        let body = try JSON.parse(Array(#"{"a":"12.50","b":12.50,"c":100,"d":null,"p":"12.5","q":0}"#.utf8))
        var fields = FieldReader(body)
        #expect(fields.money("a")?.micros == 12_500_000)
        #expect(fields.money("b")?.micros == 12_500_000)
        #expect(fields.optionalMoney("c")?.micros == 100_000_000)
        #expect(fields.optionalMoney("d") == nil && fields.optionalPercent("d") == nil)
        #expect(fields.percent("p")?.decimal == "12.5")
        #expect(fields.optionalPercent("q") == .zero)
        #expect(fields.errors == [])
    }

    @Test(
        "a bad amount says what is wrong with it",
        arguments: [
            ("\"x\"", "format", "must be a decimal number like 12.50, without an exponent"),
            ("true", "type", "must be a decimal string or a number"),
            ("\"0.001\"", "format", "must have at most 2 digits after the point"),
            ("0.00", "range", "must be from 0.01 to 1000"),
            ("1e400", "format", "must be a decimal number like 12.50, without an exponent"),
            ("null", "required", "is required"),
        ])
    func errors(value: String, code: String, detail: String) throws {
        var fields = FieldReader(try JSON.parse(Array("{\"amount\":\(value)}".utf8)))
        let range = Money(micros: 10_000)...Money(micros: 1_000_000_000)
        #expect(fields.money("amount", in: range, fractionDigitsMax: 2) == nil)
        #expect(fields.errors == [FieldError(pointer: "/amount", code: code, detail: detail)])
    }

    @Test(
        "an amount of a currency without minor units has no digits after the point, and is told so",
        arguments: [
            ("100.5", "must have no digits after the point"),
            ("x", "must be a whole number like 1250, without an exponent"),
        ])
    func wholeAmount(value: String, detail: String) throws {
        var fields = FieldReader(try JSON.parse(Array(#"{"amount":"\#(value)"}"#.utf8)))
        #expect(fields.money("amount", in: Money.zero...Money(micros: 1_000_000_000), fractionDigitsMax: 0) == nil)
        #expect(fields.errors == [FieldError(pointer: "/amount", code: "format", detail: detail)])
    }
}
