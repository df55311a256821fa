/// One step of a schema. Once released it is never changed: files out there have run it.
package struct Migration: Sendable {
    /// Counts from 1 without gaps; `user_version` of a file that has run it.
    package let version: Int32
    package let name: String
    package let sql: String
    /// What SQL cannot say of the rows that there are; behind `sql`, in its transaction.
    let finish: (@Sendable (Connection) throws -> Void)?

    package init(
        version: Int32, name: String, sql: String, finish: (@Sendable (Connection) throws -> Void)? = nil
    ) {
        self.version = version
        self.name = name
        self.sql = sql
        self.finish = finish
    }
}

package enum MigrationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A newer program has written the file: `found` is its version, `known` the last one of this program.
    case newerThanProgram(found: Int32, known: Int32)
    /// Rows would point at nothing after this step; it was rolled back.
    case brokenReferences(version: Int32)

    package var description: String {
        switch self {
        case .newerThanProgram(let found, let known):
            "a newer Tollgate has written it (its schema is \(found), this program's \(known)): run that one"
        case .brokenReferences(let version): "rows would point at nothing after step \(version)"
        }
    }
}

/// Brings a file to the last version, each step in a transaction of its own. Runs on the connection's thread.
package enum Migrator {
    /// Returns the versions that were run. A step that fails is rolled back; those before it stay.
    @discardableResult
    package static func migrate(_ connection: Connection, _ migrations: [Migration]) throws -> [Int32] {
        for (index, migration) in migrations.enumerated() {
            precondition(migration.version == Int32(index + 1), "versions of migrations count from 1 without gaps")
        }
        let found = try connection.userVersion
        let known = Int32(migrations.count)
        guard found <= known else { throw MigrationError.newerThanProgram(found: found, known: known) }
        guard found < known else { return [] }
        var ran: [Int32] = []
        // A step may rewrite a whole file, and has no savepoint.
        try connection.setSpilling(true)
        defer { try? connection.setSpilling(false) }
        for migration in migrations where migration.version > found {
            try connection.transaction {
                // A table that is rebuilt leaves its references open until the end of the step.
                try connection.execute("PRAGMA defer_foreign_keys=ON")
                try connection.execute(migration.sql)
                try migration.finish?(connection)
                if try connection.exists("SELECT 1 FROM pragma_foreign_key_check") {
                    throw MigrationError.brokenReferences(version: migration.version)
                }
                try connection.setUserVersion(migration.version)
            }
            ran.append(migration.version)
        }
        return ran
    }
}
