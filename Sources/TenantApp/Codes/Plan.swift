package import CallKit
package import TenantRegistry

/// What codes are bought of (A2): days of a subscription, and what they cost.
package struct Plan: Sendable {
    /// About a hundred years.
    package static let daysMax: Int64 = 36_525

    package let productID: Int64
    package let sku: String
    package let name: String
    package let days: Int64
    /// What the end customer is to pay, in whole minor units.
    package let retailPrice: Money
    /// What one code costs the reseller who asks, in whole minor units.
    package let wholesalePrice: Money

    package func margin() throws -> Money { try retailPrice.subtracting(wholesalePrice) }

    /// What one code costs a reseller: its own price or else everybody's, less its rate as W3 has it. Rounded to the
    /// minor unit, so that a purchase is its codes times the price that is shown; no code that has a price is free
    /// (0060).
    package static func unitPrice(
        everybodys: Money?, own: Money?, rate: Percent, minorUnitDigits: Int
    ) throws(MoneyError) -> Money? {
        guard let price = own ?? everybodys else { return nil }
        return try Pricing.unit(termPrice: price, rate: rate).charge(quantity: 1, minorUnitDigits: minorUnitDigits)
    }
}

/// The stretch that a code's days make (A8). A value: any thread.
package struct SubscriptionStretch: Sendable, Equatable {
    package let begins: Timestamp
    package let ends: Timestamp

    init(begins: Timestamp, ends: Timestamp) {
        self.begins = begins
        self.ends = ends
    }

    /// After the current end where that is still to come, else from now. Nil where it would end past all time.
    package init?(days: Int64, after end: Timestamp?, now: Timestamp) {
        begins = max(end ?? now, now)
        ends = begins.adding(days: days)
        guard Timestamp.days(days, are: ends.milliseconds - begins.milliseconds) else { return nil }
    }
}
