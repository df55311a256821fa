package import CallKit
import SQLite
package import TenantRegistry

/// One row of a reseller's price book (W2). A term that is nil is not sold.
package struct PriceRow: Sendable, Equatable {
    package var terms: TermPrices
    package var setupFee: Money?
    package var discountRateOverride: Percent?
    package var isEnabled: Bool
    package var maxQuantity: Int64?
    /// What a product that is sold for once costs, a plan of codes; nil: its plan's price (A2).
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

    static let columns = Columns<PriceRow>(
        "wholesale_monthly", "wholesale_quarterly", "wholesale_semi_annual", "wholesale_annual", "wholesale_hourly",
        "wholesale_setup_fee", "discount_rate_override", "is_enabled", "max_quantity", "wholesale_once")

    init(_ row: inout RowReader) throws {
        terms = TermPrices(
            monthly: try row.optionalMoney(), quarterly: try row.optionalMoney(), semiAnnual: try row.optionalMoney(),
            annual: try row.optionalMoney(), hourly: try row.optionalMoney())
        setupFee = try row.optionalMoney()
        discountRateOverride = try row.optionalPercent()
        isEnabled = try row.bool()
        maxQuantity = try row.optionalInt()
        once = try row.optionalMoney()
    }

    static let columnCount: Int32 = 10

    /// The ten values in the order of the columns.
    var values: [SQLValue] {
        [
            .optional(terms.monthly), .optional(terms.quarterly), .optional(terms.semiAnnual), .optional(terms.annual),
            .optional(terms.hourly), .optional(setupFee), .optional(discountRateOverride), .bool(isEnabled),
            .optional(maxQuantity), .optional(once),
        ]
    }
}

/// Each book has price rows of its own, in a table of its own, so that what the live one holds is as if there were no
/// other (X7). In the test book a row goes before the live one (O4).
extension Book {
    var prices: String { self == .live ? "price" : "test_price" }
    var priceChanges: String { self == .live ? "price_change" : "test_price_change" }
}

/// A statement for the tables of each book.
struct BookStatements: Sendable {
    private let live: Statement
    private let test: Statement

    init(_ sql: (Book) -> String) {
        live = Statement(sql(.live))
        test = Statement(sql(.test))
    }

    subscript(book: Book) -> Statement { book == .live ? live : test }
}

extension PriceRow {
    /// Joins the row that a reseller orders by: of the live book, or where `isTest` that of the test book and, where it
    /// has none, the live one. Its values are `inForce`.
    static func joins(reseller: String, product: String, isTest: String) -> String {
        """
        LEFT JOIN test_price t ON \(isTest) AND t.reseller_id = \(reseller) AND t.product_id = \(product)
        LEFT JOIN price w ON t.product_id IS NULL AND w.reseller_id = \(reseller) AND w.product_id = \(product)
        """
    }

    /// At most one of both is joined.
    static func inForce(_ column: String) -> String { "coalesce(t.\(column), w.\(column))" }
}

/// A product as one reseller sees it: with its price row.
package struct PricedProduct: Sendable {
    package let productID: Int64
    package let sku: String
    package let name: String
    package let fulfilment: Fulfilment
    package let isHidden: Bool
    package let price: PriceRow

    /// Hidden, disabled and unpriced look alike to a reseller: there is no such product (W2, W4).
    package var isOffered: Bool { !isHidden && price.isEnabled }

    static let columns = Columns<PricedProduct>(
        "p.id", "p.sku", "p.name", "p.fulfilment", "p.hidden", PriceRow.columns.of("w"))
    fileprivate static let bySKU = BookStatements { book in
        """
        SELECT \(columns) FROM product p JOIN \(book.prices) w ON w.product_id = p.id AND w.reseller_id = ?2
        WHERE p.sku = ?1
        """
    }
    fileprivate static let ofReseller = BookStatements { book in
        """
        SELECT \(columns) FROM \(book.prices) w JOIN product p ON p.id = w.product_id
        WHERE w.reseller_id = ?1 AND w.product_id > ?2 AND (NOT ?3 OR (w.is_enabled AND NOT p.hidden))
        ORDER BY w.product_id LIMIT ?4
        """
    }

    init(_ row: inout RowReader) throws {
        productID = try row.int()
        sku = try row.text()
        name = try row.text()
        fulfilment = try row.value()
        isHidden = try row.bool()
        price = try PriceRow(&row)
    }
}

