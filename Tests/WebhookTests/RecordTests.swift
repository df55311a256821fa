import CallKit
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct RecordTests {
    private static let delays: [Int64] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

    @Test("H3 a delivery that fails goes through the whole schedule, then is a dead letter with its attempts")
    func wholeSchedule() throws {
        let office = try PostOffice.open()
        let posted = try office.post()
        let first = try #require(try office.claim().first)
        for (index, delay) in Self.delays.enumerated() {
            #expect(try office.claim().map(\.id) == [posted.id])
            try office.answer(posted, .status, status: 500)
            let waits = try office.delivery(posted)
            #expect(waits.state == .pending && waits.attempts == Int64(index + 1) && waits.lastStatus == 500)
            let next = try #require(waits.nextAt).milliseconds - office.node.clock.now().milliseconds
            #expect(delay * 1_000...delay * 1_200 ~= next)
            #expect(try office.claim().isEmpty)
            #expect(try office.read { try $0.nextDelivery() } == waits.nextAt)
            office.node.clock.set(try #require(waits.nextAt))
        }
        let last = try #require(try office.claim().first)
        // The same id and the same bytes, whenever it is sent (H1).
        #expect(last.eventPublicID == first.eventPublicID && last.body == first.body && last.tries == 9)
        try office.answer(posted, .timedOut)
        let dead = try office.delivery(posted)
        #expect(dead.state == .dead && dead.attempts == 10 && dead.tries == 10 && dead.nextAt == nil)
        #expect(try office.read { try $0.nextDelivery() } == nil)
        let attempts = try office.read { try $0.attempts(ofDelivery: posted.id) }
        #expect(attempts.map(\.n) == (1...10).reversed())
        #expect(attempts[0].outcome == .timedOut && attempts[0].status == nil)
        #expect(attempts[1].outcome == .status && attempts[1].status == 500 && attempts[1].excerpt == "said")
        #expect(attempts[1].address == "203.0.113.9" && attempts[1].milliseconds == 12)
        // One dead letter is no reason to give an endpoint up.
        #expect(try office.current().state == .active)
        try office.close()
    }

    @Test("O7 a dead letter is sent again with its schedule anew, the same id and bytes, and attempts go on counting")
    func retry() throws {
        let office = try PostOffice.open()
        let posted = try office.post()
        let first = try #require(try office.claim().first)
        for _ in 0..<10 { try office.answer(posted, .refused) }
        #expect(try office.delivery(posted).state == .dead)
        let id = posted.publicID
        try office.node.write(office.shop.record) { tenant, detail in
            _ = try RetryDelivery(deliveryID: id).run(tenant, &detail)
        }
        let again = try #require(try office.claim().first)
        #expect(again.eventPublicID == first.eventPublicID && again.body == first.body && again.tries == 10)
        try office.answer(posted, .delivered, status: 204)
        let done = try office.delivery(posted)
        #expect(done.state == .delivered && done.tries == 11 && done.lastStatus == 204)
        #expect(try office.read { try $0.attempts(ofDelivery: posted.id) }.map(\.n) == (1...11).reversed())
        // What has arrived may be sent again as well.
        #expect(try office.replay() == 1)
        let replayed = try #require(try office.claim().first)
        #expect(replayed.eventPublicID == first.eventPublicID && replayed.body == first.body)
        try office.close()
    }

    @Test("H4 the last twenty attempts are kept")
    func kept() throws {
        let office = try PostOffice.open()
        let posted = try office.post()
        for _ in 0..<23 { try office.answer(posted, .interrupted) }
        let attempts = try office.read { try $0.attempts(ofDelivery: posted.id) }
        #expect(attempts.map(\.n) == (4...23).reversed())
        #expect(try office.delivery(posted).tries == 23)
        try office.close()
    }

    @Test("H3 a failure of ours uses up no attempt, and says nothing of the endpoint")
    func interrupted() throws {
        let office = try PostOffice.open()
        let posted = try office.post()
        for _ in 0..<30 {
            try office.answer(posted, .interrupted)
            let waits = try office.delivery(posted)
            #expect(waits.state == .pending && waits.attempts == 0)
            let next = try #require(waits.nextAt).milliseconds - office.node.clock.now().milliseconds
            #expect(5_000...6_000 ~= next)
            office.pass(seconds: 86_400)
        }
        let id = office.endpoint.id
        #expect(try office.read { try $0.health(ofEndpoint: id) } == .unknown)
        #expect(try office.current().state == .active)
        try office.close()
    }

    @Test("H3 410 disables its endpoint at once: what waits is held, and its reseller hears of it elsewhere")
    func gone() throws {
        let office = try PostOffice.open()
        let sibling = try office.another("sibling", [.balanceLow])
        let posted = try (0..<3).map { _ in try office.post() }
        let neighbour = try office.post(of: 1)
        #expect(
            try office.answer(posted[0], .gone, status: 410)
                == [EndpointChange(endpointID: office.endpoint.id, reason: .gone)])
        let endpoint = try office.current()
        #expect(endpoint.state == .disabled && endpoint.disabledReason == .gone && endpoint.disabledAt != nil)
        for delivery in posted {
            let held = try office.delivery(delivery)
            #expect(held.state == .held && held.nextAt == nil)
        }
        #expect(try office.claim().isEmpty)
        #expect(try office.read { try $0.dueEndpoints(limit: 10).map(\.id) } != [office.endpoint.id])
        // What happens now is held too.
        #expect(try office.post().state == .held)
        // Others are unaffected.
        #expect(try office.delivery(neighbour).state == .pending)
        let told = try office.deliveries(endpoint: sibling.id)
        #expect(told.map(\.type) == [.webhookEndpointDisabled] && told[0].state == .pending)
        #expect(try office.deliveries(endpoint: office.endpoint.id).allSatisfy { $0.type != .webhookEndpointDisabled })
        // Enabled again, one replay sends them all, in order.
        try office.move(.enable)
        #expect(try office.current().state == .active)
        #expect(try office.claim().isEmpty)
        #expect(try office.replay() == 4)
        #expect(try office.claim().map(\.id) == office.deliveries(endpoint: office.endpoint.id).map(\.id).reversed())
        try office.close()
    }

    /// Hours at which attempts end, whether each succeeds, and the hour at which the endpoint is disabled.
    static let days: [(name: String, attempts: [(hour: Int64, arrives: Bool)], disabledAt: Int64?)] = [
        ("failing for five days", [(0, false), (12, false), (60, false), (119, false), (120, false)], 120),
        ("twice, five days apart", [(0, false), (121, false)], 121),
        ("all at one time", [(0, false), (1, false), (2, false), (119, false)], nil),
        ("a single success in between", [(0, false), (60, false), (100, true), (121, false), (200, false)], nil),
        (
            "failing for five days since a success",
            [(0, false), (100, true), (101, false), (113, false), (221, false)], 221
        ),
        ("long ago, and once today", [(0, false), (90, false), (720, false), (721, false)], nil),
        ("a success at the end", [(0, false), (60, false), (119, false), (120, true), (130, false)], nil),
    ]

    @Test(
        "H3 five days without a 2xx and with failures twelve hours apart disable an endpoint", arguments: days.indices)
    func failing(_ index: Int) throws {
        let (name, attempts, disabledAt) = Self.days[index]
        let office = try PostOffice.open()
        let start = office.node.clock.now()
        for (hour, arrives) in attempts {
            office.node.clock.set(start.adding(seconds: hour * 3_600))
            let posted = try office.post()
            guard posted.state == .pending else { break }
            try office.answer(posted, arrives ? .delivered : .status, status: arrives ? 200 : 503)
            let endpoint = try office.current()
            #expect((endpoint.state == .disabled) == (hour == disabledAt), "\(name), hour \(hour)")
            if endpoint.state == .disabled { #expect(endpoint.disabledReason == .failing) }
        }
        if disabledAt != nil {
            try office.move(.enable)
            // Its past is forgotten.
            let posted = try office.post()
            try office.answer(posted, .status, status: 500)
            #expect(try office.current().state == .active)
        }
        try office.close()
    }

    @Test("H3 one dead letter never disables, with the longest delays that an endpoint can ask for")
    func oneDeadLetter() throws {
        let office = try PostOffice.open()
        let posted = try office.post()
        for _ in 0..<10 {
            try office.answer(posted, .status, status: 503, retryAfter: .seconds(999_999))
            if let next = try office.delivery(posted).nextAt { office.node.clock.set(next) }
        }
        #expect(try office.delivery(posted).state == .dead)
        #expect(try office.current().state == .active)
        try office.close()
    }

    @Test("H6 an address that is not called is not tried again: a dead letter with its own word")
    func addressRefused() throws {
        let office = try PostOffice.open()
        let posted = try office.post()
        try office.answer(posted, .addressRefused)
        let dead = try office.delivery(posted)
        #expect(dead.state == .dead && dead.attempts == 1 && dead.lastOutcome == .addressRefused)
        try office.close()
    }

    @Test("H3 what an address answers that the endpoint had before disables nothing, and uses up no attempt")
    func elsewhere() throws {
        let office = try PostOffice.open()
        let (old, id) = (office.endpoint.url, office.endpoint.id)
        for _ in 0..<4 { try office.answer(try office.post(), .timedOut, from: old) }
        #expect(try office.read { try $0.health(ofEndpoint: id) }.failuresInRow == 4)
        let posted = try office.post()
        #expect(try office.claim().last?.url == old)
        try office.change(WebhookTerms(name: nil, url: old + "/new", events: nil, concurrency: nil))
        #expect(try office.claim().last?.url == old + "/new")
        // Its past was the old address's.
        let anew = try office.read { try $0.health(ofEndpoint: id) }
        #expect(anew.failuresInRow == 0 && anew.failingSince == nil && anew.recentWords.count == 4)
        for outcome in [AttemptOutcome.gone, .addressRefused, .status] {
            #expect(try office.answer(posted, outcome, status: 410, from: old).isEmpty)
            let waits = try office.delivery(posted)
            #expect(waits.state == .pending && waits.attempts == 0 && waits.lastOutcome == outcome)
            let next = try #require(waits.nextAt).milliseconds - office.node.clock.now().milliseconds
            #expect(5_000...6_000 ~= next)
        }
        #expect(try office.current().state == .active)
        #expect(try office.read { try $0.health(ofEndpoint: id) } == anew)
        // It has arrived, wherever that was.
        try office.answer(posted, .delivered, status: 204, from: old)
        #expect(try office.delivery(posted).state == .delivered)
        try office.close()
    }

    @Test("H3 what waits is due at once where its endpoint answers again, and no earlier than it asked for")
    func recovery() throws {
        let office = try PostOffice.open()
        let (plain, asked, crowded, longer) = (
            try office.post(), try office.post(), try office.post(), try office.post()
        )
        for _ in 0..<3 { try office.answer(plain, .status, status: 503) }
        try office.answer(asked, .status, status: 503, retryAfter: .seconds(120))
        try office.answer(crowded, .status, status: 429)
        // Less than its own delay: it only lengthens, and is heard once that is given up.
        for _ in 0..<2 { try office.answer(longer, .status, status: 503, retryAfter: .seconds(60)) }
        let now = office.node.clock.now()
        let waits = try #require(try office.delivery(crowded).nextAt)
        #expect(try office.hasten() == 2)
        #expect(try office.delivery(plain).nextAt == now)
        #expect(try office.delivery(asked).nextAt == now.adding(seconds: 120))
        #expect(try office.delivery(crowded).nextAt == waits)
        #expect(try office.delivery(longer).nextAt == now.adding(seconds: 60))
        #expect(try office.hasten() == 0)
        try office.close()
    }

    @Test("H3 an endpoint that answers now and then does not use up the attempts of what waits")
    func brownOut() throws {
        let office = try PostOffice.open()
        let posted = try office.post()
        for _ in 0..<4 { try office.answer(posted, .refused) }
        #expect(try office.hasten() == 1)
        #expect(try office.delivery(posted).nextAt == office.node.clock.now().adding(seconds: 300))
        #expect(try office.hasten() == 0)
        try office.close()
    }

    @Test("H3 a delivery that alone fails keeps its schedule, however often its endpoint answers others")
    func alone() throws {
        let office = try PostOffice.open()
        let poison = try office.post()
        try office.answer(poison, .status, status: 500)
        try office.answer(try office.post(), .delivered, status: 204)
        #expect(try office.hasten() == 1)
        try office.answer(poison, .status, status: 500)
        let next = try office.delivery(poison).nextAt
        for _ in 0..<3 {
            try office.answer(try office.post(), .delivered, status: 204)
            #expect(try office.hasten() == 0)
        }
        #expect(try office.delivery(poison).nextAt == next)
        // In an outage it waits as all others do, and is sent with them.
        try office.answer(try office.post(), .refused)
        try office.answer(poison, .refused)
        #expect(try office.hasten() == 2)
        try office.close()
    }

    @Test("H4 what comes back for a delivery that waits no more is kept, and moves it only where it arrived")
    func late() throws {
        let office = try PostOffice.open()
        let (first, second) = (try office.post(), try office.post())
        try office.move(.pause)
        try office.answer(first, .status, status: 500)
        try office.answer(second, .delivered, status: 200)
        #expect(try office.delivery(first).state == .held && office.delivery(first).attempts == 0)
        #expect(try office.delivery(first).tries == 1)
        #expect(try office.delivery(second).state == .delivered)
        // Of a delivery that is gone nothing is kept.
        _ = try office.write { tenant in
            try tenant.record([AttemptResult(deliveryID: 9_999, at: tenant.now, milliseconds: 1, outcome: .refused)])
        }
        try office.close()
    }
}
