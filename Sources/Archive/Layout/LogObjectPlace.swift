package import Cryptography
package import TenantRegistry

/// Where an object of a node's log lies: which node, which stream of it (each start of the node begins one), and its
/// number in the stream, from 1. A value: any thread.
package struct LogObjectPlace: Sendable, Hashable, Comparable {
    /// A node's log, as one sequence of bytes: 16 hexadecimal digits.
    package let node: String
    /// Streams of a node follow one another as their names do: 8 digits that count, then 8 of chance.
    package let stream: String
    package let number: UInt64

    private static let digits = 16
    private static let numberDigits = 12

    package init(node: String, stream: String, number: UInt64) {
        self.node = node
        self.stream = stream
        self.number = number
    }

    /// `text`, or the beginning of an object's name.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == ArchivePlace.log, parts[1].utf8.count == Self.digits,
            parts[2].utf8.count == Self.digits, ArchivePlace.isName(text),
            let number = UInt64(parts[3].prefix { $0 != "-" }, radix: 16), number < 1 << (4 * Self.numberDigits)
        else { return nil }
        self.init(node: String(parts[1]), stream: String(parts[2]), number: number)
    }

    package static func stream(_ generation: UInt32, _ random: any RandomSource) -> String {
        ArchivePlace.hexadecimal(UInt64(generation), digits: 8) + Hex.encode(random.bytes(4))
    }

    package static func node(_ random: any RandomSource) -> String { Hex.encode(random.bytes(digits / 2)) }

    package var text: String { "\(folder)/\(ArchivePlace.hexadecimal(number, digits: Self.numberDigits))" }
    package var folder: String { "\(ArchivePlace.log)/\(node)/\(stream)" }
    package var next: LogObjectPlace { LogObjectPlace(node: node, stream: stream, number: number + 1) }

    package static func < (one: LogObjectPlace, other: LogObjectPlace) -> Bool { one.text < other.text }
}

/// What a snapshot of a tenant holds: everything of its log up to `lsn`, in one life of its file.
package struct SnapshotMark: Sendable, Equatable {
    package let lsn: UInt64
    package let incarnation: Int64
    package let at: Timestamp
    /// What comes after it is in no object before this one.
    package let since: LogObjectPlace

    package init(lsn: UInt64, incarnation: Int64, at: Timestamp, since: LogObjectPlace) {
        self.lsn = lsn
        self.incarnation = incarnation
        self.at = at
        self.since = since
    }
}
