import Cryptography
import Foundation
import Glibc
import HTTPCore
import TenantRegistry

/// A tenant's bundle as an answer's body: what it takes along, then its signed file, sealed on the way out (P10).
///
/// `@unchecked Sendable`: one piece is under way at a time, on the pool for files, so that everything here has one
/// owner at a time; `deinit` closes the file when the last reference goes.
final class BundleStream: ResponseStream, @unchecked Sendable {
    let length: Int
    private var sealing: SealedChunks
    /// Of the plaintext, ahead of the file.
    private var head: [UInt8]
    private var left: Int
    private let descriptor: Int32
    private let pool: BackgroundPool
    private var isBegun = false

    /// The name of the file goes at once.
    init(_ bundle: TenantBundle, file path: String, _ sealing: SealedChunks, pool: BackgroundPool) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno))) }
        var status = stat()
        fstat(descriptor, &status)
        unlink(path)
        let json = bundle.json
        head = [UInt8](places: Int64(json.count)) + json
        left = head.count + Int(status.st_size)
        length = SealedChunks.length(of: left)
        self.sealing = sealing
        self.pool = pool
    }

    deinit { close(descriptor) }

    func next(_ give: @escaping @Sendable (ResponsePiece) -> Void) {
        let submitted = pool.submit { [self] in
            do {
                give(try piece().map { .bytes($0) } ?? .end)
            } catch {
                give(.failed)
            }
        }
        if !submitted { give(.failed) }
    }

    func cancel() {}

    /// One chunk, the first behind the head; nil behind the last.
    private func piece() throws -> [UInt8]? {
        let front = isBegun ? [] : sealing.head
        if isBegun && left == 0 { return nil }
        isBegun = true
        let count = min(left, sealing.bytesOfChunk)
        var plaintext = Array(head.prefix(count))
        head.removeFirst(plaintext.count)
        while plaintext.count < count {
            let wanted = count - plaintext.count
            let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
                filled = max(0, read(descriptor, buffer.baseAddress, wanted))
            }
            // The file is shorter than it was.
            if bytes.isEmpty { throw BundleFailure.damaged }
            plaintext += bytes
        }
        left -= count
        return front + (try sealing.seal(plaintext, isLast: left == 0))
    }
}

/// Opens a bundle that lies in a file.
enum BundleReader {
    /// What stands in front of the file is bounded: a tenant of half a million keys has some 30 MB of levels.
    private static let frontBytesMax = 128 << 20

    /// The tenant, and its file at `target`, which is the caller's. Long: scrypt, and the whole file. Throws
    /// `BundleFailure`.
    static func open(_ path: String, _ passphrase: Passphrase?, into target: String) throws -> TenantBundle {
        guard let file = FileHandle(forReadingAtPath: path) else { throw BundleFailure.notABundle }
        defer { try? file.close() }
        let head = Array(try file.read(upToCount: SealedChunks.headBytes) ?? Data())
        guard head.count == SealedChunks.headBytes, head.starts(with: TenantBundle.magic) else {
            throw BundleFailure.notABundle
        }
        guard let passphrase else { throw BundleFailure.wrongPassphrase }
        do {
            var chunks = try SealedChunks(
                reading: head, magic: TenantBundle.magic, version: TenantBundle.version, passphrase: passphrase)
            return try read(file, &chunks, into: target)
        } catch let failure as SealedChunks.Failure {
            throw BundleFailure(failure)
        }
    }

    private static func read(
        _ file: FileHandle, _ chunks: inout SealedChunks, into target: String
    ) throws -> TenantBundle {
        let sealedBytes = chunks.bytesOfChunk + AES256GCM.tagBytes
        let output = Glibc.open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw DataDirectory.Failure.unusable(target, String(cString: strerror(errno))) }
        defer { close(output) }
        var front: [UInt8] = []
        var bundle: TenantBundle?
        var sealed = Array(try file.read(upToCount: sealedBytes) ?? Data())
        while true {
            let following = Array(try file.read(upToCount: sealedBytes) ?? Data())
            let plaintext = try chunks.open(sealed, isLast: following.isEmpty)
            if bundle == nil {
                front += plaintext
                if let (read, rest) = try take(front) {
                    bundle = read
                    try write(rest, to: output, target)
                    front = []
                }
            } else {
                try write(plaintext[...], to: output, target)
            }
            if following.isEmpty { break }
            sealed = following
        }
        guard let bundle else { throw BundleFailure.damaged }
        return bundle
    }

    /// What stands in front, and the file's first bytes; nil where it is not all there yet.
    private static func take(_ front: [UInt8]) throws -> (TenantBundle, ArraySlice<UInt8>)? {
        guard let count = front.place(0) else { return nil }
        guard 0...Int64(frontBytesMax) ~= count else { throw BundleFailure.damaged }
        let end = 8 + Int(count)
        guard front.count >= end else { return nil }
        return (try TenantBundle(reading: Array(front[8..<end])), front[end...])
    }

    private static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32, _ path: String) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw errno == ENOSPC || errno == EDQUOT
                    ? LaneFailure.storageFull : DataDirectory.Failure.unusable(path, String(cString: strerror(errno)))
            }
            rest = rest.dropFirst(count)
        }
    }
}
