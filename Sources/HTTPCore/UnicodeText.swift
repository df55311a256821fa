// Composition is not public in the standard library yet; decision 0026 says why it is taken from there all the same.
@_spi(_Unicode) import Swift

/// What texts from callers may hold. Everything that is kept or looked up is brought into NFC first, so that two
/// spellings of one text are one text.
package enum TextRule: Sendable {
    /// A line that people read: a name, a note. Joiners and turns of direction are some scripts' own business, and
    /// stay; a turn has to end in the text.
    case line
    /// The same in several lines: what people note for themselves.
    case lines
    /// What programs compare: an id, a reference, a key. No character that nobody sees or that has no meaning yet, and
    /// no white space but spaces inside.
    case id

    /// Why the text, which is in NFC, breaks the rule; nil where it does not. Empty texts break none.
    package func fault(in text: String) -> String? {
        var isBlank = !text.isEmpty
        var turns = Turns()
        for scalar in text.unicodeScalars {
            if scalar.isControl {
                // A line's end, and what tables are copied with.
                guard self == .lines, ["\n", "\r", "\t"].contains(scalar) else {
                    return "must not hold control characters"
                }
                continue
            }
            if scalar.isASCII {
                if scalar != " " { isBlank = false }
                continue
            }
            guard allows(scalar), turns.take(scalar) else {
                return "must not hold invisible, bidirectional or unassigned characters"
            }
            if scalar.isSeen { isBlank = false }
        }
        if !turns.areClosed { return "must not turn the direction of what follows it" }
        if isBlank { return "must not be white space alone" }
        guard self == .id else { return nil }
        let edges = [text.unicodeScalars.first, text.unicodeScalars.last]
        let hasSpaceAtEdge = edges.contains { $0.map { $0 == " " || $0.isBlankSymbol } ?? false }
        return hasSpaceAtEdge ? "must not begin or end with white space" : nil
    }

    /// Of a scalar beyond ASCII.
    private func allows(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        switch properties.generalCategory {
        case .format:
            let hasMeaning = Self.isShaping(scalar) || !properties.isDefaultIgnorableCodePoint
            return self != .id && hasMeaning && !Self.isMarkup(scalar)
        case .lineSeparator, .paragraphSeparator, .surrogate: return false
        case .privateUse: return self != .id
        case .unassigned: return self != .id && !properties.isNoncharacterCodePoint
        case .spaceSeparator: return self != .id
        default:
            if !properties.isDefaultIgnorableCodePoint { return true }
            // Emoji choose their looks by these.
            return self != .id && properties.isVariationSelector
        }
    }

    /// The two joiners, and what turns the direction.
    private static func isShaping(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x200C, 0x200D, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// What marks notes between lines, and what places hieroglyphs, for programs among themselves: nobody sees it.
    private static func isMarkup(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xFFF9...0xFFFB, 0x13430...0x1343F: true
        default: false
        }
    }

    /// Turns of direction that are open (UAX 9): embeddings and overrides end by U+202C, isolates by U+2069.
    private struct Turns {
        private var ends: [UInt32] = []

        var areClosed: Bool { ends.isEmpty }

        /// False for an end of what was not begun last.
        mutating func take(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.value {
            case 0x202A, 0x202B, 0x202D, 0x202E: ends.append(0x202C)
            case 0x2066...0x2068: ends.append(0x2069)
            case 0x202C, 0x2069: return ends.popLast() == scalar.value
            default: break
            }
            return true
        }
    }
}

extension Unicode.Scalar {
    /// Unicode's category Cc, which is these two ranges for ever; the library's table of categories is a search for
    /// each.
    package var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }

    /// A space, though Unicode has it among the symbols: Braille without a dot, a note without a head.
    fileprivate var isBlankSymbol: Bool { value == 0x2800 || value == 0x1D159 }

    fileprivate var isSeen: Bool {
        !properties.isWhitespace && !properties.isDefaultIgnorableCodePoint && !isBlankSymbol
    }
}

extension String {
    /// Without the white space before and behind it.
    package var unpadded: String {
        let rest = drop(while: \.isWhitespace)
        return rest.lastIndex { !$0.isWhitespace }.map { String(rest[...$0]) } ?? ""
    }

    /// In Normalization Form C (UAX 15).
    package var composed: String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return self }
        var text = String.UnicodeScalarView()
        for scalar in _nfc { text.append(scalar) }
        return String(text)
    }

    /// Combining marks that a text from callers may have in a row, which is more than any script has (UAX 15,
    /// Stream-Safe Text Format).
    package static let marksMax = 30

    /// Whether more marks follow one another. The library sorts them each time it composes, compares or hashes the
    /// text, in time that grows with the square of their number: 64 KiB of them would hold a thread for seconds.
    package var hasTooManyMarks: Bool {
        // The shortest has two bytes.
        guard utf8.count > 2 * Self.marksMax else { return false }
        var marks = 0
        for scalar in unicodeScalars {
            let isMark = scalar.value >= 0x300 && scalar.properties.canonicalCombiningClass != .notReordered
            marks = isMark ? marks + 1 : 0
            if marks > Self.marksMax { return true }
        }
        return false
    }

    /// Without case, in NFC, as texts are searched: two that differ in case alone are one.
    package var folded: String {
        if utf8.allSatisfy({ $0 < 0x80 && !(0x41...0x5A).contains($0) }) { return self }
        return composed.lowercased().composed
    }

    /// In lower case, and without what lower case leaves (Unicode's simple folding): a final sigma is a sigma, a long s
    /// an s, the sign for micro a mu, since they are one letter in upper case. The sharp s and the i without a dot are
    /// letters of their own.
    package var caseFolded: String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return lowercased() }
        var text = ""
        for scalar in unicodeScalars {
            let upper = scalar.properties.uppercaseMapping
            let isOneLetter = upper.unicodeScalars.count == 1 && scalar != "\u{131}"
            text += (isOneLetter ? upper : String(scalar)).lowercased()
        }
        return text
    }

    /// As part of a sentence that tells a caller of what it sent: short, and nothing in it that nobody sees.
    package var quoted: String {
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars.prefix(Self.quotedCharactersMax) {
            let isPlain = !scalar.isControl && TextRule.id.fault(in: String(scalar)) == nil || scalar == " "
            text.append(isPlain ? scalar : "\u{FFFD}")
        }
        return unicodeScalars.count > Self.quotedCharactersMax ? String(text) + "…" : String(text)
    }

    private static let quotedCharactersMax = 100
}
