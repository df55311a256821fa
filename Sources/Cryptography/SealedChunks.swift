/// A long text sealed piece by piece: AES-256-GCM in chunks that are numbered, the last one marked, so that what was
/// cut off, left out, put elsewhere or taken from another text does not open.
///
/// Bytes: a head of 64 (magic, version, scrypt's parameters, salt, bytes of a chunk, a code by which a wrong passphrase
/// is told from damage), then chunks of ciphertext and tag, all as long as the head says but the last. A nonce is the
/// chunk's number and whether it is the last; the key comes with no other text, since the salt is drawn anew.
package struct SealedChunks: Sendable {
    package static let headBytes = 64
    package static let chunkBytes = 256 << 10
    /// What else a reader takes: another writer may have chosen otherwise.
    private static let chunkBytesRange = 64 << 10...1 << 20
    private static let magicBytes = 8
    private static let codeBytes = 16

    package enum Failure: Error, Sendable, Equatable {
        /// It begins with another magic.
        case unknownFormat
        /// A later version than this program knows.
        case newer
        case wrongPassphrase
        case damaged
    }

    package let head: [UInt8]
    /// Of the plaintext.
    package let bytesOfChunk: Int
    private let key: [UInt8]
    private var number: UInt64 = 0
    private var isEnded = false

    /// Begins a new text. `magic`: 8 bytes, what kind of file it is. Long: scrypt.
    package init(
        magic: [UInt8], version: UInt8, passphrase: Passphrase, random: any RandomSource
    ) throws(CryptographyError) {
        precondition(magic.count == Self.magicBytes, "a magic has \(Self.magicBytes) bytes")
        let salt = random.bytes(Passphrase.saltBytes)
        let size = UInt32(Self.chunkBytes)
        var head = magic + [version, Passphrase.costLog2, Passphrase.blockSize, Passphrase.parallel]
        head += (0..<4).map { UInt8(truncatingIfNeeded: size >> UInt32(24 - 8 * $0)) }
        head += salt
        head += [UInt8](repeating: 0, count: Self.headBytes - Self.codeBytes - head.count)
        let derived = try passphrase.key(salt: salt)
        self.head = head + Self.code(of: head, derived)
        bytesOfChunk = Self.chunkBytes
        key = HMACSHA256.code(key: derived, Array("seal".utf8)).bytes
    }

    /// Goes through a text that begins with this head. Long: scrypt. Throws `Failure`.
    package init(reading head: [UInt8], magic: [UInt8], version: UInt8, passphrase: Passphrase) throws {
        guard head.count == Self.headBytes else { throw Failure.unknownFormat }
        guard head.starts(with: magic) else { throw Failure.unknownFormat }
        let rest = head.dropFirst(Self.magicBytes)
        if head[Self.magicBytes] > version { throw Failure.newer }
        guard rest.prefix(4).elementsEqual([version, Passphrase.costLog2, Passphrase.blockSize, Passphrase.parallel])
        else { throw Failure.damaged }
        let size = head[12..<16].reduce(0) { $0 << 8 | Int($1) }
        guard Self.chunkBytesRange.contains(size) else { throw Failure.damaged }
        let derived = try passphrase.key(salt: Array(head[16..<16 + Passphrase.saltBytes]))
        let covered = Array(head.dropLast(Self.codeBytes))
        guard constantTimeEqual(Self.code(of: covered, derived), Array(head.suffix(Self.codeBytes))) else {
            throw Failure.wrongPassphrase
        }
        self.head = head
        bytesOfChunk = size
        key = HMACSHA256.code(key: derived, Array("seal".utf8)).bytes
    }

    private static func code(of head: [UInt8], _ derived: [UInt8]) -> [UInt8] {
        Array(HMACSHA256.code(key: derived, Array("head".utf8), head).bytes.prefix(codeBytes))
    }

    /// How long a text of so many bytes becomes.
    package static func length(of plaintextBytes: Int) -> Int {
        let chunks = max(1, (plaintextBytes + chunkBytes - 1) / chunkBytes)
        return headBytes + plaintextBytes + chunks * AES256GCM.tagBytes
    }

    /// The next chunk: as long as `bytesOfChunk`, unless it is the last one.
    package mutating func seal(_ plaintext: [UInt8], isLast: Bool) throws(CryptographyError) -> [UInt8] {
        precondition(!isEnded && (isLast || plaintext.count == bytesOfChunk), "chunks are whole but for the last")
        let sealed = try AES256GCM.seal(plaintext, key: key, associatedData: head, nonce: nonce(isLast: isLast))
        step(isLast)
        return Array(sealed.dropFirst(AES256GCM.nonceBytes))
    }

    /// The next chunk's plaintext. `isLast`: nothing comes behind it. Throws `Failure.damaged`.
    package mutating func open(_ sealed: [UInt8], isLast: Bool) throws(Failure) -> [UInt8] {
        guard !isEnded, isLast || sealed.count == bytesOfChunk + AES256GCM.tagBytes else { throw .damaged }
        do {
            let plaintext = try AES256GCM.open(nonce(isLast: isLast) + sealed, key: key, associatedData: head)
            step(isLast)
            return plaintext
        } catch {
            throw .damaged
        }
    }

    private mutating func step(_ isLast: Bool) {
        number += 1
        isEnded = isLast
    }

    private func nonce(isLast: Bool) -> [UInt8] {
        [0, 0, 0, isLast ? 1 : 0] + (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
    }
}
