import CallKit
import SQLite
import Synchronization
import TenantRegistry

/// The file itself: its header, SQLite's own check, and the schema row for row, so
/// that no trigger is missing, no table altered and nothing there that is none of ours.
enum StructureCheck {
    static func run(_ file: inout VerifiedFile) throws {
        for fault in FileHeader.faults(of: file.connection.path) {
            file.report.add(.structure, "file", nil, "The header is not Tollgate's: \(fault).")
        }
        for difference in try SchemaComparison.differences(of: file.connection, version: file.version) {
            if difference.answersForATable { file.hasForeignViews = true }
            file.report.add(.structure, "schema", nil, difference.text)
        }
        if file.hasForeignViews { return }
        for fault in try file.connection.integrityCheck() {
            file.report.add(.structure, "file", nil, "SQLite's integrity check says: \(fault).")
        }
        try checkPlaceOfMeta(&file)
    }

    /// Before SQLite opens a live file, its second page must say whose it is (0017).
    private static func checkPlaceOfMeta(_ file: inout VerifiedFile) throws {
        let root = try file.connection.row("SELECT rootpage FROM sqlite_schema WHERE name = 'meta'") { try $0.int() }
        if root != 2 {
            file.report.add(.structure, "meta", nil, "The table is not on the second page, where it is looked for.")
        }
    }
}

/// A file's schema against the one that its version's migrations make: type, name, table and text of each row, and that
/// they are texts.
enum SchemaComparison {
    struct Difference {
        let name: String
        let text: String
        /// A view or virtual table under a table's name could answer anything, for ever.
        let answersForATable: Bool
    }

    /// One row of the schema. Texts are bytes: Swift takes two spellings of one character for the same, SQLite does
    /// not.
    private struct Object: Hashable {
        let type: [UInt8]
        let name: [UInt8]
        let table: [UInt8]
        let sql: [UInt8]
        /// As what SQLite keeps the row's columns: bytes that say the same are no text.
        let storage: String
        /// Where no table, index or trigger can have one.
        let hasRoot: Bool

        var title: String { "\(String(decoding: type, as: UTF8.self)) \(String(decoding: name, as: UTF8.self))" }
        var isView: Bool {
            !["table", "index", "trigger"].contains { type.elementsEqual($0.utf8) }
                || type.elementsEqual("table".utf8) && !hasRoot
        }
    }

    static func differences(of connection: Connection, version: Int32) throws -> [Difference] {
        var left = try wanted(version).mapValues(\.count)
        var strange: [Object] = []
        for object in try objects(of: connection) {
            if let count = left[object], count > 0 { left[object] = count - 1 } else { strange.append(object) }
        }
        let missing = left.filter { $0.value > 0 }.keys.sorted { $0.title < $1.title }
        let strangeTitles = Set(strange.map(\.title))
        return missing.map { object in
            let title = object.title
            let text =
                strangeTitles.contains(title)
                ? "The \(title) was altered." : "The \(title) is missing\(consequence(of: title))."
            return Difference(name: title, text: text, answersForATable: false)
        }
            + strange.sorted { $0.title < $1.title }.filter { strange in
                strange.isView || !missing.contains { $0.title == strange.title }
            }.map { object in
                Difference(
                    name: object.title,
                    text: "The \(object.title) is none of Tollgate's\(object.isView ? ", so no row was read" : "").",
                    answersForATable: object.isView)
            }
    }

    /// The CHECKs of each table that a file has as its version's migrations make it, by the table's name.
    static func rules(of file: VerifiedFile) throws -> [(table: String, rules: [String])] {
        let known = try wanted(file.version)
        var rules: [(table: String, rules: [String])] = []
        for object in try objects(of: file.connection) {
            guard let clauses = known[object]?.rules, !clauses.isEmpty else { continue }
            rules.append((table: String(decoding: object.name, as: UTF8.self), rules: clauses))
        }
        return rules.sorted { $0.table < $1.table }
    }

    /// How often an object stands in the schema of a version, and the CHECKs of a table.
    private struct Wanted {
        var count = 0
        let rules: [String]
    }

    /// The schema of each version: made once.
    private static let made = Mutex<[Int32: [Object: Wanted]]>([:])

    private static func wanted(_ version: Int32) throws -> [Object: Wanted] {
        if let known = made.withLock({ $0[version] }) { return known }
        let reference = try Connection(path: ":memory:", flags: [.readWrite, .create])
        defer { reference.close() }
        for migration in TenantSchema.app.migrations where migration.version <= version {
            try reference.execute(migration.sql)
        }
        var wanted: [Object: Wanted] = [:]
        for object in try objects(of: reference) {
            let isTable = object.type.elementsEqual("table".utf8)
            let rules = isTable ? CheckClauses.of(String(decoding: object.sql, as: UTF8.self)) : []
            wanted[object, default: Wanted(rules: rules)].count += 1
        }
        made.withLock { [wanted] in $0[version] = wanted }
        return wanted
    }

    private static func consequence(of name: String) -> String {
        name.hasPrefix("trigger ") && name.contains("append_only") ? ", so rows could be changed or deleted" : ""
    }

    private static func objects(of connection: Connection) throws -> [Object] {
        try connection.rows(
            """
            SELECT CAST(coalesce(type, '') AS BLOB), CAST(coalesce(name, '') AS BLOB),
                CAST(coalesce(tbl_name, '') AS BLOB), CAST(coalesce(sql, '') AS BLOB),
                format('%s %s %s %s %s', typeof(type), typeof(name), typeof(tbl_name), typeof(sql), typeof(rootpage)),
                coalesce(rootpage, 0) > 0
            FROM sqlite_schema
            """
        ) { row in
            Object(
                type: try row.blob(), name: try row.blob(), table: try row.blob(), sql: try row.blob(),
                storage: try row.text(), hasRoot: try row.bool())
        }
    }
}
