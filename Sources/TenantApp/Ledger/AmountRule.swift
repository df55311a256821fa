package import CallKit

/// What an amount in a request may be: at most a billion of the currency unit, so that a thousand units of it still fit
/// Int64 micros.
package enum AmountRule {
    package static let most = Money(micros: 1_000_000_000_000_000)
    package static let prices = Money.zero...most
    package static let movements = Money(micros: -most.micros)...most
}
