/// Rules of CSS, written as a literal. Colours alone are interpolated, and other such rules. A value: any thread.
package struct Stylesheet: Sendable, Equatable, ExpressibleByStringInterpolation {
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

        package mutating func appendInterpolation(_ rules: Stylesheet) { bytes += rules.bytes }
    }
}

/// A colour as `#rrggbb`. A value: any thread.
package struct CSSColour: Sendable, Equatable, ExpressibleByStringLiteral {
    fileprivate static let bytesCount = 7

    package typealias Parts = (red: UInt8, green: UInt8, blue: UInt8)

    private let red: UInt8
    private let green: UInt8
    private let blue: UInt8

    package init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// Nil where it is not `#rrggbb`.
    package init?(_ text: String) {
        guard let (red, green, blue) = Self.parts(text) else { return nil }
        self.init(red: red, green: green, blue: blue)
    }

    package init(stringLiteral literal: StaticString) {
        let text = literal.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
        guard let (red, green, blue) = Self.parts(text) else { preconditionFailure("\(literal) is no colour") }
        self.init(red: red, green: green, blue: blue)
    }

    package var parts: Parts { (red, green, blue) }

    /// In lower case.
    package var text: String {
        "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func parts(_ text: String) -> Parts? {
        let digits = text.dropFirst()
        guard text.utf8.count == bytesCount, text.first == "#", digits.allSatisfy({ $0.isASCII && $0.isHexDigit }),
            let number = UInt32(digits, radix: 16)
        else { return nil }
        return (UInt8(number >> 16), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF))
    }
}
