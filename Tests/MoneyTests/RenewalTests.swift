import CallKit
import Cryptography
import SQLite
import TenantApp
import TenantRegistry
import TestTenants
import Testing

@Suite struct Renewals {
    @Test(
        "W9 a service renews where the anchor has its periods, once each, at the time of day of its activation",
        arguments: [
            (Term.monthly, "2026-01-31", ["02-28", "03-31", "04-30", "05-31", "06-30"]),
            (.monthly, "2024-01-31", ["02-29", "03-31"]), (.quarterly, "2025-11-30", ["02-28", "05-30", "08-30"]),
            (.semiAnnual, "2025-08-31", ["02-28", "08-31"]),
            (.annual, "2024-02-29", ["02-28", "02-28", "02-28", "02-29", "02-28"]),
        ])
    func months(term: Term, day: String, days: [String]) throws {
        let rent = try Rent.open(TestFolder(), at: "\(day)T13:45:59.250Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000_000)
        let id = try rent.order(term)[0]
        while try rent.service(id).period < Int64(days.count), let next = try rent.nextDue() {
            rent.node.clock.set(next)
            try rent.runDue(killing: next.milliseconds % 2 == 0)
            try rent.runDue()
        }
        #expect(try rent.renewals(id).map { String($0.dropFirst(5)) } == days.map { "\($0)T13:45:59.250Z" })
        let price = (Rent.prices[term] ?? 0) / 10_000
        #expect(try rent.balance() == 1_000_000 - price * Int64(days.count + 1))
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 what cannot be paid is past due, tried each day at its hour for seven days, then suspended")
    func grace() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000)
        let id = try rent.order(.monthly)[0]
        try rent.live(until: "2026-02-10T10:00:00Z")
        #expect(try rent.service(id).state == .pastDue)
        var tries: [String] = []
        while let next = try rent.nextDue(), next < Timestamp(parsing: "2026-03-01T00:00:00Z")! {
            tries.append(String(next.text.prefix(16)))
            rent.node.clock.set(next)
            try rent.runDue()
        }
        #expect(tries == (11...17).map { "2026-02-\($0)T10:00" })
        let service = try rent.service(id)
        #expect(service.state == .suspended && service.suspendedBy == .unpaid && service.nextAt == nil)
        #expect(service.renewsAt?.text == "2026-02-10T10:00:00.000Z" && service.period == 0)
        #expect(
            try rent.events(id).dropFirst() == [
                "renewing 2026-02-07T10:00", "past_due 2026-02-10T10:00", "suspended 2026-02-17T10:00",
            ])
        #expect(try rent.balance() == 0 && rent.count("renewal") == 0)
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 a node that was down over the due date still gives seven days, from its first try on")
    func outage() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000)
        let id = try rent.order(.monthly)[0]
        rent.node.clock.set(Timestamp(parsing: "2026-02-20T15:30:00Z")!)
        try rent.runDue()
        #expect(try rent.service(id).pastDueSince == rent.now)
        try rent.live(until: "2026-02-27T15:29:59Z")
        #expect(try rent.service(id).state == .pastDue)
        try rent.live(until: "2026-02-27T15:30:00Z")
        #expect(try rent.service(id).state == .suspended)
        #expect(
            try rent.events(id).dropFirst() == ["past_due 2026-02-20T15:30", "suspended 2026-02-27T15:30"])
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 missed periods are charged in order until the balance ends, and the anchor never moves")
    func missed() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T08:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000 + 2_500)
        let id = try rent.order(.monthly)[0]
        rent.node.clock.set(Timestamp(parsing: "2026-07-15T12:00:00Z")!)
        try rent.runDue()
        #expect(try rent.renewals(id).map { $0.prefix(10) } == ["2026-02-28", "2026-03-31"])
        var service = try rent.service(id)
        #expect(service.state == .pastDue && service.renewsAt?.text.prefix(10) == "2026-04-30")
        // Its own reseller alone goes on: three more periods are due by now.
        try rent.topUp(2_600)
        service = try rent.service(id)
        #expect(service.state == .active && service.renewsAt?.text.prefix(10) == "2026-07-31")
        #expect(try rent.balance() == 100)
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 of periods that several services missed the oldest is paid first, whosever it is")
    func missedTogether() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(2_000)
        var ids = try rent.order(.monthly)
        rent.node.clock.advance(seconds: 3_600)
        ids += try rent.order(.monthly)
        rent.node.clock.set(Timestamp(parsing: "2026-05-01T00:00:00Z")!)
        try rent.runDue()
        #expect(try ids.map { try rent.service($0).state } == [.pastDue, .pastDue])
        #expect(try rent.topUp(4_000).map(\.service) == [ids[0], ids[1], ids[0], ids[1]])
        #expect(try ids.map { try rent.renewals($0).count } == [2, 2])
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 services of one order are due at one instant, and paid in the order of the ids that callers see")
    func ties() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(20_000)
        let ids = try rent.order(.monthly, 20)
        #expect(ids == ids.sorted())
        try rent.live(until: "2026-02-10T10:00:00Z")
        #expect(try rent.count("service WHERE state = 'past_due'") == 20)
        #expect(try rent.topUp(7_000).map(\.service) == Array(ids.prefix(7)))
        #expect(try rent.topUp(5_000).map(\.service) == Array(ids[7..<12]))
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 a suspended service that is paid runs again; what it missed is charged, its term is no longer for it")
    func resumed() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(2_000)
        let ids = try rent.order(.monthly, 2)
        try rent.live(until: "2026-02-25T00:00:00Z")
        #expect(try ids.map { try rent.service($0).state } == [.suspended, .suspended])
        let paid = try rent.topUp(1_500)
        #expect(paid.map(\.service) == [ids[0]] && paid.map(\.amount.micros) == [10_000_000])
        #expect(try ids.map { try rent.service($0).state } == [.active, .suspended])
        #expect(try rent.service(ids[0]).renewsAt?.text.prefix(10) == "2026-03-10")
        #expect(
            try rent.events(ids[0]).suffix(2) == ["resumed 2026-02-25T00:00", "renewed 2026-02-25T00:00"])
        #expect(throws: Refusal.self) { try rent.pay(ids[0]) }
        #expect(throws: Refusal.self) { try rent.pay(ids[1]) }
        try rent.topUp(-500)
        try rent.topUp(3_000)
        #expect(try ids.map { try rent.service($0).state } == [.active, .active])
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 money pays the oldest first, a hundred in its transaction and the rest before anything newer")
    func oldestFirst() throws {
        var rent = try Rent.open(TestFolder(), at: "2026-01-01T00:00:00Z")
        defer { rent.node.stop() }
        rent.slice = 64
        try rent.topUp(230_000)
        var ids: [String] = []
        for _ in 0..<23 {
            ids += try rent.order(.monthly, 10)
            rent.node.clock.advance(seconds: 60)
        }
        try rent.live(until: "2026-02-02T00:00:00Z")
        #expect(try rent.count("service WHERE state = 'past_due'") == 230)
        // One that is newly due at that very instant, and would take the last of the money.
        let paid = try rent.topUp(221_000)
        #expect(paid.map(\.service) == Array(ids.prefix(100)))
        #expect(try rent.nextDue() == rent.now)
        try rent.runDue()
        #expect(try rent.count("service WHERE state = 'active'") == 221)
        #expect(try rent.count("payable") == 0)
        let left = try rent.node.read(rent.record) { tenant in
            try tenant.connection.rows("SELECT public_id FROM service WHERE state = 'past_due' ORDER BY id") {
                try $0.text()
            }
        }
        #expect(left == Array(ids.suffix(9)))
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 the rest that money pays is paid before hours that fell due earlier take of it")
    func restFirst() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-01T00:00:00Z")
        defer { rent.node.stop() }
        func run(_ kind: DueKind) throws {
            let slice = 64
            var done = slice
            while done == slice {
                done = try rent.node.write(rent.record, "clock") { tenant, _ in
                    try DueWorks.schema.run(tenant, kind, slice)
                }
            }
        }
        try rent.topUp(110_100)
        let hours = try rent.order(.hourly)[0]
        for _ in 0..<11 { _ = try rent.order(.monthly, 10) }
        try rent.topUp(-100)
        rent.sleep(days: 32)
        try run(.renewal)
        #expect(try rent.count("service WHERE state = 'past_due'") == 110)
        #expect(try rent.topUp(110_000).count == 100 && rent.count("payable") == 1)
        try run(.hourly)
        #expect(try rent.count("service WHERE state = 'active' AND term = 'monthly'") == 110)
        #expect(try rent.service(hours).state == .pastDue && rent.count("payable") == 0)
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 a second charge of a period is refused by the file itself")
    func once() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        let id = try rent.order(.monthly)[0]
        try rent.live(days: 40)
        #expect(throws: (any Error).self) {
            try rent.node.write(rent.record) { tenant, _ in
                try tenant.connection.run("UPDATE service SET period = 0, renews_at = 1, next_at = 1, is_announced = 1")
                _ = try DueWorks.schema.run(tenant, .renewal, 1)
            }
        }
        #expect(try rent.renewals(id).count == 1 && rent.balance() == 8_000)
        #expect(try rent.verifies().isSound)
    }

    @Test("W1 W9 a suspended reseller's services renew on; a terminated one's end with their paid term")
    func resellers() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z", resellers: 2)
        defer { rent.node.stop() }
        for number in 0..<2 { try rent.topUp(5_000, reseller: number) }
        let ids = try (0..<2).map { try rent.order(.monthly, reseller: $0)[0] }
        try rent.node.write(rent.record) { [resellers = rent.resellers] tenant, _ in
            for (id, state) in zip(resellers, [ResellerState.suspended, .terminated]) {
                guard let reseller = try tenant.reseller(id: id) else { continue }
                _ = try tenant.setState(of: reseller, to: state, by: 1)
            }
            try tenant.endServicesWithTerm(resellerID: resellers[1])
        }
        try rent.live(days: 40)
        #expect(try ids.map { try rent.service($0).state } == [.active, .cancelled])
        #expect(try rent.service(ids[1]).endsAt?.text == "2026-02-10T10:00:00.000Z")
        #expect(try rent.balance() == 3_000 && rent.balance(reseller: 1) == 4_000)
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 a renewal never costs nothing where a unit has a price: it comes to one minor unit at least")
    func cheap() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000)
        try rent.sell(at: TermPrices(monthly: Money(micros: 4_000)))
        // Ten at 0.004 are a line of 0.04; each renews at 0.01.
        let ids = try rent.order(.monthly, 10)
        #expect(try rent.balance() == 996)
        try rent.live(until: "2026-02-11T00:00:00Z")
        #expect(try ids.map { try rent.service($0).period } == Array(repeating: 1, count: 10))
        #expect(try rent.balance() == 986)
        // Nothing stays nothing.
        try rent.sell(at: TermPrices(monthly: Money.zero))
        _ = try rent.order(.monthly, 3)
        try rent.live(until: "2026-03-12T00:00:00Z")
        #expect(try rent.balance() == 976)
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
    }

    @Test("X7 W9 services of the test book renew, and nothing moves")
    func testBook() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        let ids = try rent.order(.monthly, book: .test) + rent.order(.hourly, book: .test)
        try rent.live(days: 40)
        #expect(try ids.map { try rent.service($0).state } == [.active, .active])
        #expect(try rent.service(ids[0]).period == 1 && rent.service(ids[1]).period == 40)
        #expect(try rent.count("entry WHERE amount <> 0") == 0)
        let coming = try rent.node.read(rent.record) { tenant in
            try DueWorks.all.flatMap { try $0.coming(tenant, DuePage(until: .latest, limit: 10)) }
        }
        #expect(Set(coming.map(\.kind)) == [.notice, .renewal, .hourly] && coming.allSatisfy { $0.book == .test })
        #expect(try rent.verifies().isSound)
    }

    @Test("W10 a renewal is announced once, three days ahead, with its amount and whether the balance has it")
    func notices() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(2_500)
        let id = try rent.order(.monthly)[0]
        try rent.live(until: "2026-03-08T00:00:00Z")
        let bodies = try rent.node.read(rent.record) { tenant in
            try tenant.connection.rows("SELECT body FROM event WHERE type = 'service.renewing' ORDER BY id") {
                try $0.text()
            }
        }
        #expect(try rent.events(id).filter { $0.hasPrefix("renewing") }.count == 2)
        #expect(bodies.map { $0.contains(#""amount":"10.00","is_covered":true"#) } == [true, false])
        #expect(bodies[1].contains(#""renews_at":"2026-03-10T10:00:00.000Z""#))
        #expect(try rent.verifies().isSound)
    }

    @Test("W10 of renewals that the balance has only singly, those that are due first are covered")
    func coveredTogether() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(6_500)
        _ = try rent.order(.monthly)
        rent.sleep(days: 1)
        // A quarter is due later, and is none of it.
        _ = try rent.order(.quarterly) + rent.order(.monthly, 2)
        #expect(try rent.balance() == 800)
        try rent.topUp(1_700)
        try rent.live(until: "2026-02-09T00:00:00Z")
        let covered = try rent.node.read(rent.record) { tenant in
            try tenant.connection.rows("SELECT body FROM event WHERE type = 'service.renewing' ORDER BY id") {
                try $0.text().contains(#""is_covered":true"#)
            }
        }
        #expect(covered == [true, true, false])
        #expect(try rent.verifies().isSound)
    }

    @Test(
        "W10 a renewal behind more than are charged in thought is covered by what those leave",
        arguments: [1, 2, 2_000])
    func coveredBehind(renewalsMax: Int) throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(5_500)
        _ = try rent.order(.monthly, 3)
        #expect(try rent.balance() == 2_500)
        rent.sleep(days: 29)
        let count = try rent.node.write(rent.record) { tenant, _ in
            try AnnounceRenewals(renewalsMax: renewalsMax).run(tenant, limit: 10)
        }
        let covered = try rent.node.read(rent.record) { tenant in
            try tenant.connection.rows("SELECT body FROM event WHERE type = 'service.renewing' ORDER BY id") {
                try $0.text().contains(#""is_covered":true"#)
            }
        }
        #expect(count == 3 && covered == [true, true, false])
        #expect(try rent.verifies().isSound)
    }

    @Test("W10 balance.low comes once a crossing; above its threshold again it may come again")
    func lowBalance() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        _ = try rent.order(.monthly, 2)
        try rent.node.write(rent.record) { [id = rent.resellers[0]] tenant, _ in
            guard var reseller = try tenant.reseller(id: id) else { return }
            reseller.lowBalanceThreshold = Money(micros: 50_000_000)
            try tenant.saveTerms(of: reseller)
        }
        func told() throws -> Int64 { try rent.count("event WHERE type = 'balance.low'") }
        try rent.live(until: "2026-03-11T00:00:00Z")
        #expect(try rent.balance() == 4_000 && told() == 1)
        try rent.live(until: "2026-04-11T00:00:00Z")
        #expect(try rent.balance() == 2_000 && told() == 1)
        try rent.topUp(4_500)
        try rent.live(until: "2026-05-11T00:00:00Z")
        #expect(try rent.balance() == 4_500 && told() == 2)
    }

    @Test("H1 W3 a day without an hour moves the next charge, and its service tells of that")
    func hourless() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000)
        let id = try rent.order(.hourly)[0]
        try rent.live(until: "2026-01-11T09:30:00Z")
        // The hour in which it stops reaches to the charge, before which it goes on.
        try rent.change(id, .suspend)
        rent.node.clock.advance(seconds: 600)
        try rent.change(id, .resume)
        let balance = try rent.balance()
        try rent.live(until: "2026-01-11T10:00:00Z")
        let service = try rent.service(id)
        #expect(service.renewsAt?.text == "2026-01-12T10:00:00.000Z")
        #expect(try rent.balance() == balance && service.period == 1)
        let untold = try rent.node.read(rent.record) { try $0.untold([service], SeededRandom(seed: 1)) }
        #expect(untold == [])
        #expect(try rent.verifies().isSound)
    }
}
