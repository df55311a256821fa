import Foundation
import SQLite

/// A folder for one test's files, removed with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "tollgate-sqlite-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func file(_ name: String) -> String { path + "/" + name }

    func size(_ name: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: file(name))[.size] as? Int ?? 0
    }

    /// A connection set up as a tenant's is.
    func live(_ name: String = "live.sqlite") throws -> Connection {
        let connection = try Connection(path: file(name))
        try connection.configureLive()
        return connection
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
