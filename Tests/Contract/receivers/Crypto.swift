import Foundation

// The three names of swift-crypto that docs/examples/Receiver.swift uses, on OpenSSL: so that the example is compiled
// and run without fetching a package.

@_silgen_name("EVP_sha256") private func opensslSHA256() -> OpaquePointer?
@_silgen_name("HMAC") private func opensslHMAC(
    _ digest: OpaquePointer?, _ key: UnsafeRawPointer?, _ keyBytes: Int32, _ data: UnsafeRawPointer?, _ dataBytes: Int,
    _ code: UnsafeMutableRawPointer?, _ codeBytes: UnsafeMutablePointer<UInt32>?
) -> UnsafeMutableRawPointer?

public struct SymmetricKey: Sendable {
    let bytes: [UInt8]
    public init(data: Data) { bytes = Array(data) }
}

public enum SHA256 {}

public enum HMAC<Hash> {
    public static func isValidAuthenticationCode(
        _ given: Data, authenticating data: Data, using key: SymmetricKey
    ) -> Bool {
        var code = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        _ = opensslHMAC(opensslSHA256(), key.bytes, Int32(key.bytes.count), Array(data), data.count, &code, &count)
        return count == 32 && code == Array(given)
    }
}
