import CallKit
import SQLite
package import TenantRegistry

extension PricingLevel {
    static let columns = Columns<PricingLevel>("margin", "fixed", "multiplier")

    init(_ row: inout RowReader) throws {
        self.init(
            margin: try row.optionalInt(as: MarkUp.init(partsPerMillion:)), fixed: try row.optionalMoney(),
            multiplier: try row.optionalInt(as: Multiplier.init(millionths:)))
    }

    fileprivate var values: [SQLValue] {
        [.optional(margin?.partsPerMillion), .optional(fixed), .optional(multiplier?.millionths)]
    }
}

/// A country's own price rule in a reseller's book.
package struct CountryOverride: Sendable {
    package let countryID: String
    package let level: PricingLevel

    static let columns = Columns<CountryOverride>(
        "o.reseller_id", "o.book", "o.country_id", "c.public_id", PricingLevel.columns.of("o"))
    static let tables = "port_country_override o JOIN port_country c ON c.id = o.country_id"
    fileprivate static let ofReseller = Statement(
        "SELECT \(columns) FROM \(tables) WHERE o.reseller_id = ?1 AND o.book = ?2 ORDER BY o.country_id")
    fileprivate static let ofCountry = Statement(
        "SELECT \(columns) FROM \(tables) WHERE o.reseller_id = ?1 AND o.book = ?2 AND o.country_id = ?3")

    init(_ row: inout RowReader) throws {
        row.skip(3)
        countryID = try row.text()
        level = try PricingLevel(&row)
    }
}

extension PortPricebook {
    static let columns = Columns<PortPricebook>(
        "reseller_id", "book", "mode", "default_margin", "default_fixed", "default_multiplier", "port_margin",
        "port_fixed", "port_multiplier", "traffic_margin", "traffic_fixed", "traffic_multiplier")
    fileprivate static let ofReseller = Statement(
        "SELECT \(columns) FROM port_pricebook WHERE reseller_id = ?1 AND book = ?2")

    init(_ row: inout RowReader) throws {
        self.init()
        row.skip(2)
        mode = try row.value()
        defaults = try PricingLevel(&row)
        port = try PricingLevel(&row)
        traffic = try PricingLevel(&row)
    }
}

extension TenantReader {
    /// The default price book where the reseller has changed nothing.
    package func portPricebook(resellerID: Int64, book: Book) throws -> PortPricebook {
        try connection.row(
            PortPricebook.ofReseller, .integer(resellerID), .book(book), read: PortPricebook.init) ?? PortPricebook()
    }

    package func countryOverride(_ country: Int64, resellerID: Int64, book: Book) throws -> PricingLevel? {
        try connection.row(
            CountryOverride.ofCountry, .integer(resellerID), .book(book), .integer(country), read: CountryOverride.init
        )?.level
    }

    /// There are as many countries as there are, and no more overrides.
    package func countryOverrides(resellerID: Int64, book: Book) throws -> [CountryOverride] {
        try connection.rows(
            CountryOverride.ofReseller, .integer(resellerID), .book(book), read: CountryOverride.init)
    }
}

extension TenantTransaction {
    package func save(_ pricebook: PortPricebook, resellerID: Int64, book: Book) throws {
        try connection.run(
            dynamic: """
                INSERT INTO port_pricebook (reseller_id, book, mode, updated_at, default_margin, default_fixed,
                    default_multiplier, port_margin, port_fixed, port_multiplier, traffic_margin, traffic_fixed,
                    traffic_multiplier)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                ON CONFLICT DO UPDATE SET mode = excluded.mode, updated_at = excluded.updated_at,
                    default_margin = excluded.default_margin, default_fixed = excluded.default_fixed,
                    default_multiplier = excluded.default_multiplier, port_margin = excluded.port_margin,
                    port_fixed = excluded.port_fixed, port_multiplier = excluded.port_multiplier,
                    traffic_margin = excluded.traffic_margin, traffic_fixed = excluded.traffic_fixed,
                    traffic_multiplier = excluded.traffic_multiplier
                """,
            [.integer(resellerID), .book(book), .text(pricebook.mode.rawValue), .time(now)]
                + pricebook.defaults.values + pricebook.port.values + pricebook.traffic.values)
    }

    /// An empty level takes the country's override away.
    package func save(_ level: PricingLevel, country: Int64, resellerID: Int64, book: Book) throws {
        if level.isEmpty {
            try connection.run(
                "DELETE FROM port_country_override WHERE reseller_id = ?1 AND book = ?2 AND country_id = ?3",
                .integer(resellerID), .book(book), .integer(country))
            return
        }
        try connection.run(
            dynamic: """
                INSERT INTO port_country_override (reseller_id, book, country_id, updated_at, margin, fixed, multiplier)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                ON CONFLICT DO UPDATE SET margin = excluded.margin, fixed = excluded.fixed,
                    multiplier = excluded.multiplier, updated_at = excluded.updated_at
                """,
            [.integer(resellerID), .book(book), .integer(country), .time(now)] + level.values)
    }
}
