import Cryptography
import SQLite
import Testing

@testable import TenantRegistry

/// What tenants use of the node is counted once (P9).
@Suite struct MeterTests {
    private let november = Timestamp(month: 2026 * 12 + 10)

    private func sale(_ orders: Int64, _ turnover: Int64, at instant: Timestamp) -> MeterTallies {
        var tallies = MeterTallies()
        tallies.add(MeteredSale(orders: orders, turnover: turnover), at: instant)
        return tallies
    }

    private func head(_ sequence: Int64, incarnation: Int64 = 1) -> AuditHead {
        AuditHead(incarnation: incarnation, sequence: sequence, hash: .zero)
    }

    @Test("P9 a month begins and ends at midnight UTC, and what is told of several months is added to each")
    func months() {
        #expect(november.text == "2026-11-01T00:00:00.000Z" && november.monthNumber == 2026 * 12 + 10)
        var tallies = MeterTallies()
        let december = Timestamp(month: november.monthNumber + 1)
        for at in [november, december.adding(milliseconds: -1), december, november.adding(milliseconds: -1)] {
            tallies.add(MeteredSale(orders: 1, turnover: 5), at: at)
        }
        tallies.add(tallies)
        let orders = tallies.months.map { ($0.number - november.monthNumber, $0.tally.orders) }
        #expect(orders.map(\.0) == [0, 1, -1] && orders.map(\.1) == [4, 2, 2])
    }

    @Test("P9 calls are counted by keys and sessions alone, a flood by its count, and what was refused apart")
    func calls() throws {
        var tallies = MeterTallies()
        for (key, status, count) in [(1, 200, 1), (1, 429, 7), (0, 401, 3), (2, 399, 1), (2, 400, 1), (3, 200, 0)] {
            var record = AuditRecord(at: november, action: "GET /x", status: status, requestID: .none)
            record.keyID = Int64(key)
            record.count = count
            tallies.count(record)
        }
        let tally = try #require(tallies.months.first?.tally)
        #expect(tally.requests == 10 && tally.refusals == 8)
    }

    @Test("P9 rows that nobody counted are a gap until they are; nothing is saved before")
    func gap() {
        let (meter, tenant) = (TenantMeter(), TenantID(high: 1, low: 1))
        meter.start(saved: MeterMark(incarnation: 1, sequence: 10), stands: [:])
        #expect(!meter.isDirty)
        meter.opened(head(14))
        #expect(meter.gap == 11...14 && meter.isDirty && meter.take(of: tenant) == nil)
        meter.add(sale(1, 5, at: november), upTo: head(15))
        meter.fill(11...14, with: sale(2, 7, at: november))
        let save = meter.take(of: tenant)
        #expect(save?.tallies.months.first?.tally.orders == 3 && save?.to == MeterMark(incarnation: 1, sequence: 15))
    }

    @Test("P9 a commit that came back after a fence is a gap; another incarnation of the file is none")
    func reopened() {
        let (meter, tenant) = (TenantMeter(), TenantID(high: 1, low: 1))
        meter.start(saved: nil, stands: [:])
        meter.opened(head(100))
        #expect(meter.gap == nil, "a tenant that was never counted is counted from here on")
        meter.add(sale(1, 1, at: november), upTo: head(101))
        meter.opened(head(103))
        #expect(meter.gap == 102...103)
        meter.opened(head(60, incarnation: 2))
        #expect(meter.gap == nil && meter.take(of: tenant)?.to == MeterMark(incarnation: 2, sequence: 60))
    }

    @Test("G7 a backlog that has changed since it was counted is saved as one that the next start asks for")
    func backlog() {
        let (backlog, tenant) = (TenantBacklog(), TenantID(high: 1, low: 1))
        #expect(!backlog.isDirty && backlog.take(of: tenant) == nil)
        backlog.found(Backlog(held: 3, dead: 1))
        #expect(backlog.isDirty && backlog.take(of: tenant)?.backlog == Backlog(held: 3, dead: 1))
        backlog.saved(Backlog(held: 3, dead: 1))
        #expect(!backlog.isDirty && backlog.take(of: tenant) == nil)
        backlog.change()
        let save = backlog.take(of: tenant)
        #expect(backlog.isStale && save != nil && save?.backlog == nil)
        #expect(backlog.now == Backlog(held: 3, dead: 1), "until the file was asked")
        let later = TenantBacklog()
        later.start(.unknown)
        #expect(later.isStale)
        later.found(Backlog(dead: 2))
        #expect(later.isDirty && later.now == Backlog(dead: 2))
        later.start(.known(Backlog(held: 9)))
        #expect(!later.isDirty && later.now == Backlog(held: 9))
        later.forget()
        #expect(later.now == Backlog())
    }

    @Test("P9 a save under way is the same until it is done, and what comes meanwhile is saved behind it")
    func pending() {
        let (meter, tenant) = (TenantMeter(), TenantID(high: 1, low: 1))
        meter.add(sale(1, 1, at: november), upTo: head(1))
        let first = meter.take(of: tenant)
        meter.add(sale(2, 2, at: november), upTo: head(2))
        #expect(meter.take(of: tenant)?.to == first?.to)
        if let first { meter.saved(first) }
        let second = meter.take(of: tenant)
        #expect(second?.tallies.months.first?.tally.orders == 2 && second?.to.sequence == 2)
        if let second { meter.saved(second) }
        _ = meter.look([], month: 1)
        #expect(!meter.isDirty && meter.take(of: tenant) == nil)
    }

