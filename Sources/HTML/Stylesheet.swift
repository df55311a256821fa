/// Rules of CSS, written as a literal. Colours alone are interpolated. A value: any thread.
package struct Stylesheet: Sendable, Equatable, ExpressibleByStringInterpolation {
    /// A policy names their hash.
    package let bytes: [UInt8]

    package init(stringLiteral literal: StaticString) {
        var bytes: [UInt8] = []
        bytes.append(literal)
        self.bytes = bytes
    }

    package init(stringInterpolation whole: StringInterpolation) { bytes = whole.bytes }

    package struct StringInterpolation: StringInterpolationProtocol, Sendable {
        fileprivate private(set) var bytes: [UInt8] = []

        package init(literalCapacity: Int, interpolationCount: Int) {
            bytes.reserveCapacity(literalCapacity + interpolationCount * CSSColour.bytesCount)
        }

        package mutating func appendLiteral(_ literal: StaticString) { bytes.append(literal) }

        package mutating func appendInterpolation(_ colour: CSSColour) { bytes += colour.text.utf8 }
    }
}

/// A colour as `#rrggbb`. A value: any thread.
package struct CSSColour: Sendable, Equatable, ExpressibleByStringLiteral {
    fileprivate static let bytesCount = 7

    fileprivate let text: String

    /// Nil where it is not `#rrggbb`.
    package init?(_ text: String) {
        guard Self.isColour(text) else { return nil }
        self.text = text
    }

    package init(stringLiteral literal: StaticString) {
        text = literal.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
        assert(Self.isColour(text), "\(literal) is no colour")
    }

    private static func isColour(_ text: String) -> Bool {
        text.utf8.count == bytesCount && text.first == "#"
            && text.dropFirst().allSatisfy { $0.isASCII && $0.isHexDigit }
    }
}
