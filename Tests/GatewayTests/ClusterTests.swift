import CallKit
import HTTPCore
import Synchronization
import TenantRegistry
import TestGateway
import TestTenants
import Testing

@testable import Gateway

/// A cluster as its callers see it: whichever node they call, and whatever the tenant's node becomes (N1, N4, N5).
@Suite struct ClusterTests {
    @Test("N1 N5 a key that was minted at one node works at once at every other, and a revoked one at none")
    func keys() async throws {
        try await withCluster(3) { cluster in
            for round in 0..<5 {
                let minted = try await cluster.send(
                    TestRequest(
                        "POST", cluster.hosting.path("/api/admin/api-keys"),
                        #"{"owner_email":"\#(cluster.hosting.reseller.email)"}"#
                    ).bearer(cluster.hosting.ownerKey).idempotent("k-\(round)"), to: round % 3)
                let (id, key) = (try #require(minted["id"]), try #require(minted["key"]))
                let balance = TestRequest("GET", "/api/partner/v1/balance").bearer(key)
                for index in 0..<3 { #expect(try await cluster.send(balance, to: index).status == 200) }
                let revoked = try await cluster.send(
                    TestRequest("DELETE", cluster.hosting.path("/api/admin/api-keys/\(id)"))
                        .bearer(cluster.hosting.ownerKey), to: (round + 1) % 3)
                #expect(revoked.status < 300)
                for index in 0..<3 { #expect(try await cluster.send(balance, to: index).status == 401) }
            }
        }
    }

    @Test("N1 a tenant that is made at one node can be called at every other at once")
    func creation() async throws {
        try await withCluster { cluster in
            let created = try await cluster.send(
                TestRequest(
                    "POST", "/provider/v1/tenants",
                    #"{"slug":"fresh","blueprint":"hosting","owner_email":"owner@fresh.example"}"#
                ).bearer(cluster.providerKey), to: 1)
            #expect(created.status == 201, "\(created.text)")
            let key = try #require(created["owner", "key"] ?? created["owner_key"] ?? created["key"])
            let resellers = TestRequest("GET", "/t/fresh/api/admin/resellers").bearer(key)
            let here = try await cluster.send(resellers, to: 0)
            #expect(here.status == 200 && here.field("Tollgate-Node") == "node-1")
        }
    }

    private static func newTenant(_ slug: String) -> String {
        #"{"slug":"\#(slug)","blueprint":"hosting","owner_email":"owner@\#(slug).example"}"#
    }

    @Test("N5 G1 a domain that goes from one tenant to another is the new one's at every node at once, key or no key")
    func domainGivenOn() async throws {
        try await withCluster(3, isPatient: true) { cluster in
            let created = try await cluster.asProvider("POST", "/tenants", Self.newTenant("fresh"), to: 1)
            let key = try #require(created["owner_key"])
            // Each at the node of its number.
            let tenants = [(slug: cluster.hosting.slug, key: cluster.hosting.ownerKey), (slug: "fresh", key: key)]
            func give(_ domains: String, to number: Int) async throws {
                let (path, patch) = ("/tenants/\(tenants[number].slug)", #"{"domains":[\#(domains)]}"#)
                let changed = try await cluster.asProvider("PATCH", path, patch, to: number)
                #expect(changed.status == 200, "\(changed.text)")
            }
            try await give("\"own.example\"", to: 0)
            let page = TestRequest("GET", "/sign-in").to(host: "own.example")
            for round in 1...4 {
                let (former, owner) = ((round + 1) % 2, round % 2)
                let before = try await cluster.send(page, to: 2)
                #expect(before.status == 200 && before.field("Tollgate-Node") == "node-\(former)")
                // What comes now it hears of by no beat.
                cluster[2].faults.losesBeats = true
                try await give("", to: former)
                try await give("\"own.example\"", to: owner)
                let list = TestRequest("GET", "/api/admin/resellers").bearer(tenants[owner].key)
                let request = round % 4 < 2 ? list.to(host: "own.example") : page
                for index in [2, former] {
                    let after = try await cluster.send(request, to: index)
                    let isRight = after.status == 200 && after.field("Tollgate-Node") == "node-\(owner)"
                    #expect(isRight, "\(round) \(index): \(after.status) \(after.text)")
                }
                cluster[2].faults.losesBeats = false
            }
        }
    }

    @Test("N5 P5 a slug that was erased and made anew at another node is the new tenant's at every node at once")
    func slugMadeAnew() async throws {
        try await withCluster(3, isPatient: true) { cluster in
            _ = try await cluster.asProvider("POST", "/tenants", Self.newTenant("fresh"), to: 0)
            for round in 1...4 {
                let (former, owner) = ((round + 1) % 2, round % 2)
                let page = TestRequest("GET", "/t/fresh/sign-in")
                #expect(try await cluster.send(page, to: 2).field("Tollgate-Node") == "node-\(former)")
                cluster[2].faults.losesBeats = true
                let erased = try await cluster.asProvider("DELETE", "/tenants/fresh?confirm=fresh", to: former)
                #expect(erased.status == 204, "\(erased.text)")
                let created = try await cluster.asProvider("POST", "/tenants", Self.newTenant("fresh"), to: owner)
                let key = try #require(created["owner_key"])
                let list = TestRequest("GET", "/t/fresh/api/admin/resellers").bearer(key)
                for index in [2, former] {
                    let after = try await cluster.send(round % 4 < 2 ? list : page, to: index)
                    let isRight = after.status == 200 && after.field("Tollgate-Node") == "node-\(owner)"
                    #expect(isRight, "\(round) \(index): \(after.status) \(after.text)")
                }
                cluster[2].faults.losesBeats = false
            }
        }
    }

    @Test("N5 what the provider did at one node the next call at another sees, whatever beats say")
    func freshness() async throws {
        try await withCluster(isPatient: true) { cluster in
            cluster[1].faults.losesBeats = true
            for name in ["other", "third"] {
                let patch = #"{"owner_email":"\#(name)@hosting.example"}"#
                #expect(try await cluster.asProvider("PATCH", "/tenants/hosting", patch, to: 0).status == 200)
                let listed = try await cluster.asProvider("GET", "/tenants", to: 1)
                let email = listed["data", "0", "owner_email"]
                #expect(email == "\(name)@hosting.example")
            }
            let key = #"{"name":"short","role":"admin"}"#
            let minted = try await cluster.asProvider("POST", "/provider-keys", key, to: 0)
            let (id, secret) = (try #require(minted["id"]), try #require(minted["key"]))
            let list = TestRequest("GET", "/provider/v1/tenants").bearer(secret)
            #expect(try await cluster.send(list, to: 1).status == 200)
            #expect(try await cluster.asProvider("DELETE", "/provider-keys/\(id)", to: 0).status < 300)
            #expect(try await cluster.send(list, to: 1).status == 401)
        }
    }

    @Test("N5 P2 P9 U1 usage, list and traffic at one node have every call that another one answered before")
    func figures() async throws {
        try await withCluster(isPatient: true) { cluster in
            let balance = TestRequest("GET", "/api/partner/v1/balance").bearer(cluster.hosting.key)
            func asked(_ path: String) async throws -> TestResponse {
                let answer = try await cluster.asProvider("GET", path, to: 1)
                #expect(answer.status == 200, "\(answer.text)")
                return answer
            }
            func requests() async throws -> Int? {
                try await asked("/usage?tenant=hosting")["data", "0", "requests"].flatMap { Int($0) }
            }
            func answered() async throws -> Int64 {
                let row = try await asked("/traffic?tenant=hosting").data.first
                guard case .array(let hours)? = row?["hours"] else { return -1 }
                return hours.reduce(0) { sum, hour in
                    guard case .number(let number)? = hour["answered"] else { return sum }
                    return sum + (number.integer() ?? 0)
                }
            }
            let (counted, answeredBefore) = (try await requests(), try await answered())
            let before = try #require(counted)
            for number in 0..<5 { #expect(try await cluster.send(balance, to: number % 2).status == 200) }
            // A node that is silent on a busy machine is left out, and asked again by the next call.
            for turn in 1... {
                let (after, answeredAfter) = (try await requests(), try await answered())
                if turn < 10, after != before + 5 || answeredAfter != answeredBefore + 5 { continue }
                #expect(after == before + 5)
                #expect(answeredAfter == answeredBefore + 5)
                break
            }
            let (alone, list) = (try await asked("/tenants/hosting"), try await asked("/tenants?q=hosting"))
            #expect(list["data", "0", "bytes"] == alone["bytes"])
            let used = alone["counts", "requests_this_month"]
            #expect(used != nil && list["data", "0", "counts", "requests_this_month"] == used)
            #expect(alone["last_request_at"] != nil)
            #expect(list["data", "0", "last_request_at"] == alone["last_request_at"])
        }
    }

    @Test("N4 N5 P10 an owner that changes as its tenant moves is the one that the tenant's new node shows")
    func movedOwner() async throws {
        try await withCluster { cluster in
            for round in 0..<4 {
                let (from, to) = (round % 2, (round + 1) % 2)
                // What the registry says of it reaches the other node with the move, and not before.
                cluster[to].faults.losesBeats = true
                let email = "owner-\(round)@hosting.example"
                let patch = #"{"owner_email":"\#(email)"}"#
                #expect(try await cluster.asProvider("PATCH", "/tenants/hosting", patch, to: from).status == 200)
                cluster[to].faults.losesBeats = false
                try await cluster.move(cluster.hosting, from: from, to: to)
                let (fleet, slug) = (cluster[to].fleet, cluster.hosting.slug)
                try await until {
                    fleet.roster.tenant(slug: slug).map { fleet.cluster?.place(of: $0.id) == .here } ?? false
                }
                let shown = try await cluster.asProvider("GET", "/tenants/hosting", to: to)["owner_email"]
                #expect(shown == email)
            }
        }
    }

    @Test("N6 a log that goes away at any step of a call: 503 and nothing done, or done; never 500; the name is free")
    func away() async throws {
        try await withCluster { cluster in
            let faults = cluster[0].faults
            func asked(_ step: Int, _ method: String, _ path: String, _ json: String?) async throws -> TestResponse {
                faults.atStep(step) { faults.away(forSteps: 2) }
                return try await cluster.asProvider(method, path, json, to: 0)
            }
            for step in 1...10 {
                let made = #"{"slug":"s-\#(step)","blueprint":"hosting","owner_email":"owner@s.example"}"#
                let answers = [
                    try await asked(step, "POST", "/tenants", made),
                    try await asked(step, "PATCH", "/tenants/hosting", #"{"quotas":{"keys":\#(100 + step)}}"#),
                    try await asked(step, "POST", "/tenants/hosting/move", #"{"node":"node-1"}"#),
                    try await asked(step, "POST", "/tenants/hosting/move", #"{"node":"node-0"}"#),
                    try await asked(step, "GET", "/tenants/hosting/export", nil),
                ]
                for (number, answer) in answers.enumerated() where answer.status >= 400 {
                    let isTold = answer.status == 503 && Self.awayCodes.contains(answer.code ?? "")
                    #expect(isTold || answer.code == "not_here", "\(step) \(number): \(answer.status) \(answer.text)")
                }
                if answers[0].status == 201 { continue }
                while try await cluster.asProvider("POST", "/tenants", made, to: 1).status != 201 {}
            }
        }
    }

    private static let awayCodes = ["log_unavailable", "tenant_moving", "outcome_unknown", "not_committed", "busy"]

    @Test("N4 no order fails while its tenant moves to and fro, whichever node it comes to, and each is there once")
    func moves() async throws {
        try await withCluster { cluster in
            // How many come is a matter of the machine.
            let limit = #"{"rate_limit":{"requests":1000000,"window_seconds":60},"credit_limit":"100000000.00"}"#
            let path = cluster.hosting.path("/api/admin/resellers/\(cluster.hosting.reseller.id)")
            let lifted = TestRequest("PATCH", path, limit).bearer(cluster.hosting.ownerKey)
            #expect(try await cluster.send(lifted, to: 0).status == 200)
            let traffic = Traffic()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in [0, 0, 1, 1] { group.addTask { try await traffic.run(cluster, at: index) } }
                for round in 0..<10 {
                    let before = traffic.sent.load(ordering: .relaxed)
                    try await until { traffic.sent.load(ordering: .relaxed) > before + 4 }
                    try await cluster.move(cluster.hosting, from: round % 2, to: (round + 1) % 2)
                }
                traffic.isOver.store(true, ordering: .relaxed)
                try await group.waitForAll()
            }
            let orders = try await cluster.orders()
            #expect(traffic.statuses.withLock { $0 } == [201: Int(orders)])
        }
    }

    @Test("N5 G2 what a tenant's limits are drawn on moves along with it, as it is at that moment, and counts once")
    func movedLevels() async throws {
        try await withCluster { cluster in
            let path = cluster.hosting.path("/api/admin/resellers/\(cluster.hosting.reseller.id)")
            let terms = #"{"rate_limit":{"requests":5,"window_seconds":100000}}"#
            let limited = TestRequest("PATCH", path, terms).bearer(cluster.hosting.ownerKey)
            #expect(try await cluster.send(limited, to: 0).status == 200)
            let balance = TestRequest("GET", "/api/partner/v1/balance").bearer(cluster.hosting.key)
            var statuses: [Int] = []
            for round in 0..<3 {
                for _ in 0..<2 { statuses.append(try await cluster.send(balance, to: round % 2).status) }
                try await cluster.move(cluster.hosting, from: round % 2, to: (round + 1) % 2)
            }
            #expect(statuses == [200, 200, 200, 200, 200, 429])
        }
    }

    @Test("N5 G2 a tenant's new node serves it once it knows what its limits are drawn on: a failed read forgives none")
    func unreadLevels() async throws {
        try await withCluster { cluster in
            let path = cluster.hosting.path("/api/admin/resellers/\(cluster.hosting.reseller.id)")
            let terms = #"{"rate_limit":{"requests":3,"window_seconds":100000}}"#
            let limited = TestRequest("PATCH", path, terms).bearer(cluster.hosting.ownerKey)
            #expect(try await cluster.send(limited, to: 0).status == 200)
            let balance = TestRequest("GET", "/api/partner/v1/balance").bearer(cluster.hosting.key)
            for _ in 0..<3 { #expect(try await cluster.send(balance, to: 0).status == 200) }
            cluster[1].faults.loseLevels(reads: 3)
            try await cluster.move(cluster.hosting, from: 0, to: 1)
            let spent = try await cluster.send(balance, to: 1)
            #expect(spent.status == 429 && spent.field("Tollgate-Node") == "node-1")
        }
    }

    @Test("N4 H5 a node that sends webhooks forgets a tenant that another has: nothing of it waits there any more")
    func movedWebhooks() async throws {
        try await withCluster { cluster in
            let fleet = cluster[0].fleet
            let record = try #require(fleet.roster.tenant(slug: cluster.hosting.slug))
            try await cluster.move(cluster.hosting, from: 0, to: 1)
            let sender = try WebhookSender(
                fleet: fleet, allowsPrivateAddresses: true, nameServers: [], authorities: nil)
            defer { sender.stop() }
            sender.wake(record)
            try await until { sender.state.withLock { $0.tenants.isEmpty } }
        }
    }

    @Test("N4 no order fails while its tenant's node is stopped in order")
    func stopped() async throws {
        try await withCluster { cluster in
            let traffic = Traffic()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 { group.addTask { try await traffic.run(cluster, at: 1) } }
                try await until { traffic.sent.load(ordering: .relaxed) > 6 }
                try await handedOver { (done: Handover<Void>) in
                    startThread("stop") {
                        cluster.stop(0)
                        done.resume(returning: ())
                    }
                }
                let before = traffic.sent.load(ordering: .relaxed)
                try await until { traffic.sent.load(ordering: .relaxed) > before + 6 }
                traffic.isOver.store(true, ordering: .relaxed)
                try await group.waitForAll()
            }
            let orders = try await cluster.orders()
            #expect(traffic.statuses.withLock { $0 } == [201: Int(orders)])
        }
    }

    /// Orders, one after the other on each of some ways.
    private final class Traffic: Sendable {
        let isOver = Atomic<Bool>(false)
        let sent = Atomic<Int>(0)
        let statuses = Mutex<[Int: Int]>([:])

        func run(_ cluster: TestCluster, at index: Int) async throws {
            while !isOver.load(ordering: .relaxed) {
                let number = sent.add(1, ordering: .relaxed).newValue
                let answer = try await cluster.send(cluster.hosting.order("m-\(number)"), to: index)
                if answer.status != 201 { Issue.record("\(answer.status) \(answer.text)") }
                statuses.withLock { $0[answer.status, default: 0] += 1 }
            }
        }
    }

    @Test("N4 the provider lists nodes, moves a tenant and drains a node by whichever node it calls")
    func provider() async throws {
        try await withCluster(3) { cluster in
            let listed = try await cluster.asProvider("GET", "/nodes", to: 2)
            let names = listed.data.map { $0["name"]?.string }
            #expect(names == ["node-0", "node-1", "node-2"])
            let first = [listed["data", "0", "tenants"], listed["data", "0", "state"]]
            #expect(first == ["1", "serving"])
            let nowhere = try await cluster.asProvider("POST", "/tenants/hosting/move", #"{"node":"node-9"}"#, to: 2)
            let pointer = nowhere["errors", "0", "pointer"]
            #expect(nowhere.status == 422 && pointer == "/node")
            let moved = try await cluster.asProvider("POST", "/tenants/hosting/move", #"{"node":"node-1"}"#, to: 2)
            #expect(moved.status == 200)
            let placed = try await cluster.asProvider("GET", "/placement", to: 0)
            let place = [placed["data", "0", "slug"], placed["data", "0", "node"]]
            #expect(place == ["hosting", "node-1"])
            // A node that had no part in the move sees it with its next beat.
            let asked = "/placement?tenant=hosting,nobody"
            var nodes: [String?] = []
            for number in 1...600 where nodes != ["node-1"] {
                if number > 1 { try await Task.sleep(for: .milliseconds(50)) }
                nodes = try await cluster.asProvider("GET", asked, to: 2).data.map { $0["node"]?.string }
            }
            #expect(nodes == ["node-1"])
            let nobody = try await cluster.asProvider("GET", "/placement?tenant=nobody", to: 2)
            #expect(nobody.status == 200 && nobody.data.isEmpty)
        }
    }

    @Test("N4 a node that is drained has no tenants, takes none, and passes their calls on; then it takes some again")
    func drain() async throws {
        try await withCluster(3, isPatient: true) { cluster in
            let drained = try await cluster.asProvider("POST", "/nodes/node-0/drain", to: 2)
            let outcome = [drained["moved"], drained["state"]]
            #expect(outcome == ["1", "draining"], "\(drained.text)")
            #expect(try await cluster.send(TestRequest("GET", "/readyz"), to: 0).status == 503)
            let order = try await cluster.send(cluster.hosting.order("p-1"), to: 0)
            #expect(order.status == 201 && order.field("Tollgate-Node") != "node-0")
            let back = try await cluster.asProvider("POST", "/tenants/hosting/move", #"{"node":"node-0"}"#, to: 1)
            #expect(back.status == 422)
            let undrained = try await cluster.asProvider("DELETE", "/nodes/node-0/drain", to: 2)
            let state = undrained["state"]
            #expect(state == "serving")
            #expect(try await cluster.send(TestRequest("GET", "/readyz"), to: 0).status == 200)
            let unknown = try await cluster.asProvider("POST", "/nodes/node-9/drain", to: 2)
            #expect(unknown.status == 404 && unknown.code == "node_not_found")
            let log = try await cluster.asProvider("GET", "/log?limit=100", to: 0)
            let actions = log.data.compactMap { $0["action"]?.string }
            #expect(actions.contains("node.drained") && actions.contains("node.undrained"))
        }
    }

    @Test("N3 a tenant whose node is gone is served by another, with every order that was answered")
    func takenOver() async throws {
        try await withCluster { cluster in
            for number in 0..<5 {
                let answer = try await cluster.send(cluster.hosting.order("t-\(number)"), to: 1)
                #expect(answer.status == 201 && answer.field("Tollgate-Node") == "node-0")
            }
            cluster.crash(0)
            let again = try await cluster.send(cluster.hosting.order("t-4"), to: 1)
            #expect(again.status == 201 && again.field("Idempotency-Hit") == "true")
            #expect(again.field("Tollgate-Node") == "node-1")
            #expect(try await cluster.orders() == 5)
        }
    }

    @Test("N2 N3 while the log is away nothing is answered but that it is, and afterwards everything goes on")
    func logAway() async throws {
        try await withCluster { cluster in
            for node in cluster.nodes { node.faults.isAway = true }
            try await until { cluster.nodes.allSatisfy { $0.fleet.cluster?.isServing == false } }
            for index in 0...1 {
                let order = try await cluster.send(cluster.hosting.order("w-\(index)"), to: index)
                #expect(order.status == 503 && order.code == "log_unavailable" && order.field("Retry-After") == "1")
                let unknown = try await cluster.send(
                    TestRequest("GET", "/api/partner/v1/balance").bearer("tgh_live_nothing"), to: index)
                #expect(unknown.status == 503 || unknown.status == 401)
            }
            for node in cluster.nodes { node.faults.isAway = false }
            try await until { cluster.nodes.allSatisfy { $0.fleet.cluster?.isServing == true } }
            let order = try await cluster.send(cluster.hosting.order("w-2"), to: 1)
            #expect(order.status == 201)
            #expect(try await cluster.orders() == 1)
        }
    }
}
