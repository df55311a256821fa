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
    /// What is wrong behind the first certificate; nil where nothing is. Those who trust a root alone need the rest.
    private var chainFault: TLSError?

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
        do throws(TLSError) {
            try self.init(chainPEM: Self.read(chainFile), keyPEM: Self.read(keyFile))
            if let chainFault { throw chainFault }
        } catch {
            switch error {
            case .unreadable: throw error
            case .invalid(let reason): throw .invalid("\(chainFile): \(reason)")
            case .invalidKey(let reason): throw .invalidKey("\(keyFile): \(reason)")
            }
        }
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

    /// Whether the host, a name in lower case, is one of the certificate's alternative names (RFC 6125 §6.4), a
    /// wildcard for one whole label included. Its subject says nothing.
    func names(_ host: String) -> Bool {
        guard let leaf = SSL_CTX_get0_certificate(context) else { return false }
        let flags = UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
        return X509_check_host(leaf, host, host.utf8.count, flags, nil) == 1
    }

    /// Why this certificate cannot serve the host, a name in lower case; nil where it can.
    package func fault(serving host: String, atUnixSeconds now: Int64) -> String? {
        guard let leaf = SSL_CTX_get0_certificate(context) else { return "there is no certificate" }
        guard names(host) else { return "the certificate is for another name" }
        if let chainFault { return chainFault.description }
        var now = time_t(now)
        // Zero is an error of the certificate's.
        guard X509_cmp_time(X509_get0_notBefore(leaf), &now) < 0 else { return "the certificate is not valid yet" }
        guard X509_cmp_time(X509_get0_notAfter(leaf), &now) > 0 else { return "the certificate has expired" }
        return nil
    }

    /// When it expires, in seconds since 1970; nil where its own date cannot be read.
    package var endsAtUnixSeconds: Int64? {
        var time = tm()
        guard let leaf = SSL_CTX_get0_certificate(context), ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &time) == 1
        else { return nil }
        return Int64(timegm(&time))
    }

    /// A source that reads these bytes where they lie, which is why it lives within the call.
    private func withSource(
        _ pem: [UInt8], _ what: String, _ body: (OpaquePointer) throws(TLSError) -> Void
    ) throws(TLSError) {
        let result = pem.withUnsafeBytes { bytes -> Result<Void, TLSError> in
            guard let source = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else {
                return .failure(.last(what))
            }
            defer { BIO_free(source) }
            return Result { () throws(TLSError) in try body(source) }
        }
        try result.get()
    }

    private func useChain(_ pem: [UInt8]) throws(TLSError) {
        try withSource(pem, "certificate") { source throws(TLSError) in try readChain(source) }
    }

    private func readChain(_ source: OpaquePointer) throws(TLSError) {
        guard let leaf = PEM_read_bio_X509(source, nil, nil, nil) else { throw .last("no certificate") }
        defer { X509_free(leaf) }
        guard SSL_CTX_use_certificate(context, leaf) == 1 else { throw .last("certificate") }
        while let issuer = PEM_read_bio_X509(source, nil, nil, nil) {
            guard tls_add_chain(context, issuer) == 1 else {
                X509_free(issuer)
                throw .last("certificate chain")
            }
        }
        // The search for one more ends in "no start line", or at a certificate that is damaged.
        if ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE { chainFault = .last("certificate chain") }
        ERR_clear_error()
    }

    private func useKey(_ pem: [UInt8]) throws(TLSError) {
        do throws(TLSError) {
            try withSource(pem, "private key") { source throws(TLSError) in try readKey(source) }
        } catch {
            // OpenSSL's words on a passphrase that it was not given lead nobody there.
            let isLocked = pem.firstRange(of: "ENCRYPTED".utf8) != nil
            throw .invalidKey(
                isLocked ? "the private key is encrypted: give it without a passphrase" : error.description)
        }
    }

    private func readKey(_ source: OpaquePointer) throws(TLSError) {
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
