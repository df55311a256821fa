import HTML
import Testing

@testable import PageKit

@Suite("A tenant's colours")
struct ThemeTests {
    private static let hard: [CSSColour] = [
        "#ffff00", "#000000", "#777777", "#ffffff", "#ff0000", "#00ff00", "#0000ff",
    ]

    /// Nine steps of each part: what a tenant may choose, thinly.
    private static let all: [CSSColour] = {
        let steps = (0...8).map { UInt8(min(255, $0 * 32)) }
        return steps.flatMap { red in
            steps.flatMap { green in steps.map { CSSColour(red: red, green: green, blue: $0) } }
        }
    }()

    @Test("O12 The contrast of two colours is WCAG's")
    func contrast() {
        func rounded(_ one: CSSColour, _ other: CSSColour) -> Int { Int(Contrast.ratio(one, other) * 100 + 0.5) }
        #expect(rounded("#000000", "#ffffff") == 2100)
        #expect(rounded("#ffff00", "#ffffff") == 107)
        #expect(rounded("#777777", "#ffffff") == 448)
        #expect(rounded("#1f4fd8", "#ffffff") == 663)
        #expect(rounded("#123456", "#123456") == 100)
    }

    @Test("O12 The text of a button is readable on any colour that a tenant chooses")
    func ink() {
        for colour in Self.hard + Self.all {
            #expect(Contrast.ratio(Palette.ink(on: colour), colour) >= Contrast.text, "\(colour.text)")
        }
        #expect(Palette.ink(on: "#ffff00") == "#000000")
        #expect(Palette.ink(on: "#000000") == "#ffffff")
    }

    @Test("O12 Links are readable on all that they stand on, by day and by night, whatever the tenant chooses")
    func links() {
        for light in [Palette.Light.day, .night] {
            for colour in Self.hard + Self.all {
                let link = Palette.readable(colour, in: light)
                for background in light.backgrounds {
                    #expect(Contrast.ratio(link, background) >= Contrast.text, "\(colour.text) on \(background.text)")
                }
            }
        }
    }

    @Test("O12 A colour that is readable stays as the tenant chose it")
    func keeps() {
        #expect(Palette.readable("#1f4fd8", in: .day) == "#1f4fd8")
        #expect(Palette.readable("#8fb0ff", in: .night) == "#8fb0ff")
        #expect(Palette.readable("#ffff00", in: .night) == "#ffff00")
    }

    @Test("O12 A button has an edge that stands out where its own colour does not")
    func edges() {
        for light in [Palette.Light.day, .night] {
            for colour in Self.hard + Self.all {
                let edge = Palette.edge(of: colour, in: light)
                for background in light.backgrounds {
                    #expect(Contrast.ratio(edge, background) >= Contrast.edge, "\(colour.text)")
                }
            }
        }
    }

    @Test("O12 What stands beside the card of an open page is readable, and by night no page is bright")
    func pages() {
        for colour in Self.hard + Self.all {
            let palette = Palette(primary: nil, accent: nil, background: colour)
            #expect(palette.page(in: .day) == colour)
            #expect(Contrast.luminance(palette.page(in: .night)) <= 0.1)
            for light in [Palette.Light.day, .night] {
                let page = palette.page(in: light)
                #expect(Contrast.ratio(Palette.ink(on: page), page) >= Contrast.text)
            }
        }
    }

    @Test("O12 A palette tells the colours that its stylesheet has, and the pages' own where the tenant chose none")
    func tellsItsColours() {
        let none = Palette(primary: nil, accent: nil, background: nil)
        for light in [Palette.Light.day, .night] {
            for colour in [none.link(in: light), none.button(in: light), none.edge(in: light)] {
                #expect(colour == light.accent)
            }
            #expect(none.ink(in: light) == light.ink)
            #expect(none.pageInk(in: light) == light.text)
        }
        let linked = Palette(primary: nil, accent: "#ffff00", background: nil)
        #expect(linked.button(in: .day) == linked.link(in: .day))
        for light in [Palette.Light.day, .night] {
            for colour in Self.hard + Self.all {
                for palette in [
                    Palette(primary: colour, accent: nil, background: colour),
                    Palette(primary: nil, accent: colour, background: nil),
                ] {
                    #expect(Contrast.ratio(palette.ink(in: light), palette.button(in: light)) >= Contrast.text)
                    #expect(Contrast.ratio(palette.pageInk(in: light), palette.page(in: light)) >= Contrast.text)
                }
            }
        }
    }

    @Test("O12 A stylesheet says what the tenant chose and nothing else")
    func stylesheet() {
        func text(_ palette: Palette) -> String { String(decoding: palette.stylesheet.bytes, as: UTF8.self) }
        #expect(text(Palette(primary: nil, accent: nil, background: nil)) == "")
        #expect(
            text(Palette(primary: "#ffff00", accent: nil, background: "#010203")) == """
                :root{--primary:#ffff00;--ink:#000000;--lift:#ffffff;--edge:light-dark(#7d8899,#ffff00)}
                :root{--accent:light-dark(#707000,#ffff00)}
                :root{--page:light-dark(#010203,#010203);--page-ink:light-dark(#ffffff,#ffffff)}

                """)
    }

    @Test("O12 The colours that links are measured on are those of the stylesheet")
    func measuredOnWhatIsThere() {
        let css = String(decoding: Assets.stylesheet.bytes, as: UTF8.self).replacing(
            "light-dark(#fff,", with: "light-dark(#ffffff,")
        for (name, index) in [("surface", 0), ("bg", 1), ("raised", 2)] {
            let (day, night) = (Palette.Light.day.backgrounds[index], Palette.Light.night.backgrounds[index])
            #expect(css.contains("--\(name):light-dark(\(day.text),\(night.text));"))
        }
        let (day, night) = (Palette.Light.day, Palette.Light.night)
        for (name, colours) in [
            ("text", (day.text, night.text)), ("accent", (day.accent, night.accent)), ("ink", (day.ink, night.ink)),
        ] {
            #expect(css.contains("--\(name):light-dark(\(colours.0.text),\(colours.1.text));"))
        }
    }
}
