import Glibc

/// What is only for people who look at a terminal: colours there, and nowhere else. `NO_COLOR` (https://no-color.org)
/// and a terminal that says it is dumb turn them off.
enum Terminal {
    enum Style: String {
        case title = "1"
        case faint = "2"
        case good = "32"
        case waiting = "33"
        case bad = "31"
    }

    static func isThere(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// How wide it is; nil where this is no terminal, or one that does not say.
    static func columns(of descriptor: Int32) -> Int? {
        guard isThere(descriptor) else { return nil }
        if let told = Int(text("COLUMNS")), told > 0 { return told }
        var size = winsize()
        return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
    }

    static func hasColours(_ descriptor: Int32) -> Bool {
        guard isThere(descriptor), text("NO_COLOR").isEmpty else { return false }
        let kind = text("TERM")
        return !kind.isEmpty && kind != "dumb"
    }

    /// The text in a style where this stream shows any.
    static func styled(_ text: String, _ style: Style?, on descriptor: Int32 = STDOUT_FILENO) -> String {
        guard let style, hasColours(descriptor) else { return text }
        return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
    }

    /// How a state reads at a glance; nil for any other word.
    static func style(ofState word: String) -> Style? {
        if good.contains(word) { return .good }
        if waiting.contains(word) { return .waiting }
        return bad.contains(word) ? .bad : nil
    }

    private static let good: Set<String> = [
        "active", "assigned", "available", "completed", "confirmed", "delivered", "good", "ok", "ready", "succeeded",
    ]
    private static let waiting: Set<String> = [
        "cancelled", "creating", "held", "new", "past_due", "paused", "pending", "suspended", "suspending",
        "terminating", "under_review", "unsuspending",
    ]
    private static let bad: Set<String> = [
        "dead", "disabled", "dropped", "expired", "failed", "orphan", "refunded", "rejected", "revoked", "stuck",
        "terminated",
    ]

    /// A text as it may be shown, for texts come from resellers and from other servers. What could steer the terminal
    /// or break the line is replaced; what turns the direction of writing or has no shape of its own is left out.
    /// `hasLines`: its line ends stay.
    static func printable(_ text: String, hasLines: Bool = false) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator:
                shown.append(hasLines && scalar == "\n" ? scalar : "\u{FFFD}")
            default:
                if !scalar.properties.isDefaultIgnorableCodePoint { shown.append(scalar) }
            }
        }
        return String(shown)
    }

    /// How many columns a text takes: wide letters two, marks on letters and what nobody sees none.
    static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    static func padded(_ text: String, _ columns: Int) -> String {
        text + String(repeating: " ", count: max(0, columns - width(text)))
    }

    /// The end of a text that takes more columns than there are.
    static func ending(_ text: String, _ columns: Int) -> String {
        guard width(text) > columns else { return text }
        var rest = Substring(text)
        while !rest.isEmpty, width(String(rest)) >= columns { rest = rest.dropFirst() }
        return "…" + rest
    }

    /// Against the right edge, as numbers stand.
    static func indented(_ text: String, _ columns: Int) -> String {
        String(repeating: " ", count: max(0, columns - width(text))) + text
    }

    /// East Asian Width W and F (Unicode Standard Annex 11), by blocks; pictures among them.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
        0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]

    private static func width(_ scalar: UnicodeScalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
        }
    }

    private static func text(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
}
