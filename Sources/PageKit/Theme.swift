import Glibc
package import HTML

/// How well one colour is read on another (WCAG 2.2, 1.4.3): from 1, which nobody reads, to 21.
package enum Contrast {
    /// For text.
    package static let text = 4.5
    /// For the edges of what one presses.
    package static let edge = 3.0

    package static func ratio(_ first: CSSColour, _ second: CSSColour) -> Double {
        let (one, other) = (luminance(first), luminance(second))
        return (max(one, other) + dimmest) / (min(one, other) + dimmest)
    }

    package static func luminance(_ colour: CSSColour) -> Double {
        let (red, green, blue) = colour.parts
        return 0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue)
    }

    private static let dimmest = 0.05

    /// What a part of a colour on a screen is as light.
    private static func light(_ part: UInt8) -> Double {
        let value = Double(part) / 255
        return value > 0.04045 ? pow((value + 0.055) / 1.055, 2.4) : value / 12.92
    }
}

/// A tenant's colours as its pages use them (O12). Whatever they are, everything stays readable by day and by night:
/// ink is black or white, and a link's colour is darkened or lightened until it has its contrast. A value: any thread.
package struct Palette: Sendable {
    /// The colours that text and buttons stand on, as `app.css` has them.
    package struct Light: Sendable {
        package let backgrounds: [CSSColour]
        package let text: CSSColour
        /// What links and buttons are coloured like where the tenant chose nothing, and the text of such buttons.
        package let accent: CSSColour
        package let ink: CSSColour
        fileprivate let control: CSSColour
        fileprivate let page: CSSColour
        /// Where colours go that are not seen well enough.
        fileprivate let end: CSSColour

        package static let day = Light(
            backgrounds: ["#ffffff", "#f7f8fa", "#eef1f5"], text: "#18202c", accent: "#1f4fd8", ink: "#ffffff",
            control: "#7d8899", page: "#f7f8fa", end: "#000000")
        package static let night = Light(
            backgrounds: ["#171d26", "#0f141b", "#202835"], text: "#e6eaf0", accent: "#8fb0ff", ink: "#0f141b",
            control: "#6f7d92", page: "#0f141b", end: "#ffffff")
    }

    private let primary: CSSColour?
    private let accent: CSSColour?
    private let background: CSSColour?

    /// Nil for the pages' own. Without an accent the primary colour is that of links too.
    package init(primary: CSSColour?, accent: CSSColour?, background: CSSColour?) {
        self.primary = primary
        self.accent = accent ?? primary
        self.background = background
    }

    /// A night is no brighter than this, whatever the tenant likes by day.
    private static let nightLuminanceMax = 0.1

    /// Black or white, whichever is read better: at least 4.58 to 1 on any colour.
    package static func ink(on colour: CSSColour) -> CSSColour {
        Contrast.ratio("#000000", colour) >= Contrast.ratio("#ffffff", colour) ? "#000000" : "#ffffff"
    }

    /// The colour itself where it is read on all of the light's backgrounds, or the nearest on the way to black or
    /// white that is.
    package static func readable(_ colour: CSSColour, in light: Light) -> CSSColour {
        // The further on its way, the better it is read; at the end it is.
        let steps = 64
        var (least, most) = (0, steps)
        while least < most {
            let step = (least + most) / 2
            let isRead = light.backgrounds.allSatisfy {
                Contrast.ratio(colour.mixed(with: light.end, step, of: steps), $0) >= Contrast.text
            }
            if isRead { most = step } else { least = step + 1 }
        }
        return colour.mixed(with: light.end, least, of: steps)
    }

    /// A button's edge: its own colour where that stands out.
    package static func edge(of colour: CSSColour, in light: Light) -> CSSColour {
        let standsOut = light.backgrounds.allSatisfy { Contrast.ratio(colour, $0) >= Contrast.edge }
        return standsOut ? colour : light.control
    }

    /// What open pages have behind their card.
    package func page(in light: Light) -> CSSColour {
        guard let background else { return light.page }
        let isTooBright = light.end == "#ffffff" && Contrast.luminance(background) > Self.nightLuminanceMax
        return isTooBright ? light.page : background
    }

    /// The text on that.
    package func pageInk(in light: Light) -> CSSColour {
        background == nil ? light.text : Self.ink(on: page(in: light))
    }

    package func link(in light: Light) -> CSSColour { accent.map { Self.readable($0, in: light) } ?? light.accent }

    /// What a button is filled with. Without a primary colour it is that of links.
    package func button(in light: Light) -> CSSColour { primary ?? link(in: light) }

    /// The text on a button.
    package func ink(in light: Light) -> CSSColour { primary.map { Self.ink(on: $0) } ?? light.ink }

    package func edge(in light: Light) -> CSSColour {
        primary.map { Self.edge(of: $0, in: light) } ?? button(in: light)
    }

    package var isEmpty: Bool { primary == nil && accent == nil && background == nil }

    /// The properties of `app.css` that follow from the tenant's colours.
    package var stylesheet: Stylesheet {
        "\(primaryRules)\(accentRules)\(backgroundRules)"
    }

    private var primaryRules: Stylesheet {
        guard let primary else { return "" }
        let ink = Self.ink(on: primary)
        let lift: CSSColour = ink == "#000000" ? "#ffffff" : "#000000"
        return """
            :root{--primary:\(primary);--ink:\(ink);--lift:\(lift);\
            --edge:light-dark(\(edge(in: .day)),\(edge(in: .night)))}

            """
    }

    private var accentRules: Stylesheet {
        if accent == nil { return "" }
        return """
            :root{--accent:light-dark(\(link(in: .day)),\(link(in: .night)))}

            """
    }

    private var backgroundRules: Stylesheet {
        if background == nil { return "" }
        return """
            :root{--page:light-dark(\(page(in: .day)),\(page(in: .night)));\
            --page-ink:light-dark(\(pageInk(in: .day)),\(pageInk(in: .night)))}

            """
    }
}

extension CSSColour {
    fileprivate func mixed(with other: CSSColour, _ step: Int, of steps: Int) -> CSSColour {
        func mix(_ from: UInt8, _ to: UInt8) -> UInt8 {
            UInt8((Int(from) * (steps - step) + Int(to) * step + steps / 2) / steps)
        }
        let (one, end) = (parts, other.parts)
        return CSSColour(red: mix(one.red, end.red), green: mix(one.green, end.green), blue: mix(one.blue, end.blue))
    }
}
