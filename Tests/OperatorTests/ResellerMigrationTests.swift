import SQLite
import TenantRegistry
import Testing

@testable import TenantApp

@Suite struct ResellerMigrationTests {
    @Test("O3 resellers of a file of before are found by their folded names, as new ones are")
    func searchMigration() throws {
        let connection = try Connection(path: "", flags: [.readWrite, .create])
        let before = TenantSchema.app.migrations.prefix(Int(Migration0020.version) - 1)
        try Migrator.migrate(connection, Array(before))
        try connection.execute(
            """
            INSERT INTO reseller (id, public_id, email, name, company, state, limit_requests, limit_window,
                limit_burst, created_at)
            VALUES (1, 'res_1', 'a@example.com', 'ÄRZTEHAUS', NULL, 1, 1000, 60, 1000, 1),
                (2, 'res_2', 'b@example.com', 'Bert', 'Łódź', 1, 1000, 60, 1000, 1)
            """)
        try Migrator.migrate(connection, TenantSchema.app.migrations)
        let rows = try connection.rows("SELECT name_folded, company_folded, notes FROM reseller ORDER BY id") { row in
            [try row.text(), try row.optionalText() ?? "–", try row.optionalText() ?? "–"]
        }
        #expect(rows == [["ärztehaus", "–", "–"], ["bert", "łódź", "–"]])
    }
}
