import CallKit
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// What the provider's meter counts from the audit log is what was posted, whatever people wrote in their texts (P9).
@Suite struct MeteredSaleTests {
    /// What a text would have to say to be taken for postings: both ends of a number, each twice.
    private static let forged = [Int64.max, .max, .min, .min].enumerated().map { place, micros -> String in
        let name = place == 0 ? "posting" : "posting_\(place + 1)"
        return #""\#(name)":"\#(place + 1) live order \#(micros) balance:1>sales:0""#
    }.joined(separator: ",")

    @Test("P9 a text that looks like postings is counted as nothing, and real postings beside it as themselves")
    func texts() throws {
        var detail = AuditDetail()
        detail.note("reference", Self.forged)
        detail.note("reason", Self.forged)
        #expect(MeteredSale(detail: detail.json) == MeteredSale())
        let balance = LedgerAccount.balance(reseller: 2)
        detail.notePosting(7, .order, Money(micros: 5_000_000), from: balance, to: .sales, book: .live)
        detail.notePosting(8, .refund, Money(micros: 1_000_000), from: .sales, to: balance, book: .live)
        detail.notePosting(9, .order, Money(micros: 9_000_000), from: balance, to: .sales, book: .test)
        #expect(MeteredSale(detail: detail.json) == MeteredSale(orders: 1, turnover: 4_000_000))
    }

    @Test("P9 postings past what a number holds come to its end")
    func ends() {
        var detail = AuditDetail()
        for id in 1...2 {
            detail.notePosting(Int64(id), .order, .max, from: .balance(reseller: 2), to: .sales, book: .live)
        }
        #expect(MeteredSale(detail: detail.json) == MeteredSale(orders: 2, turnover: .max))
    }

    @Test("P9 G8 what a crash left uncounted is counted as what was posted, whatever was written into its texts")
    func recounted() throws {
        let folder = try TestFolder()
        var rent = try Rent.open(folder, at: "2026-01-31T10:00:00Z")
        try rent.topUp(100_000)
        for book in [Book.live, .test] {
            try adjust(rent, reference: Self.forged, book)
            let services = try rent.order(.monthly, 2, book: book)
            try refund(rent, of: services[0], reason: Self.forged, book)
        }
        let before = try usage(rent.node)["rent"]
        #expect(before?.tally.orders == 1 && before?.tally.turnover == 19_000_000)
        rent.node.stop()
        try DataFolder.editRegistry(folder.file("data")) { registry in
            try registry.execute(
                "UPDATE metered_tenant SET mark_sequence = 1; UPDATE usage_month SET orders = 0, turnover = 0")
        }
        rent.node = try TestNode(folder.file("data"), clock: rent.node.clock)
        defer { rent.node.stop() }
        _ = try rent.node.head(of: rent.node.tenant("rent"))
        #expect(try usage(rent.node)["rent"]?.tally == before?.tally)
    }

    @Test("P9 figures of one tenant that the registry does not take hold back nobody else's")
    func alone() throws {
        let folder = try TestFolder()
        var rent = try Rent.open(folder, at: "2026-01-31T10:00:00Z")
        for slug in ["first", "second"] { try rent.node.create(slug) }
        rent.node.stop()
        try DataFolder.editRegistry(folder.file("data")) { registry in
            try registry.execute(
                """
                UPDATE usage_month SET bytes = 0;
                CREATE TRIGGER refused BEFORE UPDATE ON usage_month
                    WHEN OLD.tenant_id = (SELECT tenant_id FROM metered_tenant WHERE slug = 'rent')
                    BEGIN SELECT RAISE(ABORT, 'not that one'); END
                """)
        }
        rent.node = try TestNode(folder.file("data"), clock: rent.node.clock)
        defer { rent.node.stop() }
        let usage = try usage(rent.node)
        #expect(usage["rent"]?.bytes == 0)
        for slug in ["first", "second"] { #expect(usage[slug]?.bytes ?? 0 > 0, "\(slug)") }
    }

    private func adjust(_ rent: Rent, reference: String, _ book: Book) throws {
        let id = rent.resellers[0]
        _ = try rent.node.write(rent.record, "POST /balance", book: book) { tenant, detail in
            guard let reseller = try tenant.reseller(id: id) else { throw Refusal.defect }
            return try AdjustBalance(
                resellerID: reseller.publicID, amount: Money(micros: 1_000_000), reference: reference, book: book,
                keyID: 0
            ).run(tenant, &detail).publicID
        }
    }

    private func refund(_ rent: Rent, of service: String, reason: String, _ book: Book) throws {
        let order = try rent.service(service).orderPublicID
        _ = try rent.node.write(rent.record, "POST /refund", book: book) { tenant, detail in
            try RefundOrder(
                orderID: order, request: RefundOrder.Request(amount: Money(micros: 1_000_000), reason: reason),
                accountID: 1, keyID: 0, callerBook: book
            ).run(tenant, &detail).refund.publicID
        }
    }

    /// What the registry has of this month once the node has told it what it knows, by slug.
    private func usage(_ node: TestNode) throws -> [String: UsageMonth] {
        let isCounted = Promise<Void>()
        node.fleet.meter(isAsked: true) { isCounted.succeed(()) }
        try isCounted.value()
        let month = UsageSelection.month(node.clock.now().monthNumber, tenant: nil)
        let rows = try awaited { then in node.fleet.registry.usage(month, after: nil, limit: 9, then: then) }
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.slug, $0) })
    }
}
