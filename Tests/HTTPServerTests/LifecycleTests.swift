import Foundation
import HTTPCore
import RawHTTP
import Testing

@testable import HTTPServer

@Suite struct LifecycleTests {
    @Test("G7 a drain accepts no more, closes who is idle and answers who waits")
    func drain() async throws {
        let server = try TestServer()
        let idle = try server.client()
        #expect(try idle.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        let waiting = try server.client()
        try waiting.send("GET /gated HTTP/1.1\r\nHost: a\r\n\r\n")
        eventually("the request has come") { server.handler.gate.waitingCount == 1 }
        let drained = Gate()
        onThread {
            server.server.drain(withinMilliseconds: 300_000)
            drained.open()
        }
        #expect(try idle.isClosed())
        eventually("nobody is accepted on any loop") {
            (try? server.client().exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")) == nil
        }
        server.handler.gate.open()
        let answer = try waiting.answer()
        #expect(answer.text == "opened")
        #expect(answer.field("Connection") == "close")
        #expect(try waiting.isClosed())
        await withCheckedContinuation { done in drained.whenOpen { done.resume() } }
    }

    @Test("G7 a drain ends at its deadline, whoever still waits")
    func drainDeadline() throws {
        let server = try TestServer()
        let waiting = try server.client()
        try waiting.send("GET /gated HTTP/1.1\r\nHost: a\r\n\r\n")
        eventually("the request has come") { server.handler.gate.waitingCount == 1 }
        server.server.drain(withinMilliseconds: 50)
        #expect(throws: RawClient.Failure.self) { try waiting.answer() }
        // An answer to a server that has ended is dropped, not a crash.
        server.handler.gate.open()
        eventually("it is reported") { server.handler.log.withLock { $0.count } == 1 }
    }

    @Test("a port in use is refused, though loops share theirs")
    func portInUse() throws {
        let server = try TestServer()
        #expect(throws: ServerError.self) {
            _ = try TestServer(listeners: [Listener(.tcp(.loopback, port: server.port))])
        }
        #expect(try server.client().exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
    }

    @Test("a Unix socket serves its role, is its owner's alone, and takes over a stale file but not a live one")
    func unixSocket() throws {
        let folder = NSTemporaryDirectory() + "tollgate-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/control.sock"
        try leaveStaleSocket(path)
        let listener = Listener(.unix(path: path), role: .control)
        let server = try TestServer(listeners: [listener, Listener(.tcp(.loopback, port: 0), role: .admin)])
        #expect(server.server.ports[0] == 0)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try RawClient(path: path).exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        #expect(
            try RawClient(port: server.server.ports[1]).exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
        )
        #expect(server.handler.peers.withLock { $0.map(\.role) } == [.control, .admin])
        #expect(throws: ServerError.self) { _ = try TestServer(listeners: [listener]) }
        #expect(throws: ServerError.self) {
            _ = try TestServer(listeners: [Listener(.unix(path: folder + String(repeating: "/x", count: 60)))])
        }
        server.server.stop()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    private func leaveStaleSocket(_ path: String) throws {
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(result == 0)
        close(fd)
    }

    @Test("the Date field is what RFC 9110 shows")
    func date() {
        #expect(
            String(decoding: DateField.render(784_111_777), as: UTF8.self) == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n")
    }
}
