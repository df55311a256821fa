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
        case .addressInUse(let address): "\(address) is in use"
        case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
        case .pathTooLong(let path): "socket path too long: \(path)"
        }
    }
}
