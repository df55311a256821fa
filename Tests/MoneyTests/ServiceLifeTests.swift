import CallKit
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct ServiceEnds {
    @Test("W9 a service ends with its term and is not charged again; taken back in time, it renews")
    func withTerm() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        let ids = try rent.order(.monthly, 3)
        for id in ids { try rent.own(id, .end) }
        #expect(try rent.service(ids[0]).endsAt?.text == "2026-02-10T10:00:00.000Z")
        #expect(try rent.service(ids[0]).renewsAt == nil)
        try rent.own(ids[1], .takeBack)
        try rent.change(ids[2], .cancel, .termEnd)
        #expect(throws: Refusal.self) { try rent.own(ids[2], .takeBack) }
        try rent.live(days: 40)
        #expect(try ids.map { try rent.service($0).state } == [.cancelled, .active, .cancelled])
        #expect(throws: Refusal.self) { try rent.own(ids[0], .takeBack) }
        #expect(try rent.balance() == 6_000)
        #expect(try rent.events(ids[0]).last == "cancelled 2026-02-10T10:00")
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 a service whose row cannot be read keeps no other from its hour, and what is damaged is not written to")
    func unreadable() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        let ids = try rent.order(.monthly, 4)
        for id in ids[..<2] { try rent.own(id, .end) }
        let damaged = [ids[0], ids[2]]
        func times() throws -> [[Int64?]] {
            try rent.node.read(rent.record) { tenant in
                try tenant.connection.rows(
                    "SELECT renews_at, next_at, ends_at FROM service WHERE discount_rate = -1 ORDER BY id"
                ) { row in try (0..<3).map { _ in try row.optionalInt() } }
            }
        }
        try rent.damage(damaged)
        let before = try times()
        try rent.live(days: 40)
        #expect(try [ids[1], ids[3]].map { try rent.service($0).state } == [.cancelled, .active])
        #expect(try rent.renewals(ids[3]) == ["2026-02-10T10:00:00.000Z"])
        #expect(try times() == before && before.count == 2)
        // Mended, both have their hour within a day: what was missed is done as of when it was due.
        try rent.damage(damaged, rate: 0)
        try rent.live(days: 1)
        #expect(try damaged.map { try rent.service($0).state } == [.cancelled, .active])
        #expect(try rent.renewals(ids[2]) == ["2026-02-10T10:00:00.000Z"])
        #expect(try rent.balance() == 10_000 - 6_000 && rent.verifies().isSound)
    }

    @Test("W9 behind many services whose rows cannot be read a sound one has its hour in the same run")
    func manyUnreadable() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(50_000)
        let ids = try rent.order(.monthly, 41)
        try rent.damage(ids.dropLast())
        rent.sleep(days: 32)
        // What is put off is done for today: nothing done while more is due would look like a failure.
        #expect(try rent.run(ChargeDueServices(.renewal), limit: 30) == 30)
        #expect(try rent.run(ChargeDueServices(.renewal), limit: 30) == 11)
        #expect(try rent.renewals(ids[40]) == ["2026-02-10T10:00:00.000Z"])
        #expect(try rent.run(ChargeDueServices(.renewal), limit: 30) == 0)
    }

    @Test("W9 where more rows cannot be read than are remembered, those behind them have their hour all the same")
    func crowded() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        let ids = try rent.order(.monthly, 4)
        try rent.damage(ids.dropLast())
        rent.sleep(days: 32)
        try rent.node.write(rent.record) { tenant, _ in
            for id in 0..<Int64(TenantMemory.entriesMax) {
                tenant.memory.unreadableServices.add(-1 - id, now: tenant.now)
            }
        }
        let renewals = ChargeDueServices(.renewal)
        func next() throws -> Timestamp? { try rent.node.read(rent.record) { try renewals.next($0) } }
        let first = try #require(try next())
        #expect(first <= rent.now)
        #expect(try rent.run(renewals, limit: 2) == 1)
        #expect(try rent.renewals(ids[3]) == ["2026-02-10T10:00:00.000Z"])
        // Those that are left are looked at again, though not at once.
        let again = try #require(try next())
        #expect(again > rent.now && again <= rent.now.adding(seconds: 600))
        rent.node.clock.set(again)
        let then = try #require(try next())
        #expect(then <= again)
    }

    @Test("W9 money that came in pays what is due behind more unreadable services than one transaction looks at")
    func unreadablePage() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        let count = PayDueServices.servicesMax + 2
        try rent.topUp(Int64(count) * 1_000)
        let ids = try rent.order(.monthly, Int64(count))
        try rent.live(until: "2026-02-11T00:00:00Z")
        try rent.damage(ids.dropLast(2))
        #expect(try rent.topUp(2_000).isEmpty)
        try rent.runDue()
        #expect(try rent.balance() == 0)
        #expect(try ids.suffix(2).map { try rent.service($0).state } == [.active, .active])
        try rent.damage(ids.dropLast(2), rate: 0)
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 W4 money that came in pays all that was due before it pays a new order")
    func dueBeforeNew() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(250_000)
        try rent.order(.monthly, 250)
        try rent.live(until: "2026-02-11T00:00:00Z")
        #expect(try rent.topUp(251_000).count == PayDueServices.servicesMax)
        // More waits than the order's own transaction has room for.
        #expect(throws: Refusal.unavailable(.payingDue)) { try rent.order(.monthly) }
        #expect(try rent.balance() == 151_000)
        #expect(try rent.run(ChargeDueServices(.renewal), limit: 60) == 60)
        try rent.order(.monthly)
        #expect(try rent.balance() == 0 && rent.count("renewal") == 250 && rent.count("payable") == 0)
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 cancelled while past due, it ends at once and owes nothing")
    func pastDue() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000)
        let id = try rent.order(.monthly)[0]
        try rent.live(until: "2026-02-12T00:00:00Z")
        try rent.own(id, .end)
        let service = try rent.service(id)
        #expect(service.state == .cancelled && service.endsAt == rent.now && service.pastDueSince == nil)
        #expect(try rent.topUp(5_000).isEmpty && rent.balance() == 5_000)
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 O10 what an operator suspended is not charged; resumed, its missed periods are, and no anchor moves")
    func suspended() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(3_500)
        let id = try rent.order(.monthly)[0]
        try rent.change(id, .suspend)
        try rent.live(until: "2026-04-20T00:00:00Z")
        #expect(try rent.balance() == 2_500 && rent.topUp(0 + 1).isEmpty)
        try rent.change(id, .resume)
        let service = try rent.service(id)
        #expect(service.state == .pastDue && service.period == 2 && service.pastDueSince == rent.now)
        #expect(try rent.balance() == 501)
        #expect(try rent.verifies().isSound)
    }

    @Test(
        "W9 a changed book changes no renewal; a repricing does, from the next period on, and is told and vouched for")
    func repriced() async throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z", rate: 100_000)
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        let id = try rent.order(.monthly)[0]
        try rent.sell(at: TermPrices(monthly: Money(micros: 99_000_000)))
        try rent.live(until: "2026-02-11T00:00:00Z")
        #expect(try rent.balance() == 10_000 - 1_800)
        func reprice(_ cents: Int64, dry: Bool) async throws -> RepriceServices.Result {
            let filter = RepriceFilter(
                resellerID: rent.resellers[0], productID: nil, term: .monthly, price: Money(micros: cents * 10_000),
                book: .live)
            let terms = TenantWrite(rent.record, of: rent.node.fleet, warrant: .node) { [clock = rent.node.clock] in
                AuditRecord(at: clock.now(), action: "POST /reprice", status: $0, requestID: .none, bytesOut: $1)
            }
            return try await RepriceServices(filter: filter, keyID: 0, isDryRun: dry)
                .run(Steps(terms, paidBy: .node))
        }
        let dry = try await reprice(2_000, dry: true)
        #expect(dry.count == 1 && dry.listed.first?.old.micros == 10_000_000)
        #expect(try rent.service(id).nextTermPrice == nil)
        #expect(try await reprice(2_000, dry: false).count == 1)
        #expect(try await reprice(2_000, dry: false).count == 0)
        #expect(try rent.events(id).last == "repriced 2026-02-11T00:00")
        try rent.live(until: "2026-04-11T00:00:00Z")
        #expect(try rent.balance() == 10_000 - 1_800 - 2 * 1_800)
        #expect(try rent.service(id).termPrice.micros == 20_000_000 && rent.service(id).nextTermPrice == nil)
        #expect(try rent.verifies().isSound)
    }
}

