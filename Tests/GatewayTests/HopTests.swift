import HTTPCore
import TenantRegistry
import TestGateway
import Testing

@testable import Gateway

/// What nodes say to one another of a request (N1).
@Suite struct HopTests {
    private let key = HopKey(secret: Array("what all nodes have".utf8))
    private let peer = Peer(
        address: IPAddress(parsing: "2001:db8::7") ?? .loopback, role: .control, isEncrypted: true)
    private let requestID = RequestID(high: 7, low: 9)

    private func node(_ name: String = "two", generation: Int64 = 3, beats: Int64 = 100) throws -> ClusterView.Node {
        ClusterView.Node(
            name: try #require(NodeName(name)), generation: generation, address: "127.0.0.1:1", state: .serving,
            beats: beats, schema: 1)
    }

    private func head(_ line: String, _ fields: [(String, String)] = []) -> RequestHead {
        var bytes = Array("\(line) HTTP/1.1\r\n".utf8)
        var places: [RequestHead.Field] = []
        for (name, value) in fields {
            let start = bytes.count
            bytes += Array("\(name): \(value)\r\n".utf8)
            let valueStart = start + name.utf8.count + 2
            places.append(
                RequestHead.Field(
                    name: start..<start + name.utf8.count, value: valueStart..<valueStart + value.utf8.count))
        }
        let method = line.prefix { $0 != " " }
        let target = method.utf8.count + 1..<line.utf8.count
        return RequestHead(
            method: Method(rawValue: String(method)) ?? .other, bytes: bytes, target: target, path: target, query: nil,
            fields: places)
    }

    private func header(_ line: String = "POST /a", over binding: [UInt8] = []) throws -> String {
        key.header(head(line), requestID, peer, count: 1, to: try node(), over: binding, nonce: 5)
    }

    private func judge(
        _ line: String, _ headers: [String], over binding: [UInt8] = [], own: ClusterView.Node
    ) -> HopKey.Judged {
        key.judge(head(line, headers.map { ("Tollgate-Hop", $0) }), over: binding, own: own)
    }

    @Test("N1 a node believes another of the client's address, role, line and request id, and of nothing else")
    func believed() throws {
        guard case .hop(let hop) = judge("POST /a", [try header()], own: try node()) else {
            Issue.record("not believed")
            return
        }
        #expect(hop.peer.address == peer.address && hop.peer.role == .control && hop.peer.isEncrypted)
        #expect(hop.requestID == requestID && hop.count == 1)
    }

    @Test("N1 a header of another request, connection or key, a changed one and two of them are nobody's")
    func strangers() throws {
        let header = try header()
        var changed = header.replacing(";cs;", with: ";as;")
        #expect(changed != header)
        for (line, headers, binding) in [
            ("GET /a", [header], []), ("POST /b", [header], []), ("POST /a", [header, header], []),
            ("POST /a", [changed], []), ("POST /a", [header], [1]), ("POST /a", [], []), ("POST /a", [""], []),
        ] as [(String, [String], [UInt8])] {
            guard case .none = judge(line, headers, over: binding, own: try node()) else {
                Issue.record("\(line) \(headers)")
                continue
            }
        }
        let other = HopKey(secret: Array("what others have".utf8))
        changed = other.header(head("POST /a"), requestID, peer, count: 1, to: try node(), over: [], nonce: 5)
        guard case .none = judge("POST /a", [changed], own: try node()) else {
            Issue.record("another key")
            return
        }
    }

    @Test("N1 a header for another node, an earlier process or another half minute does nothing and says so")
    func stale() throws {
        let header = try header()
        let others = [
            try node("one"), try node(generation: 4), try node(beats: 161), try node(beats: 39),
        ]
        for own in others {
            guard case .stale = judge("POST /a", [header], own: own) else {
                Issue.record("\(own.name.text) \(own.generation) \(own.beats)")
                continue
            }
        }
        guard case .hop = judge("POST /a", [header], own: try node(beats: 160)) else {
            Issue.record("half a minute")
            return
        }
    }

    @Test("N1 a header that opens something by itself does so once")
    func once() async throws {
        try await withNeighbourhood { nodes in
            let two = nodes[1]
            let own = try #require(two.placement.nodes.first { $0.name == two.name })
            let key = HopKey(secret: two.fleet.clusterSecret(for: "requests"))
            let line = "GET /provider/v1/tenants"
            func send(nonce: UInt64) async throws -> TestResponse {
                let header = key.header(head(line), requestID, peer, count: 1, to: own, over: [], nonce: nonce)
                return try await nodes.send(
                    TestRequest("GET", "/provider/v1/tenants").with("Tollgate-Hop", header), to: 1)
            }
            let first = try await send(nonce: 1)
            #expect(first.status == 200 && first.field("Request-Id") == requestID.text)
            let again = try await send(nonce: 1)
            #expect(again.status == 421 && again.body.isEmpty)
            let other = try await send(nonce: 2)
            #expect(other.status == 200)
        }
    }

    @Test("N1 an answer is known by its status and word, for this request alone")
    func answers() throws {
        let header = try header()
        guard case .hop(let hop) = judge("POST /a", [header], own: try node()) else { return }
        let proof = key.proof(.answer, status: 200, to: hop)
        #expect(key.word(proof, status: 200, toHeader: header) == .answer)
        #expect(key.word(proof, status: 201, toHeader: header) == nil)
        #expect(key.word(proof, status: 200, toHeader: try self.header("POST /b")) == nil)
        #expect(key.word(nil, status: 200, toHeader: header) == nil)
        let notMine = key.proof(.notMine, status: 421, to: hop)
        #expect(key.word(notMine, status: 421, toHeader: header) == .notMine)
        #expect(key.word(notMine.replacing("not-mine", with: "answer"), status: 421, toHeader: header) == nil)
    }

    @Test("N1 a request goes on byte for byte, without what is its connection's, and with one hop of ours")
    func rendered() throws {
        let sent = head(
            "POST /a?b=%2F&c=%2f#d",
            [
                ("Host", "shop.example"), ("X-Odd", "  kept "), ("Connection", "close, Idempotency-Key, Host"),
                ("Idempotency-Key", "k-1"), ("Keep-Alive", "5"),
                ("Transfer-Encoding", "chunked"), ("Expect", "100-continue"), ("X-Forwarded-For", "9.9.9.9"),
                ("tollgate-hop", "forged"), ("Authorization", "Bearer k"), ("X-Odd", "again"),
            ])
        let text = String(decoding: ForwardedHead.render(sent, hop: "ours", .pieces(length: 9)), as: UTF8.self)
        #expect(
            text == """
                POST /a?b=%2F&c=%2f#d HTTP/1.1\r
                Host: shop.example\r
                X-Odd:   kept \r
                Idempotency-Key: k-1\r
                Authorization: Bearer k\r
                X-Odd: again\r
                Content-Length: 9\r
                Expect: 100-continue\r
                Tollgate-Hop: ours\r
                \r

                """)
    }
}
