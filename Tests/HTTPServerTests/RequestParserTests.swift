import HTTPCore
import HTTPServer
import Testing

@Suite struct RequestParserTests {
    @Test("G6 a head's parts are where they were sent")
    func parts() throws {
        let events = parse(
            "POST /t/acme/orders?a=1&b=?2 HTTP/1.1\r\nHost: acme.example:8443\r\nX-Api-Key:  k 1 \t\r\nEmpty:\r\n\r\n")
        let framed = try #require(events.first?.head)
        #expect(events.count == 1)
        #expect(framed.head.method == .post)
        #expect(framed.head.target == "/t/acme/orders?a=1&b=?2")
        #expect(framed.head.path == "/t/acme/orders")
        #expect(framed.head.query == "a=1&b=?2")
        #expect(framed.head.value(of: .host) == "acme.example:8443")
        #expect(framed.head.value(of: "x-api-key") == "k 1")
        #expect(framed.head.value(of: "empty") == "")
        #expect(framed.head.value(of: "absent") == nil)
        #expect(framed.framing == .none)
        #expect(framed.keepsAlive)
        #expect(!framed.isHTTP10)
    }

    @Test(
        "G6 a target in absolute form is read as its origin form, and everything else stays where it was",
        arguments: [
            ("http://a/b?c=d", "Host: a", "/b", "c=d"), ("HTTPS://A:443/b", "Host: a", "/b", nil),
            ("http://a", "Host: a:80", "/", nil), ("http://a?c", "Host: a.", "/", "c"),
            ("http://a/?", "Host: A", "/", ""),
            ("http://[::1]:8080/t/x//y", "Host: [::1]:8080", "/t/x//y", nil),
        ])
    func absoluteForm(_ target: String, _ host: String, _ path: String, _ query: String?) throws {
        let events = parse("POST \(target) HTTP/1.1\r\nX-A: 1\r\n\(host)\r\nContent-Length: 3\r\n\r\nabc")
        let head = try #require(events.first?.head?.head)
        #expect(Array(events.dropFirst()) == [.body(Array("abc".utf8)), .end])
        #expect(head.method == .post && head.path == path && head.query == query ?? "")
        #expect((head.queryRange == nil) == (query == nil))
        #expect(head.target == path + (query.map { "?\($0)" } ?? ""))
        #expect(head.value(of: "x-a") == "1" && head.value(of: .contentLength) == "3")
        #expect(head.value(of: .host) == String(host.dropFirst(6)))
        #expect(String(decoding: head.bytes, as: UTF8.self).hasPrefix("POST \(head.target) HTTP/1.1\r\nX-A: 1\r\n"))
    }

    @Test("G6 an HTTP/1.0 request that names its host in its target alone has that host")
    func absoluteFormWithoutHost() throws {
        let head = try #require(parse("GET http://A.example:8080/b HTTP/1.0\r\nX: y\r\n\r\n").first?.head?.head)
        #expect(head.path == "/b" && head.value(of: .host) == "A.example:8080" && head.value(of: "x") == "y")
        let bare = try #require(parse("GET http://a HTTP/1.0\r\n\r\n").first?.head?.head)
        #expect(bare.path == "/" && bare.value(of: .host) == "a")
    }

    @Test("a field that carries credentials comes once, and only where the server was told that it does")
    func credentialsOnce() {
        let twice = "GET / HTTP/1.1\r\nHost: a\r\nX-Token: 1\r\nx-tOKEN: 1\r\n\r\n"
        #expect(parse(twice).first?.head != nil)
        var limits = ServerLimits()
        limits.singleFields = SingleFields(["X-Token", "x-taken", "x-token"])
        #expect(parse(twice, limits: limits) == [.refused(400)])
        let apart = "GET / HTTP/1.1\r\nHost: a\r\nX-Token: 1\r\nX-Taken: 1\r\nX-Other: 1\r\nX-Other: 2\r\n\r\n"
        #expect(parse(apart, limits: limits).first?.head != nil)
    }

    @Test(
        "every method is known by its exact name, any other token is left to the handler",
        arguments: [
            ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("PATCH", .patch),
            ("DELETE", .delete),
            ("OPTIONS", .options), ("get", .other), ("BREW", .other), ("GETX", .other), ("P!#$", .other),
        ])
    func methods(_ name: String, _ method: Method) {
        #expect(parse("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n").first?.head?.head.method == method)
    }

