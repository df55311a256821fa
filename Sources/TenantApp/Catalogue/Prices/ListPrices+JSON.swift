package import CallKit

/// What a call says of a product's list prices.
package struct ListPriceChange: Sendable {
    package let apply: @Sendable (inout ListPrices) -> Void
}

extension ListPrices {
    private static let setupFeeName = "setup_fee"

    /// Whole list prices: what is absent or null is not priced.
    package static let body = Body(
        price(.monthly).optional, price(.quarterly).optional, price(.semiAnnual).optional, price(.annual).optional,
        price(.hourly).optional, amount(setupFeeName).optional
    ).map { monthly, quarterly, semiAnnual, annual, hourly, setupFee in
        ListPrices(
            terms: TermPrices(
                monthly: monthly, quarterly: quarterly, semiAnnual: semiAnnual, annual: annual, hourly: hourly),
            setupFee: setupFee)
    }

    /// A change of them: what is left out stays as it is, null takes it away.
    package static let change = Body.change(
        price(.monthly).clearable, price(.quarterly).clearable, price(.semiAnnual).clearable,
        price(.annual).clearable, price(.hourly).clearable, amount(setupFeeName).clearable
    ).map { monthly, quarterly, semiAnnual, annual, hourly, setupFee in
        ListPriceChange { list in
            if let monthly { list.terms.monthly = monthly }
            if let quarterly { list.terms.quarterly = quarterly }
            if let semiAnnual { list.terms.semiAnnual = semiAnnual }
            if let annual { list.terms.annual = annual }
            if let hourly { list.terms.hourly = hourly }
            if let setupFee { list.setupFee = setupFee }
        }
    }

    private static func price(_ term: Term) -> BodyField<Money> { amount(term.rawValue) }

    private static func amount(_ name: String) -> BodyField<Money> { Field.money(name, AmountRule.prices) }

    static let shape = Shape<ListPrices>([
        .member("monthly", \.terms.monthly), .member("quarterly", \.terms.quarterly),
        .member("semi_annual", \.terms.semiAnnual), .member("annual", \.terms.annual),
        .member("hourly", \.terms.hourly), .member("setup_fee", \.setupFee),
    ])
}
