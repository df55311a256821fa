import Foundation
import Glibc
import Synchronization

/// A port of loopback for what must be told its own before it starts.
///
/// Port 0 gives one of the range that outgoing connections take theirs from: any connection may have it before it is
/// bound again. These are below that range, and one that was given is the test's until its process ends. The scripts of
/// the contract claim theirs under the same names.
package enum FreePort {
    private struct NoneIsFree: Error {}

    /// Names in the abstract namespace, which the kernel takes back when the process ends.
    private static let claims = Mutex<[Int32]>([])

    package static func take() throws -> UInt16 {
        let highest = try lowestOutgoing()
        for _ in 0..<1_000 {
            let port = UInt16.random(in: 10_000..<max(highest, 11_000))
            if isFree(port), claim(port) { return port }
        }
        throw NoneIsFree()
    }

    private static func lowestOutgoing() throws -> UInt16 {
        let text = try String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .ascii)
        return text.split(whereSeparator: \.isWhitespace).first.flatMap { UInt16($0) } ?? 32_768
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(probe) }
        // What the last listener's connections left behind is in nobody's way.
        var isOn: Int32 = 1
        setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        return withUnsafeBytes(of: &address) { bound(probe, to: $0) }
    }

    private static func claim(_ port: UInt16) -> Bool {
        let claim = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = "\0tollgate-test-port-\(port)"
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name.utf8) }
        let length = MemoryLayout<sa_family_t>.size + name.utf8.count
        guard withUnsafeBytes(of: &address, { bound(claim, to: UnsafeRawBufferPointer(rebasing: $0[..<length])) })
        else {
            close(claim)
            return false
        }
        claims.withLock { $0.append(claim) }
        return true
    }

    private static func bound(_ descriptor: Int32, to address: UnsafeRawBufferPointer) -> Bool {
        guard let base = address.bindMemory(to: sockaddr.self).baseAddress else { return false }
        return bind(descriptor, base, socklen_t(address.count)) == 0
    }
}
