import SQLite
package import TenantRegistry

/// One row of a reseller's price book (CONTRACT W2). A term that is nil is not sold.
package struct PriceRow: Sendable, Equatable {
    package var terms: TermPrices
    package var setupFee: Money?
    package var discountRateOverride: Percent?
    package var isEnabled: Bool
    package var maxQuantity: Int64?
    /// What a product that is sold for once costs, a plan of codes; nil: its plan's price (CONTRACT A2).
    package var once: Money?

    package init(
        terms: TermPrices, setupFee: Money? = nil, discountRateOverride: Percent? = nil, isEnabled: Bool = true,
        maxQuantity: Int64? = nil, once: Money? = nil
    ) {
        self.terms = terms
        self.setupFee = setupFee
        self.discountRateOverride = discountRateOverride
        self.isEnabled = isEnabled
        self.maxQuantity = maxQuantity
        self.once = once
    }

    /// From ten columns that begin at `first`: five terms, setup fee, override, enabled, cap, once.
    init(_ row: inout RowReader, from first: Int32) {
        terms = TermPrices(
            monthly: row.optionalMoney(first), quarterly: row.optionalMoney(first + 1),
            semiAnnual: row.optionalMoney(first + 2), annual: row.optionalMoney(first + 3),
            hourly: row.optionalMoney(first + 4))
        setupFee = row.optionalMoney(first + 5)
        discountRateOverride = row.optionalPercent(first + 6)
        isEnabled = row.bool(first + 7)
        maxQuantity = row.optionalInt(first + 8)
        once = row.optionalMoney(first + 9)
    }

    /// The ten values in the order of the columns.
    var values: [SQLValue] {
        [
            .optional(terms.monthly), .optional(terms.quarterly), .optional(terms.semiAnnual), .optional(terms.annual),
            .optional(terms.hourly), .optional(setupFee), .optional(discountRateOverride), .bool(isEnabled),
            .optional(maxQuantity), .optional(once),
        ]
    }
}

/// A product as one reseller sees it: with its price row.
package struct PricedProduct: Sendable {
    package let productID: Int64
    package let sku: String
    package let name: String
    package let fulfilment: Fulfilment
    package let isHidden: Bool
    package let price: PriceRow

    /// Hidden, disabled and unpriced look alike to a reseller: there is no such product (CONTRACT W2, W4).
    package var isOffered: Bool { !isHidden && price.isEnabled }

    init(_ row: inout RowReader) {
        productID = row.int(0)
        sku = row.text(1)
        name = row.text(2)
        fulfilment = Fulfilment(rawValue: row.text(3)) ?? .manual
        isHidden = row.bool(4)
        price = PriceRow(&row, from: 5)
    }
}

extension TenantReader {
    package func pricedProduct(sku: String, resellerID: Int64) throws -> PricedProduct? {
        let key = TenantMemory.PriceKey(resellerID: resellerID, sku: sku)
        if let known = memory.prices[key] { return known }
        let read = try connection.row(
            """
            SELECT p.id, p.sku, p.name, p.fulfilment, p.hidden, w.wholesale_monthly, w.wholesale_quarterly,
                w.wholesale_semi_annual, w.wholesale_annual, w.wholesale_hourly, w.wholesale_setup_fee,
                w.discount_rate_override, w.is_enabled, w.max_quantity, w.wholesale_once
            FROM product p JOIN price w ON w.product_id = p.id AND w.reseller_id = ?2
            WHERE p.sku = ?1
            """,
            .text(sku), .integer(resellerID), read: PricedProduct.init)
        if let read { memory.prices.remember(read, for: key) }
        return read
    }

    /// A reseller's price book by product id; all rows for the operator, those offered for the reseller.
    package func pricedProducts(
        resellerID: Int64, onlyOffered: Bool, after productID: Int64, limit: Int
    ) throws -> [PricedProduct] {
        try connection.rows(
            """
            SELECT p.id, p.sku, p.name, p.fulfilment, p.hidden, w.wholesale_monthly, w.wholesale_quarterly,
                w.wholesale_semi_annual, w.wholesale_annual, w.wholesale_hourly, w.wholesale_setup_fee,
                w.discount_rate_override, w.is_enabled, w.max_quantity, w.wholesale_once
            FROM price w JOIN product p ON p.id = w.product_id
            WHERE w.reseller_id = ?1 AND w.product_id > ?2 AND (NOT ?3 OR (w.is_enabled AND NOT p.hidden))
            ORDER BY w.product_id LIMIT ?4
            """,
            .integer(resellerID), .integer(productID), .bool(onlyOffered), .int(limit), read: PricedProduct.init)
    }

    /// How many units a reseller holds of a product (CONTRACT W2).
    package func unitsHeld(resellerID: Int64, productID: Int64, book: Book) throws -> Int64 {
        try connection.row(
            "SELECT units FROM holding WHERE reseller_id = ?1 AND product_id = ?2 AND book = ?3", .integer(resellerID),
            .integer(productID), .book(book)
        ) { $0.int(0) } ?? 0
    }
}

extension TenantTransaction {
    package func savePrice(_ price: PriceRow, resellerID: Int64, productID: Int64) throws {
        try connection.run(
            dynamic: """
                INSERT INTO price (reseller_id, product_id, wholesale_monthly, wholesale_quarterly, wholesale_semi_annual,
                    wholesale_annual, wholesale_hourly, wholesale_setup_fee, discount_rate_override, is_enabled,
                    max_quantity, wholesale_once, updated_at)
                VALUES (?1, ?2, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?3)
                ON CONFLICT DO UPDATE SET wholesale_monthly = excluded.wholesale_monthly,
                    wholesale_quarterly = excluded.wholesale_quarterly,
                    wholesale_semi_annual = excluded.wholesale_semi_annual,
                    wholesale_annual = excluded.wholesale_annual, wholesale_hourly = excluded.wholesale_hourly,
                    wholesale_setup_fee = excluded.wholesale_setup_fee,
                    discount_rate_override = excluded.discount_rate_override, is_enabled = excluded.is_enabled,
                    max_quantity = excluded.max_quantity, wholesale_once = excluded.wholesale_once,
                    updated_at = excluded.updated_at
                """,
            [.integer(resellerID), .integer(productID), .time(now)] + price.values)
        forgetAnswers(resellerID: resellerID)
    }

    /// Adds to the units held; a negative number where they are given back.
    package func addUnits(_ units: Int64, resellerID: Int64, productID: Int64, book: Book) throws {
        // Not an upsert: its row to be inserted would meet the check on `units` with a negative number.
        try connection.run(
            "UPDATE holding SET units = units + ?4 WHERE reseller_id = ?1 AND product_id = ?2 AND book = ?3",
            .integer(resellerID), .integer(productID), .book(book), .integer(units))
        guard connection.changes == 0 else { return }
        try connection.run(
            "INSERT INTO holding (reseller_id, product_id, book, units) VALUES (?1, ?2, ?3, ?4)", .integer(resellerID),
            .integer(productID), .book(book), .integer(units))
    }
}
