import COpenSSL
import Synchronization

/// Which certificate serves which host (SNI, RFC 6066 §3), replaced while connections run: a handshake takes the table
/// as it is at that moment, a connection keeps what it began with. Any thread.
package final class TLSCertificates: Sendable {
    private struct Table {
        var fallback: TLSCertificate
        var byHost: [String: TLSCertificate]
    }

    private let table: Mutex<Table>

    /// `byHost`: exact names in lower case, or `*.example.com` for one label below it.
    package init(default fallback: TLSCertificate, byHost: [String: TLSCertificate] = [:]) {
        table = Mutex(Table(fallback: fallback, byHost: byHost))
    }

    package func replace(default fallback: TLSCertificate, byHost: [String: TLSCertificate]) {
        table.withLock { $0 = Table(fallback: fallback, byHost: byHost) }
    }

    /// The default one stays.
    package func replace(byHost: [String: TLSCertificate]) { table.withLock { $0.byHost = byHost } }

    var fallback: TLSCertificate { table.withLock { $0.fallback } }

    /// When each expires, in seconds since 1970; under the empty name the default.
    package var ends: [(host: String, atUnixSeconds: Int64)] {
        let all = table.withLock { table in [("", table.fallback)] + table.byHost.map { ($0.key, $0.value) } }
        return all.compactMap { host, certificate in certificate.endsAtUnixSeconds.map { (host, $0) } }
    }

    /// Whether the default one is for this host, a name in lower case.
    package func defaultNames(_ host: String) -> Bool { fallback.names(host) }

    /// Nil where the default serves.
    func certificate(for host: String) -> TLSCertificate? {
        var host = host.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        return table.withLock { table in
            if let exact = table.byHost[host] { return exact }
            guard let dot = host.firstIndex(of: ".") else { return nil }
            return table.byHost["*" + host[dot...]]
        }
    }
}

/// Makes server connections from a table of certificates. Any thread.
package final class TLSServerContext: Sendable {
    package let certificates: TLSCertificates

    package init(certificates: TLSCertificates) { self.certificates = certificates }

    /// A connection over a socket that is already non-blocking; the caller closes the socket, after the connection.
    package func connection(fd: Int32) -> TLSConnection? { TLSConnection(fd: fd, certificates: certificates) }
}
