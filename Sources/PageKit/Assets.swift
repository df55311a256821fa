import Cryptography
package import HTML

/// A file that pages load. Its address names its bytes: whoever has it may keep it for ever. A value: any thread.
package struct Asset: Sendable {
    /// `/assets/app.{hash}.css`, at the root of every host.
    package let path: String
    package let contentType: StaticString
    package let bytes: [UInt8]
    package let link: Link
    /// What stands around the hash.
    private let (beginning, end): (String, String)

    private static let hashBytes = 8

    fileprivate init(_ name: String, _ suffix: String, _ contentType: StaticString, _ source: [UInt8]) {
        bytes = Self.withoutNotes(source)
        self.contentType = contentType
        (beginning, end) = ("/assets/\(name).", ".\(suffix)")
        path = beginning + Hex.encode(Array(SHA256.hash(bytes).bytes.prefix(Self.hashBytes))) + end
        guard let link = Link(path: path) else { preconditionFailure("\(path) is no path of ours") }
        self.link = link
    }

    /// Whether that is the address of this file in some version of the program.
    fileprivate func isNamed(_ path: String) -> Bool {
        guard path.hasPrefix(beginning), path.hasSuffix(end) else { return false }
        let hash = path.utf8.dropFirst(beginning.utf8.count).dropLast(end.utf8.count)
        return hash.count == Self.hashBytes * 2 && hash.allSatisfy(Set("0123456789abcdef".utf8).contains)
    }

    /// Indentation and lines of comment are for whoever reads the source. No value of these files spans lines.
    private static func withoutNotes(_ source: [UInt8]) -> [UInt8] {
        let blank = UInt8(ascii: " ")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.count)
        for line in source.split(separator: UInt8(ascii: "\n")) {
            let text = line.drop { $0 == blank }
            if text.isEmpty || text.starts(with: "//".utf8) || text.starts(with: "/*".utf8) { continue }
            bytes += text
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}

/// What pages look like and what their scripts do: files of `Sources/PageKit/Assets`, built into the program.
package enum Assets {
    package static let stylesheet = Asset("app", "css", "text/css; charset=utf-8", PackageResources.app_css)
    /// For every page: each thing that it does, the page does without it as well.
    package static let script = Asset("app", "js", scriptType, PackageResources.app_js)
    /// For pages with a price sheet.
    package static let sheet = Asset("sheet", "js", scriptType, PackageResources.sheet_js)

    /// Of a page whose tenant has no logo.
    package static let icon = Asset("icon", "svg", "image/svg+xml", PackageResources.icon_svg)

    private static let all = [stylesheet, script, sheet, icon]

    package static let byPath = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $0) })

    /// This version's file where another version's is asked for: while nodes are upgraded one by one a page may come
    /// from one and ask another for its files (N6). Not to be kept.
    package static func instead(of path: String) -> Asset? { all.first { $0.isNamed(path) } }

    private static let scriptType: StaticString = "text/javascript; charset=utf-8"
}
