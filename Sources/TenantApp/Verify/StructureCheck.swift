import CallKit
import SQLite
import TenantRegistry

/// The file itself: SQLite's own check, and the schema text for text, so that no trigger is missing and no table
/// altered.
enum StructureCheck {
    static func run(_ file: inout VerifiedFile) throws {
        for fault in try file.connection.integrityCheck() {
            file.report.add(.structure, "file", nil, "SQLite's integrity check says: \(fault).")
        }
        try compareSchema(&file)
    }

    private static func compareSchema(_ file: inout VerifiedFile) throws {
        let reference = try Connection(path: ":memory:", flags: [.readWrite, .create])
        defer { reference.close() }
        for migration in TenantSchema.app.migrations where migration.version <= file.version {
            try reference.execute(migration.sql)
        }
        let wanted = try objects(of: reference)
        let found = try objects(of: file.connection)
        for (name, sql) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let there = found[name] else {
                file.report.add(.structure, "schema", nil, "The \(name) is missing\(consequence(of: name)).")
                continue
            }
            if there != sql { file.report.add(.structure, "schema", nil, "The \(name) was altered.") }
        }
        for name in found.keys.sorted() where wanted[name] == nil {
            let isView = name.hasPrefix("view ") || found[name]?.uppercased().hasPrefix("CREATE VIRTUAL") == true
            if isView { file.hasForeignViews = true }
            file.report.add(
                .structure, "schema", nil,
                "The \(name) is none of Tollgate's\(isView ? ", so no row was read" : "").")
        }
    }

    private static func consequence(of name: String) -> String {
        name.hasPrefix("trigger ") && name.contains("append_only") ? ", so rows could be changed or deleted" : ""
    }

    private static func objects(of connection: Connection) throws -> [String: String] {
        let sql = "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'"
        let rows = try connection.rows(dynamic: sql) { try ($0.text(), $0.text()) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }
}
