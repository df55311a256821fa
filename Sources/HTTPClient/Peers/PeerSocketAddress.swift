// Its header brings the names of sockets along; where it is compiled in, Glibc gives them no more.
import CCurl
import Glibc

/// Where a host is, as the machine says. A value; the calls are the system's own.
struct PeerSocketAddress: Equatable, Sendable {
    private let bytes: [UInt8]
    private let family: Int32

    /// Of an address that is no name; nil for one that is.
    static func literal(_ address: PeerAddress) -> PeerSocketAddress? {
        look(address, flags: Int32(AI_NUMERICHOST) | Int32(AI_NUMERICSERV)).first
    }

    /// Asks the machine, which may take seconds. Empty where nothing was found.
    static func find(_ address: PeerAddress) -> [PeerSocketAddress] { look(address, flags: Int32(AI_NUMERICSERV)) }

    private static func look(_ address: PeerAddress, flags: Int32) -> [PeerSocketAddress] {
        var hints = addrinfo()
        hints.ai_flags = flags
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, "\(address.port)", &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [PeerSocketAddress] = []
        var next = list
        while let entry = next {
            if let place = entry.pointee.ai_addr {
                let raw = UnsafeRawBufferPointer(start: place, count: Int(entry.pointee.ai_addrlen))
                found.append(PeerSocketAddress(bytes: Array(raw), family: entry.pointee.ai_family))
            }
            next = entry.pointee.ai_next
        }
        return found
    }

    /// A socket that never blocks, on its way there; nil where there is no descriptor or no way.
    func connect() -> Int32? {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let fd = socket(family, kind, 0)
        guard fd >= 0 else { return nil }
        var one: Int32 = 1
        setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let result = bytes.withUnsafeBytes { raw in
            raw.withMemoryRebound(to: sockaddr.self) { Glibc.connect(fd, $0.baseAddress, socklen_t(bytes.count)) }
        }
        if result != 0, errno != EINPROGRESS {
            Glibc.close(fd)
            return nil
        }
        return fd
    }

    static func isConnected(_ fd: Int32) -> Bool {
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0
    }

    static func close(_ fd: Int32) { Glibc.close(fd) }
}
