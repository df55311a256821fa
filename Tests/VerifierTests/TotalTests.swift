import CallKit
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// Totals of days: what they count, and that `verify` finds them out where they do not say what the ledger says (O14).
@Suite struct TotalTests {
    static let harms = [
        Harm(
            "a reseller's day has sold more", "UPDATE day_total SET ordered = ordered + 1000000 WHERE grouping = 2",
            .ledger, "The totals by reseller of"),
        Harm(
            "what one reseller bought is another's",
            "UPDATE day_total SET group_id = 3 - group_id + 1000 WHERE grouping = 2", .ledger,
            "The totals by reseller of"),
        Harm(
            "a product's day is gone", "DELETE FROM day_total WHERE grouping = 1", .ledger, "The totals by product of"),
        Harm(
            "a balance at the end of a day is larger", "UPDATE day_total SET balance = balance + 1 WHERE grouping = 0",
            .ledger, "balances that are not those of the day before"),
        Harm(
            "postings are to be counted again", "UPDATE ledger_mark SET posting_id = 1", .ledger,
            "The totals by tenant of"),
        Harm(
            "postings are said to be counted that are to come", "UPDATE ledger_mark SET posting_id = 1000", .ledger,
            "counts postings that the ledger does not have"),
        Harm("nothing says what is counted", "DELETE FROM ledger_mark", .ledger, "counts postings"),
        Harm(
            "a day stands in another month", "UPDATE day_total SET month = month + 1 WHERE grouping = 0", .ledger,
            "The totals by tenant of"),
    ]

    @Test("O14 verify finds totals that do not say what the ledger says", arguments: harms)
    func tampered(_ harm: Harm) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let shop = try Shop.open(node)
        try shop.trade()
        for _ in 0..<10 { _ = try node.write(shop.record) { tenant, _ in try tenant.followLedger(limit: 3) } }
        let path = try folder.copy(try node.export(shop.record), to: "export.sqlite")
        #expect(try Verifier(path: path).run().findings == [])
        try DataFolder.tamper(path, harm.sql)
        let report = try Verifier(path: path, judgesSeal: false).run()
        #expect(report.findings.contains { $0.invariant == harm.invariant && $0.text.contains(harm.words) })
    }

    /// Each line of a report as `day turnover balance held`, in whole units, days since the first.
    private static func lines(_ shop: Shop, _ kind: LedgerReport.Kind, from first: Int64) throws -> [String] {
        try shop.node.read(shop.record) { tenant in
            let report = LedgerReport(kind, by: .day, of: .tenant, from: first, through: first + 30)
            return try tenant.reportStretch(report, behind: .start).lines.map { line in
                let total = line.total
                let amounts = [total.turnover, total.balance, total.held].map { String($0 / 1_000_000) }
                return "\(line.place.period - first) \(amounts.joined(separator: " "))"
            }
        }
    }

    private static func open(_ body: (Shop, _ today: Int64) throws -> Void) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        try body(try Shop.open(node), ReportPeriod.day(of: node.clock.now()))
        #expect(try Verifier(path: try node.export(try node.tenant("shop"))).run().findings == [])
    }

    private static func follow(_ shop: Shop) throws {
        for _ in 0..<3 { _ = try shop.node.write(shop.record) { tenant, _ in try tenant.followLedger() } }
    }

    @Test("O14 a report of days to come has no line, whoever still has a balance")
    func daysToCome() throws {
        try Self.open { shop, today in
            try shop.topUp(shop.resellerIDs[0], units: 100)
            try Self.follow(shop)
            for kind in LedgerReport.Kind.allCases {
                let report = LedgerReport(kind, by: .day, of: kind.groupings[0], from: today + 1, through: today)
                let stretch = try shop.node.read(shop.record) { try $0.reportStretch(report, behind: .start) }
                #expect(stretch.lines.isEmpty && stretch.next == nil)
            }
        }
    }

    @Test("O14 turnover is what was captured, on the day of its posting, of the live book alone, and counted once")
    func turnover() throws {
        try Self.open { shop, today in
            let reseller = shop.resellerIDs[0]
            try shop.topUp(reseller, units: 100)
            try shop.order(reseller, quantity: 1)
            let held = try shop.order(reseller, "manual", quantity: 1)
            try shop.order(reseller, quantity: 3, book: .test)
            try Self.follow(shop)
            let first = try Self.lines(shop, .turnover, from: today)
            shop.node.clock.advance(seconds: 86_400)
            try shop.decide(held, .activate())
            try Self.follow(shop)
            let lines = try Self.lines(shop, .turnover, from: today)
            #expect(lines.count == 2 && lines.first == first.first && first.count == 1)
            let charged = try shop.node.read(shop.record) { tenant in
                try tenant.connection.rows(
                    """
                    SELECT e.amount FROM posting p JOIN entry e ON e.posting_id = p.id
                    WHERE p.book = 0 AND e.amount > 0 AND p.kind IN ('order', 'capture') ORDER BY p.id
                    """
                ) { try $0.int() / 1_000_000 }
            }
            #expect(lines.map { $0.split(separator: " ")[1] } == charged.map { Substring(String($0)) })
            let holds = try Self.lines(shop, .holds, from: today)
            #expect(holds.map { $0.split(separator: " ")[3] } == [Substring(String(charged[1])), "0"])
        }
    }

    @Test("O14 a clock that is set back changes the balances of the days that were counted already")
    func clockSetBack() throws {
        try Self.open { shop, today in
            let reseller = shop.resellerIDs[0]
            try shop.topUp(reseller, units: 10)
            shop.node.clock.advance(seconds: 3 * 86_400)
            try shop.topUp(reseller, units: 4)
            try Self.follow(shop)
            #expect(
                try Self.lines(shop, .balances, from: today).prefix(4) == [
                    "0 0 10 0", "1 0 10 0", "2 0 10 0", "3 0 14 0",
                ])
            shop.node.clock.advance(seconds: -2 * 86_400)
            try shop.topUp(reseller, units: 1)
            try Self.follow(shop)
            #expect(
                try Self.lines(shop, .balances, from: today).prefix(4) == [
                    "0 0 10 0", "1 0 11 0", "2 0 11 0", "3 0 15 0",
                ])
            shop.node.clock.advance(seconds: 3 * 86_400)
        }
    }
}
