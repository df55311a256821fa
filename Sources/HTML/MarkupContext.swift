/// Where markup stands after what was read of it: in text, in a tag, in a value. It finds out whether a value that is
/// interpolated there would be read as that value and nothing else.
///
/// It knows less than a browser and refuses the rest: values without double quotes, comments, `on…=`, `style=`, scripts
/// and stylesheets in the page. A pure state machine; after its first fault it reads no more.
package struct MarkupContext: Sendable {
    package enum Fault: Error, Sendable, Equatable {
        /// A value in a tag, in the name of one or of an attribute, or in a declaration.
        case valueInTag
        /// A value, or a literal's own text, behind `=` without double quotes.
        case unquoted
        /// Anything in a `<script>` or `<style>`: scripts and stylesheets are files of their own.
        case inScript
        /// A text where an address belongs.
        case textAsAddress
        /// An address where none belongs, or behind other text.
        case addressElsewhere
        /// Markup in an attribute's value.
        case markupInValue
        /// Markup in an element that holds text alone.
        case markupInPlainText
        /// Text where a browser takes elements alone: it would drop the text or put it elsewhere.
        case textAmongElements
        /// `onclick`, `style`, `srcdoc`, `http-equiv`.
        case refusedAttribute
        /// `iframe`, `base`, `foreignobject` and their kind.
        case refusedElement
        case comment, malformed
        /// An end tag that is not the last open element's.
        case unbalanced
        /// The markup ends, and a tag or a value does not.
        case endsInsideTag
        /// The markup ends, and an element is open.
        case endsInsideElement
    }

    package enum Piece: Sendable, CaseIterable {
        case text, markup, link, attributes
    }

    private enum Place: Equatable {
        case text
        /// Behind `<`.
        case tag
        case tagName, endTagName, declaration, betweenAttributes, attributeName
        /// Behind `=`.
        case beforeValue
        case value(isEmpty: Bool)
        case afterValue
    }

    package private(set) var fault: Fault?
    private var place = Place.text
    /// Of a tag or an attribute, as far as it was read.
    private var name: [UInt8] = []
    private var element: [UInt8] = []
    private var open: [[UInt8]] = []

    package init() {}

    /// What is wrong if the markup ends here.
    package var endFault: Fault? {
        if let fault { return fault }
        guard place == .text else { return .endsInsideTag }
        return open.isEmpty ? nil : .endsInsideElement
    }

    package mutating func read(_ literal: StaticString) {
        literal.withUTF8Buffer { bytes in
            for byte in bytes where fault == nil { read(byte) }
        }
    }

    package mutating func insert(_ piece: Piece) {
        guard fault == nil else { return }
        switch place {
        case .text: fault = faultInText(piece)
        case .value(let isEmpty):
            fault = faultInValue(piece, isEmpty: isEmpty)
            place = .value(isEmpty: false)
        case .tagName, .afterValue:
            if piece != .attributes { fault = .valueInTag }
            if place == .tagName { element = name }
            place = .afterValue
        case .beforeValue: fault = .unquoted
        case .tag, .endTagName, .declaration, .betweenAttributes, .attributeName: fault = .valueInTag
        }
    }

    private func faultInText(_ piece: Piece) -> Fault? {
        if isIn(Self.scripts) { return .inScript }
        return switch piece {
        case .text: isIn(Self.elementsAlone) ? .textAmongElements : nil
        case .markup: isIn(Self.textAlone) ? .markupInPlainText : nil
        case .link: .addressElsewhere
        case .attributes: .malformed
        }
    }

    private func faultInValue(_ piece: Piece, isEmpty: Bool) -> Fault? {
        switch piece {
        case .text: Self.addresses.contains(name) || Self.paints.contains(name) ? .textAsAddress : nil
        case .link: Self.addresses.contains(name) && isEmpty ? nil : .addressElsewhere
        case .markup, .attributes: .markupInValue
        }
    }

    private func isIn(_ names: Set<[UInt8]>) -> Bool { open.last.map { names.contains($0) } ?? false }

    // MARK: Literals

    private mutating func read(_ byte: UInt8) {
        switch place {
        case .text:
            if byte == UInt8(ascii: "<") {
                place = .tag
            } else if isIn(Self.scripts) {
                fault = .inScript
            } else if byte > UInt8(ascii: " "), isIn(Self.elementsAlone) {
                fault = .textAmongElements
            }
        case .tag: begin(byte)
        case .tagName, .betweenAttributes, .attributeName, .afterValue: readTag(byte)
        case .endTagName:
            if byte == UInt8(ascii: ">") { close() } else { extendName(byte) }
        case .declaration:
            if byte == UInt8(ascii: ">") { place = .text } else if byte == UInt8(ascii: "-") { fault = .comment }
        case .beforeValue:
            if byte == UInt8(ascii: "\"") { place = .value(isEmpty: true) } else { fault = .unquoted }
        case .value: place = byte == UInt8(ascii: "\"") ? .afterValue : .value(isEmpty: false)
        }
    }

    private mutating func begin(_ byte: UInt8) {
        name = []
        switch byte {
        case UInt8(ascii: "/"): place = .endTagName
        case _ where isIn(Self.scripts): fault = .inScript
        case _ where isIn(Self.textAlone): fault = .markupInPlainText
        case UInt8(ascii: "!"): place = .declaration
        default:
            place = .tagName
            extendName(byte)
        }
    }

    private mutating func readTag(_ byte: UInt8) {
        let isSpace = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n")
        let endsName = isSpace || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "=")
        if place == .tagName, endsName { element = name }
        if place == .attributeName, endsName, Self.isRefused(name) { fault = .refusedAttribute }
        switch byte {
        case UInt8(ascii: ">"): enter()
        case UInt8(ascii: "=") where place == .attributeName: place = .beforeValue
        case _ where isSpace: place = .betweenAttributes
        default:
            if place == .afterValue {
                fault = .malformed
            } else if place == .betweenAttributes {
                name = []
                place = .attributeName
            }
            extendName(byte)
        }
    }

    /// Names are written in lower case.
    private mutating func extendName(_ byte: UInt8) {
        let isLetter = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
        let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: "-")
        if isLetter || isDigit && !name.isEmpty { name.append(byte) } else { fault = fault ?? .malformed }
    }

    private mutating func enter() {
        place = .text
        if Self.refusedElements.contains(element) { fault = .refusedElement }
        if !Self.voids.contains(element) { open.append(element) }
    }

    private mutating func close() {
        if open.popLast() != name { fault = .unbalanced }
        place = .text
    }

    // MARK: Names

    private static func names(_ text: StaticString) -> Set<[UInt8]> {
        text.withUTF8Buffer { Set($0.split(separator: UInt8(ascii: " ")).map(Array.init)) }
    }

    private static let scripts = names("script style")
    private static let textAlone = names("title textarea option")
    private static let elementsAlone = names("table thead tbody tfoot tr select optgroup dl ul ol")
    private static let voids = names("area br col hr img input link meta source track wbr")
    /// Pages of others, what moves all links, what is not read as it is written, and what writes attributes.
    private static let refusedElements = names(
        "iframe object embed base template noscript xmp noembed noframes plaintext foreignobject animate set")
    private static let addresses = names("href src action formaction data poster cite ping background manifest srcset")
    /// Of a picture in the page: a text could name another's by `url()`.
    private static let paints = names("fill stroke filter mask clip-path")
    /// What stands in them is read once more: as a script, as a stylesheet, as markup, as a header.
    private static let refused = names("style srcdoc http-equiv")

    private static func isRefused(_ name: [UInt8]) -> Bool { name.starts(with: "on".utf8) || refused.contains(name) }

    /// Whether a text may be the value of this attribute.
    static func takesText(_ name: StaticString) -> Bool {
        let name = name.withUTF8Buffer(Array.init)
        return !isRefused(name) && !addresses.contains(name) && !paints.contains(name)
    }

    static func takesColour(_ name: StaticString) -> Bool { paints.contains(name.withUTF8Buffer(Array.init)) }

    static func takesLink(_ name: StaticString) -> Bool { addresses.contains(name.withUTF8Buffer(Array.init)) }
}
