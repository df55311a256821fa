import Compression
import Cryptography
import Foundation

/// A frame of a tenant's as the past keeps it: a commit, or a part of one.
struct PastFrame {
    let lsn: UInt64
    let incarnation: Int64
    let at: Timestamp
    let sequence: UInt64
    let isPart: Bool
    /// Its commit begins with it: parts before it are of a commit that a kill cut off.
    let isFirst: Bool
    let payload: [UInt8]
}

/// One segment of the node's log, kept (B2): each tenant's frames together, deflated, and sealed under the tenant's own
/// key, so that a deleted tenant's are nobody's. Written once, under a name of its own, and read a tenant at a time.
///
/// The file: every tenant's frames, one tenant behind the other; an index of who stands where; a hole, where there is
/// one; the place that it goes on from, where that is not its first; a foot of fixed length. A value.
struct PastPiece: Sendable {
    /// Of the segment that it was.
    let number: UInt64
    let first: UInt64
    /// What it goes on from, where a failure made void what came before `first`: segments of the numbers between may
    /// have become void too. Nil: it goes on from the piece of the number before.
    let after: UInt64?
    let end: UInt64
    let lastAt: Timestamp
    let path: String
    /// Nil: it has all that was in the segment.
    let hole: Hole?

    /// What the disk lost of a segment: it came after this moment, and what comes from the LSN on is there again.
    struct Hole: Sendable {
        let at: Timestamp
        let end: UInt64

        /// Whether what was played into a base to make a state of that moment may be in it.
        func parts(_ base: PastBase, from moment: Timestamp) -> Bool { base.lsn < end && at <= moment }
    }

    struct Place {
        let tenant: TenantID
        let offset: UInt64
        let length: Int
        /// Before it was deflated.
        let plainBytes: Int
    }

    static let suffix = ".piece"
    private static let magic: UInt64 = 0x3130_5453_4150_4754
    /// Of one with a hole, which stands before the foot.
    private static let holedMagic: UInt64 = 0x3230_5453_4150_4754
    /// Of one that goes on from elsewhere than its first: that place stands between a hole and the foot, and a hole
    /// that ends at 0 is none.
    private static let afterMagic: UInt64 = 0x3330_5453_4150_4754
    private static let footBytes = 48
    private static let holeBytes = 16
    private static let afterBytes = 8
    private static let placeBytes = 32
    private static let frameHeadBytes = 40
    /// Of a frame. Pieces from before `isFirst` was kept say of no frame that it is one.
    private static let partFlag: UInt32 = 1
    private static let firstFlag: UInt32 = 2

    /// Writes the frames of a segment; what of it is of tenants without a key is left out. The folder is not synced.
    static func write(
        _ frames: [TenantID: [PastFrame]], of segment: LogSegment, end: UInt64, lastAt: Timestamp, hole: Hole?,
        to path: String, key: (TenantID) -> [UInt8]?, random: any RandomSource
    ) throws -> PastPiece {
        var bytes: [UInt8] = []
        var index: [UInt8] = []
        var count = 0
        for (tenant, frames) in frames {
            guard let key = key(tenant) else { continue }
            let plain = encode(frames)
            let sealed = try AES256GCM.seal(
                Deflate.compress(plain, level: 1), key: key, associatedData: context(tenant, segment.number),
                random: random)
            index +=
                tenant.bytes + number(UInt64(bytes.count)) + number(UInt32(sealed.count))
                + number(UInt32(plain.count))
            bytes += sealed
            count += 1
        }
        let place = bytes.count
        bytes += index
        let after = segment.after < segment.first ? segment.after : nil
        if hole != nil || after != nil {
            bytes += number(UInt64(bitPattern: hole?.at.milliseconds ?? 0)) + number(hole?.end ?? 0)
        }
        if let after { bytes += number(after) }
        bytes += number(after != nil ? afterMagic : hole == nil ? magic : holedMagic)
        bytes +=
            number(UInt64(place)) + number(UInt32(count)) + number(CRC32.checksum(index))
            + number(segment.first) + number(end) + number(UInt64(bitPattern: lastAt.milliseconds))
        DataDirectory.remove(path + ".new")
        try DataDirectory.writeNew(bytes, to: path + ".new")
        try DataDirectory.rename(path + ".new", to: path)
        return PastPiece(
            number: segment.number, first: segment.first, after: after, end: end, lastAt: lastAt, path: path,
            hole: hole)
    }

    private static func encode(_ frames: [PastFrame]) -> [UInt8] {
        var bytes: [UInt8] = []
        for frame in frames {
            let flags = (frame.isPart ? partFlag : 0) | (frame.isFirst ? firstFlag : 0)
            bytes +=
                number(frame.lsn) + number(UInt64(bitPattern: frame.incarnation))
                + number(UInt64(bitPattern: frame.at.milliseconds)) + number(frame.sequence)
                + number(flags) + number(UInt32(frame.payload.count)) + frame.payload
        }
        return bytes
    }

    private static func context(_ tenant: TenantID, _ number: UInt64) -> [UInt8] {
        tenant.bytes + Array("past:\(number)".utf8)
    }

