import COpenSSL

/// AES-256-GCM (NIST SP 800-38D), sealed as nonce ‖ ciphertext ‖ tag: secrets that must be read again. Any thread.
package enum AES256GCM {
    package static let keyBytes = 32
    package static let nonceBytes = 12
    package static let tagBytes = 16
    /// What one call takes: OpenSSL counts in Int32.
    package static let plaintextBytesMax = 1 << 30

    /// Throws on a key that is not 32 bytes long. The nonce is drawn anew each time.
    package static func seal(
        _ plaintext: [UInt8], key: [UInt8], associatedData: [UInt8], random: any RandomSource
    ) throws(CryptographyError) -> [UInt8] {
        try seal(plaintext, key: key, associatedData: associatedData, nonce: random.bytes(nonceBytes))
    }

    /// `nonce`: 12 bytes that come with no other plaintext or associated data under this key.
    package static func seal(
        _ plaintext: [UInt8], key: [UInt8], associatedData: [UInt8], nonce: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        try check(key: key, count: plaintext.count, associatedData: associatedData)
        let context = required(EVP_CIPHER_CTX_new(), "AES-256-GCM context")
        defer { EVP_CIPHER_CTX_free(context) }
        var sealed = [UInt8](repeating: 0, count: nonceBytes + plaintext.count + tagBytes)
        sealed.replaceSubrange(..<nonceBytes, with: nonce)
        let succeeded = sealed.withUnsafeMutableBufferPointer { sealed in
            let output = sealed.baseAddress.unsafelyUnwrapped + nonceBytes
            var count: Int32 = 0
            return EVP_EncryptInit_ex2(context, Algorithms.shared.aes256GCM, key, nonce, nil) == 1
                && associatedData.withInput { EVP_EncryptUpdate(context, nil, &count, $0, Int32($1)) } == 1
                && plaintext.withInput { EVP_EncryptUpdate(context, output, &count, $0, Int32($1)) } == 1
                && EVP_EncryptFinal_ex(context, output + plaintext.count, &count) == 1
                && EVP_CIPHER_CTX_ctrl(
                    context, EVP_CTRL_AEAD_GET_TAG, Int32(tagBytes), output + plaintext.count) == 1
        }
        guard succeeded else { throw CryptographyError.last("AES-256-GCM seal") }
        return sealed
    }

    /// Throws where key, associated data or any byte differs from what was sealed; then nothing of the plaintext is
    /// given.
    package static func open(
        _ sealed: [UInt8], key: [UInt8], associatedData: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        let length = sealed.count - nonceBytes - tagBytes
        guard length >= 0 else { throw CryptographyError(operation: "AES-256-GCM open", reason: "too short") }
        try check(key: key, count: length, associatedData: associatedData)
        let context = required(EVP_CIPHER_CTX_new(), "AES-256-GCM context")
        defer { EVP_CIPHER_CTX_free(context) }
        // One byte more than needed, so that an empty plaintext has an address too.
        var plaintext = [UInt8](repeating: 0, count: length + 1)
        var tag = [UInt8](sealed.suffix(tagBytes))
        let isGenuine = sealed.withUnsafeBufferPointer { sealed in
            let input = sealed.baseAddress.unsafelyUnwrapped
            var count: Int32 = 0
            return EVP_DecryptInit_ex2(context, Algorithms.shared.aes256GCM, key, input, nil) == 1
                && associatedData.withInput { EVP_DecryptUpdate(context, nil, &count, $0, Int32($1)) } == 1
                && EVP_DecryptUpdate(context, &plaintext, &count, input + nonceBytes, Int32(length)) == 1
                && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagBytes), &tag) == 1
                && EVP_DecryptFinal_ex(context, &tag, &count) == 1
        }
        guard isGenuine else {
            ERR_clear_error()
            throw CryptographyError(operation: "AES-256-GCM open", reason: "not genuine")
        }
        plaintext.removeLast()
        return plaintext
    }

    private static func check(key: [UInt8], count: Int, associatedData: [UInt8]) throws(CryptographyError) {
        guard key.count == keyBytes else {
            throw CryptographyError(operation: "AES-256-GCM", reason: "a key has 32 bytes")
        }
        guard count <= plaintextBytesMax, associatedData.count <= plaintextBytesMax else {
            throw CryptographyError(operation: "AES-256-GCM", reason: "too long")
        }
    }
}
