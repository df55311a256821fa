import COpenSSL

/// TLS to another node of ours. Whoever answers is known by what it says over the connection, not by its certificate:
/// nodes prove that they have the cluster's key for this very connection (`TLSConnection.binding`). So certificates for
/// public names serve nodes that know one another by addresses.
package enum TLSClient {
    /// Shared by all connections.
    ///
    /// `@unchecked Sendable`: the SSL_CTX is not changed once `init` has returned, and OpenSSL counts its references
    /// atomically.
    private final class Context: @unchecked Sendable {
        let pointer: OpaquePointer?

        init() {
            pointer = SSL_CTX_new(TLS_client_method())
            guard let pointer else { return }
            tls_set_modes(pointer)
            SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, nil)
        }
    }

    private static let context = Context()

    /// A connection on a socket that never blocks; nil where there is no memory.
    package static func connection(fd: Int32) -> TLSConnection? {
        context.pointer.flatMap { TLSConnection(clientOf: fd, context: $0) }
    }
}

extension TLSConnection {
    private static let bindingBytes = 32
    private static let bindingLabel = Array("EXPORTER-tollgate-nodes".utf8)

    /// What only the two ends of this connection have in common (RFC 8446 §7.5): who stands between two nodes has
    /// another one with each. Empty before the handshake, and where the protocol is older than TLS 1.3.
    package var binding: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.bindingBytes)
        let label = Self.bindingLabel
        guard SSL_version(ssl) == TLS1_3_VERSION,
            label.withUnsafeBufferPointer({ label in
                label.withMemoryRebound(to: CChar.self) { label in
                    SSL_export_keying_material(ssl, &bytes, bytes.count, label.baseAddress, label.count, nil, 0, 0)
                }
            }) == 1
        else { return [] }
        return bytes
    }
}
