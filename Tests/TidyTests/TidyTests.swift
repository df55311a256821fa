import Foundation
import Testing

/// Rules about the sources that no compiler knows.
@Suite struct TidyTests {
    private static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources")

    /// Where a binary fraction may stand: none of it is an amount.
    private static let fractionsAllowed: [String: String] = [
        "SQLite/SQLValue.swift": "SQL has such a type",
        "SQLite/RowReader.swift": "SQL has such a type",
        "TollgateCommand/Commands/CopyCommands.swift": "Foundation hands out a file's size so",
    ]

    private func swiftFiles() throws -> [(name: String, text: String)] {
        let root = Self.sources.path(percentEncoded: false)
        let names = FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []
        return try names.filter { $0.hasSuffix(".swift") }.sorted().map { name in
            (name, try String(contentsOf: Self.sources.appending(path: name), encoding: .utf8))
        }
    }

    @Test("no Double and no Float stands in the sources, but where the list says why")
    func noBinaryFractions() throws {
        let pattern = /\b(Double|Float|Float16|Float32|Float64|Float80|CGFloat|CDouble|CFloat|NSNumber|TimeInterval)\b/
        let files = try swiftFiles()
        #expect(files.count > 200)
        var allowed = Self.fractionsAllowed
        for (name, text) in files {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().filter { _, line in
                // Comments of Swift and of SQL say what they like.
                line.replacing(/(\/\/|--).*$/, with: "").contains(pattern)
            }
            if lines.isEmpty { continue }
            #expect(allowed.removeValue(forKey: name) != nil, "\(name):\(lines.map { $0.offset + 1 })")
        }
        #expect(allowed.isEmpty, "listed and not needed any more")
    }

    @Test("the tables have no column for one")
    func noRealColumns() throws {
        for (name, text) in try swiftFiles() where name.contains("Migrations/") || name.contains("Schema") {
            #expect(!text.contains(/\b(REAL|FLOAT|DOUBLE|NUMERIC|DECIMAL)\b/), "\(name)")
        }
    }
}
