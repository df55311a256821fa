import Glibc

/// A blocking socket that says exactly what a test wants said. Every read has a limit, so that a failure is a failure
/// and not a hang.
///
/// `@unchecked Sendable`: another thread may send; what was read belongs to the test's own.
package final class RawClient: @unchecked Sendable {
    package struct Answer: Equatable, Sendable {
        package var status: Int
        package var head: String
        package var body: [UInt8]

        package var text: String { String(decoding: body, as: UTF8.self) }

        package func field(_ name: String) -> String? {
            for line in head.split(separator: "\r\n").dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2, parts[0].lowercased() == name.lowercased() {
                    return String(parts[1].drop { $0 == " " })
                }
            }
            return nil
        }
    }

    package enum Failure: Error { case connect(Int32), ended, malformed(String), timedOut }

    package let fd: Int32
    private var pending: [UInt8] = []

    package init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        // A child that another test starts meanwhile must not hold the connection open.
        fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer { setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure.connect(errno) }
        limitReads()
    }

    package init(path: String) throws {
        fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Failure.connect(errno) }
        limitReads()
    }

    deinit { close(fd) }

    private func limitReads() {
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 { throw Failure.ended }
            sent += count
        }
    }

    package func finishSending() { shutdown(fd, Int32(SHUT_WR)) }

    /// Closing will reset the connection rather than end it.
    package func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    /// False at the end of the stream.
    private func fill() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(fd, &buffer, buffer.count, 0)
        if count < 0 { throw errno == EAGAIN ? Failure.timedOut : Failure.ended }
        pending += buffer[..<count]
        return count > 0
    }

    package func take(_ count: Int) throws -> [UInt8] {
        while pending.count < count { guard try fill() else { throw Failure.ended } }
        defer { pending.removeFirst(count) }
        return Array(pending[..<count])
    }

    package func line() throws -> String {
        while true {
            if let end = pending.firstIndex(of: 0x0A) {
                let text = String(decoding: pending[...end], as: UTF8.self)
                pending.removeFirst(end + 1)
                return text
            }
            guard try fill() else { throw Failure.ended }
        }
    }

    /// Everything up to the end of the stream.
    package func rest() throws -> [UInt8] {
        while try fill() {}
        defer { pending = [] }
        return pending
    }

    /// The server closed, and said nothing more.
    package func isClosed() throws -> Bool { try rest().isEmpty }

    /// The next answer, framed as RFC 9112 §6.3 says. `toHead`: its body is not sent.
    package func answer(toHead: Bool = false) throws -> Answer {
        var head = ""
        while true {
            let line = try line()
            guard line.hasSuffix("\r\n") else { throw Failure.malformed(line) }
            if line == "\r\n" { break }
            head += line
        }
        let parts = head.split(separator: " ", maxSplits: 2)
        guard parts.count == 3, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
            throw Failure.malformed(head)
        }
        var answer = Answer(status: status, head: head, body: [])
        if toHead || status == 204 || status == 304 || status < 200 { return answer }
        if answer.field("Transfer-Encoding") == "chunked" {
            while true {
                // CR LF is one Character.
                guard let size = Int(try line().dropLast(), radix: 16) else { throw Failure.malformed("chunk") }
                answer.body += try take(size)
                guard try line() == "\r\n" else { throw Failure.malformed("chunk end") }
                if size == 0 { return answer }
            }
        }
        if let length = answer.field("Content-Length").flatMap({ Int($0) }) {
            answer.body = try take(length)
        } else {
            answer.body = try rest()
        }
        return answer
    }

    package func exchange(_ request: String) throws -> Answer {
        try send(request)
        return try answer(toHead: request.hasPrefix("HEAD "))
    }
}
