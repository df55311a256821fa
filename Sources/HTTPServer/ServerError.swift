import Glibc

/// Why a server could not start.
package enum ServerError: Error, Sendable, CustomStringConvertible {
    /// Somebody else listens there.
    case addressInUse(String)
    /// The call's name and its errno.
    case system(String, Int32)
    case pathTooLong(String)

    package var description: String {
        switch self {
        case .addressInUse(let address):
            "\(address) is in use: end what listens there, or take another port (--port 9000)"
        case .system("bind", EACCES): "this user may not listen there: take a port from 1024 on (--port 9000)"
        case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
        case .pathTooLong(let path): "socket path too long: \(path)"
        }
    }
}
