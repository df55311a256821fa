/// The levels of all buckets at one moment, and their form as bytes: they go to one node file each second (G2).
///
/// Bytes, little-endian 64-bit words: magic, wall clock, count, then five words an entry, then a checksum over all of
/// it, which finds torn and damaged files, not forged ones. A value: any thread.
package struct LevelSnapshot: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        /// The owner's 16-byte id, a tenant's UUID say, as two words.
        package let ownerHigh: UInt64
        package let ownerLow: UInt64
        /// Which kind of bucket: the caller's numbering.
        package let kind: UInt8
        package let id: Int64
        package let debtNanoseconds: UInt64

        package init(ownerHigh: UInt64, ownerLow: UInt64, kind: UInt8, id: Int64, debtNanoseconds: UInt64) {
            self.ownerHigh = ownerHigh
            self.ownerLow = ownerLow
            self.kind = kind
            self.id = id
            self.debtNanoseconds = debtNanoseconds
        }
    }

    /// When it was taken, by the wall clock: milliseconds since 1970.
    package var wallMilliseconds: Int64
    package var entries: [Entry]

    package init(wallMilliseconds: Int64, entries: [Entry]) {
        self.wallMilliseconds = wallMilliseconds
        self.entries = entries
    }

    package enum Damage: Error, Equatable, CustomStringConvertible {
        case tooShort
        /// No level file, or one of another version.
        case unknownFormat
        case wrongLength
        case wrongChecksum

        package var description: String {
            switch self {
            case .tooShort: "it is too short"
            case .unknownFormat: "it is no file of levels, or one of another version"
            case .wrongLength: "its length is not what it says"
            case .wrongChecksum: "its checksum is wrong"
            }
        }
    }

    /// "TGLEVEL1"
    private static let magic: UInt64 = 0x314C_4556_454C_4754
    private static let wordBytes = 8
    private static let headWords = 3
    private static let entryWords = 5

    package func encoded() -> [UInt8] {
        let words = Self.headWords + entries.count * Self.entryWords + 1
        return [UInt8](unsafeUninitializedCapacity: words * Self.wordBytes) { buffer, count in
            var writer = WordWriter(base: UnsafeMutableRawBufferPointer(buffer))
            writer.put(Self.magic)
            writer.put(UInt64(bitPattern: wallMilliseconds))
            writer.put(UInt64(entries.count))
            for entry in entries {
                writer.put(entry.ownerHigh)
                writer.put(entry.ownerLow)
                writer.put(UInt64(entry.kind))
                writer.put(UInt64(bitPattern: entry.id))
                writer.put(entry.debtNanoseconds)
            }
            writer.put(writer.checksum)
            count = words * Self.wordBytes
        }
    }

    package init(decoding bytes: [UInt8]) throws(Damage) {
        let words = bytes.count / Self.wordBytes
        guard words >= Self.headWords + 1 else { throw .tooShort }
        func word(_ index: Int) -> UInt64 {
            bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)) }
        }
        guard word(0) == Self.magic else { throw .unknownFormat }
        // Measured against the length first: a damaged count must not make anything large.
        let entriesCount = (words - Self.headWords - 1) / Self.entryWords
        guard word(2) == UInt64(entriesCount),
            bytes.count == (Self.headWords + entriesCount * Self.entryWords + 1) * Self.wordBytes
        else { throw .wrongLength }
        var checksum = WordWriter.checksumSeed
        for index in 0..<words - 1 { checksum = WordWriter.mix(checksum, word(index)) }
        guard checksum == word(words - 1) else { throw .wrongChecksum }
        wallMilliseconds = Int64(bitPattern: word(1))
        entries = (0..<entriesCount).map { index in
            let first = Self.headWords + index * Self.entryWords
            return Entry(
                ownerHigh: word(first), ownerLow: word(first + 1), kind: UInt8(truncatingIfNeeded: word(first + 2)),
                id: Int64(bitPattern: word(first + 3)), debtNanoseconds: word(first + 4))
        }
    }
}

/// Stores words one after another and sums them up on the way.
private struct WordWriter {
    let base: UnsafeMutableRawBufferPointer
    private var offset = 0
    private(set) var checksum = WordWriter.checksumSeed

    init(base: UnsafeMutableRawBufferPointer) { self.base = base }

    /// FNV-1a's offset and prime, over words instead of bytes; the shift carries high bits down.
    static let checksumSeed: UInt64 = 0xCBF2_9CE4_8422_2325

    static func mix(_ checksum: UInt64, _ word: UInt64) -> UInt64 {
        let mixed = (checksum ^ word) &* 0x100_0000_01B3
        return mixed ^ mixed >> 32
    }

    mutating func put(_ word: UInt64) {
        base.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
        checksum = Self.mix(checksum, word)
        offset += 8
    }
}
