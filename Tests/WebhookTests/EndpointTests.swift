import CallKit
import Cryptography
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct EndpointTests {
    @Test("H4 what is due is claimed oldest first, without what is under way, and never of a paused endpoint")
    func claims() throws {
        let office = try PostOffice.open()
        let posted = try (0..<5).map { _ in
            office.pass(seconds: 1)
            return try office.post().id
        }
        #expect(try office.claim().map(\.id) == posted)
        #expect(try office.claim(2).map(\.id) == Array(posted[..<2]))
        #expect(try office.claim(2, excluding: [posted[0], posted[2]]).map(\.id) == [posted[1], posted[3]])
        let due = try office.read { try $0.dueEndpoints(limit: 10) }
        #expect(due.map(\.id) == [office.endpoint.id] && due[0].concurrency == 8 && due[0].failuresInRow == 0)
        try office.move(.pause)
        #expect(try office.claim().isEmpty)
        #expect(try office.read { try $0.dueEndpoints(limit: 10) }.isEmpty)
        #expect(try office.post().state == .held)
        let id = office.endpoint.id
        #expect(try office.read { try $0.deliveryCounts(ofEndpoint: id) } == counts(held: 6))
        try office.move(.resume)
        #expect(try office.claim().isEmpty)
        #expect(try office.replay() == 6)
        #expect(try office.claim().map(\.id).prefix(5) == posted[...])
        #expect(try office.read { try $0.deliveryCounts(ofEndpoint: id) } == counts(pending: 6))
        try office.close()
    }

    private func counts(pending: Int64 = 0, held: Int64 = 0, dead: Int64 = 0) -> DeliveryCounts {
        var counts = DeliveryCounts()
        (counts.pending, counts.held, counts.dead) = (pending, held, dead)
        return counts
    }

    @Test("H4 where much is due, every fourth claimed is of the newest; one at a time keeps its order")
    func news() throws {
        let office = try PostOffice.open()
        let posted = try (0..<40).map { _ in try office.post().id }
        #expect(try office.claim(60).map(\.id) == posted)
        let claimed = try office.claim(16).map(\.id)
        #expect(claimed.filter { $0 >= posted[36] } == Array(posted[36...].reversed()))
        #expect(claimed.filter { $0 < posted[36] } == Array(posted[..<12]))
        #expect(claimed[0] == posted[39] && claimed[4] == posted[38])
        let endpoint = office.endpoint
        try office.write { tenant in
            try tenant.save(
                endpoint, name: endpoint.name, url: endpoint.url, events: endpoint.events, concurrency: 1,
                maxPerSecond: nil)
        }
        #expect(try office.claim(16).map(\.id) == Array(posted[..<16]))
        try office.close()
    }

    @Test("P3 nothing is claimed while the tenant is suspended")
    func suspended() throws {
        let office = try PostOffice.open()
        try office.post()
        defer { office.node.stop() }
        office.node.fleet.roster.update(office.shop.record) { $0.state = .suspended }
        #expect(try office.claim().isEmpty)
        #expect(try office.read { try $0.dueEndpoints(limit: 10) }.isEmpty)
    }

    @Test("O3 orders and `default` are signed with the reseller's secret, other endpoints with their own")
    func secrets() throws {
        let office = try PostOffice.open()
        let other = try office.another("other")
        try office.post()
        let reseller = office.reseller
        let own = try office.read { try $0.webhookSecrets(resellerID: reseller) }
        #expect(try office.claim().first?.secrets == own)
        let first = try office.read { try #require(try $0.claim(endpoint: other.id, excluding: [], limit: 1).first) }
        #expect(first.secrets.count == 1 && first.secrets != own)
        // A rotation: what was queued before is signed with what is good when it goes out, the new one first.
        let minted = try office.write { try $0.mintSecret(of: other, overlapSeconds: 86_400) }
        let both = try office.read { try $0.claim(endpoint: other.id, excluding: [], limit: 1)[0].secrets }
        #expect(both == [try #require(WebhookSecret.decode(minted)), first.secrets[0]])
        office.pass(seconds: 86_401)
        let last = try office.read { try $0.claim(endpoint: other.id, excluding: [], limit: 1)[0].secrets }
        #expect(last == [both[0]])
        try office.close()
    }

    @Test("O3 H4 a secret that a rotation has ended stays dead where the clock is set back")
    func endedSecrets() throws {
        let office = try PostOffice.open()
        for endpoint in [office.endpoint, try office.another("other")] {
            _ = try office.write { try $0.mintSecret(of: endpoint, overlapSeconds: 0) }
            for overlap: Int64 in [3_600, 3_600, 0] {
                office.pass(seconds: 60)
                let minted = try office.write { try $0.mintSecret(of: endpoint, overlapSeconds: overlap) }
                office.pass(seconds: -30)
                let good = try office.read { try $0.secrets(of: endpoint) }
                #expect(good.count == (overlap == 0 ? 1 : 2) && good.first == WebhookSecret.decode(minted))
            }
        }
        try office.close()
    }

    @Test("H4 what an operator disabled only an operator enables")
    func byOperator() throws {
        let office = try PostOffice.open()
        let posted = try office.post()
        try office.move(.disable, byOperator: true)
        #expect(try office.current().disabledReason == .byOperator)
        #expect(try office.delivery(posted).state == .held)
        for move in [ChangeEndpointState.Move.enable, .pause, .resume] {
            #expect(throws: Refusal.self) { try office.move(move) }
        }
        // Nor by saying anew where events go.
        let reseller = office.reseller
        #expect(throws: Refusal.self) {
            try office.node.write(office.shop.record) { tenant, detail in
                _ = try SetDefaultWebhook(url: "https://example.com/new", events: ["order.created"])
                    .run(tenant, resellerID: reseller, book: .live, &detail)
            }
        }
        #expect(try office.current().url == office.endpoint.url)
        // Nor by taking it away and making it anew, or leading another there.
        #expect(throws: Refusal.self) { try office.remove() }
        let other = try office.another("other")
        let there = WebhookTerms(name: nil, url: office.endpoint.url, events: nil, concurrency: nil)
        #expect(throws: Refusal.self) { try office.change(there, of: other) }
        // Nor by leading it elsewhere, so that its address is free.
        let elsewhere = WebhookTerms(name: nil, url: "https://example.com/free", events: nil, concurrency: nil)
        #expect(throws: Refusal.self) { try office.change(elsewhere, of: office.endpoint) }
        try office.move(.enable, byOperator: true)
        #expect(try office.current().state == .active)
        try office.change(there, of: other)
        try office.remove()
        try office.close()
    }

    @Test("H4 nothing is made where an operator has disabled an endpoint")
    func madeAnew() throws {
        let office = try PostOffice.open()
        try office.move(.disable, byOperator: true)
        let (reseller, url) = (office.reseller, office.endpoint.url)
        func make(_ url: String) throws {
            try office.node.write(office.shop.record) { tenant, detail in
                _ = try CreateWebhook(name: "again", url: url, events: ["order.created"])
                    .run(tenant, resellerID: reseller, book: .live, &detail)
            }
        }
        #expect(throws: Refusal.self) { try make(url) }
        #expect(throws: Refusal.self) { try make(url.replacing("example", with: "EXAMPLE")) }
        // Nor where its path is spelled another way.
        let path = url.replacing("https://example.com/", with: "")
        for spelling in ["x/../\(path)", "%2E/\(path)", "\(path)?"].map({ "https://example.com/\($0)" }) {
            #expect(throws: Refusal.self, "\(spelling)") { try make(spelling) }
        }
        try make(url + "/elsewhere")
        try office.close()
    }

    @Test("O7 H4 the last attempts are remembered, oldest first, and enabling keeps them")
    func recent() throws {
        let office = try PostOffice.open()
        let posted = try office.post()
        let id = office.endpoint.id
        let words = { try office.read { try $0.health(ofEndpoint: id) }.recentWords }
        for _ in 0..<48 { try office.answer(posted, .delivered, status: 204) }
        try office.answer(posted, .interrupted)
        #expect(try words() == Array(repeating: "delivered", count: 48))
        for _ in 0..<3 { try office.answer(try office.post(), .timedOut) }
        #expect(try words() == Array(repeating: "delivered", count: 47) + Array(repeating: "failed", count: 3))
        try office.move(.disable, byOperator: true)
        try office.move(.enable, byOperator: true)
        #expect(try words().suffix(3) == ["failed", "failed", "failed"] && words().count == 50)
        #expect(try office.read { try $0.health(ofEndpoint: id) }.failuresInRow == 0)
        try office.close()
    }

    @Test("H4 a removed endpoint's queue is dropped, and its name is free again")
    func removed() throws {
        let office = try PostOffice.open()
        let (posted, dead) = (try office.post(), try office.post())
        try office.answer(dead, .addressRefused)
        #expect(try office.delivery(dead).state == .dead)
        try office.remove()
        #expect(try office.delivery(posted).state == .dropped)
        #expect(try office.delivery(dead).state == .dropped)
        #expect(throws: Refusal.self) { try office.current() }
        #expect(try office.claim().isEmpty)
        let another = try office.another("default")
        #expect(another.isDefault && another.id != office.endpoint.id)
        // What was dropped has nobody left to get it.
        #expect(try office.replay() == 0)
        try office.close()
    }

    @Test("W1 a terminated reseller's queue is dropped, what is held too, and nothing more is queued for it")
    func terminated() throws {
        let office = try PostOffice.open()
        let (held, dead) = (try office.post(), try office.post())
        try office.answer(dead, .addressRefused)
        try office.move(.pause)
        let reseller = office.reseller
        try office.node.write(office.shop.record) { tenant, detail in
            let id = try #require(try tenant.reseller(id: reseller)).publicID
            _ = try MoveReseller(resellerID: id, move: .terminate, accountID: 1).run(tenant, &detail)
        }
        #expect(try office.delivery(held).state == .dropped)
        #expect(try office.delivery(dead).state == .dropped)
        #expect(try office.current().disabledReason == .terminated)
        #expect(throws: Refusal.self) { try office.move(.enable, byOperator: true) }
        try office.close()
    }

    @Test("H3 a long queue of a paused endpoint is held a part at a time, and none of it is claimed meanwhile")
    func longQueue() throws {
        let office = try PostOffice.open()
        let posted = TenantTransaction.settledAtOnceMax + 50
        for _ in 0..<posted { try office.post() }
        try office.move(.pause)
        let id = office.endpoint.id
        #expect(try office.read { try $0.deliveryCounts(ofEndpoint: id) }.pending == 50)
        #expect(try office.claim().isEmpty)
        #expect(try office.read { try $0.nextDelivery() } == nil)
        #expect(try office.write { try $0.settleQueues(limit: 1_000) } == 50)
        #expect(try office.read { try $0.deliveryCounts(ofEndpoint: id) } == counts(held: Int64(posted)))
        try office.close()
    }

    @Test("H4 settled deliveries and their attempts are cleared after thirty days, dead and held ones after ninety")
    func housekeeping() throws {
        let office = try PostOffice.open()
        let posted = try (0..<3).map { _ in try office.post() }
        try office.answer(posted[0], .delivered, status: 200)
        try office.answer(posted[1], .addressRefused)
        try office.move(.pause)
        let ids = posted.map(\.publicID)
        func left() throws -> [Bool] {
            try office.write { try $0.purgeDeliveries(limit: 100) }
            return try office.read { tenant in try ids.map { try tenant.delivery(publicID: $0) != nil } }
        }
        office.pass(seconds: 30 * 86_400 - 1)
        #expect(try left() == [true, true, true])
        office.pass(seconds: 1)
        #expect(try left() == [false, true, true])
        office.pass(seconds: 60 * 86_400)
        #expect(try left() == [false, false, false])
        try office.close()
    }
}
