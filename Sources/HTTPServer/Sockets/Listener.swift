package import Cryptography
package import HTTPCore

/// Where a server listens, and for whom.
package struct Listener: Sendable {
    package enum Place: Sendable {
        /// Port 0 takes a free one. `::` takes IPv4 as well.
        case tcp(IPAddress, port: UInt16)
        /// A socket file of mode 0600.
        case unix(path: String)
    }

    package let place: Place
    package let role: ListenerRole
    /// Nil for plain HTTP.
    package let tls: TLSServerContext?
    /// Sockets that listen there already, each an open descriptor that becomes the server's: no other is bound then.
    package let handed: [Int32]

    package init(
        _ place: Place, role: ListenerRole = .everyone, tls: TLSServerContext? = nil, handed: [Int32] = []
    ) {
        self.tls = tls
        self.handed = handed
        self.place = place
        self.role = role
    }
}