extension TenantReader {
    /// With the row that this book itself has.
    package func pricedProduct(sku: String, resellerID: Int64, book: Book = .live) throws -> PricedProduct? {
        let key = TenantMemory.PriceKey(resellerID: resellerID, sku: sku, book: book)
        if let known = memory.prices[key] { return known }
        let read = try connection.row(
            PricedProduct.bySKU[book], .text(sku), .integer(resellerID), read: PricedProduct.init)
        if let read { memory.prices.remember(read, for: key) }
        return read
    }

    /// A reseller's price book by product id; all rows for the operator, those offered for the reseller.
    package func pricedProducts(
        resellerID: Int64, book: Book = .live, onlyOffered: Bool, after productID: Int64, limit: Int
    ) throws -> [PricedProduct] {
        try connection.rows(
            PricedProduct.ofReseller[book], .integer(resellerID), .integer(productID), .bool(onlyOffered), .int(limit),
            read: PricedProduct.init)
    }

    /// How many units a reseller holds of a product (W2).
    package func unitsHeld(resellerID: Int64, productID: Int64, book: Book) throws -> Int64 {
        try connection.row(
            "SELECT units FROM holding WHERE reseller_id = ?1 AND product_id = ?2 AND book = ?3", .integer(resellerID),
            .integer(productID), .book(book)
        ) { try $0.int() } ?? 0
    }
}

extension TenantTransaction {
    /// The history has it too (O4).
    package func savePrice(
        _ price: PriceRow, resellerID: Int64, productID: Int64, book: Book = .live, by author: PriceAuthor = .setup
    ) throws {
        let old = try priceRow(resellerID: resellerID, productID: productID, book: book)
        try notePriceChange(
            from: old, to: price, resellerID: resellerID, productID: productID, book: book, by: author)
        try connection.run(
            dynamic: """
                INSERT INTO \(book.prices) (reseller_id, product_id, updated_at, \(PriceRow.columns))
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                ON CONFLICT DO UPDATE SET updated_at = excluded.updated_at, \(PriceRow.columns.taken)
                """,
            [.integer(resellerID), .integer(productID), .time(now)] + price.values)
        forgetAnswers(resellerID: resellerID)
    }

    /// Takes a row of the test book away, so that the live one holds there again: what stays of it is its history.
    package func removeTestPrice(
        _ price: PriceRow, resellerID: Int64, productID: Int64, by author: PriceAuthor
    ) throws {
        try notePriceChange(
            from: price, to: nil, resellerID: resellerID, productID: productID, book: .test, by: author)
        try connection.run(
            "DELETE FROM test_price WHERE reseller_id = ?1 AND product_id = ?2", .integer(resellerID),
            .integer(productID))
        forgetAnswers(resellerID: resellerID)
    }

    /// Adds to the units held; a negative number where they are given back.
    package func addUnits(_ units: Int64, resellerID: Int64, productID: Int64, book: Book) throws {
        // Not an upsert: its row to be inserted would meet the check on `units` with a negative number.
        try connection.run(
            "UPDATE holding SET units = units + ?4 WHERE reseller_id = ?1 AND product_id = ?2 AND book = ?3"
        ) { row in
            row.int(resellerID)
            row.int(productID)
            row.book(book)
            row.int(units)
        }
        guard connection.changes == 0 else { return }
        try connection.run(
            "INSERT INTO holding (reseller_id, product_id, book, units) VALUES (?1, ?2, ?3, ?4)", .integer(resellerID),
            .integer(productID), .book(book), .integer(units))
    }
}
