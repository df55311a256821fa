import Cryptography
package import HTML

/// A file that pages load. Its address names its bytes: whoever has it may keep it for ever. A value: any thread.
package struct Asset: Sendable {
    /// `/assets/app.{hash}.css`, at the root of every host.
    package let path: String
    package let contentType: StaticString
    package let bytes: [UInt8]
    package let link: Link

    private static let hashBytes = 8

    fileprivate init(_ name: String, _ suffix: String, _ contentType: StaticString, _ source: [UInt8]) {
        bytes = Self.withoutNotes(source)
        self.contentType = contentType
        path = "/assets/\(name).\(Hex.encode(Array(SHA256.hash(bytes).bytes.prefix(Self.hashBytes)))).\(suffix)"
        guard let link = Link(path: path) else { preconditionFailure("\(path) is no path of ours") }
        self.link = link
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

    package static let byPath = Dictionary(
        uniqueKeysWithValues: [stylesheet, script, sheet, icon].map { ($0.path, $0) })

    private static let scriptType: StaticString = "text/javascript; charset=utf-8"
}
