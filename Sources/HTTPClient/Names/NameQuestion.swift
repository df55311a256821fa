package import HTTPCore

/// A question for a name's addresses, and what a name server answers to it (RFC 1035), as bytes.
///
/// The answer is a stranger's: it is read within its bounds, an address in it is believed to be no more than what its
/// owner says, and whoever connects judges it. A value.
package struct NameQuestion: Sendable {
    package enum Kind: UInt16, Sendable {
        case ipv4 = 1
        case ipv6 = 28
    }

    package enum Answer: Sendable, Equatable {
        /// For so many seconds; none where the name has none of this kind, or is not there at all.
        case addresses([IPAddress], seconds: UInt32)
        /// The server could not or would not say.
        case failed
    }

    package let kind: Kind
    package let bytes: [UInt8]
    /// Of head and question; behind them stands what else is said of the asker.
    private let questionBytes: Int

    /// The header: number, flags, counts.
    private static let headBytes = 12
    private static let cutFlag: UInt16 = 0x0200
    /// More addresses than that of one name are of no use to anybody.
    package static let addressesMax = 32
    /// What a name that is not there is remembered for.
    private static let absentSeconds: UInt32 = 5

    /// RFC 6891: the root, OPT, the longest answer that is taken (1,232 bytes come through in one piece anywhere), no
    /// flags, no options.
    private static let extended: [UInt8] = [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0]

    /// Nil where the name cannot be asked for: an empty label, one over 63 bytes, 254 bytes or more. `isExtended`: the
    /// answer may have more than 512 bytes, where the server knows how to say so.
    package init?(_ name: String, _ kind: Kind, number: UInt16, isExtended: Bool = false) {
        self.kind = kind
        // One question, recursion wanted.
        var bytes: [UInt8] = [
            UInt8(number >> 8), UInt8(number & 0xFF), 1, 0, 0, 1, 0, 0, 0, 0, 0, isExtended ? 1 : 0,
        ]
        guard 1...253 ~= name.utf8.count else { return nil }
        for label in name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard 1...63 ~= label.count else { return nil }
            bytes.append(UInt8(label.count))
            bytes += label
        }
        bytes += [0, 0, UInt8(kind.rawValue), 0, 1]
        questionBytes = bytes.count
        self.bytes = isExtended ? bytes + Self.extended : bytes
    }

    /// What `message` answers to this question; nil where it is not an answer to it, and the right one may yet come.
    package func answer(_ message: [UInt8]) -> Answer? {
        if refusesExtension(message) { return .failed }
        var reader = Reader(bytes: message)
        guard let number = reader.word(), let flags = reader.word(), let questions = reader.word(),
            let records = reader.word(), reader.skip(4), number == UInt16(bytes[0]) << 8 | UInt16(bytes[1]),
            // An answer, to a plain query.
            flags & 0xF800 == 0x8000, questions == 1, echoes(message)
        else { return nil }
        switch flags & 0xF {
        case 0: break
        case 3: return .addresses([], seconds: Self.absentSeconds)
        default: return .failed
        }
        reader.position = questionBytes
        var addresses: [IPAddress] = []
        var seconds = UInt32.max
        // One that was cut is used as far as it goes.
        for _ in 0..<records {
            guard let record = reader.record() else { break }
            seconds = min(seconds, record.seconds)
            guard record.kind == kind.rawValue, record.netClass == 1, addresses.count < Self.addressesMax,
                let address = IPAddress(data: record.data)
            else { continue }
            addresses.append(address)
        }
        if addresses.isEmpty {
            // Cut before the first address: the name may have some.
            return flags & Self.cutFlag != 0 ? .failed : .addresses([], seconds: Self.absentSeconds)
        }
        return .addresses(addresses, seconds: seconds)
    }

    /// A server that knows no extensions may answer with a head alone, a FORMERR (RFC 6891, §7).
    private func refusesExtension(_ message: [UInt8]) -> Bool {
        bytes.count > questionBytes && message.count == Self.headBytes && message[..<2] == bytes[..<2]
            && message[2] & 0xF8 == 0x80 && message[3] & 0xF == 1
    }

    /// The question stands in its answer, in whatever case.
    private func echoes(_ message: [UInt8]) -> Bool {
        guard message.count >= questionBytes else { return false }
        return zip(bytes[Self.headBytes..<questionBytes], message[Self.headBytes..<questionBytes]).allSatisfy {
            $0 == $1 || Self.isLetter($0) && $0 | 0x20 == $1 | 0x20
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
}

/// Reads forward, never past the end.
private struct Reader {
    struct Record {
        let kind: UInt16
        let netClass: UInt16
        let seconds: UInt32
        let data: ArraySlice<UInt8>
    }

    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func skip(_ count: Int) -> Bool {
        guard count <= bytes.count - position else { return false }
        position += count
        return true
    }

    mutating func word() -> UInt16? {
        guard bytes.count - position >= 2 else { return nil }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    /// A name ends with an empty label or with a pointer to the rest of it, which nobody follows here.
    private mutating func skipName() -> Bool {
        while position < bytes.count {
            let length = bytes[position]
            if length == 0 { return skip(1) }
            if length & 0xC0 == 0xC0 { return skip(2) }
            guard length & 0xC0 == 0, skip(1 + Int(length)) else { return false }
        }
        return false
    }

    mutating func record() -> Record? {
        guard skipName(), let kind = word(), let netClass = word(), let high = word(), let low = word(),
            let length = word(), Int(length) <= bytes.count - position
        else { return nil }
        defer { position += Int(length) }
        return Record(
            kind: kind, netClass: netClass, seconds: UInt32(high) << 16 | UInt32(low),
            data: bytes[position..<position + Int(length)])
    }
}

extension IPAddress {
    /// Four bytes or sixteen.
    fileprivate init?(data: ArraySlice<UInt8>) {
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        switch data.count {
        case 4: self.init(ipv4: UInt32(number(data)))
        case 16: self.init(high: number(data.prefix(8)), low: number(data.suffix(8)))
        default: return nil
        }
    }
}
