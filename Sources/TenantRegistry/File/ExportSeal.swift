package import Cryptography
import Foundation
import Glibc

/// The last bytes of an export: where its chain stood, signed with the tenant's key over every byte before (P5).
/// SQLite does not look behind the last page, so the file opens as it is.
package struct ExportSeal: Sendable, Equatable {
    /// What became of a file since it was exported.
    package enum State: String, Sendable, Equatable {
        /// Every byte is as the tenant's gateway wrote it.
        case signed
        /// It has no seal: it is no export, or one from before exports were signed.
        case unsigned
        /// It has a seal that is not the tenant's over these bytes.
        case changed

        package var text: String {
            switch self {
            case .signed: "signed"
            case .unsigned: "unsigned"
            case .changed: "changed since signed"
            }
        }
    }

    package static let bytes: Int64 = 160
    private static let magic = Array("TGEX1\0\0\0".utf8)
    private static let hashBytes = 32
    /// Ahead of the signature: magic, incarnation, sequence, hash of the head, key id, length of the file before.
    private static let signedBytes = Int(bytes) - Ed25519.signatureBytes

    /// Where the chain stood when the file was exported.
    package let head: AuditHead
    /// SHA-256 of the public key that signed.
    package let keyID: [UInt8]
    /// Bytes of the database before it.
    let length: Int64
    let signature: [UInt8]

    package static func keyID(of publicKey: [UInt8]) -> [UInt8] { SHA256.hash(publicKey).bytes }

    /// Ends a finished copy with its seal. Reads the whole file: not on a lane.
    static func append(to path: String, head: AuditHead, tenant: TenantID, key: SigningKey) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        defer { try? file.close() }
        var stream = SHA256Stream()
        let length = try hash(file, into: &stream, bytes: .max)
        let fields = start(head: head, keyID: keyID(of: key.publicKey), length: length)
        stream.update(fields)
        try file.write(contentsOf: fields + key.sign(message(stream.finish(), of: tenant)))
    }

    /// Reads the seal that a file ends with; nil where it has none.
    package static func read(_ path: String) -> ExportSeal? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let end = try? file.seekToEnd(), end >= UInt64(bytes) else { return nil }
        guard (try? file.seek(toOffset: end - UInt64(bytes))) != nil,
            let data = try? file.read(upToCount: Int(bytes))
        else { return nil }
        return ExportSeal(Array(data), fileBytes: Int64(end))
    }

    private init?(_ all: [UInt8], fileBytes: Int64) {
        guard all.count == Int(Self.bytes), all.starts(with: Self.magic) else { return nil }
        func number(_ place: Int) -> Int64 {
            Int64(bitPattern: all[place..<place + 8].reduce(0) { $0 << 8 | UInt64($1) })
        }
        guard let hash = Digest(bytes: Array(all[24..<56])) else { return nil }
        head = AuditHead(incarnation: number(8), sequence: number(16), hash: hash)
        keyID = Array(all[56..<88])
        length = number(88)
        signature = Array(all[Self.signedBytes...])
    }

    /// Whether a file is as the tenant's gateway exported it. Reads the whole file.
    package static func state(of path: String, tenant: TenantID, publicKey: [UInt8]) -> State {
        guard let seal = read(path) else { return .unsigned }
        guard seal.keyID == keyID(of: publicKey), let file = FileHandle(forReadingAtPath: path) else { return .changed }
        defer { try? file.close() }
        var stream = SHA256Stream()
        guard seal.length >= 0, (try? hash(file, into: &stream, bytes: seal.length)) == seal.length,
            DataDirectory.size(of: path) == seal.length.addingReportingOverflow(bytes).partialValue
        else { return .changed }
        stream.update(start(head: seal.head, keyID: seal.keyID, length: seal.length))
        let isGood = Ed25519.verify(
            signature: seal.signature, message: message(stream.finish(), of: tenant), publicKey: publicKey)
        return isGood ? .signed : .changed
    }

    /// The SHA-256 of a whole file. Reads all of it: not on a lane.
    package static func digest(of path: String) throws -> Digest {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        var stream = SHA256Stream()
        _ = try hash(file, into: &stream, bytes: .max)
        return stream.finish()
    }

    /// Takes the seal off a file that is to become a live one.
    package static func remove(from path: String) throws {
        guard let size = DataDirectory.size(of: path), read(path) != nil else { return }
        guard truncate(path, off_t(size - bytes)) == 0 else {
            throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno)))
        }
    }

    private static func start(head: AuditHead, keyID: [UInt8], length: Int64) -> [UInt8] {
        func number(_ value: Int64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
        return magic + number(head.incarnation) + number(head.sequence) + head.hash.bytes + keyID + number(length)
    }

    /// What the key signs: it says more than a digest, so that it never passes for the signature of a head.
    private static func message(_ digest: Digest, of tenant: TenantID) -> [UInt8] {
        Array("tollgate-export-v1:\(tenant.text):\(digest.hex)".utf8)
    }

    private static let pieceBytes = 1 << 20

    /// Hashes so many bytes from where the file stands; returns how many there were.
    private static func hash(_ file: FileHandle, into stream: inout SHA256Stream, bytes: Int64) throws -> Int64 {
        var count: Int64 = 0
        while count < bytes {
            let piece = try file.read(upToCount: Int(min(Int64(pieceBytes), bytes - count))) ?? Data()
            if piece.isEmpty { break }
            stream.update(Array(piece))
            count += Int64(piece.count)
        }
        return count
    }
}
