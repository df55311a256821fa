import HTTPCore
import HTTPServer
import RawHTTP
import Testing

@Suite struct BodyTests {
    private static func post(_ path: String, _ body: String, _ fields: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    @Test("a body is read whole, by length and by chunks", arguments: ["/echo", "/echo-later"])
    func whole(_ path: String) throws {
        let server = try TestServer()
        let client = try server.client()
        let body = String(repeating: "0123456789", count: 50_000)
        #expect(try client.exchange(Self.post(path, body)).text == body)
        let chunk = "2710\r\n" + String(repeating: "abcdefghij", count: 1000) + "\r\n"
        try client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<20 { try client.send(chunk) }
        try client.send("0\r\n\r\n")
        #expect(try client.answer().body.count == 200_000)
        #expect(try client.exchange(Self.post(path, "")).text == "")
    }

    @Test("a streamed body arrives in full, whichever thread asks for more", arguments: [0, 1, 65_537, 5_000_000])
    func streamed(_ count: Int) throws {
        let server = try TestServer()
        let client = try server.client()
        #expect(try client.exchange(Self.post("/sink", String(repeating: "x", count: count))).text == "\(count)")
        #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
    }

    @Test("a sink that does not ask for more is sent no more, and the client is held back")
    func backPressure() throws {
        let server = try TestServer()
        let client = try server.client()
        let count = 32 << 20
        try client.send("POST /sink-gated HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n")
        onThread { try? client.send([UInt8](repeating: 0x78, count: count)) }
        eventually("the first piece has come") { server.handler.gate.waitingCount == 1 }
        // The client cannot have sent it all: kernel buffers are far smaller.
        let received = server.handler.sinkBytes.load(ordering: .relaxed)
        #expect(received > 0 && received <= 65536)
        #expect(server.server.metrics.bytesIn.load(ordering: .relaxed) < 1 << 20)
        server.handler.gate.open()
        #expect(try client.answer().text == "\(count)")
    }

    @Test(
        "G6 a body over its bound is refused with 413, before it is sent where its length is known",
        arguments: ["/small", "/sink-small"])
    func tooLarge(_ path: String) throws {
        let server = try TestServer()
        let known = try server.client()
        let answer = try known.exchange(
            "POST \(path) HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")
        #expect(answer.status == 413)
        #expect(answer.field("Connection") == "close")
        let unknown = try server.client()
        try unknown.send(
            "POST \(path) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nghijk\r\n0\r\n\r\n"
        )
        #expect(try unknown.answer().status == 413)
        #expect(try unknown.isClosed())
        if path == "/sink-small" { #expect(server.handler.sinksAborted.load(ordering: .relaxed) == 1) }
    }

    @Test("100 Continue is sent where the body is wanted, and only there")
    func expectContinue() throws {
        let server = try TestServer()
        let client = try server.client()
        let fields = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        #expect(try client.exchange("POST /echo HTTP/1.1\r\n" + fields).status == 100)
        #expect(try client.exchange("abc").text == "abc")
        #expect(try client.exchange("POST /denied HTTP/1.1\r\n" + fields).status == 401)
        let other = try server.client()
        #expect(
            try other.exchange("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 3\r\n\r\nabc").status
                == 417)
    }

    @Test("an answer that leaves a body unread closes, and reaches a client that sends it all before it reads")
    func unread() throws {
        let server = try TestServer()
        let client = try server.client()
        let body = String(repeating: "x", count: 4 << 20)
        let answer = try client.exchange(Self.post("/denied", body))
        #expect(answer.status == 401)
        #expect(answer.field("Connection") == "close")
        #expect(try client.isClosed())
    }

    @Test("a sink may answer before the body is complete")
    func earlyAnswer() throws {
        let server = try TestServer()
        let client = try server.client()
        let answer = try client.exchange(Self.post("/sink-refuses", String(repeating: "x", count: 1 << 20)))
        #expect(answer.status == 422)
        #expect(answer.field("Connection") == "close")
    }

    @Test("a sink whose client goes is told to throw away what it has")
    func clientGone() throws {
        let server = try TestServer()
        var client: RawClient? = try server.client()
        try client?.send("POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        eventually("the piece has come") { server.handler.sinkBytes.load(ordering: .relaxed) == 3 }
        client = nil
        eventually("the sink is told") { server.handler.sinksAborted.load(ordering: .relaxed) == 1 }
        eventually("the log says so") {
            server.handler.log.withLock { $0 == [.init(path: "/sink", status: 499, bytes: 0)] }
        }
    }

    @Test("a streamed answer is chunked, or framed by its length, or in HTTP/1.0 by the end of the connection")
    func streamedAnswers() throws {
        let server = try TestServer()
        let client = try server.client()
        let chunked = try client.exchange("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(chunked.field("Transfer-Encoding") == "chunked")
        #expect(chunked.body.count == 10_000)
        let counted = try client.exchange("GET /counted-stream HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(counted.field("Content-Length") == "10000")
        #expect(counted.body == chunked.body)
        let old = try client.exchange("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(old.field("Transfer-Encoding") == nil)
        #expect(old.body == chunked.body)
    }

    @Test(
        "a streamed answer that fails, or falls short of its length, is seen to be cut",
        arguments: ["/failing-stream", "/short-stream"])
    func cutAnswers(_ path: String) throws {
        let server = try TestServer()
        let client = try server.client()
        #expect(throws: RawClient.Failure.self) { try client.exchange("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n") }
    }

    @Test("a stream is pulled no faster than its client reads")
    func slowReader() throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port, receiveBuffer: 4096)
        try client.send("GET /long-stream HTTP/1.1\r\nHost: a\r\n\r\n")
        var taken = 0
        while taken < 2_000_000 {
            _ = try client.take(10_000)
            taken += 10_000
            // What is neither read nor in a kernel buffer must not have been made.
            let made = server.server.metrics.bytesOut.load(ordering: .relaxed)
            #expect(made < taken + 8_000_000)
        }
        server.server.stop()
        #expect(server.handler.streamsCancelled.load(ordering: .relaxed) == 1)
    }

    @Test("a stream whose client goes is cancelled")
    func streamCancelled() throws {
        let server = try TestServer()
        var client: RawClient? = try RawClient(port: server.port, receiveBuffer: 4096)
        try client?.send("GET /long-stream HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client?.line()
        client = nil
        eventually("it is cancelled") { server.handler.streamsCancelled.load(ordering: .relaxed) == 1 }
    }

    @Test(
        "gzip where the client accepts it and the type is text",
        arguments: [
            ("gzip", true), ("deflate, gzip;q=0.5", true), ("*", true), ("x-gzip", true), ("gzip;q=0", false),
            ("gzip; q=0.000, *", false),
            ("br", false), ("identity", false), ("", false), ("br\r\nAccept-Encoding: gzip", true),
        ])
    func gzip(_ accepted: String, _ isCompressed: Bool) throws {
        let server = try TestServer()
        let client = try server.client()
        let plain = try client.exchange("GET /json HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try client.exchange("GET /json HTTP/1.1\r\nHost: a\r\nAccept-Encoding: \(accepted)\r\n\r\n")
        #expect(answer.field("Vary") == "Accept-Encoding")
        #expect(plain.field("Vary") == "Accept-Encoding")
        #expect((answer.field("Content-Encoding") == "gzip") == isCompressed)
        #expect((answer.body.count < plain.body.count) == isCompressed)
        let headed = try client.exchange("HEAD /json HTTP/1.1\r\nHost: a\r\nAccept-Encoding: \(accepted)\r\n\r\n")
        #expect(headed.field("Content-Length") == answer.field("Content-Length"))
        let binary = try client.exchange("GET /large HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
        #expect(binary.field("Content-Encoding") == nil)
    }
}
