/// Why a query, form or path segment cannot be decoded.
package enum QueryError: Error, Equatable, CustomStringConvertible {
    /// A percent sign without two hexadecimal digits, or an encoded NUL.
    case badEscape
    case invalidUTF8
    case tooManyPairs
    case tooManyMarks

    /// What is wrong with it, as the end of a sentence.
    package var description: String {
        switch self {
        case .badEscape: "a percent sign is not followed by two hexadecimal digits, or stands for NUL"
        case .invalidUTF8: "it is not valid UTF-8"
        case .tooManyPairs: "it has more than \(Query.pairsMax) parameters"
        case .tooManyMarks: "it has more than \(String.marksMax) combining marks in a row"
        }
    }
}

/// The names and values of a query or an `application/x-www-form-urlencoded` body, decoded (WHATWG URL, §5): pairs
/// between ampersands, a plus is a space. Strict where that standard guesses: a bad escape or invalid UTF-8 is an
/// error.
///
/// Invariant: pairs stand in the order they were sent. A value: any thread.
package struct Query: Sendable {
    package let pairs: [(name: String, value: String)]

    package static let none = Query()

    private init() { pairs = [] }

    package static let pairsMax = 256

    /// The query as sent, without the question mark.
    package init(parsing text: String, pairsMax: Int = Query.pairsMax) throws(QueryError) {
        var pairs: [(name: String, value: String)] = []
        for piece in text.utf8.split(separator: 0x26) {
            guard pairs.count < pairsMax else { throw .tooManyPairs }
            let mark = piece.firstIndex(of: 0x3D)
            let name = try percentDecoded(piece[..<(mark ?? piece.endIndex)], plusIsSpace: true)
            let value = try mark.map { mark throws(QueryError) in
                try percentDecoded(piece[piece.index(after: mark)...], plusIsSpace: true)
            }
            pairs.append((name, value ?? ""))
        }
        self.pairs = pairs
    }

    /// A form's body.
    package init(form bytes: [UInt8], pairsMax: Int = Query.pairsMax) throws(QueryError) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidUTF8 }
        try self.init(parsing: text, pairsMax: pairsMax)
    }

    /// The first value of this name.
    package subscript(_ name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// The first name that stands more than once; nil where each stands once.
    package var repeated: String? {
        guard pairs.count > 1 else { return nil }
        var names: Set<String> = []
        return pairs.first { !names.insert($0.name).inserted }?.name
    }

    /// The first of `names` that stands more than once, whatever else does.
    package func repeated(of names: [String]) -> String? {
        guard pairs.count > 1 else { return nil }
        return names.first { name in pairs.count(where: { $0.name == name }) > 1 }
    }
}

/// A path segment decoded (RFC 3986 §2.1): a plus stays a plus.
package func percentDecoded(_ text: String) throws(QueryError) -> String {
    try percentDecoded(text.utf8[...], plusIsSpace: false)
}

private func percentDecoded(_ text: Substring.UTF8View, plusIsSpace: Bool) throws(QueryError) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var rest = text.makeIterator()
    while let byte = rest.next() {
        switch byte {
        case 0x25:
            guard let high = rest.next().flatMap(hexadecimalDigit), let low = rest.next().flatMap(hexadecimalDigit),
                high | low != 0
            else { throw .badEscape }
            bytes.append(high << 4 | low)
        case 0x2B where plusIsSpace: bytes.append(0x20)
        default: bytes.append(byte)
        }
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else { throw .invalidUTF8 }
    if decoded.hasTooManyMarks { throw .tooManyMarks }
    return decoded
}
