import CallKit
import TestTenants
import Testing

@testable import TenantApp

/// Totals of days that do not say what the ledger says (O14).
@Suite struct TotalTamperingTests {
    static let harms = [
        Harm(
            "a reseller's day has sold more", "UPDATE day_total SET ordered = ordered + 1000000 WHERE grouping = 2",
            .ledger, "The totals by reseller of"),
        Harm(
            "what one reseller bought is another's",
            "UPDATE day_total SET group_id = 3 - group_id + 1000 WHERE grouping = 2", .ledger, "The totals by reseller of"),
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
}
