import CallKit
import Cryptography
import Foundation
import HTTPClient
import HTTPCore
import RateLimiter
import RawHTTP
import TenantRegistry
import TestGateway
import TestTenants
import Testing

@testable import Gateway

/// Any node takes any request, and the tenant's own node judges and answers it (N1).
@Suite struct ForwardingTests {
    @Test("N1 a signed order through another node is the tenant's own, whole or in chunks, and its answer is the same")
    func orders() async throws {
        try await withNeighbourhood { nodes in
            let here = try await nodes.send(nodes.hosting.order("a-1"), to: 1)
            let there = try await nodes.send(nodes.hosting.order("a-2"), to: 0)
            let chunked = try await nodes.send(nodes.hosting.order("a-3").inChunks(of: 7), to: 0)
            #expect(here.status == 201 && there.status == 201 && chunked.status == 201)
            #expect(there.field("Tollgate-Node") == "node-1" && there.field("Tollgate-Hop-Answer") == nil)
            #expect(there.fields.map { $0.name } == here.fields.map { $0.name })
            #expect(there.field("Audit-Signature") != nil)
            #expect(try await nodes.orders(of: nodes.hosting, at: 1) == 3)
            #expect(try await nodes.orders(of: nodes.hosting, at: 0) == 0)
            let again = try await nodes.send(nodes.hosting.order("a-2"), to: 0)
            #expect(again.body == there.body && again.field("Idempotency-Hit") == "true")
        }
    }

    @Test("N1 answers without a body, with one, with a tag and to HEAD come through as the tenant's node gave them")
    func reads() async throws {
        try await withNeighbourhood { nodes in
            let products = TestRequest("GET", nodes.hosting.path("/api/partner/v1/products")).bearer(nodes.hosting.key)
            let here = try await nodes.send(products, to: 1)
            let there = try await nodes.send(products, to: 0)
            #expect(here.status == 200 && there.status == 200 && there.body == here.body && !there.body.isEmpty)
            // An answer that was kept ready has its tag in another place.
            #expect(there.fields.map { $0.name }.sorted() == here.fields.map { $0.name }.sorted())
            let tag = try #require(here.field("ETag"))
            let known = try await nodes.send(products.with("If-None-Match", tag), to: 0)
            #expect(known.status == 304 && known.body.isEmpty && known.field("ETag") == tag)
            var head = products
            head.method = "HEAD"
            let headed = try await nodes.send(head, to: 0)
            #expect(headed.status == 200 && headed.body.isEmpty)
            #expect(headed.field("Content-Length") == here.field("Content-Length"))
            let page = try await nodes.send(TestRequest("GET", nodes.hosting.path("/sign-in")), to: 0)
            let pageHere = try await nodes.send(TestRequest("GET", nodes.hosting.path("/sign-in")), to: 1)
            #expect(page.status == pageHere.status && page.field("Content-Type") == pageHere.field("Content-Type"))
        }
    }

    @Test("G6 N1 a body that finds no room is refused alike, at the tenant's node and on its way there")
    func noRoom() async throws {
        try await withNeighbourhood { nodes in
            // The node itself is bound by the whole alone, which it takes.
            let held = try nodes.nodes.map { node in
                let bodies = node.fleet.budgets.bodies
                return try #require(bodies.place(for: Payer(kind: .node, tenant: 0, member: 0), units: 256 << 20))
            }
            // A small body takes no room.
            let body = [UInt8](repeating: UInt8(ascii: " "), count: 2_000)
            let here = try await nodes.send(nodes.hosting.order("r-1", of: body), to: 1)
            let there = try await nodes.send(nodes.hosting.order("r-2", of: body), to: 0)
            #expect(here.status == 503 && here.code == "busy" && here.field("Retry-After") == "1")
            #expect(there.status == 503 && there.code == "busy" && there.field("Retry-After") == "1")
            #expect(there["detail"] == here["detail"])
            withExtendedLifetime(held) {}
        }
    }

