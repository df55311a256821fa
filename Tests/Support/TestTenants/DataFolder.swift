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

    package static func editRegistry<Value>(_ folder: String, _ change: (Connection) throws -> Value) throws -> Value {
        try edit(folder + "/registry.sqlite", change)
    }
}
