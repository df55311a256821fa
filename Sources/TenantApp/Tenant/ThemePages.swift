package import CallKit
import Cryptography
package import HTML
import HTTPCore
import PageKit
import TenantRegistry

/// The tenant's colours as a stylesheet, for its pages (O12). Its address names its bytes, as the logo's does.
package struct ThemePages: OpenDialect {
    package let name = "theme"
    package let basePath = ""

    package init() {}

    package let routes: [Route] = [
        Route(
            .get, "/theme.{file}", "Give the tenant's colours as a stylesheet", access: .open, keepsForEver: true
        ) { call in
            .read { tenant in
                let theme = try tenant.theme(at: "")
                guard theme.stylesheet == "/theme.\(call.parameters[0])" else { throw Refusal.notFound(.theme) }
                return Answer(
                    status: 200, contentType: "text/css; charset=utf-8", body: theme.palette.stylesheet.bytes)
            }
        }
    ]
}

extension Theme {
    fileprivate var palette: Palette {
        Palette(primary: colour(.primary), accent: colour(.accent), background: colour(.background))
    }

    private func colour(_ role: Colour) -> CSSColour? { colours[role].flatMap { CSSColour($0) } }

    /// The path of its colours; nil where they are the pages' own.
    var stylesheet: String? {
        let palette = palette
        if palette.isEmpty { return nil }
        let hash = SHA256.hash(palette.stylesheet.bytes).bytes.prefix(Self.hashBytes)
        return "\(base)/theme.\(Hex.encode(Array(hash))).css"
    }

    private static let hashBytes = 8
}

extension Theme {
    /// What a page of the tenant loads for its looks: ours, then its own.
    package var stylesheets: [Link] {
        [Assets.stylesheet.link] + (stylesheet.flatMap(Link.init(path:)).map { [$0] } ?? [])
    }
}