    @Test("N1 nodes speak TLS with one another where they do with everybody, whatever their certificates are for")
    func encrypted() async throws {
        try await withNeighbourhood(encrypted: [1]) { nodes in
            for number in 0..<3 {
                let order = try await nodes.send(nodes.hosting.order("e-\(number)"), to: 0)
                #expect(order.status == 201 && order.field("Tollgate-Node") == "node-1")
            }
            let export = TestRequest("GET", "/provider/v1/tenants/hosting/export").bearer(nodes.providerKey)
            let file = try await nodes.send(export, to: 0)
            #expect(file.status == 200 && file.body.starts(with: Array("SQLite format 3".utf8)))
            let junk = [UInt8](repeating: 0x55, count: 3 << 20)
            let restore = TestRequest("POST", "/provider/v1/tenants/hosting/restore").bearer(nodes.providerKey)
            let refused = try await nodes.send(restore.carrying(junk), to: 0)
            #expect(refused.status == 422 && refused.code == "not_a_tenant_file")
            #expect(try await nodes.orders(of: nodes.hosting, at: 1) == 3)
        }
    }

    @Test("N1 a refusal through another node is byte for byte the tenant's own, in each dialect's envelope")
    func refusals() async throws {
        try await withNeighbourhood { nodes in
            let requests = [
                TestRequest("GET", nodes.hosting.path("/api/partner/v1/balance")),
                TestRequest("GET", nodes.hosting.path("/api/partner/v1/orders/999")).bearer(nodes.hosting.key),
                nodes.hosting.order("r-1", of: Array("{".utf8)),
                TestRequest("GET", nodes.licences.path("/reseller/licenseinfo")),
                TestRequest("GET", nodes.licences.path("/reseller/licenseinfo?api_token=\(nodes.licences.key)")),
                TestRequest("GET", nodes.hosting.path("/api/admin/orders")).bearer("tgh_live_nothing"),
                TestRequest("PUT", nodes.hosting.path("/api/admin/api-keys/9/limit"), #"{"x":1}"#)
                    .bearer(nodes.hosting.ownerKey),
            ]
            for request in requests {
                let here = try await nodes.send(request, to: 1)
                let there = try await nodes.send(request, to: 0)
                #expect(there.status == here.status && here.status >= 400, "\(request.target)")
                #expect(Self.withoutRequestID(there) == Self.withoutRequestID(here), "\(request.target)")
                #expect(there.fields.map { $0.name } == here.fields.map { $0.name }, "\(request.target)")
            }
        }
    }

    private static func withoutRequestID(_ answer: TestResponse) -> String {
        answer.text.replacingOccurrences(of: answer.field("Request-Id") ?? "-", with: "ID")
    }

    @Test("N1 a call that its key alone brings to a tenant, in the head or in the body, is passed on")
    func byKey() async throws {
        try await withNeighbourhood { nodes in
            let balance = TestRequest("GET", "/api/partner/v1/balance").bearer(nodes.hosting.key)
            let there = try await nodes.send(balance, to: 0)
            #expect(there.status == 200 && there.field("Tollgate-Node") == "node-1")
            let body = #"{"api_token":"\#(nodes.licences.key)","license":"ps-XXXX-XXXXXXX-XXX","discord_user_id":"1"}"#
            let inBody = TestRequest("POST", "/reseller/assignlicense", body)
            let passed = try await nodes.send(inBody, to: 0)
            let here = try await nodes.send(inBody, to: 1)
            #expect(passed.field("Tollgate-Node") == "node-1" && passed.status == here.status)
            let host = TestRequest("GET", "/api/partner/v1/balance").bearer(nodes.hosting.key)
                .to(host: "hosting.\(TestGateway.baseDomain)")
            #expect(try await nodes.send(host, to: 0).field("Tollgate-Node") == "node-1")
        }
    }

    @Test("N1 what a client says between nodes is dropped: it is nobody else, and no node's")
    func forged() async throws {
        try await withNeighbourhood { nodes in
            let requestID = "req_00000000000000000000000000000001"
            let zeros = String(repeating: "0", count: 64)
            for hop in ["", "1;node-1;1;1;1;\(requestID);9.9.9.9;cs;\(zeros)"] {
                let request = TestRequest("GET", "/provider/v1/tenants").with("Tollgate-Hop", hop)
                #expect(try await nodes.send(request, to: 1).status == 401)
                let balance = TestRequest("GET", nodes.hosting.path("/api/partner/v1/balance"))
                    .bearer(nodes.hosting.key).with("Tollgate-Hop", hop)
                for index in 0...1 {
                    let answer = try await nodes.send(balance, to: index)
                    #expect(answer.status == 200 && answer.field("Request-Id") != requestID)
                    #expect(answer.field("Tollgate-Hop-Answer") == nil)
                }
            }
        }
    }

    @Test("N1 the tenant's node sees the client's own address and request id, and counts them")
    func address() async throws {
        try await withNeighbourhood { nodes in
            let wrong = TestRequest("GET", nodes.hosting.path("/api/partner/v1/balance")).bearer("tgh_live_nothing")
                .from("203.0.113.7")
            // Some come back while they are used up.
            var statuses: Set<Int> = []
            for _ in 0..<2_000 where !statuses.contains(429) {
                statuses.insert(try await nodes.send(wrong, to: 0).status)
            }
            #expect(statuses == [401, 429])
            // Another address has not used up anything.
            let other = TestRequest("GET", nodes.hosting.path("/api/partner/v1/balance")).bearer("tgh_live_nothing")
                .from("203.0.113.8")
            #expect(try await nodes.send(other, to: 0).status == 401)
        }
    }

    @Test("N1 N6 case 8 an order goes to the tenant's new node where the old one says that it is not there any more")
    func notMine() async throws {
        try await withNeighbourhood(3) { nodes in
            let id = nodes.hosting.record.id
            nodes[0].placement.believe(id, at: nodes[2].name)
            let answer = try await nodes.send(nodes.hosting.order("n-1"), to: 0)
            #expect(answer.status == 201 && answer.field("Tollgate-Node") == "node-1")
            #expect(try await nodes.orders(of: nodes.hosting, at: 2) == 0)
            // And to the node itself, where it turns out to be the one.
            nodes.move(nodes.hosting, to: 0)
            nodes[0].placement.believe(id, at: nodes[2].name)
            let own = try await nodes.send(nodes.hosting.order("n-2"), to: 0)
            #expect(own.status == 201 && own.field("Tollgate-Node") == "node-0")
        }
    }

    @Test("N1 N6 case 8 nodes that never agree whose a tenant is refuse its calls, with nothing done, in bounded time")
    func neverMine() async throws {
        try await withNeighbourhood { nodes in
            nodes[1].placement.believe(nodes.hosting.record.id, at: nodes[0].name)
            let answer = try await nodes.send(nodes.hosting.order("n-1"), to: 0)
            #expect(answer.status == 503 && answer.code == "tenant_moving" && answer.field("Retry-After") == "1")
            #expect(try await nodes.orders(of: nodes.hosting, at: 1) == 0)
        }
    }

    @Test("N3 a call for a tenant whose node is gone is held until another node has it, and done there once")
    func gone() async throws {
        try await withNeighbourhood(3) { nodes in
            nodes.announce(1, at: "127.0.0.1:1")
            nodes[0].placement.looked.withLock { looked in
                looked = { if $0 == 2 { nodes.move(nodes.hosting, to: 2) } }
            }
            let answer = try await nodes.send(nodes.hosting.order("g-1"), to: 0)
            #expect(answer.status == 201 && answer.field("Tollgate-Node") == "node-2")
            #expect(try await nodes.orders(of: nodes.hosting, at: 2) == 1)
        }
    }

    @Test("N3 a call whose node is lost on the way is repeated where a repeat does no harm, and else called unknown")
    func lost() async throws {
        try await withNeighbourhood(3) { nodes in
            let silent = try SilentNode()
            nodes.announce(1, at: "127.0.0.1:\(silent.port)")
            func send(_ request: TestRequest) async throws -> TestResponse {
                nodes.move(nodes.hosting, to: 1)
                async let answer = nodes.send(request, to: 0)
                try await silent.takeOne()
                nodes.move(nodes.hosting, to: 2)
                silent.drop()
                return try await answer
            }
            let read = try await send(
                TestRequest("GET", nodes.hosting.path("/api/partner/v1/balance")).bearer(nodes.hosting.key))
            #expect(read.status == 200 && read.field("Tollgate-Node") == "node-2")
            let order = try await send(nodes.hosting.order("l-1"))
            #expect(order.status == 201 && order.field("Tollgate-Node") == "node-2")
            let limit = try await send(
                TestRequest(
                    "PUT", nodes.hosting.path("/api/admin/api-keys/1/limit"), #"{"requests":9,"window_seconds":60}"#
                ).bearer(nodes.hosting.ownerKey))
            #expect(limit.status == 503 && limit.code == "outcome_unknown" && limit.field("Retry-After") != nil)
        }
    }

    @Test("N3 a call whose node is frozen is given up once others take its tenants, and repeated there")
    func frozen() async throws {
        try await withNeighbourhood(3) { nodes in
            let silent = try SilentNode()
            nodes.announce(1, at: "127.0.0.1:\(silent.port)")
            async let answer = nodes.send(nodes.hosting.order("f-1"), to: 0)
            try await silent.takeOne()
            nodes.move(nodes.hosting, to: 2)
            nodes.silence(1)
            let order = try await answer
            #expect(order.status == 201 && order.field("Tollgate-Node") == "node-2")
        }
    }

    @Test("N1 calls of one tenant whose node is slow leave connections to it for the others")
    func shares() async throws {
        try await withNeighbourhood(3) { nodes in
            let slow = try SilentNode()
            nodes.announce(1, at: "127.0.0.1:\(slow.port)")
            let balance = TestRequest("GET", nodes.hosting.path("/api/partner/v1/balance")).bearer(nodes.hosting.key)
            let info = TestRequest(
                "GET", nodes.licences.path("/reseller/licenseinfo?api_token=\(nodes.licences.key)"))
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<PeerClient.groupConnectionsMax + 8 {
                    group.addTask { try await nodes.send(balance, to: 0).status }
                }
                for _ in 0..<PeerClient.groupConnectionsMax {
                    let line = try await slow.takeOne()
                    #expect(line.contains("/t/hosting/"))
                }
                // The next connection is another tenant's, though more calls of the first one wait.
                group.addTask { try await nodes.send(info, to: 0).status }
                let other = try await slow.takeOne()
                #expect(other.contains("/t/licences/"))
                nodes.move(nodes.hosting, to: 2)
                nodes.move(nodes.licences, to: 2)
                slow.close()
                let statuses = try await group.reduce(into: Set<Int>()) { $0.insert($1) }
                // Those that waited for a connection were told so where this took long.
                #expect(statuses.isSubset(of: [200, 422, 503]))
            }
        }
    }

