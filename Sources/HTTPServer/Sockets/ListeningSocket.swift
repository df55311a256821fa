import CLinux
import Cryptography
import Glibc
import HTTPCore

/// One bound, listening socket. Each loop has its own for every TCP place (SO_REUSEPORT); a Unix socket has one owner.
/// One that was handed over may be watched by several loops.
struct ListeningSocket: Sendable {
    static let backlog: Int32 = 1024

    let fd: Int32
    let role: ListenerRole
    let isUnix: Bool
    /// Other loops watch the same socket by descriptors of their own.
    var isShared = false
    var tls: TLSServerContext?
    var isEncrypted: Bool { tls != nil }

    /// As many sockets as loops for TCP, or more where more were handed over; one for a Unix socket. All are bound
    /// before any is returned.
    static func open(_ listener: Listener, loops: Int) throws(ServerError) -> (sockets: [ListeningSocket], port: UInt16)
    {
        switch listener.place {
        case .unix(let path):
            return ([ListeningSocket(fd: try bindUnix(path), role: listener.role, isUnix: true, tls: listener.tls)], 0)
        case .tcp where !listener.handed.isEmpty: return try adopt(listener, loops: loops)
        case .tcp(let address, var port):
            // SO_REUSEPORT would let a second gateway share our port in silence; a socket without it finds out.
            if port != 0 { Socket.close(try bindTCP(address, port, sharesPort: false)) }
            var sockets: [ListeningSocket] = []
            for _ in 0..<loops {
                do {
                    let fd = try bindTCP(address, port, sharesPort: true)
                    sockets.append(ListeningSocket(fd: fd, role: listener.role, isUnix: false, tls: listener.tls))
                    if port == 0 { port = SocketAddress.port(of: fd) }
                } catch {
                    for socket in sockets { Socket.close(socket.fd) }
                    throw error
                }
            }
            return (sockets, port)
        }
    }

    private static func adopt(
        _ listener: Listener, loops: Int
    ) throws(ServerError) -> (sockets: [ListeningSocket], port: UInt16) {
        let handed = listener.handed
        let isShared = handed.count < loops
        var sockets: [ListeningSocket] = []
        for index in 0..<max(loops, handed.count) {
            let given = handed[index % handed.count]
            let fd = index < handed.count ? given : fcntl(given, F_DUPFD_CLOEXEC, 0)
            guard fd >= 0 else { throw .system("dup", errno) }
            HandedSocket.adopt(fd)
            sockets.append(
                ListeningSocket(fd: fd, role: listener.role, isUnix: false, isShared: isShared, tls: listener.tls))
        }
        return (sockets, SocketAddress.port(of: handed[0]))
    }

    private static func bindTCP(_ address: IPAddress, _ port: UInt16, sharesPort: Bool) throws(ServerError) -> Int32 {
        let (storage, length, family) = SocketAddress.make(address, port: port)
        let fd = clinux_tcp_socket(family)
        guard fd >= 0 else { throw .system("socket", errno) }
        _ = Socket.setOption(fd, SOL_SOCKET, SO_REUSEADDR)
        if sharesPort { _ = Socket.setOption(fd, SOL_SOCKET, SO_REUSEPORT) }
        if family == AF_INET6 { _ = Socket.setOption(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        try bind(fd, storage, length, name: "port \(port)")
        if sharesPort { try listen(fd) }
        return fd
    }

    private static func bindUnix(_ path: String) throws(ServerError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { throw .pathTooLong(path) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { target in
            withUnsafeBytes(of: address) { target.copyMemory(from: $0) }
        }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        try removeStale(path, storage, length)
        let fd = clinux_tcp_socket(AF_UNIX)
        guard fd >= 0 else { throw .system("socket", errno) }
        try bind(fd, storage, length, name: path)
        // Nobody can connect before listen(), so the mode is right in time.
        guard chmod(path, 0o600) == 0 else {
            let code = errno
            Socket.close(fd)
            throw .system("chmod", code)
        }
        try listen(fd)
        return fd
    }

    /// Removes a socket file behind which nobody listens.
    private static func removeStale(_ path: String, _ storage: sockaddr_storage, _ length: socklen_t)
        throws(ServerError)
    {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .addressInUse(path) }
        let probe = clinux_tcp_socket(AF_UNIX)
        guard probe >= 0 else { throw .system("socket", errno) }
        defer { Socket.close(probe) }
        let isRefused = call(storage) { connect(probe, $0, length) } != 0 && errno == ECONNREFUSED
        guard isRefused else { throw .addressInUse(path) }
        unlink(path)
    }

    private static func bind(
        _ fd: Int32, _ storage: sockaddr_storage, _ length: socklen_t, name: String
    ) throws(ServerError) {
        guard call(storage, { Glibc.bind(fd, $0, length) }) != 0 else { return }
        let code = errno
        Socket.close(fd)
        throw code == EADDRINUSE ? .addressInUse(name) : .system("bind", code)
    }

    private static func listen(_ fd: Int32) throws(ServerError) {
        guard Glibc.listen(fd, backlog) != 0 else { return }
        let code = errno
        Socket.close(fd)
        throw .system("listen", code)
    }

    private static func call(_ storage: sockaddr_storage, _ body: (UnsafePointer<sockaddr>) -> Int32) -> Int32 {
        withUnsafePointer(to: storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }
}
