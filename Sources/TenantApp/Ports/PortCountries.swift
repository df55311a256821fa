import SQLite
package import TenantRegistry

/// Where ports may be, and what one costs a day there.
package struct PortCountry: Sendable {
    package let id: Int64
    package let publicID: String
    package let name: String
    package let basePrice: Money
    package let updatedAt: Timestamp

    fileprivate init(_ row: inout RowReader) {
        id = row.int(0)
        publicID = row.text(1)
        name = row.text(2)
        basePrice = row.money(3)
        updatedAt = row.time(4)
    }
}

extension TenantReader {
    package func portCountry(_ publicID: String) throws -> PortCountry? {
        try connection.row(
            "SELECT id, public_id, name, base_price, updated_at FROM port_country WHERE public_id = ?1",
            .text(publicID), read: PortCountry.init)
    }

    package func portCountries(after id: Int64, limit: Int) throws -> [PortCountry] {
        try connection.rows(
            "SELECT id, public_id, name, base_price, updated_at FROM port_country WHERE id > ?1 ORDER BY id LIMIT ?2",
            .integer(id), .int(limit), read: PortCountry.init)
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
