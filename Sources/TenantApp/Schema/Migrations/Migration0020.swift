import HTTPCore
import SQLite

/// What an operator notes of a reseller, and by what it finds one (O3).
enum Migration0020 {
    static let version: Int32 = 20
    static let migration = Migration(version: version, name: "resellers' notes and names", sql: sql, finish: fold)

    private static let sql = """
        -- For operators alone.
        ALTER TABLE reseller ADD COLUMN notes TEXT;
        -- Without case, so that a search is a range of an index.
        ALTER TABLE reseller ADD COLUMN name_folded TEXT NOT NULL DEFAULT '';
        ALTER TABLE reseller ADD COLUMN company_folded TEXT;
        CREATE INDEX reseller_by_name ON reseller (name_folded);
        CREATE INDEX reseller_by_company ON reseller (company_folded) WHERE company_folded IS NOT NULL;
        CREATE INDEX reseller_by_state ON reseller (state);
        """

    /// SQLite folds the letters of ASCII alone.
    @Sendable private static func fold(_ connection: Connection) throws {
        let rows = try connection.rows("SELECT id, name, company FROM reseller") { row in
            (id: try row.int(), name: try row.text(), company: try row.optionalText())
        }
        for row in rows {
            try connection.run(
                "UPDATE reseller SET name_folded = ?2, company_folded = ?3 WHERE id = ?1", .integer(row.id),
                .text(row.name.folded), row.company.map { .text($0.folded) } ?? .null)
        }
    }
}