    private static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static func read<Value: FixedWidthInteger>(_ bytes: [UInt8], _ place: Int, as _: Value.Type) -> Value {
        bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Value.self)) }
    }

    /// Nil where the file is no whole piece.
    init?(path: String, number: UInt64) {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let foot = Self.foot(of: file), foot.count == Self.footBytes else { return nil }
        switch Self.read(foot, 0, as: UInt64.self) {
        case Self.magic: (hole, after) = (nil, nil)
        case Self.holedMagic:
            guard let known = Self.hole(of: file, before: Self.footBytes) else { return nil }
            (hole, after) = (known, nil)
        case Self.afterMagic:
            let behind = Self.footBytes + Self.afterBytes
            guard let place = Self.tail(of: file, Self.afterBytes, before: Self.footBytes),
                place.count == Self.afterBytes, let known = Self.hole(of: file, before: behind)
            else { return nil }
            hole = known.end > 0 ? known : nil
            after = Self.read(place, 0, as: UInt64.self)
        default: return nil
        }
        self.number = number
        self.path = path
        first = Self.read(foot, 24, as: UInt64.self)
        end = Self.read(foot, 32, as: UInt64.self)
        lastAt = Timestamp(milliseconds: Self.read(foot, 40, as: Int64.self))
    }

    private init(
        number: UInt64, first: UInt64, after: UInt64?, end: UInt64, lastAt: Timestamp, path: String, hole: Hole?
    ) {
        (self.number, self.first, self.after, self.end, self.hole) = (number, first, after, end, hole)
        (self.lastAt, self.path) = (lastAt, path)
    }

    private static func foot(of file: FileHandle) -> [UInt8]? { tail(of: file, footBytes, before: 0) }

    private static func hole(of file: FileHandle, before last: Int) -> Hole? {
        guard let bytes = tail(of: file, holeBytes, before: last), bytes.count == holeBytes else { return nil }
        return Hole(
            at: Timestamp(milliseconds: read(bytes, 0, as: Int64.self)), end: read(bytes, 8, as: UInt64.self))
    }

    /// So many bytes in front of the file's last ones.
    private static func tail(of file: FileHandle, _ count: Int, before last: Int) -> [UInt8]? {
        guard let end = try? file.seekToEnd(), end >= UInt64(count + last),
            (try? file.seek(toOffset: end - UInt64(count + last))) != nil
        else { return nil }
        return (try? file.read(upToCount: count)).map { Array($0) }
    }

    /// Whose frames are in it.
    func places() throws -> [Place] {
        guard let file = FileHandle(forReadingAtPath: path) else { throw PastDamage(path: path) }
        defer { try? file.close() }
        guard let foot = Self.foot(of: file), foot.count == Self.footBytes else { throw PastDamage(path: path) }
        let count = Int(Self.read(foot, 16, as: UInt32.self))
        try file.seek(toOffset: Self.read(foot, 8, as: UInt64.self))
        let index = Array(try file.read(upToCount: count * Self.placeBytes) ?? Data())
        guard index.count == count * Self.placeBytes, CRC32.checksum(index) == Self.read(foot, 20, as: UInt32.self)
        else { throw PastDamage(path: path) }
        return try (0..<count).map { row in
            let place = row * Self.placeBytes
            guard let tenant = TenantID(bytes: Array(index[place..<place + 16])) else { throw PastDamage(path: path) }
            return Place(
                tenant: tenant, offset: Self.read(index, place + 16, as: UInt64.self),
                length: Int(Self.read(index, place + 24, as: UInt32.self)),
                plainBytes: Int(Self.read(index, place + 28, as: UInt32.self)))
        }
    }

    /// The tenant's frames, oldest first.
    func frames(of tenant: TenantID, key: [UInt8]) throws -> [PastFrame] {
        guard let place = try places().first(where: { $0.tenant == tenant }) else { return [] }
        guard let file = FileHandle(forReadingAtPath: path) else { throw PastDamage(path: path) }
        defer { try? file.close() }
        try file.seek(toOffset: place.offset)
        let sealed = Array(try file.read(upToCount: place.length) ?? Data())
        let plain: [UInt8]
        do {
            let packed = try AES256GCM.open(sealed, key: key, associatedData: Self.context(tenant, number))
            plain = try Deflate.decompress(packed, bytesMax: place.plainBytes)
        } catch {
            throw PastDamage(path: path)
        }
        return try decode(plain)
    }

    private func decode(_ plain: [UInt8]) throws(PastDamage) -> [PastFrame] {
        var frames: [PastFrame] = []
        var place = 0
        while place < plain.count {
            guard place + Self.frameHeadBytes <= plain.count else { throw PastDamage(path: path) }
            let length = Int(Self.read(plain, place + 36, as: UInt32.self))
            let flags = Self.read(plain, place + 32, as: UInt32.self)
            let payload = place + Self.frameHeadBytes
            guard payload + length <= plain.count else { throw PastDamage(path: path) }
            frames.append(
                PastFrame(
                    lsn: Self.read(plain, place, as: UInt64.self),
                    incarnation: Self.read(plain, place + 8, as: Int64.self),
                    at: Timestamp(milliseconds: Self.read(plain, place + 16, as: Int64.self)),
                    sequence: Self.read(plain, place + 24, as: UInt64.self),
                    isPart: flags & Self.partFlag != 0, isFirst: flags & Self.firstFlag != 0,
                    payload: Array(plain[payload..<payload + length])))
            place = payload + length
        }
        return frames
    }
}

/// What was kept of the past is not as it was written.
struct PastDamage: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(path) is not as it was written" }
}
