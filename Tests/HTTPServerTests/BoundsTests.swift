import Foundation
import HTTPCore
import RawHTTP
import Testing

@testable import HTTPServer

@Suite struct BoundsTests {
    @Test("G6 at the bound newcomers are served, and the connections that were idle longest go")
    func idleGo() throws {
        var limits = ServerLimits.patient
        limits.connectionsMax = 20
        let server = try TestServer(limits: limits)
        var clients: [RawClient] = []
        for _ in 0..<120 {
            let client = try server.client()
            #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            clients.append(client)
        }
        #expect(try clients[119].exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        eventually("they are counted") { server.server.metrics.evicted.load(ordering: .relaxed) >= 92 }
        #expect(server.server.metrics.refusedTotalBound.load(ordering: .relaxed) == 0)
        clients.removeAll()
        eventually("they are gone") { server.server.metrics.connectionsOpen.load(ordering: .relaxed) == 0 }
    }

    @Test(
        "G6 where all are busy a newcomer hears 503, health is answered still, and room that comes free is used again")
    func totalBound() throws {
        var limits = ServerLimits.patient
        limits.connectionsMax = 20
        limits.healthPaths = ["/open"]
        let server = try TestServer(limits: limits)
        // Half of the places beyond the bound are a newcomer's.
        let busy = try (0..<24).map { _ in
            let client = try server.client()
            try client.send("GET /gated HTTP/1.1\r\nHost: a\r\n\r\n")
            return client
        }
        eventually("all are busy") { server.server.metrics.connections(in: .answering) == 24 }
        let refused = try server.client().exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(refused.status == 503)
        #expect(refused.field("Connection") == "close")
        #expect(try server.client().exchange("GET /open HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        for client in busy { #expect(try client.answer().status == 200) }
        #expect(try server.client().exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
    }