    @Test("N1 a stranger who sends a body slowly holds no connection between nodes")
    func slowStranger() async throws {
        try await withNeighbourhood { nodes in
            let silent = try SilentNode()
            nodes.announce(1, at: "127.0.0.1:\(silent.port)")
            let stranger = try RawClient(port: nodes[0].port)
            try stranger.send(
                "POST \(nodes.hosting.path("/api/partner/v1/session")) HTTP/1.1\r\nHost: x\r\n"
                    + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
            let balance = TestRequest("GET", nodes.hosting.path("/api/partner/v1/balance")).bearer(nodes.hosting.key)
            async let answer = nodes.send(balance, to: 0)
            #expect(try await silent.takeOne().hasPrefix("GET "))
            try stranger.send("1\r\n}\r\n0\r\n\r\n")
            #expect(try await silent.takeOne().hasPrefix("POST "))
            silent.close()
            nodes.move(nodes.hosting, to: 0)
            #expect(try await answer.status == 200)
        }
    }

    @Test("N1 an answer that no node of the cluster gave reaches no client")
    func stranger() async throws {
        try await withNeighbourhood { nodes in
            let silent = try SilentNode()
            nodes.announce(1, at: "127.0.0.1:\(silent.port)")
            async let answer = nodes.send(
                TestRequest("PUT", nodes.hosting.path("/api/admin/api-keys/1/limit"), "{}")
                    .bearer(nodes.hosting.ownerKey), to: 0)
            try await silent.takeOne()
            silent.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTollgate-Hop-Answer: answer;00\r\n\r\n{}")
            let refused = try await answer
            #expect(refused.status == 503 && refused.code == "outcome_unknown" && refused.text != "{}")
        }
    }

    @Test("N5 a key that was minted at another node works at once, and a flood of unknown ones is refused")
    func mintedElsewhere() async throws {
        try await withNeighbourhood { nodes in
            nodes.move(nodes.hosting, to: 0)
            let minted = try await nodes.send(
                TestRequest(
                    "POST", nodes.hosting.path("/api/admin/api-keys"),
                    #"{"owner_email":"\#(nodes.hosting.reseller.email)"}"#
                ).bearer(nodes.hosting.ownerKey).idempotent("m-1"), to: 0)
            let key = try #require(minted["key"])
            let balance = TestRequest("GET", "/api/partner/v1/balance").bearer(key)
            #expect(try await nodes.send(balance, to: 0).status == 200)
            #expect(try await nodes.send(balance, to: 1).status == 401)
            #expect(nodes[1].placement.catchesUp.load(ordering: .relaxed) == 1)
            nodes[1].placement.lesson.withLock { lesson in
                lesson = { nodes.teach(key, of: nodes.hosting, from: 0, to: 1) }
            }
            let known = try await nodes.send(balance, to: 1)
            #expect(known.status == 200 && known.field("Tollgate-Node") == "node-0")
        }
    }

    @Test("N1 while the lease does not run, nothing of a tenant is said, not even what is kept ready")
    func lease() async throws {
        try await withNeighbourhood { nodes in
            let products = TestRequest("GET", nodes.hosting.path("/api/partner/v1/products")).bearer(nodes.hosting.key)
            for _ in 0..<2 { #expect(try await nodes.send(products, to: 1).status == 200) }
            nodes[1].placement.isServing = false
            for index in 0...1 {
                let answer = try await nodes.send(products, to: index)
                #expect(answer.status == 503 && answer.code == "log_unavailable")
                #expect(answer.field("Retry-After") == "1")
            }
        }
    }

    @Test("N5 G1 while nobody can say whose a name is, no credential decides under it, and it leads nowhere")
    func unknownNames() async throws {
        try await withNeighbourhood { nodes in
            let balance = TestRequest("GET", "/api/partner/v1/balance").bearer(nodes.hosting.key)
            let requests = [
                balance, TestRequest("GET", nodes.hosting.path("/api/partner/v1/balance")).bearer(nodes.hosting.key),
                TestRequest("GET", "/").with("Accept", "text/html"), TestRequest("GET", "/console/sign-in"),
            ]
            for request in requests {
                #expect(try await nodes.send(request.to(host: "new.example"), to: 0).status < 400, "\(request.target)")
            }
            let placement = nodes[0].placement
            placement.isReadable.store(false, ordering: .relaxed)
            for isServing in [true, false] {
                placement.isServing = isServing
                for request in requests {
                    let answer = try await nodes.send(request.to(host: "new.example"), to: 0)
                    #expect(answer.status == 503 && answer.field("Retry-After") == "1", "\(request.target)")
                    if request.target.contains("/api/") { #expect(answer.code == "log_unavailable") }
                }
                // The node's own paths, and names that are somebody's.
                let healthy = try await nodes.send(TestRequest("GET", "/healthz").to(host: "new.example"), to: 0)
                #expect(healthy.status == 200)
                let named = try await nodes.send(balance.to(host: "hosting.\(TestGateway.baseDomain)"), to: 0)
                #expect(named.status == 200 && named.field("Tollgate-Node") == "node-1")
            }
        }
    }

    @Test("N5 calls by names and slugs that nobody knows, however many come at once, share some looks at the log")
    func strangersLooks() async throws {
        try await withNeighbourhood { nodes in
            let began = ContinuousClock.now
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<Self.strangers {
                    group.addTask {
                        let path = ["/", "/t/none-\(number)/", "/provider/v1/tenants"][number % 3]
                        let request = TestRequest("GET", path).to(host: "x\(number).example")
                        return try await nodes.send(request, to: 0).status
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            let passed = ContinuousClock.now - began
            // Its clock counts whole milliseconds.
            let pauses = Int(passed / Duration.milliseconds(StrangersLooks.pauseMilliseconds - 1))
            let looks = nodes[0].placement.catchesUp.load(ordering: .relaxed)
            #expect(looks >= 1 && looks <= pauses + 1, "\(looks) looks in \(passed)")
            #expect(statuses.count == Self.strangers && statuses.allSatisfy { $0 < 500 })
        }
    }

    private static let strangers = 120

    @Test("N1 the provider's calls about a tenant are answered by its node, and those about the node by any")
    func provider() async throws {
        try await withNeighbourhood { nodes in
            let tenant = TestRequest("GET", "/provider/v1/tenants/hosting").bearer(nodes.providerKey)
            let told = try await nodes.send(tenant, to: 0)
            #expect(told.status == 200 && told.field("Tollgate-Node") == "node-1")
            let list = TestRequest("GET", "/provider/v1/tenants").bearer(nodes.providerKey)
            let listed = try await nodes.send(list, to: 0)
            #expect(listed.status == 200 && listed.field("Tollgate-Node") == "node-0")
            let cluster = TestRequest("GET", "/provider/v1/nodes").bearer(nodes.providerKey)
            let byItself = try await nodes.send(cluster, to: 0)
            #expect(byItself.status == 200 && byItself.data.isEmpty)
            let drain = TestRequest("POST", "/provider/v1/tenants/hosting/move", #"{"node":"node-0"}"#)
            let refused = try await nodes.send(drain.bearer(nodes.providerKey), to: 0)
            #expect(refused.status == 409 && refused.code == "no_cluster")
            let none = TestRequest("GET", "/provider/v1/tenants/nobody").bearer(nodes.providerKey)
            let missing = try await nodes.send(none, to: 0)
            #expect(missing.status == 404)
        }
    }

    @Test("N1 a file of 20 MB goes through another node in pieces, both ways, and is the same")
    func large() async throws {
        try await withNeighbourhood { nodes in
            let export = TestRequest("GET", "/provider/v1/tenants/hosting/export").bearer(nodes.providerKey)
            let file = try await nodes.send(export, to: 0)
            #expect(file.status == 200 && file.field("Tollgate-Node") == "node-1")
            #expect(file.body.starts(with: Array("SQLite format 3".utf8)))
            // What is no tenant's file is taken in whole and refused by the tenant's node.
            let junk = [UInt8](repeating: 0x55, count: 20 << 20)
            for request in [
                TestRequest("POST", "/provider/v1/tenants/hosting/restore").bearer(nodes.providerKey).carrying(junk),
                TestRequest("POST", "/provider/v1/tenants/hosting/restore").bearer(nodes.providerKey).carrying(junk)
                    .inChunks(of: 1 << 20),
            ] {
                let here = try await nodes.send(request, to: 1)
                let there = try await nodes.send(request, to: 0)
                #expect(there.status == here.status && there.code == here.code && here.status >= 400)
            }
        }
    }
}