    @Test("P9 a save that is sent again, because its outcome was unknown, is added once")
    func once() throws {
        let tenant = TenantID(high: 1, low: 2)
        let table = try usageTable(of: tenant)
        defer { table.connection.close() }
        func mark(_ sequence: Int64) -> MeterMark { MeterMark(incarnation: 1, sequence: sequence) }
        func save(from: Int64, to: Int64) throws -> [MeterMark?] {
            let save = MeterSave(tenant: tenant, from: mark(from), to: mark(to), tallies: sale(1, 5, at: november))
            return try table.save(UsageSave(month: november.monthNumber, tallies: [save])).map(\.1)
        }
        for (from, to) in [(4, 9), (4, 9), (9, 12), (9, 12)] as [(Int64, Int64)] {
            #expect(try save(from: from, to: to) == [])
        }
        // What another node counted meanwhile is neither counted again nor taken back.
        #expect(try save(from: 4, to: 11) == [mark(12)])
        let rows = try table.page(.month(november.monthNumber, tenant: nil), after: nil, limit: 9)
        #expect(rows.map(\.tally.orders) == [2] && rows.map(\.tally.turnover) == [10])
        #expect(try save(from: 12, to: 13) == [], "the mark is where it was")
    }

    /// With a tenant in it that is counted up to row 4.
    private func usageTable(of tenant: TenantID) throws -> UsageTable {
        let connection = try Connection(path: ":memory:", flags: [.readWrite, .create])
        try connection.execute(
            """
            CREATE TABLE metered_tenant (tenant_id BLOB PRIMARY KEY, slug TEXT, currency TEXT, mark_incarnation INTEGER,
                mark_sequence INTEGER) STRICT, WITHOUT ROWID;
            CREATE TABLE usage_month (tenant_id BLOB, month INTEGER, requests INTEGER DEFAULT 0,
                refusals INTEGER DEFAULT 0, orders INTEGER DEFAULT 0, turnover INTEGER DEFAULT 0,
                bytes INTEGER DEFAULT 0, PRIMARY KEY (tenant_id, month)) STRICT, WITHOUT ROWID;
            """)
        try connection.run("INSERT INTO metered_tenant VALUES (?1, 'acme', 'EUR', 1, 4)", .blob(tenant.bytes))
        return UsageTable(connection: connection)
    }

    @Test(
        "P9 turnover past what a number holds stays at its end, in memory and in the registry",
        arguments: [1, -1] as [Int64])
    func ends(sign: Int64) throws {
        let (end, tenant) = (sign < 0 ? Int64.min : .max, TenantID(high: 1, low: 2))
        var tallies = sale(1, end, at: november)
        tallies.add(sale(1, sign, at: november))
        #expect(tallies == sale(2, end, at: november))
        let table = try usageTable(of: tenant)
        defer { table.connection.close() }
        for sequence in [4, 5] as [Int64] {
            let save = MeterSave(
                tenant: tenant, from: MeterMark(incarnation: 1, sequence: sequence),
                to: MeterMark(incarnation: 1, sequence: sequence + 1), tallies: tallies)
            #expect(try table.save(UsageSave(month: november.monthNumber, tallies: [save])).isEmpty)
        }
        let rows = try table.page(.month(november.monthNumber, tenant: nil), after: nil, limit: 9)
        #expect(rows.map(\.tally.turnover) == [end] && rows.map(\.tally.orders) == [4])
    }

    @Test("P9 N3 where the registry counts up to another place than was known, the rest is counted from the chain")
    func elsewhere() throws {
        let (meter, tenant) = (TenantMeter(), TenantID(high: 1, low: 1))
        meter.start(saved: MeterMark(incarnation: 1, sequence: 10), stands: [:])
        meter.opened(head(10))
        meter.add(sale(4, 4, at: november), upTo: head(14))
        let save = try #require(meter.take(of: tenant))
        #expect(save.from == MeterMark(incarnation: 1, sequence: 10))
        meter.add(sale(1, 1, at: november), upTo: head(15))
        meter.recount(from: MeterMark(incarnation: 1, sequence: 12), insteadOf: save)
        #expect(meter.gap == 13...15 && meter.take(of: tenant) == nil)
        meter.fill(13...15, with: sale(3, 3, at: november))
        let next = try #require(meter.take(of: tenant))
        #expect(next.from?.sequence == 12 && next.to.sequence == 15 && next.tallies == sale(3, 3, at: november))
        // Of another incarnation no rows tell: what was counted is added there.
        meter.recount(from: MeterMark(incarnation: 2, sequence: 3), insteadOf: next)
        #expect(meter.take(of: tenant)?.tallies == next.tallies)
        meter.forget()
        meter.recount(from: nil, insteadOf: next)
        #expect(meter.take(of: tenant) == nil, "it is another node's by now")
    }

    @Test("P9 each level of a quota is told once, and again in another month or under another quota")
    func levels() {
        var stand = QuotaStand()
        func look(_ used: Int64, _ most: Int64 = 10, _ month: Int64 = 1) -> [Int64] {
            stand.look(QuotaUse(.keys, used: used, most: most), month: month)
        }
        #expect(look(7) == [] && look(8) == [80] && look(9) == [] && look(10) == [100] && look(12) == [])
        #expect(look(0) == [] && look(10) == [], "it swings")
        #expect(look(0) == [] && look(10, 10, 2) == [80, 100], "another month")
        #expect(look(0, 10, 2) == [] && look(20, 20, 2) == [80, 100], "another quota")
        #expect(look(0, 0, 2) == [], "a quota of nothing")
        #expect(QuotaUse(.keys, used: 4, most: 5).level == 80 && QuotaUse(.keys, used: 3, most: 4).level == 0)
    }
}
