import Testing

@testable import HTTPClient

/// Answers of other nodes, byte by byte (N1).
@Suite struct PeerAnswerTests {
    private func head(_ text: String, isHead: Bool = false) -> PeerAnswerHead? {
        PeerAnswerHead(Array(text.utf8), isHead: isHead)
    }

    @Test("N1 an answer's fields come in their order, without those of the connection")
    func fields() throws {
        let answer = try #require(
            head("HTTP/1.1 201 Created\r\nDate: x\r\nB: 1\r\nContent-Length: 3\r\na:  2\r\nB: 3\r\nConnection: close"))
        #expect(answer.status == 201 && answer.framing == .length(3) && !answer.keepsAlive)
        #expect(answer.fields.map { "\($0.name)=\($0.value)" } == ["B=1", "a=2", "B=3"])
    }

    @Test(
        "N1 what is no answer is refused whole",
        arguments: [
            "", "HTTP/1.0 200 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 099 OK", "HTTP/1.1 200 OK\r\n: x",
            "HTTP/1.1 200 OK\r\nno colon", "HTTP/1.1 200 OK\r\nContent-Length: -1",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip", "HTTP/1.1 200 OK\r\nA: b\u{1}",
        ])
    func malformed(text: String) { #expect(head(text) == nil) }

    @Test("N1 an answer to HEAD, 204 and 304 have no body, whatever they announce")
    func bodiless() throws {
        let toHead = try #require(head("HTTP/1.1 200 OK\r\nContent-Length: 9", isHead: true))
        #expect(toHead.framing == .none && toHead.announcedLength == 9)
        for status in [204, 304] {
            let answer = try #require(head("HTTP/1.1 \(status) X\r\nContent-Length: 9"))
            #expect(answer.framing == .none)
        }
    }

    @Test("N1 a body in chunks is the same in whatever pieces it comes", arguments: [1, 2, 3, 7, 1_000])
    func chunks(step: Int) {
        let sent = Array("3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\nnext".utf8)
        var reader = PeerBodyReader(.chunked)
        var body: [UInt8] = []
        var at = 0
        while at < sent.count, !reader.isComplete {
            let piece = Array(sent[at..<min(at + step, sent.count)])
            guard let used = piece.withUnsafeBytes({ reader.read($0, into: &body) }) else { break }
            at += used
        }
        #expect(String(decoding: body, as: UTF8.self) == "abc0123456789")
        #expect(reader.isComplete && String(decoding: sent[at...], as: UTF8.self) == "next")
    }

    @Test(
        "N1 chunks that make no sense end the answer",
        arguments: ["x\r\n", "-1\r\n", "3\r\nabcd", "3\nabc", "fffffffffffffffff\r\n"])
    func wrongChunks(text: String) {
        var reader = PeerBodyReader(.chunked)
        var body: [UInt8] = []
        #expect(Array(text.utf8).withUnsafeBytes { reader.read($0, into: &body) } == nil)
    }

    @Test(
        "N1 a node's address is a host and a port, with https:// where it speaks TLS",
        arguments: [
            ("127.0.0.1:80", "127.0.0.1 80 false"), ("https://node-1.example:8443", "node-1.example 8443 true"),
            ("[::1]:9", "::1 9 false"), ("node", nil), ("node:0", nil), (":80", nil), ("a/b:80", nil), ("a@b:80", nil),
        ] as [(String, String?)])
    func addresses(text: String, means: String?) {
        let address = PeerAddress(text)
        #expect(address.map { "\($0.host) \($0.port) \($0.isEncrypted)" } == means)
    }
}
