/// Writes compact JSON straight into bytes, without a tree in between.
///
/// Invariant: commas follow from the last byte written (`{`, `[`, `:` and a line end open; anything else is followed by
/// one), so that the writer keeps no state but its bytes. A value: one thread at a time.
package struct JSONWriter: Sendable {
    package var bytes: [UInt8]

    /// `reserving`: bytes to make room for at once.
    package init(reserving: Int = 256) {
        bytes = []
        bytes.reserveCapacity(reserving)
    }

    /// One object as bytes.
    package static func object(_ body: (inout JSONWriter) throws -> Void) rethrows -> [UInt8] {
        var writer = JSONWriter()
        try writer.object(body)
        return writer.bytes
    }

    // MARK: Objects and arrays, as the whole text or as an element

    package mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        separate()
        try braces(body)
    }

    package mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        separate()
        try brackets(body)
    }

    // MARK: Objects and arrays as members

    package mutating func object(_ name: StaticString, _ body: (inout JSONWriter) throws -> Void) rethrows {
        member(name)
        try braces(body)
    }

    package mutating func array(_ name: StaticString, _ body: (inout JSONWriter) throws -> Void) rethrows {
        member(name)
        try brackets(body)
    }

    /// A member whose name comes from data, say a country: its value is what `body` writes first.
    package mutating func object(named name: String, _ body: (inout JSONWriter) throws -> Void) rethrows {
        separate()
        quote(name)
        bytes.append(0x3A)
        try braces(body)
    }

    // MARK: Members; nil is written as null

    /// A member's name; its value is the element, object or array that is written next.
    package mutating func name(_ name: JSONMemberName) {
        separate()
        bytes.append(contentsOf: name.bytes)
    }

    package mutating func field(_ name: StaticString, _ value: String) {
        member(name)
        quote(value)
    }

    package mutating func field(_ name: StaticString, _ value: Int64) {
        member(name)
        bytes.append(decimal: Int(value))
    }

    package mutating func field(_ name: StaticString, _ value: Int) {
        member(name)
        bytes.append(decimal: value)
    }

    package mutating func field(_ name: StaticString, _ value: Bool) {
        member(name)
        bytes.append(value ? "true" : "false")
    }

    package mutating func field(_ name: StaticString, _ value: JSON) {
        member(name)
        write(value)
    }

    package mutating func field(_ name: StaticString, _ value: String?) {
        if let value { field(name, value) } else { null(name) }
    }

    package mutating func field(_ name: StaticString, _ value: Int64?) {
        if let value { field(name, value) } else { null(name) }
    }

    package mutating func field(_ name: StaticString, _ value: Int?) {
        if let value { field(name, value) } else { null(name) }
    }

    package mutating func field(_ name: StaticString, _ value: Bool?) {
        if let value { field(name, value) } else { null(name) }
    }

    package mutating func field(_ name: StaticString, _ value: JSON?) {
        if let value { field(name, value) } else { null(name) }
    }

    /// A number by its text, say an amount that a dialect writes as a number; the text must follow RFC 8259.
    package mutating func field(_ name: StaticString, raw: String) {
        member(name)
        bytes.append(contentsOf: raw.utf8)
    }

    package mutating func field(_ name: StaticString, raw: String?) {
        if let raw { field(name, raw: raw) } else { null(name) }
    }

    package mutating func null(_ name: StaticString) {
        member(name)
        bytes.append("null")
    }

    // MARK: Members whose names come from data

    package mutating func field(named name: String, _ value: JSON) {
        separate()
        quote(name)
        bytes.append(0x3A)
        write(value)
    }

    package mutating func field(named name: String, raw: String) {
        separate()
        quote(name)
        bytes.append(0x3A)
        bytes.append(contentsOf: raw.utf8)
    }

    /// The members of an object that was written before.
    package mutating func members(of object: [UInt8]) {
        guard object.count > 2 else { return }
        separate()
        bytes.append(contentsOf: object[1..<object.count - 1])
    }

    // MARK: Elements

    package mutating func element(_ value: String) {
        separate()
        quote(value)
    }

    /// A text that is plain ASCII without quotes or backslashes, written in its place by `body`: at most `count` bytes
    /// of it, of which it returns how many it wrote.
    package mutating func element(plain count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        separate()
        bytes.append(0x22)
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { room in
            let written = body(room)
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[..<written]))
        }
        bytes.append(0x22)
    }

    package mutating func element(_ value: Int64) {
        separate()
        bytes.append(decimal: Int(value))
    }

    package mutating func element(_ value: Int) {
        separate()
        bytes.append(decimal: value)
    }

    package mutating func element(_ value: Bool) {
        separate()
        bytes.append(value ? "true" : "false")
    }

    package mutating func element(_ value: JSON) {
        separate()
        write(value)
    }

    package mutating func element(_ value: String?) { element(value.map(JSON.string) ?? .null) }
    package mutating func element(_ value: Int64?) { element(value.map { .number(JSONNumber($0)) } ?? .null) }
    package mutating func element(_ value: Int?) { element(value.map { .number(JSONNumber(Int64($0))) } ?? .null) }
    package mutating func element(_ value: Bool?) { element(value.map(JSON.bool) ?? .null) }
    package mutating func element(_ value: JSON?) { element(value ?? .null) }

    /// A number by its text; it must follow RFC 8259.
    package mutating func element(raw: String) {
        separate()
        bytes.append(contentsOf: raw.utf8)
    }

    // MARK: Parts

    private mutating func separate() {
        switch bytes.last {
        case nil, 0x7B, 0x5B, 0x3A, 0x0A: break
        default: bytes.append(0x2C)
        }
    }

    /// Names given as literals are plain ASCII without quotes or backslashes.
    private mutating func member(_ name: StaticString) {
        separate()
        bytes.append(0x22)
        bytes.append(name)
        bytes.append(0x22)
        bytes.append(0x3A)
    }

    private mutating func braces(_ body: (inout JSONWriter) throws -> Void) rethrows {
        bytes.append(0x7B)
        try body(&self)
        bytes.append(0x7D)
    }

    private mutating func brackets(_ body: (inout JSONWriter) throws -> Void) rethrows {
        bytes.append(0x5B)
        try body(&self)
        bytes.append(0x5D)
    }

    private mutating func write(_ value: JSON) {
        switch value {
        case .null: bytes.append("null")
        case .bool(let flag): bytes.append(flag ? "true" : "false")
        case .number(let number): bytes.append(contentsOf: number.text.utf8)
        case .string(let text): quote(text)
        case .array(let elements): brackets { for element in elements { $0.element(element) } }
        case .object(let members): braces { for member in members { $0.field(named: member.name, member.value) } }
        }
    }

    /// RFC 8259 §7: quotes, backslashes and control characters are escaped, the rest stands as UTF-8.
    private mutating func quote(_ text: String) {
        var text = text
        text.withUTF8 { quote(UnsafeRawBufferPointer($0)) }
    }

    private mutating func quote(_ text: UnsafeRawBufferPointer) {
        bytes.append(0x22)
        var plainFrom = 0
        var index = 0
        while index < text.count {
            index = Self.plainEnd(text, from: index)
            guard index < text.count else { break }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[plainFrom..<index]))
            escape(text[index])
            index += 1
            plainFrom = index
        }
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[plainFrom...]))
        bytes.append(0x22)
    }

    /// Where the first byte stands that has to be escaped, looked for eight at a time: hardly a text has one.
    private static func plainEnd(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        let (ones, highs): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        /// A high bit at each byte that is zero; above the first there may be more.
        func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & highs }
        var index = start
        while index + 8 <= text.count {
            let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let controls = (word &- ones &* 0x20) & ~word & highs
            let found = controls | zeros(word ^ ones &* 0x22) | zeros(word ^ ones &* 0x5C)
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < text.count {
            let byte = text[index]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C { return index }
            index += 1
        }
        return index
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case 0x22: bytes.append("\\\"")
        case 0x5C: bytes.append("\\\\")
        case 0x08: bytes.append("\\b")
        case 0x09: bytes.append("\\t")
        case 0x0A: bytes.append("\\n")
        case 0x0C: bytes.append("\\f")
        case 0x0D: bytes.append("\\r")
        default:
            bytes.append("\\u00")
            for digit in [byte >> 4, byte & 15] { bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
        }
    }
}

/// A member's name as it is written, quotes and colon with it: for names that are written again and again.
package struct JSONMemberName: Sendable {
    fileprivate let bytes: [UInt8]

    /// Plain ASCII without quotes or backslashes.
    package init(_ name: StaticString) { bytes = Array("\"\(name)\":".utf8) }
}
