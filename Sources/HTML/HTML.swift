/// Markup, written as a literal. Text that is interpolated is escaped; markup goes in as it is:
///
///     let row: HTML = "<p>\(reseller.name)</p>\(buttons)"
///
/// Literals alone are trusted. They come as `StaticString`, so a `String` has no way in but through escaping. A value
/// is whole: it ends in text, and its tags balance. So is all that is made of such values. Debug builds assert it, and
/// that everything stands where it may (`MarkupContext`). A value: any thread.
package struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
    package let bytes: [UInt8]

    package init(stringLiteral literal: StaticString) {
        var whole = StringInterpolation(literalCapacity: literal.utf8CodeUnitCount, interpolationCount: 0)
        whole.appendLiteral(literal)
        self.init(stringInterpolation: whole)
    }

    package init(stringInterpolation whole: StringInterpolation) {
        assert(whole.context.endFault == nil, whole.complaint)
        bytes = whole.bytes
    }

    /// One after the other.
    package static func joined(_ pieces: [HTML]) -> HTML { "\(pieces)" }

    package struct StringInterpolation: StringInterpolationProtocol, Sendable {
        private static let bytesOfValue = 32

        fileprivate private(set) var bytes: [UInt8] = []
        fileprivate private(set) var context = MarkupContext()

        package init(literalCapacity: Int, interpolationCount: Int) {
            bytes.reserveCapacity(literalCapacity + interpolationCount * Self.bytesOfValue)
        }

        package mutating func appendLiteral(_ literal: StaticString) {
            assert(stands { $0.read(literal) }, complaint)
            bytes.append(literal)
        }

        /// For text, and for the value of an attribute that is no address.
        package mutating func appendInterpolation(_ text: some StringProtocol) {
            insert(.text) { $0.appendEscaped(text) }
        }

        package mutating func appendInterpolation(_ number: some BinaryInteger) {
            insert(.text) { $0.appendEscaped(String(number)) }
        }

        package mutating func appendInterpolation(_ html: HTML) {
            insert(.markup) { $0 += html.bytes }
        }

        /// Nothing where there is none.
        package mutating func appendInterpolation(_ html: HTML?) {
            if let html { appendInterpolation(html) }
        }

        package mutating func appendInterpolation(_ pieces: [HTML]) {
            for piece in pieces { appendInterpolation(piece) }
        }

        /// `\(each: rows, { "<li>\($0.name)</li>" })`
        package mutating func appendInterpolation<Element>(
            each elements: some Sequence<Element>, _ write: (Element) throws -> HTML
        ) rethrows {
            for element in elements { appendInterpolation(try write(element)) }
        }

        package mutating func appendInterpolation(if isThere: Bool, _ html: @autoclosure () -> HTML) {
            if isThere { appendInterpolation(html()) }
        }

        package mutating func appendInterpolation(_ part: some MarkupPart) {
            appendInterpolation(part.html)
        }

        /// The whole value of an attribute that is an address.
        package mutating func appendInterpolation(_ link: Link) {
            insert(.link) { $0.appendEscaped(link.text) }
        }

        /// After a tag's name or another attribute, without a space before.
        package mutating func appendInterpolation(_ attributes: Attributes) {
            insert(.attributes) { $0 += attributes.bytes }
        }

        private mutating func insert(_ piece: MarkupContext.Piece, _ write: (inout [UInt8]) -> Void) {
            assert(stands { $0.insert(piece) }, complaint)
            write(&bytes)
        }

        fileprivate var complaint: String {
            let fault = context.endFault.map { String(describing: $0) } ?? "no fault"
            return "\(fault), after \(String(decoding: bytes, as: UTF8.self))"
        }

        /// Only debug builds call it: the condition of an assertion is not evaluated in others.
        private mutating func stands(_ step: (inout MarkupContext) -> Void) -> Bool {
            step(&context)
            return context.fault == nil
        }
    }
}

/// What has a form of its own as markup: a form, a field, a button.
package protocol MarkupPart: Sendable {
    var html: HTML { get }
}

extension [UInt8] {
    mutating func append(_ literal: StaticString) {
        literal.withUTF8Buffer { self += $0 }
    }

    /// For text and for values in double quotes.
    mutating func appendEscaped(_ text: some StringProtocol) {
        var text = String(text)
        text.withUTF8 { bytes in
            var written = 0
            for index in bytes.indices {
                guard let reference = Self.reference(to: bytes[index]) else { continue }
                self += bytes[written..<index]
                append(reference)
                written = index + 1
            }
            self += bytes[written...]
        }
    }

    private static func reference(to byte: UInt8) -> StaticString? {
        switch byte {
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "\""): "&quot;"
        case UInt8(ascii: "'"): "&#39;"
        default: nil
        }
    }
}
