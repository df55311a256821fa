import HTTPServer
import TestSeeds
import Testing

@Suite struct HostileRequestTests {
    @Test("G6 what could be read in two ways is refused", arguments: HostileRequests.all)
    func refused(_ hostile: HostileRequests.Case) {
        #expect(parse(hostile.bytes).last == .refused(hostile.status))
    }

    @Test("G6 a refusal does not depend on how the bytes were cut", arguments: HostileRequests.all)
    func refusedInPieces(_ hostile: HostileRequests.Case) {
        for pieces in [1, 2, 7] {
            #expect(parse(hostile.bytes, pieces: pieces).last == .refused(hostile.status))
        }
    }

    @Test("G6 over a socket the refusal is answered and the connection ends", arguments: HostileRequests.all)
    func refusedOnTheWire(_ hostile: HostileRequests.Case) throws {
        // The parser sees a body only where a handler wants it.
        guard !HostileRequests.chunks.contains(where: { $0.what == hostile.what }) else { return }
        let server = try HostileRequestTests.server.get()
        let client = try server.client()
        try client.send(hostile.bytes)
        let answer = try client.answer()
        #expect(answer.status == hostile.status)
        #expect(answer.field("Connection") == "close")
        #expect(try client.isClosed())
    }

    @Test(
        "G6 a malformed chunk ends the request with 400, and nothing after it is a request",
        arguments: HostileRequests.chunks)
    func malformedChunk(_ hostile: HostileRequests.Case) throws {
        let server = try HostileRequestTests.server.get()
        let client = try server.client()
        let text = String(decoding: hostile.bytes, as: UTF8.self)
        try client.send(text.replacing("POST / ", with: "POST /echo ") + "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.answer().status == 400)
        #expect(try client.isClosed())
    }

    @Test("G6 a sink is told when the framing of its body breaks")
    func malformedChunkToSink() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.send("POST /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n")
        #expect(try client.answer().status == 400)
        #expect(server.handler.sinksAborted.load(ordering: .relaxed) == 1)
    }

    private static let server = Result { try TestServer() }
}

@Suite struct ParserPropertyTests {
    static let accepted: [String] = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a?b HTTP/1.0\r\n\r\n",
        "\r\nHEAD / HTTP/1.1\r\nHost: [::1]:80\r\nX-Long: \(String(repeating: "value ", count: 200))\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a.b-c_d\r\nContent-Length: 11\r\n\r\nhello world",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nT: u\r\nV: w\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
        "GET / HTTP/1.1\r\nHost: a\r\nX: tab\there\r\nY: bytes ünd so\r\n\r\n",
    ]

    @Test("G6 events do not depend on how the bytes were cut", arguments: [1, 2, 3, 5, 16, 64, 1000])
    func cutting(_ pieces: Int) {
        for first in Self.accepted {
            for second in Self.accepted {
                let whole = parse(first + second + first)
                #expect(whole.compactMap(\.head).count == 3 || first.hasPrefix("\r\n") || second.hasPrefix("\r\n"))
                #expect(parse(first + second + first, pieces: pieces) == whole)
            }
        }
    }

    @Test("G6 no bytes at all make the parser trap, and cutting them changes nothing", arguments: 0..<200)
    func mutations(_ seed: UInt64) {
        var random = Seeded(state: seed)
        var bytes = Array(Self.accepted[Int(random.next() % UInt64(Self.accepted.count))].utf8)
        bytes += Array(Self.accepted[Int(random.next() % UInt64(Self.accepted.count))].utf8)
        for _ in 0..<Int(random.next() % 4 + 1) {
            let at = Int(random.next() % UInt64(bytes.count))
            switch random.next() % 3 {
            case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.insert([0x0D, 0x0A, 0x20, 0x3A, 0x00, 0x2C][Int(random.next() % 6)], at: at)
            default: bytes.remove(at: at)
            }
        }
        let whole = parse(bytes)
        for pieces in [1, 3, 10] { #expect(parse(bytes, pieces: pieces) == whole) }
    }
}
