import COpenSSL

/// Whether two byte strings are the same, in a time that depends on their lengths alone.
package func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    return a.withInput { left, count in b.withInput { right, _ in CRYPTO_memcmp(left, right, count) == 0 } }
}
