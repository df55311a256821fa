package import CallKit
import SQLite
package import TenantRegistry

/// Where ports may be, and what one costs a day there.
package struct PortCountry: Sendable {
    package let id: Int64
    package let publicID: String
    package let name: String
    package let basePrice: Money
    package let updatedAt: Timestamp

    static let columns = Columns<PortCountry>("id", "public_id", "name", "base_price", "updated_at")
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM port_country WHERE public_id = ?1")
    fileprivate static let page = Statement("SELECT \(columns) FROM port_country WHERE id > ?1 ORDER BY id LIMIT ?2")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        name = try row.text()
        basePrice = try row.money()
        updatedAt = try row.time()
    }
}

extension TenantReader {
    package func portCountry(_ publicID: String) throws -> PortCountry? {
        try connection.row(PortCountry.byPublicID, .text(publicID), read: PortCountry.init)
    }

    /// Of a filter: a country that nobody has priced is a mistake, not an empty list.
    func expectPortCountry(_ publicID: String?) throws {
        if let publicID, try portCountry(publicID) == nil { throw Refusal.notFound(.country) }
    }

    package func portCountries(after id: Int64, limit: Int) throws -> [PortCountry] {
        try connection.rows(PortCountry.page, .integer(id), .int(limit), read: PortCountry.init)
    }
}

extension TenantTransaction {
    /// Makes the country or changes it; its name stays where none is given.
    @discardableResult
    package func savePortCountry(_ publicID: String, name: String?, basePrice: Money) throws -> PortCountry {
        try connection.run(
            """
            INSERT INTO port_country (public_id, name, base_price, created_at, updated_at)
            VALUES (?1, coalesce(?2, ?1), ?3, ?4, ?4)
            ON CONFLICT DO UPDATE SET name = coalesce(?2, name), base_price = excluded.base_price,
                updated_at = excluded.updated_at
            """,
            .text(publicID), .optional(name), .money(basePrice), .time(now))
        guard let country = try portCountry(publicID) else { throw Refusal.defect }
        return country
    }
}
