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
        try rent.node.write(rent.record) { [id = rent.resellers[0]] tenant, _ in
            guard let product = try tenant.product(sku: "room") else { throw Refusal.defect }
            try tenant.savePrice(
                PriceRow(terms: TermPrices(monthly: Money(micros: 99_000_000)), setupFee: nil),
                resellerID: id, productID: product.id)
        }
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
        let rounded = (unit * (24 * 45 + 3) + 5_000_000_000) / 10_000_000_000
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
        #expect(try rent.topUp(100).map(\.amount.micros) == [120_000])
        #expect(try rent.service(id).state == .cancelled && rent.balance() == 88)
        #expect(try rent.verifies().isSound)
    }
}
