import Glibc
package import HTTPCore

/// A listening TCP socket that somebody else bound: the service manager, or the program that this one replaces.
///
/// What waits in its queue is nobody's yet: whoever accepts next serves it, so that a restart refuses no connection.
package enum HandedSocket {
    /// Where it listens; nil where it is not a listening TCP socket.
    package static func place(of fd: Int32) -> (address: IPAddress, port: UInt16)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
        }
        guard result == 0, [AF_INET, AF_INET6].contains(Int32(storage.ss_family)),
            option(fd, SO_TYPE) == Int32(SOCK_STREAM.rawValue), option(fd, SO_ACCEPTCONN) == 1
        else { return nil }
        return (SocketAddress.ipAddress(storage), SocketAddress.port(of: fd))
    }

    /// As our own sockets are: no call blocks on it, and no child inherits it.
    static func adopt(_ fd: Int32) {
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)
        _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
    }

    private static func option(_ fd: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }
}