    @Test(
        "version and Connection decide whether the connection stays",
        arguments: [
            ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false),
            ("HTTP/1.1", "Connection: x, CLOSE\r\n", false),
            ("HTTP/1.1", "Connection: keep-alive\r\n", true), ("HTTP/1.0", "", false),
            ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
            ("HTTP/1.0", "Connection: keep-alive, close\r\n", false), ("HTTP/1.1", "Connection: closed\r\n", true),
        ])
    func connection(_ version: String, _ field: String, _ keepsAlive: Bool) {
        let framed = parse("GET / \(version)\r\nHost: a\r\n\(field)\r\n").first?.head
        #expect(framed?.keepsAlive == keepsAlive)
        #expect(framed?.isHTTP10 == (version == "HTTP/1.0"))
    }

    @Test("a body of announced length ends where it was announced", arguments: [0, 1, 5, 100_000])
    func contentLength(_ count: Int) {
        let body = [UInt8](repeating: 0x78, count: count)
        let events = parse(Array("PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n".utf8) + body)
        if count == 0 {
            #expect(events.count == 1)
        } else {
            #expect(Array(events.dropFirst()) == [.body(body), .end])
        }
    }

    @Test("a chunked body comes out without its framing, its trailers checked and dropped")
    func chunked() {
        let events = parse(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                + "5\r\nhello\r\n6 ;name=value;\tq = \"x \\\" y\" ; z\r\n world\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
        )
        #expect(events.first?.head?.framing == .chunked)
        #expect(Array(events.dropFirst()) == [.body(Array("hello world0123456789".utf8)), .end])
    }

    @Test("pipelined requests come out one by one")
    func pipelining() {
        let one = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
        let two = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        let three = "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
        let events = parse(one + two + three + one)
        #expect(events.compactMap { $0.head?.head.path } == ["/1", "/2", "/3", "/1"])
        #expect(events.count == 8)
    }

    @Test("one empty line before a request is skipped, a second is not")
    func emptyLines() {
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(parse("\r\n" + request).first?.head != nil)
        #expect(parse(request + "\r\n" + request).compactMap(\.head).count == 2)
        #expect(parse("\r\n\r\n" + request) == [.refused(400)])
        #expect(parse("\n" + request) == [.refused(400)])
    }

    @Test(
        "Expect is told apart",
        arguments: [
            ("100-continue", ContinueExpectation.continue100), ("100-Continue", .continue100), ("200-ok", .unknown),
            ("", .unknown),
        ])
    func expect(_ value: String, _ expectation: ContinueExpectation) {
        #expect(parse("PUT / HTTP/1.1\r\nHost: a\r\nExpect: \(value)\r\n\r\n").first?.head?.expectation == expectation)
    }

    @Test("G6 the largest head is accepted, one byte more is refused with 431")
    func headBound() {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
        let end = "\r\n\r\n"
        let largest = String(repeating: "y", count: ServerLimits().headBytesMax - start.utf8.count - end.utf8.count)
        #expect(parse(start + largest + end).first?.head != nil)
        #expect(parse(start + largest + "y" + end) == [.refused(431)])
    }

    @Test("G6 the longest target is accepted, one byte more is refused with 414")
    func targetBound() {
        let longest = "/" + String(repeating: "a", count: ServerLimits().targetBytesMax - 1)
        #expect(parse("GET \(longest) HTTP/1.1\r\nHost: a\r\n\r\n").first?.head != nil)
        #expect(parse("GET \(longest)a HTTP/1.1\r\nHost: a\r\n\r\n") == [.refused(414)])
        #expect(parse("GET /" + String(repeating: "a", count: 20_000)) == [.refused(414)])
    }

    @Test("G6 after a refusal the parser says the same for ever")
    func refusalStays() {
        var parser = RequestParser()
        for text in ["GET /\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
            var cursor = 0
            let event = Array(text.utf8).withUnsafeBufferPointer { parser.next($0, &cursor) }
            #expect(event == .refused(FramingFault(status: 400, reason: "Malformed version.")))
        }
    }
}
