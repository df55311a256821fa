import HTTPCore
import HTTPServer
import RawHTTP
import Synchronization
import Testing

@Suite struct ServingTests {
    @Test("requests on one connection are answered one after another, and the connection stays open")
    func keepAlive() throws {
        let server = try TestServer()
        let client = try server.client()
        for number in 0..<5 {
            let answer = try client.exchange("GET /hello?\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(answer.status == 200)
            #expect(answer.text == "hello \(number)")
            #expect(answer.field("Connection") == nil)
            #expect(answer.field("Date")?.hasSuffix(" GMT") == true)
        }
    }

    @Test("pipelined requests are answered in their order, whether the answers come at once or later")
    func pipelining() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.send((0..<60).map(Self.pipelined).joined())
        for number in 0..<60 {
            let expected = ["hello \(number)", "later \(number)", "\(number + 10)"][number % 3]
            #expect(try client.answer().text == expected)
        }
    }

    @Test("G6 a thousand requests that one connection has sent at once hold up no other connection's")
    func turns() throws {
        let server = try TestServer(loops: 1)
        let (opening, many, one) = (try server.client(), try server.client(), try server.client())
        for client in [opening, many, one] { #expect(try client.exchange(Self.hello).status == 200) }
        // The loop stands still until all of it has been sent.
        let pause = Pause()
        server.handler.gate.whenOpen { pause.lock.withLock { _ in } }
        try pause.lock.withLock { _ in
            try opening.send("GET /open HTTP/1.1\r\nHost: a\r\n\r\n")
            try many.send(String(repeating: Self.hello, count: 1_000))
            try one.send("GET /denied HTTP/1.1\r\nHost: a\r\n\r\n")
        }
        #expect(try one.answer().status == 401)
        for _ in 0..<1_000 { #expect(try many.answer().status == 200) }
        let asked = server.handler.log.withLock { log in log.map(\.path) }
        let place = try #require(asked.firstIndex(of: "/denied"))
        #expect(place < 100)
    }

    private static let hello = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

    private final class Pause: Sendable {
        let lock = Mutex(())
    }

    @Test("a client that has finished sending still gets every answer, then the end")
    func halfClose() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.send((0..<9).map(Self.pipelined).joined())
        client.finishSending()
        for _ in 0..<9 { #expect(try client.answer().status == 200) }
        #expect(try client.isClosed())
    }

    private static func pipelined(_ number: Int) -> String {
        switch number % 3 {
        case 0: "GET /hello?\(number) HTTP/1.1\r\nHost: a\r\n\r\n"
        case 1: "GET /later?\(number) HTTP/1.1\r\nHost: a\r\n\r\n"
        default: "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\(number + 10)"
        }
    }

    @Test("a request that drips in byte by byte is answered like any other")
    func dripping() throws {
        let server = try TestServer()
        let client = try server.client()
        let request = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        for byte in request.utf8 { try client.send([byte]) }
        #expect(try client.answer().text == "abc")
    }

    @Test("an answer given within the handler's call goes out like any other")
    func atOnce() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.send(String(repeating: "GET /at-once HTTP/1.1\r\nHost: a\r\n\r\n", count: 3))
        for _ in 0..<3 { #expect(try client.answer().text == "at once") }
    }

    @Test("an answer given while the loop works on another connection goes out as well")
    func acrossConnections() throws {
        let server = try TestServer(loops: 1)
        let (waiting, opening) = (try server.client(), try server.client())
        try waiting.send("GET /gated HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        eventually("the request has come") { server.handler.gate.waitingCount == 1 }
        #expect(try opening.exchange("GET /open HTTP/1.1\r\nHost: a\r\n\r\n").text == "open")
        #expect(try waiting.answer().text == "opened")
        #expect(try waiting.answer().status == 200)
    }

    @Test("Connection: close is honoured and said")
    func close() throws {
        let server = try TestServer()
        let client = try server.client()
        let answer = try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(answer.field("Connection") == "close")
        #expect(try client.isClosed())
    }

    @Test("HTTP/1.0 closes by default and stays where the client asks for it")
    func http10() throws {
        let server = try TestServer()
        let staying = try server.client()
        let answer = try staying.exchange("GET /hello?1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(answer.field("Connection") == "keep-alive")
        #expect(try staying.exchange("GET /hello?2 HTTP/1.0\r\n\r\n").field("Connection") == "close")
        #expect(try staying.isClosed())
    }

    @Test("HEAD tells the length of the body and sends none")
    func head() throws {
        let server = try TestServer()
        let client = try server.client()
        let answer = try client.exchange("HEAD /hello?abc HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.field("Content-Length") == "9")
        #expect(
            try client.exchange("HEAD /counted-stream HTTP/1.1\r\nHost: a\r\n\r\n").field("Content-Length") == "10000")
        #expect(try client.exchange("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n").field("Content-Length") == nil)
        #expect(server.handler.streamsCancelled.load(ordering: .relaxed) == 2)
        #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
    }

    @Test("204 has neither body nor length")
    func noContent() throws {
        let server = try TestServer()
        let client = try server.client()
        let answer = try client.exchange("GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.status == 204)
        #expect(answer.field("Content-Length") == nil)
        #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
    }

    @Test("a large answer arrives whole, pipelined with others and read late")
    func large() throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port, receiveBuffer: 4096)
        let request = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
        try client.send(request + "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n" + request)
        #expect(try client.answer().body == TestHandler.large)
        #expect(try client.answer().status == 200)
        #expect(try client.answer().body == TestHandler.large)
    }

    @Test("what was answered is reported once, with what was sent of it")
    func reports() throws {
        let server = try TestServer()
        let client = try server.client()
        _ = try client.exchange("GET /hello?1 HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client.exchange("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client.exchange("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client.exchange("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client.exchange("GET / HTTP/3.0\r\n\r\n")
        eventually("five reports") { server.handler.log.withLock { $0.count } == 5 }
        let expected: [TestHandler.Logged] = [
            .init(path: "/hello", status: 200, bytes: 7), .init(path: "/large", status: 200, bytes: 3_000_000),
            .init(path: "/stream", status: 200, bytes: 10_000), .init(path: "/hello", status: 200, bytes: 0),
        ]
        server.handler.log.withLock { log in
            #expect(Array(log.dropLast()) == expected)
            #expect(log.last?.path == nil)
            #expect(log.last?.status == 505)
        }
    }

    @Test("an answer to a client that has gone is dropped, and reported")
    func gone() throws {
        let server = try TestServer()
        var client: RawClient? = try server.client()
        try client?.send("GET /gated HTTP/1.1\r\nHost: a\r\n\r\n")
        eventually("the request has come") { server.handler.gate.waitingCount == 1 }
        client?.reset()
        client = nil
        eventually("the connection is closed") {
            server.server.metrics.connectionsOpen.load(ordering: .relaxed) == 0
        }
        server.handler.gate.open()
        eventually("one report") {
            server.handler.log.withLock { $0 == [.init(path: "/gated", status: 200, bytes: 0)] }
        }
    }

    @Test("G7 the counters count")
    func metrics() throws {
        let server = try TestServer()
        let client = try server.client()
        _ = try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client.exchange("GET /hello HTTP/1.1\r\nHost: a, b\r\n\r\n")
        let metrics = server.server.metrics
        eventually("two requests, one refused") {
            metrics.requests.load(ordering: .relaxed) == 1 && metrics.refusedFraming.load(ordering: .relaxed) == 1
                && metrics.connectionsAccepted.load(ordering: .relaxed) == 1
                && metrics.bytesIn.load(ordering: .relaxed) > 60 && metrics.bytesOut.load(ordering: .relaxed) > 200
        }
    }
}
