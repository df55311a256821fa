import Foundation
import Glibc
import Synchronization
import TenantRegistry
import TestTenants

/// A node that takes calls and does what the test says: leave without a word, or say something.
final class SilentNode: Sendable {
    struct Failure: Error { let number: Int32 }

    let port: UInt16
    private let listener: Int32
    private let isClosed = Atomic<Bool>(false)
    private let calls = Mutex<[Int32]>([])

    init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = listener
        let result = withUnsafeMutablePointer(to: &address) { place in
            place.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                bind(fd, place, size) == 0 && listen(fd, 256) == 0 && getsockname(fd, place, &size) == 0
            }
        }
        guard result else { throw Failure(number: errno) }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close() }

    /// Leaves all of them, and takes none any more.
    func close() {
        drop()
        if !isClosed.exchange(true, ordering: .relaxed) { Glibc.close(listener) }
    }

    /// Waits for a call and reads its head and what else has come; gives its first line.
    @discardableResult
    func takeOne() async throws -> String {
        try await handedOver { (done: Handover<String>) in
            startThread("silent node") { [self] in
                let fd = accept(listener, nil, nil)
                guard fd >= 0 else { return done.resume(throwing: Failure(number: errno)) }
                var bytes = [UInt8](repeating: 0, count: 1 << 16)
                var read: [UInt8] = []
                while !String(decoding: read, as: UTF8.self).contains("\r\n\r\n") {
                    let count = recv(fd, &bytes, bytes.count, 0)
                    if count <= 0 { break }
                    read += bytes[..<count]
                }
                calls.withLock { $0.append(fd) }
                let head = String(decoding: read, as: UTF8.self)
                done.resume(returning: head.split(separator: "\r\n").first.map(String.init) ?? "")
            }
        }
    }

    /// On the call that was taken last.
    func answer(_ text: String) {
        let bytes = Array(text.utf8)
        calls.withLock { calls in
            if let last = calls.last { _ = Glibc.send(last, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
        }
    }

    /// Leaves all of them.
    func drop() {
        calls.withLock { calls in
            for fd in calls { Glibc.close(fd) }
            calls = []
        }
    }
}
