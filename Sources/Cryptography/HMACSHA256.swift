import COpenSSL

/// HMAC-SHA256 (RFC 2104), over parts as if they were one. Any thread.
package enum HMACSHA256 {
    package static func code(key: [UInt8], _ parts: [UInt8]...) -> Digest { code(key: key, parts: parts) }

    package static func code(key: [UInt8], parts: [[UInt8]]) -> Digest {
        var hmac = tollgate_hmac_sha256()
        key.withUnsafeBytes { tollgate_hmac_sha256_start(&hmac, $0.baseAddress, $0.count) }
        for part in parts {
            part.withUnsafeBytes { tollgate_hmac_sha256_update(&hmac, $0.baseAddress, $0.count) }
        }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { tollgate_hmac_sha256_finish(&hmac, $0.baseAddress) }
        return Digest(words: words)
    }
}
