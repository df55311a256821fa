import COpenSSL

/// Ed25519 (RFC 8032): the signature on audit heads and exports. Any thread.
package enum Ed25519 {
    package static let keyBytes = 32
    package static let signatureBytes = 64

    /// False for a wrong signature and for keys and signatures of a wrong length alike.
    package static func verify(signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard signature.count == signatureBytes, publicKey.count == keyBytes else { return false }
        defer { ERR_clear_error() }
        guard let key = publicKey.withInput({ EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, $0, $1) }) else {
            return false
        }
        defer { EVP_PKEY_free(key) }
        let context = required(EVP_MD_CTX_new(), "Ed25519 context")
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return signature.withInput { signature, signatureCount in
            message.withInput { EVP_DigestVerify(context, signature, signatureCount, $0, $1) == 1 }
        }
    }
}

/// A private Ed25519 key, from its 32-byte seed.
package struct SigningKey: Sendable {
    package let seed: [UInt8]
    private let handle: KeyHandle

    /// Throws where the seed is not 32 bytes long.
    package init(seed: [UInt8]) throws(CryptographyError) {
        guard seed.count == Ed25519.keyBytes else {
            throw CryptographyError(operation: "Ed25519 key", reason: "a seed has 32 bytes")
        }
        self.init(checked: seed)
    }

    package static func generate(random: any RandomSource) -> SigningKey {
        SigningKey(checked: random.bytes(Ed25519.keyBytes))
    }

    private init(checked seed: [UInt8]) {
        self.seed = seed
        handle = KeyHandle(
            required(seed.withInput { EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, $0, $1) }, "Ed25519 key"))
    }

    /// 32 bytes.
    package var publicKey: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Ed25519.keyBytes)
        var count = bytes.count
        require(EVP_PKEY_get_raw_public_key(handle.key, &bytes, &count), "Ed25519 public key")
        return bytes
    }

    /// 64 bytes, the same for the same message.
    package func sign(_ message: [UInt8]) -> [UInt8] { Signer(self).sign(message) }

    fileprivate func begin(_ context: OpaquePointer) {
        require(EVP_DigestSignInit(context, nil, nil, nil, handle.key), "Ed25519 sign")
    }
}

/// Signs again and again with one key: what OpenSSL looks up for a signature is looked up once. One thread at a time.
package final class Signer {
    private let key: SigningKey
    private let context: OpaquePointer

    package init(_ key: SigningKey) {
        self.key = key
        context = required(EVP_MD_CTX_new(), "Ed25519 context")
        key.begin(context)
    }

    deinit { EVP_MD_CTX_free(context) }

    /// 64 bytes, the same for the same message.
    package func sign(_ message: [UInt8]) -> [UInt8] {
        if let signature = signature(of: message) { return signature }
        // A library may take a context for one signature alone.
        ERR_clear_error()
        key.begin(context)
        return required(signature(of: message), "Ed25519 sign")
    }

    private func signature(of message: [UInt8]) -> [UInt8]? {
        var status: Int32 = 0
        let signature = [UInt8](unsafeUninitializedCapacity: Ed25519.signatureBytes) { bytes, count in
            count = Ed25519.signatureBytes
            status = message.withInput { EVP_DigestSign(context, bytes.baseAddress, &count, $0, $1) }
            if status != 1 { count = 0 }
        }
        return status == 1 ? signature : nil
    }
}

/// Owns one EVP_PKEY. `@unchecked Sendable`: nothing writes to the key after it is made, each signature has its own
/// context.
private final class KeyHandle: @unchecked Sendable {
    let key: OpaquePointer

    init(_ key: OpaquePointer) { self.key = key }

    deinit { EVP_PKEY_free(key) }
}
