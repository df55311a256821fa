import COpenSSL
import Glibc

/// A certificate chain with its private key, ready to serve TLS 1.2 and 1.3 with ALPN `http/1.1`.
///
/// `@unchecked Sendable`: the SSL_CTX is not changed once `init` has returned, and OpenSSL counts its references
/// atomically.
package final class TLSCertificate: @unchecked Sendable {
    /// PEM files of at most this size are read.
    static let fileBytesMax = 1 << 20

    let context: OpaquePointer

    /// PEM: the server's certificate first, then the chain up to the root; the key unencrypted and matching.
    package init(chainPEM: [UInt8], keyPEM: [UInt8]) throws(TLSError) {
        ERR_clear_error()
        guard let context = SSL_CTX_new(TLS_server_method()) else { throw .last("SSL_CTX_new") }
        self.context = context
        try configure()
        try useChain(chainPEM)
        try useKey(keyPEM)
    }

    package convenience init(chainFile: String, keyFile: String) throws(TLSError) {
        try self.init(chainPEM: Self.read(chainFile), keyPEM: Self.read(keyFile))
    }

    deinit { SSL_CTX_free(context) }

    private func configure() throws(TLSError) {
        // Forward secrecy and authenticated encryption only; TLS 1.3's own suites are all of that kind.
        let suites = "ECDHE+AESGCM:ECDHE+CHACHA20"
        guard tls_set_minimum_1_2(context) == 1, SSL_CTX_set_cipher_list(context, suites) == 1 else {
            throw .last("TLS settings")
        }
        tls_set_options(context)
        tls_set_modes(context)
        let name: [UInt8] = Array("tollgate".utf8)
        SSL_CTX_set_session_id_context(context, name, UInt32(name.count))
        SSL_CTX_set_alpn_select_cb(
            context,
            { _, chosen, chosenCount, offered, offeredCount, _ in
                TLSApplicationProtocol.choose(offered, offeredCount, chosen, chosenCount)
            }, nil)
    }

    private func useChain(_ pem: [UInt8]) throws(TLSError) {
        guard let source = BIO_new_mem_buf(pem, Int32(pem.count)) else { throw .last("certificate") }
        defer { BIO_free(source) }
        guard let leaf = PEM_read_bio_X509(source, nil, nil, nil) else { throw .last("no certificate") }
        defer { X509_free(leaf) }
        guard SSL_CTX_use_certificate(context, leaf) == 1 else { throw .last("certificate") }
        while let issuer = PEM_read_bio_X509(source, nil, nil, nil) {
            guard tls_add_chain(context, issuer) == 1 else {
                X509_free(issuer)
                throw .last("certificate chain")
            }
        }
        // The search for one more always ends in "no start line".
        ERR_clear_error()
    }

    private func useKey(_ pem: [UInt8]) throws(TLSError) {
        guard let source = BIO_new_mem_buf(pem, Int32(pem.count)) else { throw .last("private key") }
        defer { BIO_free(source) }
        // Without this callback OpenSSL would ask the terminal for a passphrase.
        guard let key = PEM_read_bio_PrivateKey(source, nil, { _, _, _, _ in 0 }, nil) else {
            throw .last("no private key")
        }
        defer { EVP_PKEY_free(key) }
        guard SSL_CTX_use_PrivateKey(context, key) == 1, SSL_CTX_check_private_key(context) == 1 else {
            throw .last("private key does not match the certificate")
        }
    }

    private static func read(_ path: String) throws(TLSError) -> [UInt8] {
        guard let file = fopen(path, "re") else { throw .unreadable(path) }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: fileBytesMax) { $1 = fread($0.baseAddress, 1, $0.count, file) }
        guard ferror(file) == 0, bytes.count < fileBytesMax else { throw .unreadable(path) }
        return bytes
    }
}

/// ALPN (RFC 7301): `http/1.1` where it is offered; a client that offers only other protocols is refused.
enum TLSApplicationProtocol {
    static let http11 = StaticString("http/1.1")

    static func choose(
        _ offered: UnsafePointer<UInt8>?, _ offeredCount: UInt32,
        _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, _ chosenCount: UnsafeMutablePointer<UInt8>?
    ) -> Int32 {
        guard let offered else { return SSL_TLSEXT_ERR_NOACK }
        var at = 0
        while at < offeredCount {
            let count = Int(offered[at])
            guard at + 1 + count <= Int(offeredCount) else { break }
            if count == http11.utf8CodeUnitCount, memcmp(offered + at + 1, http11.utf8Start, count) == 0 {
                chosen?.pointee = offered + at + 1
                chosenCount?.pointee = UInt8(count)
                return SSL_TLSEXT_ERR_OK
            }
            at += 1 + count
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
}
