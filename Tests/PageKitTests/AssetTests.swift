import Cryptography
import Testing

@testable import PageKit

@Suite("Files that pages load")
struct AssetTests {
    private static let scripts = [Assets.script, Assets.sheet]

    private static func text(_ asset: Asset) -> String { String(decoding: asset.bytes, as: UTF8.self) }

    @Test("U5 A file's address names its bytes", arguments: [Assets.stylesheet, Assets.script, Assets.sheet])
    func namesItsBytes(_ asset: Asset) {
        let hash = Hex.encode(Array(SHA256.hash(asset.bytes).bytes.prefix(8)))
        #expect(asset.path.hasPrefix("/assets/"))
        #expect(asset.path.contains(".\(hash)."))
        #expect(Assets.byPath[asset.path]?.bytes == asset.bytes)
        #expect(asset.link.text == asset.path)
    }

    @Test("U5 The stylesheet is at most 20 KB, the scripts 12 KB together")
    func areSmall() {
        #expect(Assets.stylesheet.bytes.count <= 20 * 1024)
        #expect(Self.scripts.reduce(0) { $0 + $1.bytes.count } <= 12 * 1024)
    }

    @Test("U4 Nothing is loaded from elsewhere, evaluated or written as markup")
    func loadsNothing() {
        for word in ["@import", "url(", "http:", "https:"] {
            #expect(!Self.text(Assets.stylesheet).contains(word), "\(word)")
        }
        for script in Self.scripts {
            for word in [
                "eval(", "Function(", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "http",
            ] {
                #expect(!Self.text(script).contains(word), "\(script.path): \(word)")
            }
        }
    }

    @Test("U5 What is left out for readers is comments and indentation")
    func losesNothing() {
        let source = String(decoding: PackageResources.app_js, as: UTF8.self)
        let lines = source.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { !$0.hasPrefix("//") }
        #expect(Self.text(Assets.script) == lines.map { "\($0)\n" }.joined())
        #expect(!source.contains("`"), "a text over lines would lose its indentation")
    }
}
