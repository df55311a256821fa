import SQLite
package import TenantRegistry

extension PricingLevel {
    fileprivate init(_ row: inout RowReader, from column: Int32) {
        self.init(
            margin: row.optionalInt(column).flatMap { MarkUp(partsPerMillion: $0) },
            fixed: row.optionalMoney(column + 1),
            multiplier: row.optionalInt(column + 2).flatMap { Multiplier(millionths: $0) })
    }

    fileprivate var values: [SQLValue] {
        [.optional(margin?.partsPerMillion), .optional(fixed), .optional(multiplier?.millionths)]
    }
}

/// A country's own price rule in a reseller's book.
package struct CountryOverride: Sendable {
    package let countryID: String
    package let level: PricingLevel
}

extension TenantReader {
    /// The default price book where the reseller has changed nothing.
    package func portPricebook(resellerID: Int64, book: Book) throws -> PortPricebook {
        try connection.row(
            """
            SELECT mode, default_margin, default_fixed, default_multiplier, port_margin, port_fixed, port_multiplier,
                traffic_margin, traffic_fixed, traffic_multiplier
            FROM port_pricebook WHERE reseller_id = ?1 AND book = ?2
            """,
            .integer(resellerID), .book(book)
        ) { row in
            var pricebook = PortPricebook()
            pricebook.mode = PricingMode(rawValue: row.text(0)) ?? .margin
            pricebook.defaults = PricingLevel(&row, from: 1)
            pricebook.port = PricingLevel(&row, from: 4)
            pricebook.traffic = PricingLevel(&row, from: 7)
            return pricebook
        } ?? PortPricebook()
    }

    package func countryOverride(_ country: Int64, resellerID: Int64, book: Book) throws -> PricingLevel? {
        try connection.row(
            """
            SELECT margin, fixed, multiplier FROM port_country_override
            WHERE reseller_id = ?1 AND book = ?2 AND country_id = ?3
            """,
            .integer(resellerID), .book(book), .integer(country)
        ) { PricingLevel(&$0, from: 0) }
    }

    /// There are as many countries as there are, and no more overrides.
    package func countryOverrides(resellerID: Int64, book: Book) throws -> [CountryOverride] {
        try connection.rows(
            """
            SELECT o.margin, o.fixed, o.multiplier, c.public_id
            FROM port_country_override o JOIN port_country c ON c.id = o.country_id
            WHERE o.reseller_id = ?1 AND o.book = ?2 ORDER BY o.country_id
            """,
            .integer(resellerID), .book(book)
        ) { CountryOverride(countryID: $0.text(3), level: PricingLevel(&$0, from: 0)) }
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

    package func save(_ level: PricingLevel, country: Int64, resellerID: Int64, book: Book) throws {
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
