import HTML
import PageKit

/// What pages look like in a tenant's colours, by day and by night, and how well each of them is read there: as they
/// are in force, or as somebody thinks of them (O12). The pictures show what the table says in words. A value: any
/// thread.
struct ThemePreview: MarkupPart {
    private let palette: Palette

    init(_ palette: Palette) { self.palette = palette }

    var html: HTML {
        """
        <div class="fields">\(picture(.day, "By day"))\(picture(.night, "By night"))</div>\(table)
        """
    }

    // MARK: Pictures

    /// A card on a page, with a link and a button. Rectangles are the stylesheet's to fill, so these are paths.
    private func picture(_ light: Palette.Light, _ title: String) -> HTML {
        let button = fill(palette.button(in: light)) + stroke(palette.edge(in: light))
        return """
            <div><p class="label">\(title)</p><svg viewbox="0 0 240 132" width="100%" height="132" aria-hidden="true">\
            <path d="M6 0h228q6 0 6 6v120q0 6-6 6H6q-6 0-6-6V6q0-6 6-6z"\(fill(palette.page(in: light)))></path>\
            <text x="16" y="25" font-size="14" font-weight="600"\(fill(palette.pageInk(in: light)))>Welcome</text>\
            <path d="M22 36h196q6 0 6 6v74q0 6-6 6H22q-6 0-6-6V42q0-6 6-6z"\(fill(light.backgrounds[0]))></path>\
            <text x="28" y="60" font-size="14"\(fill(light.text))>A text, and \
            <tspan text-decoration="underline"\(fill(palette.link(in: light)))>a link</tspan></text>\
            <path d="M34 74h76q6 0 6 6v24q0 6-6 6H34q-6 0-6-6V80q0-6 6-6z"\(button)></path>\
            <text x="72" y="97" text-anchor="middle" font-size="14"\(fill(palette.ink(in: light)))>A button</text>\
            </svg></div>
            """
    }

    private func fill(_ colour: CSSColour) -> Attributes {
        var attributes = Attributes()
        attributes.set("fill", colour: colour)
        return attributes
    }

    private func stroke(_ colour: CSSColour) -> Attributes {
        var attributes = Attributes()
        attributes.set("stroke", colour: colour)
        return attributes
    }

    // MARK: Contrast

    private var table: DataTable {
        DataTable(
            caption: "How well it is read", columns: [Column("What"), Column("By day"), Column("By night")],
            rows: [
                line("Text of buttons") { Self.told(palette.ink(in: $0), on: [palette.button(in: $0)]) },
                line("Edges of buttons") { Self.told(palette.edge(in: $0), on: $0.backgrounds, Contrast.edge) },
                line("Links") { Self.told(palette.link(in: $0), on: $0.backgrounds) },
                line("Text of open pages") { Self.told(palette.pageInk(in: $0), on: [palette.page(in: $0)]) },
            ], empty: "", isCaptionSeen: true)
    }

    private func line(_ title: String, _ tell: (Palette.Light) -> HTML) -> [HTML] {
        ["\(title)", tell(.day), tell(.night)]
    }

    /// A colour on that of some others on which it is read least.
    private static func told(
        _ colour: CSSColour, on grounds: [CSSColour], _ least: Double = Contrast.text
    ) -> HTML {
        let worst = grounds.min { Contrast.ratio(colour, $0) < Contrast.ratio(colour, $1) } ?? colour
        return """
            \(ratio(colour, worst, least)) \
            <span class="sub"><code>\(colour.text)</code> on <code>\(worst.text)</code></span>
            """
    }

    /// What is less than `least` is marked.
    static func ratio(_ first: CSSColour, _ second: CSSColour, _ least: Double = Contrast.text) -> HTML {
        let ratio = Contrast.ratio(first, second)
        let words = times(ratio)
        return ratio >= least ? "\(words)" : "\(State(words, tone: ratio >= Contrast.edge ? .warn : .bad))"
    }

    /// `4.5 : 1`
    static func times(_ ratio: Double) -> String {
        "\(Figure.grouped(Int((ratio * 10).rounded(.down)), decimals: 1)) : 1"
    }
}
