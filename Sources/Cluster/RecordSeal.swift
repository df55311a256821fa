import Compression
import Cryptography
import TenantRegistry

/// How records and parts of snapshots lie in the shared log: compressed where that makes them smaller, but for
/// commits that come packed; then sealed with the tenant's key, bound to their place. Any thread.
///
/// Sealed is one byte, 0 (as it was) or 1 (zlib), and what follows it. Records of earlier programs are compressed too.
enum RecordSeal {
    private static let plain: UInt8 = 0
    private static let compressed: UInt8 = 1
    /// Shorter ones gain too little for the time.
    private static let compressedBytesMin = 256

    static func seal(
        _ bytes: [UInt8], isPacked: Bool, key: [UInt8], place: [UInt8], random: any RandomSource
    ) throws(SharedLogError) -> [UInt8] {
        var packed = [plain] + bytes
        if !isPacked, bytes.count >= compressedBytesMin, let smaller = try? Deflate.compress(bytes, level: 1),
            smaller.count < bytes.count - bytes.count / 16
        {
            packed = [compressed] + smaller
        }
        do {
            return try AES256GCM.seal(packed, key: key, associatedData: place, random: random)
        } catch { throw .refused("\(error)") }
    }

    /// Throws `.damaged` where a byte, the key or the place differs.
    static func open(_ sealed: [UInt8], key: [UInt8], place: [UInt8]) throws(SharedLogError) -> [UInt8] {
        do {
            let packed = try AES256GCM.open(sealed, key: key, associatedData: place)
            switch packed.first {
            case plain: return Array(packed.dropFirst())
            case compressed:
                return try Deflate.decompress(Array(packed.dropFirst()), bytesMax: PostgresBounds.openedBytesMax)
            default: throw SharedLogError.damaged("a form that is not known")
            }
        } catch { throw .damaged("\(error)") }
    }

    /// That a record is bound to.
    static func place(_ tenant: TenantID, epoch: UInt64, sequence: UInt64) -> [UInt8] {
        tenant.bytes + bigEndian(epoch) + bigEndian(sequence)
    }

    /// That a part of a snapshot is bound to.
    static func place(_ tenant: TenantID, snapshot: TenantID, part: Int) -> [UInt8] {
        tenant.bytes + snapshot.bytes + bigEndian(UInt64(part))
    }

    /// SHA-256 of the chain before, the epoch, the sequence and the data as it is stored.
    static func chain(after chain: Digest, epoch: UInt64, sequence: UInt64, data: UnsafeRawBufferPointer) -> Digest {
        var stream = SHA256Stream()
        stream.update(chain)
        stream.update(bigEndian(epoch) + bigEndian(sequence))
        stream.update(data)
        return stream.finish()
    }

    static func bigEndian(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) } }
}
