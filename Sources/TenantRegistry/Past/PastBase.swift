import Compression
import Cryptography
import Foundation

/// A tenant's whole file of a moment, from which its past goes on (B2): a copy in pieces of a mebibyte, each deflated
/// and sealed under the tenant's key. Commits from `lsn` on are played over it; since they say what bytes are, and not
/// what changes, it does no harm that the copy has some of them already. A value; its name says all but what it holds.
struct PastBase: Sendable, Equatable {
    let tenant: TenantID
    let incarnation: Int64
    /// Commits up to here are in it.
    let lsn: UInt64
    /// It holds nothing from after this moment, and all from before.
    let at: Timestamp

    private static let pieceBytes = 1 << 20
    private static let suffix = ".base"

    var name: String { "\(tenant.text).\(incarnation).\(lsn).\(at.milliseconds)\(Self.suffix)" }

    init(tenant: TenantID, incarnation: Int64, lsn: UInt64, at: Timestamp) {
        (self.tenant, self.incarnation, self.lsn, self.at) = (tenant, incarnation, lsn, at)
    }

    /// Nil for the name of another file.
    init?(name: String) {
        let parts = name.split(separator: ".")
        guard parts.count == 5, name.hasSuffix(Self.suffix), let tenant = TenantID(text: String(parts[0])),
            let incarnation = Int64(parts[1]), let lsn = UInt64(parts[2]), let at = Int64(parts[3])
        else { return nil }
        self.init(tenant: tenant, incarnation: incarnation, lsn: lsn, at: Timestamp(milliseconds: at))
    }

    /// Of two of one moment that of the file before it.
    func precedes(_ other: PastBase) -> Bool { (at, incarnation, lsn) < (other.at, other.incarnation, other.lsn) }

    private func context(_ place: UInt32, isLast: Bool) -> [UInt8] {
        Array("base:\(name):\(place):\(isLast)".utf8)
    }

    /// Takes a copy of the file down; the folder is synced.
    func write(_ file: String, in folder: String, key: [UInt8], random: any RandomSource) throws {
        let (new, path) = ("\(folder)/\(name).new", "\(folder)/\(name)")
        DataDirectory.remove(new)
        do {
            guard let input = FileHandle(forReadingAtPath: file) else { throw PastDamage(path: file) }
            defer { try? input.close() }
            try DataDirectory.writeNew([], to: new, isSynced: false)
            guard let output = FileHandle(forWritingAtPath: new) else { throw PastDamage(path: new) }
            defer { try? output.close() }
            var piece = Array(try input.read(upToCount: Self.pieceBytes) ?? Data())
            var place: UInt32 = 0
            while !piece.isEmpty {
                let next = Array(try input.read(upToCount: Self.pieceBytes) ?? Data())
                let sealed = try AES256GCM.seal(
                    Deflate.compress(piece, level: 1), key: key,
                    associatedData: context(place, isLast: next.isEmpty), random: random)
                try output.write(contentsOf: withUnsafeBytes(of: UInt32(sealed.count).littleEndian) { Data($0) })
                try output.write(contentsOf: sealed)
                (piece, place) = (next, place + 1)
            }
            try output.synchronize()
            try DataDirectory.rename(new, to: path)
            try DataDirectory.synchronise(folder: folder)
        } catch {
            DataDirectory.remove(new)
            throw error
        }
    }

    /// Makes the file anew.
    func read(from folder: String, to file: String, key: [UInt8]) throws {
        let path = "\(folder)/\(name)"
        guard let input = FileHandle(forReadingAtPath: path) else { throw PastDamage(path: path) }
        defer { try? input.close() }
        try DataDirectory.writeNew([], to: file, isSynced: false)
        guard let output = FileHandle(forWritingAtPath: file) else { throw PastDamage(path: file) }
        defer { try? output.close() }
        var sealed = try next(input, path)
        var place: UInt32 = 0
        while let piece = sealed {
            let following = try next(input, path)
            do {
                let packed = try AES256GCM.open(
                    piece, key: key, associatedData: context(place, isLast: following == nil))
                try output.write(contentsOf: Deflate.decompress(packed, bytesMax: Self.pieceBytes))
            } catch {
                throw PastDamage(path: path)
            }
            (sealed, place) = (following, place + 1)
        }
        if place == 0 { throw PastDamage(path: path) }
    }

    private func next(_ input: FileHandle, _ path: String) throws -> [UInt8]? {
        let head = Array(try input.read(upToCount: 4) ?? Data())
        if head.isEmpty { return nil }
        guard head.count == 4 else { throw PastDamage(path: path) }
        let length = Int(head.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        guard length <= 2 * Self.pieceBytes, let bytes = try input.read(upToCount: length), bytes.count == length
        else { throw PastDamage(path: path) }
        return Array(bytes)
    }
}