extension Rent {
    /// Another price for all services of a term, as the operator's API has it. Returns the first charge of it.
    fileprivate func reprice(_ term: Term, micros: Int64) throws -> Int64? {
        let filter = RepriceFilter(
            resellerID: nil, productID: nil, term: term, price: Money(micros: micros), book: .live)
        return try node.write(record, "POST /reprice") { tenant, detail in
            try RepriceServices(filter: filter, keyID: 0, isDryRun: false).change(tenant, after: 0, &detail).first?.from
        }
    }
}

@Suite struct RepricedLate {
    @Test("W9 a period that has begun keeps its price, though it is past due and paid after a repricing")
    func periods() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000)
        let id = try rent.order(.monthly)[0]
        try rent.live(until: "2026-02-12T00:00:00Z")
        #expect(try rent.service(id).state == .pastDue && rent.reprice(.monthly, micros: 20_000_000) == 2)
        #expect(try rent.verifies().isSound)
        #expect(try rent.topUp(6_000).map(\.amount.micros) == [10_000_000])
        #expect(try rent.service(id).termPrice.micros == 10_000_000)
        // A second price before the first one holds.
        #expect(try rent.reprice(.monthly, micros: 30_000_000) == 2)
        try rent.live(until: "2026-03-11T00:00:00Z")
        #expect(try rent.balance() == 2_000 && rent.service(id).nextTermPrice == nil)
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 a period that is owed gets cheaper by a repricing, and so do those behind it")
    func cheaper() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(1_000)
        let id = try rent.order(.monthly)[0]
        try rent.live(until: "2026-02-12T00:00:00Z")
        #expect(try rent.reprice(.monthly, micros: 20_000_000) == 2)
        #expect(try rent.reprice(.monthly, micros: 4_000_000) == 1)
        #expect(try rent.verifies().isSound)
        #expect(try rent.topUp(1_000).map(\.amount.micros) == [4_000_000])
        try rent.live(until: "2026-03-11T00:00:00Z")
        #expect(try rent.balance() == 200 && rent.service(id).nextTermPrice == nil)
        #expect(try rent.verifies().isSound)
    }

    @Test("W9 W3 hours that ran before a repricing keep their price, though they are paid after it")
    func hours() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(30)
        let id = try rent.order(.hourly)[0]
        try rent.topUp(-30)
        try rent.live(until: "2026-01-15T12:00:00Z")
        // Five days are due and the sixth runs.
        #expect(try rent.service(id).state == .pastDue && rent.reprice(.hourly, micros: 100_000) == 7)
        try rent.topUp(10_000)
        #expect(try rent.service(id).period == 5 && rent.balance() == 10_000 - 148)
        try rent.live(until: "2026-01-16T10:00:00Z")
        #expect(try rent.balance() == 10_000 - 178)
        #expect(try rent.service(id).termPrice.micros == 100_000 && rent.service(id).nextTermPrice == nil)
        try rent.live(until: "2026-01-17T10:00:00Z")
        #expect(try rent.balance() == 10_000 - 418)
        #expect(try rent.verifies().isSound)
    }
}

