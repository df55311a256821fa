import Foundation

/// A folder for one test's files, removed with it.
package final class TestFolder: Sendable {
    package let path: String

    package init() throws {
        path = NSTemporaryDirectory() + "tollgate-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    package func file(_ name: String) -> String { path + "/" + name }

    package func copy(_ from: String, to name: String) throws -> String {
        try FileManager.default.copyItem(atPath: from, toPath: file(name))
        return file(name)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
