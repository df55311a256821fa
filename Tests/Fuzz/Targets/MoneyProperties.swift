import CallKit
import TenantApp

/// An amount that is read is written and read again as the same, at every number of digits; rounding is done once.
enum MoneyProperties {
    static func check(_ input: [UInt8]) throws(Violation) {
        let text = String(decoding: input, as: UTF8.self)
        for digits in 0...Money.fractionDigits {
            guard let money = try? Money(parsing: text, fractionDigitsMax: digits) else { continue }
            try demand(money.isWhole(inMinorUnitDigits: digits), "more digits were read than are allowed")
            for written in 0...Money.fractionDigits {
                let again = try? Money(parsing: money.decimal(minorUnitDigits: written))
                try demand(again == money, "\(money.decimal(minorUnitDigits: written)) is not \(money)")
            }
            if let rounded = try? money.rounded(toMinorUnitDigits: digits) {
                try demand(rounded == money, "a whole amount was rounded")
            }
        }
        guard let money = try? Money(parsing: text) else { return }
        for digits in 0...Money.fractionDigits {
            guard let rounded = try? money.rounded(toMinorUnitDigits: digits) else { continue }
            try demand(
                (try? rounded.rounded(toMinorUnitDigits: digits)) == rounded, "rounding twice is not rounding once")
            if let reversed = try? money.negated().rounded(toMinorUnitDigits: digits),
                let back = try? reversed.negated()
            {
                try demand(back == rounded, "the reversal of a rounded amount is not the rounded reversal")
            }
        }
        if let percent = try? Percent(parsing: text) {
            try demand((try? Percent(parsing: percent.decimal)) == percent, "\(percent.decimal) is not \(percent)")
        }
    }
}