@Suite struct HourlyServices {
    @Test("W3 hours are charged each day: what they come to, rounded once, less what was charged")
    func daily() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z", rate: 12_345)
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        let id = try rent.order(.hourly)[0]
        let unit: Int64 = 12_345 * (1_000_000 - 12_345)
        for day in 1...45 as ClosedRange<Int64> {
            try rent.live(days: 1)
            let rounded = (unit * 24 * day + 5_000_000_000) / 10_000_000_000
            #expect(try rent.balance() == 10_000 - rounded)
        }
        #expect(try rent.service(id).period == 45)
        // Two hours and a millisecond: three hours have begun.
        rent.node.clock.advance(milliseconds: 2 * 3_600_000 + 1)
        try rent.change(id, .cancel)
        // The last charge is rounded up.
        let rounded = (unit * (24 * 45 + 3) + 9_999_999_999) / 10_000_000_000
        #expect(try rent.balance() == 10_000 - rounded)
        #expect(try rent.verifies().isSound)
    }

    @Test("W3 accrual stops at suspension and goes on at resumption, no hour twice")
    func paused() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        let id = try rent.order(.hourly)[0]
        rent.node.clock.advance(seconds: 5 * 3600 + 600)
        try rent.change(id, .suspend)
        #expect(try rent.balance() == 10_000 - 7)
        #expect(try rent.service(id).accruedHours == 6)
        try rent.live(days: 3)
        #expect(try rent.balance() == 10_000 - 7)
        rent.node.clock.advance(seconds: 60)
        try rent.change(id, .resume)
        rent.node.clock.advance(seconds: 60)
        try rent.change(id, .suspend)
        try rent.change(id, .resume)
        // The hour that has begun was counted already.
        rent.node.clock.advance(seconds: 30 * 60)
        try rent.change(id, .suspend)
        #expect(try rent.service(id).accruedHours == 7)
        #expect(try rent.verifies().isSound)
    }

    @Test("W3 W9 a charge of hours that fails is the first try; unpaid for seven days they stop, and money starts them")
    func unpaid() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(75)
        let id = try rent.order(.hourly)[0]
        try rent.live(until: "2026-01-13T10:00:00Z")
        // 29.628 cents a day: 30, 29 and no third.
        #expect(try rent.balance() == 16 && rent.service(id).state == .pastDue)
        try rent.live(until: "2026-01-25T00:00:00Z")
        let service = try rent.service(id)
        #expect(service.state == .suspended && service.accruedHours == 24 * 10)
        #expect(try rent.topUp(100).isEmpty)
        #expect(try rent.topUp(500).map(\.amount.micros) == [2_370_000])
        #expect(try rent.service(id).state == .active)
        #expect(try rent.service(id).renewsAt?.text == "2026-01-25T10:00:00.000Z")
        try rent.live(until: "2026-01-25T10:00:00Z")
        #expect(try rent.service(id).accruedHours == 24 * 10 + 10)
        #expect(try rent.verifies().isSound)
    }

    @Test(
        "W10 W9 W3 service.past_due and service.suspended say what paying the service costs then",
        arguments: [
            (Term.hourly, Int64(75), Int64(3), ["0.30", "2.37"]), (.monthly, 1_000, 31, ["10.00", "10.00"]),
        ])
    func owed(term: Term, cents: Int64, days: Int64, amounts: [String]) throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(cents)
        let id = try rent.order(term)[0]
        for (state, days, amount) in [(ServiceState.pastDue, days, amounts[0]), (.suspended, 8, amounts[1])] {
            try rent.live(days: days)
            #expect(try rent.service(id).state == state)
            let told = try rent.node.read(rent.record) { tenant in
                try tenant.connection.rows(
                    "SELECT body FROM event WHERE type = ?1", .text("service.\(state.rawValue)")
                ) { try $0.text() }
            }
            #expect(told.map { $0.contains("\"amount\":\"\(amount)\"") } == [true], "\(told)")
            do {
                try rent.pay(id)
                Issue.record("There was money.")
            } catch Refusal.insufficientBalance(let required, _, _) {
                #expect(try required == Money(parsing: amount))
            }
        }
        #expect(try rent.verifies().isSound)
    }

    @Test("W3 no hours are free, however few and cheap: what a service's hours come to is rounded up at its end, once")
    func few() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        // Half a cent an hour and less: fifty that are replaced within their first hour cost fifty cents.
        try rent.sell(at: TermPrices(hourly: Money(micros: 4_500)))
        let replaced = try rent.order(.hourly, 50)
        let tried = try rent.order(.hourly, book: .test)
        rent.node.clock.advance(seconds: 60)
        for id in replaced + tried { try rent.change(id, .cancel) }
        #expect(try rent.balance() == 10_000 - 50)
        #expect(try rent.count("hourly_charge WHERE book = 1 AND amount = 10000") == 1)
        // A suspension is no end; an end without another hour rounds up what there is.
        let paused = try rent.order(.hourly)[0]
        rent.node.clock.advance(seconds: 60)
        try rent.change(paused, .suspend)
        #expect(try rent.balance() == 10_000 - 50)
        try rent.change(paused, .cancel)
        #expect(try rent.balance() == 10_000 - 51 && rent.service(paused).period == 2)
        // What is whole is not rounded.
        let whole = try rent.order(.hourly)[0]
        rent.node.clock.advance(seconds: 20 * 3600)
        try rent.change(whole, .cancel)
        #expect(try rent.balance() == 10_000 - 60)
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
    }

    @Test("W3 O10 an hourly service has a next charge while its hours run and it does not end, and else none")
    func nextCharge() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        let ids = try rent.order(.hourly, 2)
        rent.node.clock.advance(seconds: 60)
        for id in ids {
            try rent.own(id, .end)
            try rent.change(id, .suspend)
        }
        try rent.change(ids[0], .resume)
        let ending = try rent.service(ids[0])
        #expect(ending.state == .active && ending.endsAt?.text == "2026-01-10T11:00:00.000Z")
        #expect(ending.renewsAt == nil)
        try rent.own(ids[1], .takeBack)
        let paused = try rent.service(ids[1])
        #expect(paused.state == .suspended && paused.endsAt == nil && paused.renewsAt == nil)
        try rent.live(days: 2)
        #expect(try rent.service(ids[0]).state == .cancelled)
        #expect(try rent.service(ids[1]).renewsAt == nil)
        try rent.change(ids[1], .resume)
        #expect(try rent.service(ids[1]).renewsAt?.text == "2026-01-13T10:00:00.000Z")
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
    }

    @Test("G5 W3 a file of before verifies, in which a service's last hours were rounded half up")
    func before() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(100)
        let id = try rent.order(.hourly)[0]
        rent.node.clock.advance(seconds: 60)
        try rent.change(id, .suspend)
        // An end without another hour charged nothing.
        try rent.node.write(rent.record) { tenant, _ in
            var service = try tenant.knownService(id)
            service.state = .cancelled
            service.endsAt = tenant.now
            service.suspendedBy = nil
            try tenant.save(service)
            try tenant.addUnits(-1, resellerID: service.resellerID, productID: service.productID, book: service.book)
            try tenant.emitService(.serviceCancelled, service)
        }
        #expect(try rent.balance() == 99)
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
    }

    @Test("W3 what an ended service owes is taken when there is money")
    func debt() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-10T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(30)
        let id = try rent.order(.hourly)[0]
        try rent.topUp(-30)
        rent.node.clock.advance(seconds: 9 * 3600 + 60)
        try rent.own(id, .end)
        #expect(try rent.service(id).state == .active)
        #expect(try rent.service(id).endsAt?.text == "2026-01-10T20:00:00.000Z")
        try rent.live(until: "2026-01-10T20:00:00Z")
        #expect(try rent.service(id).state == .cancelled && rent.service(id).pastDueSince == rent.now)
        try rent.live(days: 9)
        #expect(try rent.nextDue() == nil)
        // 12.345 cents, rounded up.
        #expect(try rent.topUp(100).map(\.amount.micros) == [130_000])
        #expect(try rent.service(id).state == .cancelled && rent.balance() == 87)
        #expect(try rent.verifies().isSound)
    }
}
