/// 32 bytes of SHA-256 or HMAC-SHA256, kept inline.
///
/// Invariant: the words hold the bytes in memory order. A value: any thread. `==` takes the same time for any two
/// values.
package struct Digest: Sendable, Hashable, CustomStringConvertible {
    package static let byteCount = 32
    package static let zero = Digest(words: (0, 0, 0, 0))

    private let word0, word1, word2, word3: UInt64

    init(words: (UInt64, UInt64, UInt64, UInt64)) { (word0, word1, word2, word3) = words }

    /// Nil unless there are exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
        self.init(words: words)
    }

    package init?(_ bytes: [UInt8]) { self.init(bytes: bytes) }

    /// Nil unless there are exactly 64 hexadecimal digits of either case.
    package init?(hex: String) {
        var hex = hex
        guard let digest = hex.withUTF8({ Digest(hex: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = digest
    }

    /// The same of a text where it lies.
    package init?(hex: UnsafeRawBufferPointer) {
        guard hex.count == 2 * Self.byteCount else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        guard withUnsafeMutableBytes(of: &words, { Hex.decode(hex, into: $0) }) else { return nil }
        self.init(words: words)
    }

    package var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

    /// 64 hexadecimal digits in lower case.
    package var hex: String { withUnsafeBytes { Hex.encode($0) } }

    package var description: String { hex }

    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        let words = (word0, word1, word2, word3)
        return try Swift.withUnsafeBytes(of: words) { try body($0) }
    }

    package static func == (left: Digest, right: Digest) -> Bool {
        let difference =
            (left.word0 ^ right.word0) | (left.word1 ^ right.word1) | (left.word2 ^ right.word2)
            | (left.word3 ^ right.word3)
        return difference == 0
    }

    /// One word is enough: every word of a hash is uniformly spread.
    package func hash(into hasher: inout Hasher) { hasher.combine(word0) }
}
