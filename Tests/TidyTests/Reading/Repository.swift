import Foundation

/// The files that Tidy judges, read once.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static let sources = swiftFiles(in: "Sources")
    static let tests = swiftFiles(in: "Tests") + swiftFiles(in: "Benchmarks")
    static let scripts = paths(in: "Tests", "py").map(plain) + paths(in: "Benchmarks", "py").map(plain)
    static let headers = paths(in: "Sources", "h").map(plain)
    static let manifest = text("Package.swift")
    static let stylesheet = text("Sources/PageKit/Assets/app.css")

    private static func swiftFiles(in folder: String) -> [SourceFile] {
        paths(in: folder, "swift").map { SourceFile(path: $0, text: text($0)) }
    }

    private static func plain(_ path: String) -> PlainFile { PlainFile(path: path, text: text(path)) }

    private static func paths(in folder: String, _ ending: String) -> [String] {
        let root = root.appending(path: folder).path(percentEncoded: false)
        let names = FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []
        return names.filter { $0.hasSuffix(".\(ending)") }.sorted().map { "\(folder)/\($0)" }
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
    }
}

extension String {
    /// By bytes: a file ends its lines with a line feed alone.
    func splitIntoLines() -> [Substring] {
        utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Substring($0) }
    }
}

/// A file that is judged by its lines alone.
struct PlainFile: Sendable {
    let path: String
    let lines: [Substring]

    init(path: String, text: String) {
        self.path = path
        lines = text.splitIntoLines()
    }
}
