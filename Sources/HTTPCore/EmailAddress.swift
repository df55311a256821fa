/// E-mail addresses as they are kept and compared: RFC 5321 with RFC 6531's letters, a dot-atom before the `@`, no
/// quotes, comments or address literals. Folded; the domain as its A-labels.
package enum EmailAddress {
    package static let octetsMax = 254
    package static let localOctetsMax = 64

    /// Nil for what is no address. Two spellings of one address give the same text.
    package static func canonical(_ sent: String) -> String? { address(sent) { $0.caseFolded } }

    /// `fold`: how the part before the `@` loses its case.
    private static func address(_ sent: String, _ fold: (String) -> String) -> String? {
        let text = sent.composed
        let parts = text.utf8.split(separator: 0x40, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 2, isLocal(parts[0]), let domain = DomainName.ascii(String(parts[1]) ?? "") else {
            return nil
        }
        guard let local = String(parts[0]) else { return nil }
        let address = "\(fold(local).composed)@\(domain)"
        return address.utf8.count <= octetsMax ? address : nil
    }

    /// Whether both are spellings of one address. What never was an address is the same as itself alone.
    package static func areOne(_ one: String, _ other: String) -> Bool {
        one == other || canonical(one).map { $0 == canonical(other) } ?? false
    }

    /// How an account of this address may be kept: as `canonical` has it, or, in files of before, in lower case alone,
    /// brought into one spelling or as it was sent. None for what never was an address.
    package static func spellings(_ sent: String) -> [String] {
        let folded = sent.lowercased()
        let parts = folded.split(separator: "@", omittingEmptySubsequences: false)
        let isOld = parts.count == 2 && !parts.contains("") && !folded.contains(where: \.isWhitespace)
        let all = [canonical(sent), address(sent) { $0.lowercased() }, isOld ? folded : nil].compactMap(\.self)
        // The library's `==` takes two spellings for one.
        return all.enumerated().filter { place, one in
            !all[..<place].contains { $0.utf8.elementsEqual(one.utf8) }
        }.map(\.element)
    }

    /// How a text that is searched for may begin where it is kept: as it was typed, and, if it may be an address that
    /// is kept otherwise, as that is: folded, its domain in ASCII. `text` is in lower case.
    package static func beginnings(_ text: String) -> [String] {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { return [text] }
        let local = (parts.first.map { String($0) } ?? "").caseFolded.composed
        let kept = parts.count == 2 ? "\(local)@\(DomainName.ascii(beginning: String(parts[1])))" : local
        return kept.utf8.elementsEqual(text.utf8) ? [text] : [text, kept]
    }

    private static func isLocal(_ local: Substring.UTF8View) -> Bool {
        guard 1...localOctetsMax ~= local.count, let first = local.first else { return false }
        // No mailbox begins so, and a spreadsheet takes it for a formula.
        if first == 0x3D || first == 0x2B || first == 0x2D { return false }
        var isAfterDot = true
        for byte in local {
            if byte == 0x2E {
                if isAfterDot { return false }
                isAfterDot = true
            } else {
                guard byte >= 0x80 || isAtomText(byte) else { return false }
                isAfterDot = false
            }
        }
        return !isAfterDot && String(local).map { TextRule.id.fault(in: $0) == nil } ?? false
    }

    /// RFC 5322's atext.
    private static func isAtomText(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        // ! # $ % & ' * + - / = ? ^ _ ` { | } ~
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2F, 0x3D, 0x3F, 0x5E...0x60, 0x7B...0x7E: true
        default: false
        }
    }
}

/// Names of the DNS, international ones too (RFC 5890), by their A-labels: what is compared.
package enum DomainName {
    package static let octetsMax = 253
    package static let labelOctetsMax = 63
    private static let aLabelPrefix = "xn--"

    /// Nil for what is no name of a host.
    package static func ascii(_ text: String) -> String? {
        var labels: [String] = []
        for label in text.split(separator: ".", omittingEmptySubsequences: false) {
            guard let ascii = asciiLabel(String(label)) else { return nil }
            labels.append(ascii)
        }
        // A last label of digits makes an address of four numbers.
        guard let last = labels.last, !last.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        let name = labels.joined(separator: ".")
        return name.utf8.count <= octetsMax ? name : nil
    }

    /// The beginning of a name, each label as its A-label where it has one. The last label counts as a whole one, too:
    /// how an A-label begins says nothing of how its letters do.
    package static func ascii(beginning text: String) -> String {
        text.split(separator: ".", omittingEmptySubsequences: false).map { label in
            asciiLabel(String(label)) ?? String(label)
        }.joined(separator: ".")
    }

    private static func asciiLabel(_ sent: String) -> String? {
        let label = sent.lowercased().composed
        let isPlain = label.utf8.allSatisfy { $0 < 0x80 }
        guard isPlain else { return international(label) }
        guard 1...labelOctetsMax ~= label.utf8.count, label.utf8.first != 0x2D, label.utf8.last != 0x2D,
            label.utf8.allSatisfy(isLetterDigitHyphen)
        else { return nil }
        if label.hasPrefix(aLabelPrefix) {
            // It has to be what its letters give.
            guard let letters = Punycode.decode(label.dropFirst(aLabelPrefix.count)), !letters.isEmpty else {
                return nil
            }
            return international(String(String.UnicodeScalarView(letters))) == label ? label : nil
        }
        return hasReservedHyphens(label) ? nil : label
    }

    /// The A-label of letters beyond ASCII, in lower case and NFC (RFC 5891, §4.2).
    private static func international(_ label: String) -> String? {
        let scalars = Array(label.unicodeScalars)
        guard scalars.contains(where: { !$0.isASCII }), !hasReservedHyphens(label),
            label.composed.utf8.elementsEqual(label.utf8),
            let first = scalars.first, scalars.last != "-", first != "-", !isMark(first), scalars.allSatisfy(isAllowed),
            let encoded = Punycode.encode(scalars)
        else { return nil }
        let ascii = aLabelPrefix + encoded
        return ascii.utf8.count <= labelOctetsMax ? ascii : nil
    }

    /// Two hyphens in the third place and the fourth name a coding.
    private static func hasReservedHyphens(_ label: String) -> Bool {
        Array(label.unicodeScalars.dropFirst(2).prefix(2)) == ["-", "-"]
    }

    private static func isLetterDigitHyphen(_ byte: UInt8) -> Bool {
        byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x2D
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }

    /// RFC 5892's PVALID, as far as its general rules go: letters, marks and digits that stay as they are when folded.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return isLetterDigitHyphen(UInt8(scalar.value)) }
        // Sharp s and final sigma are exceptions there.
        if scalar == "ß" || scalar == "ς" { return true }
        let properties = scalar.properties
        if properties.isDefaultIgnorableCodePoint || properties.changesWhenNFKCCaseFolded { return false }
        switch properties.generalCategory {
        case .lowercaseLetter, .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark, .decimalNumber: return true
        default: return false
        }
    }
}
