import Cryptography
import Foundation
import Glibc
import TenantRegistry

/// A file on its way into an archive: cut into pieces and sealed, one after the other. Whoever makes it owns it; its
/// name goes at once.
package struct FileCut: ~Copyable {
    package let owner: String
    package let bytes: Int64
    private let key: ArchiveKey
    private let descriptor: Int32
    private var pieces: [String] = []
    private var taken: Int64 = 0

    package init(_ path: String, of owner: String, under key: ArchiveKey) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        let reason = errno
        unlink(path)
        guard descriptor >= 0 else { throw DataDirectory.Failure.unusable(path, String(cString: strerror(reason))) }
        var status = stat()
        fstat(descriptor, &status)
        bytes = Int64(status.st_size)
        self.descriptor = descriptor
        self.owner = owner
        self.key = key
    }

    deinit { close(descriptor) }

    /// The next piece; nil behind the last.
    package mutating func next() throws -> (name: String, bytes: [UInt8])? {
        var plaintext: [UInt8] = []
        while plaintext.count < ArchivePlace.pieceBytes {
            let wanted = ArchivePlace.pieceBytes - plaintext.count
            let more = try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                var got = read(descriptor, buffer.baseAddress, wanted)
                while got < 0 && errno == EINTR { got = read(descriptor, buffer.baseAddress, wanted) }
                guard got >= 0 else { throw DataDirectory.Failure.unusable(owner, String(cString: strerror(errno))) }
                count = got
            }
            if more.isEmpty { break }
            plaintext = plaintext.isEmpty ? more : plaintext + more
        }
        if plaintext.isEmpty { return nil }
        let piece = try key.seal(plaintext, at: ArchivePlace.pages(of: owner, pieces.count))
        pieces.append(piece.name)
        taken += Int64(plaintext.count)
        return piece
    }

    /// Behind the last piece. Throws where the pieces are not the whole file.
    package func index() throws -> (name: String, bytes: [UInt8]) {
        guard taken == bytes else {
            throw DataDirectory.Failure.unusable(owner, "\(taken) of \(bytes) bytes were read")
        }
        return try key.seal(ArchiveIndex(bytes: bytes, pieces: pieces).json, at: ArchivePlace.index(of: owner))
    }
}
