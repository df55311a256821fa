import COpenSSL

/// The outcome of one step of TLS on a socket that never blocks.
package enum TLSResult: Sendable, Equatable {
    /// So many bytes of plain text, at least one. A handshake that is done says `.bytes(0)`.
    case bytes(Int)
    case wantsRead
    case wantsWrite
    /// The peer has ended the stream.
    case closed
    /// Broken protocol or connection; nothing more can be said on it.
    case failed
}

/// One TLS connection, of a server or to another node. Owned by one thread at a time.
///
/// After `.bytes` more plain text may be waiting inside, of which the socket knows nothing: read until `.wantsRead`.
package final class TLSConnection {
    let ssl: OpaquePointer
    // The callback's argument is not retained by OpenSSL.
    private let certificates: TLSCertificates?
    private var isBroken = false

    init?(fd: Int32, certificates: TLSCertificates) {
        let fallback = certificates.fallback
        // The table may let go of it meanwhile; the connection holds the context from here on.
        guard let ssl = withExtendedLifetime(fallback, { SSL_new(fallback.context) }) else { return nil }
        self.ssl = ssl
        self.certificates = certificates
        guard SSL_set_fd(ssl, fd) == 1 else { return nil }
        SSL_set_accept_state(ssl)
        // On the context it would be shared with other tables; the certificate callback belongs to this connection
        // alone.
        SSL_set_cert_cb(
            ssl,
            { ssl, argument in
                guard let ssl, let argument else { return 0 }
                return Unmanaged<TLSCertificates>.fromOpaque(argument).takeUnretainedValue().choose(for: ssl)
            }, Unmanaged.passUnretained(certificates).toOpaque())
    }

    init?(clientOf fd: Int32, context: OpaquePointer) {
        guard let ssl = SSL_new(context) else { return nil }
        self.ssl = ssl
        certificates = nil
        guard SSL_set_fd(ssl, fd) == 1 else { return nil }
        SSL_set_connect_state(ssl)
    }

    deinit { SSL_free(ssl) }

    package func handshake() -> TLSResult {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        return result == 1 ? .bytes(0) : failure(result)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) -> TLSResult {
        ERR_clear_error()
        let result = SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count))
        return result > 0 ? .bytes(Int(result)) : failure(result)
    }

    /// May take less than all. After `.wantsWrite` the next call must begin with the same bytes, wherever they lie.
    package func write(_ bytes: UnsafeRawBufferPointer) -> TLSResult {
        ERR_clear_error()
        let result = SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count))
        return result > 0 ? .bytes(Int(result)) : failure(result)
    }

    /// Tells the peer that no more will come. Does not wait for its answer; call it before the socket is shut.
    package func finishWriting() {
        // OpenSSL forbids it after a fatal error.
        if isBroken { return }
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
        ERR_clear_error()
    }

    private func failure(_ result: Int32) -> TLSResult {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        case SSL_ERROR_ZERO_RETURN: return .closed
        default:
            isBroken = true
            ERR_clear_error()
            return .failed
        }
    }
}

extension TLSCertificates {
    /// During a handshake: takes the host's certificate, where it has one of its own.
    fileprivate func choose(for ssl: OpaquePointer) -> Int32 {
        guard let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name),
            let certificate = certificate(for: String(cString: name))
        else { return 1 }
        // As above: another thread may replace the table before OpenSSL has counted its reference.
        return withExtendedLifetime(certificate) { SSL_set_SSL_CTX(ssl, certificate.context) == nil ? 0 : 1 }
    }
}