    @Test("G6 the address with most makes room; operators' listeners have places of their own")
    func places() {
        var limits = ServerLimits.patient
        limits.connectionsMax = 4
        limits.connectionsOfOperatorsMax = 1
        let bounds = ConnectionBounds(limits: limits)
        let (crowd, honest) = (address(1), address(2))
        #expect([honest, crowd, crowd, crowd].map { bounds.enter(peer($0)) } == Array(repeating: .admitted, count: 4))
        for number: UInt64 in 3..<11 { #expect(bounds.enter(peer(address(number))) == .beyond(most: crowd)) }
        #expect(bounds.enter(peer(honest)) == .totalReached(most: crowd))
        #expect(bounds.enter(peer(.loopback, .control)) == .admitted)
        #expect(bounds.enter(peer(.loopback, .admin)) == .admitted)
        #expect(bounds.enter(peer(.loopback, .admin)) == .apartReached)
        bounds.leave(peer(.loopback, .admin))
        #expect(bounds.enter(peer(.loopback, .admin)) == .admitted)
    }

    private func address(_ last: UInt64) -> IPAddress { IPAddress(high: 0, low: 0xFFFF_C000_0200 | last) }

    private func peer(_ address: IPAddress, _ role: ListenerRole = .everyone) -> Peer {
        Peer(address: address, role: role, isEncrypted: false)
    }

    @Test("G6 one address has its own bound, IPv6 by /64; loopback has the total's")
    func addressBound() {
        var limits = ServerLimits.patient
        limits.connectionsMax = 10
        limits.connectionsPerAddressMax = 2
        let bounds = ConnectionBounds(limits: limits)
        let six = (0..<3).map { IPAddress(high: 0x2001_0DB8_0000_0001, low: $0 << 60 | 7) }
        #expect(six.map { bounds.enter(peer($0)) } == [.admitted, .admitted, .addressReached])
        #expect(bounds.enter(peer(IPAddress(high: 0x2001_0DB8_0000_0002, low: 7))) == .admitted)
        let four = IPAddress(high: 0, low: 0xFFFF_C000_0201)
        #expect([four, four, four].map { bounds.enter(peer($0)) } == [.admitted, .admitted, .addressReached])
        #expect(bounds.enter(peer(IPAddress(high: 0, low: 0xFFFF_C000_0202))) == .admitted)
        for _ in 0..<4 { #expect(bounds.enter(peer(.loopback)) == .admitted) }
        bounds.leave(peer(four))
        #expect(bounds.enter(peer(four)) == .admitted)
    }

    @Test("G6 a head that drips past its deadline is answered 408, however steadily it drips")
    func headDeadline() throws {
        var limits = ServerLimits.patient
        limits.headMilliseconds = 100
        let server = try TestServer(limits: limits)
        let client = try server.client()
        try client.send("GET /hello HTTP/1.1\r\nHost: a\r\n")
        onThread { while (try? client.send("X: y\r\n")) != nil { usleep(5000) } }
        let answer = try client.answer()
        #expect(answer.status == 408)
        #expect(answer.field("Connection") == "close")
    }

    @Test("G6 an idle connection is closed without a word, before its first request and after one")
    func keepAliveDeadline() throws {
        var limits = ServerLimits.patient
        limits.keepAliveMilliseconds = 1_000
        let server = try TestServer(limits: limits)
        let fresh = try server.client()
        let used = try server.client()
        #expect(try used.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        #expect(try used.isClosed())
        #expect(try fresh.isClosed())
    }

    @Test("G6 a body that stops is answered 408", arguments: ["/echo", "/sink"])
    func bodyPause(_ path: String) throws {
        var limits = ServerLimits.patient
        limits.bodyPauseMilliseconds = 100
        let server = try TestServer(limits: limits)
        let client = try server.client()
        #expect(try client.exchange("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc").status == 408)
        #expect(server.handler.sinksAborted.load(ordering: .relaxed) == (path == "/sink" ? 1 : 0))
    }

    @Test("G6 a body that drips below the pace is answered 408, though it never stops")
    func bodyPace() throws {
        var limits = ServerLimits.patient
        limits.bodyPauseMilliseconds = 200
        limits.bodyBytesPerSecondMin = 1_000_000
        let server = try TestServer(limits: limits)
        let client = try server.client()
        try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        onThread { while (try? client.send([0x78])) != nil { usleep(5000) } }
        #expect(try client.answer().status == 408)
    }

    @Test(
        "G6 a body or an answer of any size has the time that its pace gives it, which a clock can be added to",
        arguments: [
            (0, 2048, 0), (2048, 2048, 1_000_000_000), (18_446_744_073, 2048, 9_007_199_254_394_531),
            (18_446_744_074, 2048, 9_007_199_254_882_812), (1 << 40, 1 << 40, 1_000_000_000),
            (Int.max, 1, UInt64.max / 2), (Int.max, Int.max, 1_000_000_000),
        ] as [(Int, Int, UInt64)])
    func pacedTime(bytes: Int, bytesPerSecond: Int, nanoseconds: UInt64) {
        #expect(EventLoop.nanoseconds(for: bytes, bytesPerSecond: bytesPerSecond) == nanoseconds)
    }

    @Test("a sink that takes its time is not its client's fault")
    func slowSink() throws {
        var limits = ServerLimits.patient
        limits.bodyPauseMilliseconds = 100
        limits.keepAliveMilliseconds = 600
        let server = try TestServer(limits: limits)
        let client = try server.client()
        let idle = try server.client()
        try client.send("POST /sink-gated HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        // The idle one's end tells that far more time than the body's has passed.
        #expect(try idle.isClosed())
        server.handler.gate.open()
        #expect(try client.answer().text == "3")
    }

    @Test("G6 a client that takes nothing of its answer is given up")
    func writeStall() throws {
        var limits = ServerLimits.patient
        limits.writeStallMilliseconds = 100
        let server = try TestServer(limits: limits)
        let client = try RawClient(port: server.port, receiveBuffer: 4096)
        try client.send(String(repeating: "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", count: 20))
        eventually("it is closed") {
            server.server.metrics.connectionsAccepted.load(ordering: .relaxed) == 1
                && server.server.metrics.connectionsOpen.load(ordering: .relaxed) == 0
        }
        let log = server.handler.log.withLock { $0 }
        #expect(log.allSatisfy { $0.bytes <= 3_000_000 })
        #expect((log.last?.bytes ?? 0) < 3_000_000)
    }

    @Test("G6 a client that takes its answer below the pace is given up, though it never stops taking")
    func answerPace() throws {
        var limits = ServerLimits.guarded
        limits.writeStallMilliseconds = 300
        limits.answerBytesPerSecondMin = 1 << 40
        let server = try TestServer(limits: limits)
        let client = try RawClient(port: server.port, receiveBuffer: 4096)
        try client.send(String(repeating: "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", count: 20))
        onThread { while (try? client.take(1024)) != nil { usleep(1000) } }
        eventually("it is closed") {
            server.server.metrics.refusedAnswerDeadline.load(ordering: .relaxed) == 1
                && server.server.metrics.connectionsOpen.load(ordering: .relaxed) == 0
        }
    }

    @Test("G7 connections are counted by what they are doing, and not at all once they have gone")
    func states() throws {
        let server = try TestServer()
        let metrics = server.server.metrics
        var clients = [try server.client(), try server.client(), try server.client()]
        try clients[1].send("GET /hel")
        try clients[2].send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        eventually("each is counted") {
            metrics.connections(in: .idle) == 1 && metrics.connections(in: .head) == 1
                && metrics.connections(in: .body) == 1
        }
        clients = []
        eventually("none is counted") { ConnectionState.allCases.allSatisfy { metrics.connections(in: $0) == 0 } }
    }

    @Test("a client that goes on sending after the end is cut off")
    func linger() throws {
        var limits = ServerLimits.patient
        limits.lingerMilliseconds = 100
        let server = try TestServer(limits: limits)
        let client = try server.client()
        #expect(try client.exchange("POST /denied HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n").status == 401)
        eventually("it is closed") { server.server.metrics.connectionsOpen.load(ordering: .relaxed) == 0 }
    }

    @Test("G6 a client that has sent far more than is read after a refusal finds the answer all the same")
    func lingerPastItsBytes() throws {
        var limits = ServerLimits.patient
        limits.lingerBytesMax = 1
        let server = try TestServer(limits: limits)
        let client = try server.client()
        try client.send("POST /denied HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n")
        for _ in 0..<8 { try client.send([UInt8](repeating: 0x78, count: 65_536)) }
        #expect(try client.answer().status == 401)
    }
}
