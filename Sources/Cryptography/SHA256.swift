import COpenSSL

/// SHA-256 (FIPS 180-4) in one call: the first thing done with every key that comes in. Any thread.
package enum SHA256 {
    package static func hash(_ bytes: [UInt8]) -> Digest { bytes.withUnsafeBytes { hash($0) } }

    package static func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { tollgate_sha256(bytes.baseAddress, bytes.count, $0.baseAddress) }
        return Digest(words: words)
    }

    package static func hash(_ text: String) -> Digest {
        var text = text
        return text.withUTF8 { hash(UnsafeRawBufferPointer($0)) }
    }
}

/// SHA-256 over pieces. A value: a copy goes on by itself; `finish` leaves the stream as it was, so it may go on too.
package struct SHA256Stream: Sendable {
    private var context = SHA256_CTX()

    package init() { tollgate_sha256_start(&context) }

    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        tollgate_sha256_update(&context, bytes.baseAddress, bytes.count)
    }

    package mutating func update(_ digest: Digest) { digest.withUnsafeBytes { update($0) } }

    package func finish() -> Digest {
        var copy = context
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { tollgate_sha256_finish(&copy, $0.baseAddress) }
        return Digest(words: words)
    }
}
