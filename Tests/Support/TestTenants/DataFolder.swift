import Foundation
package import SQLite

/// What a test does to a data folder that no fleet has open.
package enum DataFolder {
    /// A copy of a folder as it lies there at this moment: what kill -9 would leave.
    package static func image(of folder: String, to target: String) throws {
        try FileManager.default.copyItem(atPath: folder, toPath: target)
    }

    package static func tenantFiles(_ folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: folder + "/tenants")?.allObjects as? [String] ?? []
        return names.filter { $0.hasSuffix(".sqlite") }.map { "\(folder)/tenants/\($0)" }.sorted()
    }

    package static func edit<Value>(_ path: String, _ change: (Connection) throws -> Value) throws -> Value {
        let connection = try Connection(path: path, flags: [.readWrite])
        defer { connection.close() }
        return try change(connection)
    }

    /// What somebody with an SQLite shell does: triggers out of the way, a change, triggers back as they were. Columns'
    /// rules look at the change where it does not take them away too.
    package static func tamper(
        _ path: String, _ sql: String, restoringTriggers: Bool = true, ignoringRules: Bool = false
    ) throws {
        try edit(path) { connection in
            // Each statement is a commit, and nobody pulls a plug.
            try connection.execute("PRAGMA synchronous=OFF")
            let triggers = try connection.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'") {
                try ($0.text(), $0.text())
            }
            for (name, _) in triggers { try connection.execute("DROP TRIGGER \(name)") }
            if ignoringRules { try connection.execute("PRAGMA ignore_check_constraints=ON") }
            try connection.execute(sql)
            if restoringTriggers { for (_, sql) in triggers { try connection.execute(sql) } }
        }
    }

    /// The same of a node's registry.
    package static func tamperRegistry(_ folder: String, _ sql: String, ignoringRules: Bool = false) throws {
        try tamper(registry(folder), sql, ignoringRules: ignoringRules)
    }

    package static func editRegistry<Value>(_ folder: String, _ change: (Connection) throws -> Value) throws -> Value {
        try edit(registry(folder), change)
    }

    private static func registry(_ folder: String) -> String { folder + "/registry.sqlite" }
}
