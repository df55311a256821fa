import Cryptography
package import HTML
package import TenantRegistry

/// How the tenant's pages look: its name, logo and colours (O12). The theme is the tenant's, not the reseller's. A
/// value: any thread.
package struct Theme: Sendable, Equatable {
    package enum Colour: String, Sendable, CaseIterable {
        case primary
        case accent
        case background
    }

    /// The tenant's address, or the path in it, as the caller reaches it.
    private let base: String
    package let name: String
    /// Below the address; nil: there is none.
    private let logoPath: String?
    /// `#rrggbb`; a colour that is not here is the pages' own.
    package let colours: [Colour: String]

    package init(at base: String, name: String, logoPath: String?, colours: [Colour: String]) {
        self.base = base
        self.name = name
        self.logoPath = logoPath
        self.colours = colours
    }

    /// Where the pages load it from; nil: there is none.
    package var logo: String? { logoPath.map { base + $0 } }

    package var palette: Palette {
        Palette(primary: colour(.primary), accent: colour(.accent), background: colour(.background))
    }

    private func colour(_ role: Colour) -> CSSColour? { colours[role].flatMap { CSSColour($0) } }

    /// The path of its colours; nil where they are the pages' own.
    package var stylesheet: String? {
        let palette = palette
        if palette.isEmpty { return nil }
        let hash = SHA256.hash(palette.stylesheet.bytes).bytes.prefix(Self.hashBytes)
        return "\(base)/theme.\(Hex.encode(Array(hash))).css"
    }

    private static let hashBytes = 8

    /// What a page of the tenant loads for its looks: ours, then its own.
    package var stylesheets: [Link] {
        [Assets.stylesheet.link] + (stylesheet.flatMap(Link.init(path:)).map { [$0] } ?? [])
    }

    // MARK: Known without the file

    /// Keeps it for refusals, which are made without a look into the tenant's file. To be called after the commit, in
    /// the order of the lane's jobs.
    package func keep(for tenant: TenantRecord) {
        let lines = [logoPath ?? ""] + Colour.allCases.map { colours[$0] ?? "" } + [name]
        tenant.answers.look = Array(lines.joined(separator: "\n").utf8)
    }

    fileprivate init?(kept bytes: [UInt8], at base: String) {
        let colours = Colour.allCases
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", maxSplits: colours.count + 1, omittingEmptySubsequences: false).map(String.init)
        guard lines.count == colours.count + 2 else { return nil }
        self.init(
            at: base, name: lines[colours.count + 1], logoPath: lines[0].isEmpty ? nil : lines[0],
            colours: Dictionary(uniqueKeysWithValues: zip(colours, lines.dropFirst())).filter { !$0.value.isEmpty })
    }
}

extension TenantRecord {
    /// The theme as the last page or change of it left it; nil where there was none since the gateway began to know the
    /// tenant's file.
    package func knownTheme(at base: String) -> Theme? {
        answers.look.flatMap { Theme(kept: $0, at: base) }
    }
}
