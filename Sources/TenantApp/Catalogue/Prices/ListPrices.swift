package import CallKit
import SQLite
import TenantRegistry

/// What a product costs where no reseller has a price of its own for it: the test book offers it so (O4, W12). The live
/// book never sells by it.
package struct ListPrices: Sendable, Equatable {
    package var terms: TermPrices
    package var setupFee: Money?

    package static let none = ListPrices()

    package init(terms: TermPrices = TermPrices(), setupFee: Money? = nil) {
        self.terms = terms
        self.setupFee = setupFee
    }

    package var isEmpty: Bool { self == .none }

    /// The price row that it stands for; nil where no term is priced, since a fee alone sells nothing.
    package var row: PriceRow? {
        terms == TermPrices() ? nil : PriceRow(terms: terms, setupFee: setupFee)
    }

    static let columns = Columns<ListPrices>(
        "list_monthly", "list_quarterly", "list_semi_annual", "list_annual", "list_hourly", "list_setup_fee")

    init(_ row: inout RowReader) throws {
        terms = TermPrices(
            monthly: try row.optionalMoney(), quarterly: try row.optionalMoney(), semiAnnual: try row.optionalMoney(),
            annual: try row.optionalMoney(), hourly: try row.optionalMoney())
        setupFee = try row.optionalMoney()
    }

    /// The six values in the order of the columns.
    var values: [SQLValue] {
        [
            .optional(terms.monthly), .optional(terms.quarterly), .optional(terms.semiAnnual), .optional(terms.annual),
            .optional(terms.hourly), .optional(setupFee),
        ]
    }
}
