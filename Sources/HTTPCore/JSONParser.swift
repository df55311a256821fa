/// The recursive-descent reader behind `JSON.parse`, over bytes that outlive it.
///
/// Invariant: `at` never passes `bytes.count`. Used within one call, on one thread.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let isSent: Bool
    private var at = 0
    private var depth = 0

    /// Up to here names are compared one by one; a set pays off only past it.
    private static let membersComparedMax = 8

    /// `isSent`: by somebody else, whose texts have a bound for marks.
    init(_ bytes: UnsafeBufferPointer<UInt8>, isSent: Bool) {
        self.bytes = bytes
        self.isSent = isSent
    }

    mutating func document() throws(JSONError) -> JSON {
        skipSpace()
        guard at < bytes.count else { throw error("the text is empty") }
        let value = try value()
        skipSpace()
        guard at == bytes.count else { throw error("something follows the value") }
        return value
    }

    private mutating func value() throws(JSONError) -> JSON {
        guard at < bytes.count else { throw error("the text ends where a value should stand") }
        switch bytes[at] {
        case 0x7B: return try object()
        case 0x5B: return try array()
        case 0x22: return .string(try string())
        case 0x2D, 0x30...0x39: return .number(try number())
        case 0x74:
            try literal("true")
            return .bool(true)
        case 0x66:
            try literal("false")
            return .bool(false)
        case 0x6E:
            try literal("null")
            return .null
        default: throw error("no value starts with this byte")
        }
    }

    private mutating func object() throws(JSONError) -> JSON {
        try descend()
        var members: [JSONMember] = []
        var names: Set<String> = []
        if take(0x7D) { return leave(.object(members)) }
        repeat {
            skipSpace()
            guard at < bytes.count, bytes[at] == 0x22 else { throw error("a member name in quotes should stand here") }
            let start = at
            let name = try string()
            if members.count < Self.membersComparedMax {
                for member in members where member.name == name { throw error("a member name stands twice", start) }
            } else {
                if names.isEmpty { names = Set(members.map(\.name)) }
                guard names.insert(name).inserted else { throw error("a member name stands twice", start) }
            }
            guard take(0x3A) else { throw error("a colon should stand here") }
            skipSpace()
            members.append(JSONMember(name: name, value: try value()))
        } while take(0x2C)
        guard take(0x7D) else { throw error("a comma or closing brace should stand here") }
        return leave(.object(members))
    }

    private mutating func array() throws(JSONError) -> JSON {
        try descend()
        var elements: [JSON] = []
        if take(0x5D) { return leave(.array(elements)) }
        repeat {
            skipSpace()
            elements.append(try value())
        } while take(0x2C)
        guard take(0x5D) else { throw error("a comma or closing bracket should stand here") }
        return leave(.array(elements))
    }

    private mutating func number() throws(JSONError) -> JSONNumber {
        let start = at
        if bytes[at] == 0x2D { at += 1 }
        if at < bytes.count, bytes[at] == 0x30 { at += 1 } else { try digits() }
        if at < bytes.count, bytes[at] == 0x2E {
            at += 1
            try digits()
        }
        if at < bytes.count, bytes[at] | 0x20 == 0x65 {
            at += 1
            if at < bytes.count, bytes[at] == 0x2B || bytes[at] == 0x2D { at += 1 }
            try digits()
        }
        guard at - start <= JSON.numberCharactersMax else { throw error("the number is too long", start) }
        return JSONNumber(text: String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func digits() throws(JSONError) {
        let start = at
        while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 { at += 1 }
        guard at > start else { throw error("a digit should stand here") }
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> String {
        let start = at
        at += 1
        while at < bytes.count {
            switch bytes[at] {
            case 0x22:
                let text = try validated(UnsafeBufferPointer(rebasing: bytes[start + 1..<at]), from: start)
                at += 1
                return text
            case 0x5C: return try escapedString(from: start)
            case 0..<0x20: throw error("a control character stands bare in a string")
            default: at += 1
            }
        }
        throw error("the string has no end", start)
    }

    /// A string that holds at least one backslash; `at` is on the first.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var buffer = [UInt8](bytes[start + 1..<at])
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case 0x22:
                let text = try buffer.withUnsafeBufferPointer { buffer throws(JSONError) in
                    try validated(buffer, from: start)
                }
                at += 1
                return text
            case 0x5C: try escape(into: &buffer)
            case 0..<0x20: throw error("a control character stands bare in a string")
            default:
                buffer.append(byte)
                at += 1
            }
        }
        throw error("the string has no end", start)
    }

    private mutating func escape(into buffer: inout [UInt8]) throws(JSONError) {
        let start = at
        guard at + 1 < bytes.count else { throw error("the string has no end") }
        let letter = bytes[at + 1]
        at += 2
        switch letter {
        case 0x22, 0x5C, 0x2F: buffer.append(letter)
        case 0x62: buffer.append(0x08)
        case 0x66: buffer.append(0x0C)
        case 0x6E: buffer.append(0x0A)
        case 0x72: buffer.append(0x0D)
        case 0x74: buffer.append(0x09)
        case 0x75:
            var code = try codeUnit(start)
            if code >= 0xD800, code <= 0xDBFF {
                guard at + 1 < bytes.count, bytes[at] == 0x5C, bytes[at + 1] == 0x75 else {
                    throw error("a surrogate stands alone", start)
                }
                at += 2
                let low = try codeUnit(start)
                guard low >= 0xDC00, low <= 0xDFFF else { throw error("a surrogate stands alone", start) }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("a surrogate stands alone", start) }
            buffer.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
        default: throw error("no such escape", start)
        }
    }

    private mutating func codeUnit(_ start: Int) throws(JSONError) -> UInt32 {
        guard at + 4 <= bytes.count else { throw error("four hexadecimal digits should stand here", start) }
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = hexadecimalDigit(bytes[at]) else {
                throw error("four hexadecimal digits should stand here", start)
            }
            code = code << 4 | UInt32(digit)
            at += 1
        }
        return code
    }

    private func validated(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) throws(JSONError) -> String {
        // Nearly every text is ASCII, and looking for that costs less than being sure of UTF-8.
        if UnsafeRawBufferPointer(bytes).isASCII { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw JSONError(offset: start, reason: "the string is not valid UTF-8")
        }
        if isSent, text.hasTooManyMarks {
            throw error("the string has more than \(String.marksMax) combining marks in a row", start)
        }
        return text
    }

    // MARK: Small parts

    private mutating func descend() throws(JSONError) {
        guard depth < JSON.nestingDepthMax else { throw error("the nesting is too deep") }
        depth += 1
        at += 1
    }

    private mutating func leave(_ value: JSON) -> JSON {
        depth -= 1
        return value
    }

    private mutating func literal(_ text: StaticString) throws(JSONError) {
        let count = text.utf8CodeUnitCount
        guard at + count <= bytes.count else { throw error("no value starts with this byte") }
        for index in 0..<count where bytes[at + index] != text.utf8Start[index] {
            throw error("no value starts with this byte")
        }
        at += count
    }

    /// Skips white space, and this byte where it follows.
    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x09, 0x0A, 0x0D: at += 1
            default: return
            }
        }
    }

    private func error(_ reason: String, _ offset: Int? = nil) -> JSONError {
        JSONError(offset: offset ?? at, reason: reason)
    }
}

/// The value of an ASCII hexadecimal digit of either case.
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}

extension UnsafeRawBufferPointer {
    fileprivate var isASCII: Bool {
        var index = 0
        while index + 8 <= count {
            if loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 { return false }
            index += 8
        }
        while index < count {
            if self[index] >= 0x80 { return false }
            index += 1
        }
        return true
    }
}
