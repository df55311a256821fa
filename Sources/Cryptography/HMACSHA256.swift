import COpenSSL

/// HMAC-SHA256 (RFC 2104), over parts as if they were one. Any thread.
package enum HMACSHA256 {
    package static func code(key: [UInt8], _ parts: [UInt8]...) -> Digest { code(key: key, parts: parts) }

    package static func code(key: [UInt8], parts: [[UInt8]]) -> Digest {
        let context = required(EVP_MAC_CTX_new(Algorithms.shared.hmac), "HMAC context")
        defer { EVP_MAC_CTX_free(context) }
        key.withInput { require(tollgate_hmac_sha256_start(context, $0, $1), "HMAC start") }
        for part in parts {
            part.withInput { require(EVP_MAC_update(context, $0, $1), "HMAC update") }
        }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { bytes in
            var count = 0
            require(
                EVP_MAC_final(context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), &count, bytes.count),
                "HMAC finish")
        }
        return Digest(words: words)
    }
}
