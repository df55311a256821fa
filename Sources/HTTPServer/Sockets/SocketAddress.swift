import CLinux
import Glibc
import HTTPCore

/// Between the kernel's socket addresses and ours.
enum SocketAddress {
    /// Loopback for a Unix socket: it can only be this machine.
    static func ipAddress(_ storage: sockaddr_storage) -> IPAddress {
        withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let address = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
                return IPAddress(high: 0, low: 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: address)))
            case AF_INET6:
                return IPAddress(
                    high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
            default:
                return .loopback
            }
        }
    }

    /// IPv4 where the address is a mapped one, so that a machine without IPv6 can listen.
    static func make(_ address: IPAddress, port: UInt16) -> (
        storage: sockaddr_storage, length: socklen_t, family: Int32
    ) {
        var storage = sockaddr_storage()
        let isIPv4 = address.high == 0 && address.low >> 32 == 0xFFFF
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes.storeBytes(of: UInt16(isIPv4 ? AF_INET : AF_INET6), as: UInt16.self)
            bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            if isIPv4 {
                bytes.storeBytes(
                    of: UInt32(truncatingIfNeeded: address.low).bigEndian, toByteOffset: 4, as: UInt32.self)
            } else {
                bytes.storeBytes(of: address.high.bigEndian, toByteOffset: 8, as: UInt64.self)
                bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 16, as: UInt64.self)
            }
        }
        let length = isIPv4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        return (storage, socklen_t(length), isIPv4 ? AF_INET : AF_INET6)
    }

    static func port(of fd: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
        }
        guard result == 0 else { return 0 }
        return withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
    }
}
