import CallKit
import HTTPCore
import SQLite
import TenantApp
import TenantRegistry
import TestTenants
import Testing

@Suite struct CreditRules {
    private static func report(_ ref: String, _ micros: Int64, meta: String? = nil) throws -> CreditReport {
        CreditReport(
            kind: .topup, amount: Money(micros: micros), externalRef: ref,
            meta: try meta.map { try JSON.parse(Array($0.utf8)) })
    }

    @Test("C3 the content is kind, amount and meta; the order of meta's members is none of it")
    func content() throws {
        let first = try Self.report("a", 5, meta: #"{"x":{"p":1,"q":[1,2]},"y":null}"#)
        #expect(first.content == (try Self.report("b", 5, meta: #"{"y":null,"x":{"q":[1,2],"p":1}}"#).content))
        for other in [#"{"x":{"p":1,"q":[2,1]},"y":null}"#, #"{"x":{"p":1,"q":[1,2]}}"#, nil] {
            #expect(first.content != (try Self.report("a", 5, meta: other).content))
        }
        #expect(first.content != (try Self.report("a", 6, meta: #"{"x":{"p":1,"q":[1,2]},"y":null}"#).content))
    }

    private static func withEvents(_ body: (TestFolder, TestNode, Shop, TestKey) throws -> Void) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let shop = try Shop.open(node)
        let key = try node.mint(shop.record, reseller: shop.resellerIDs[0])
        try body(folder, node, shop, key)
    }

    private static func credit(
        _ node: TestNode, _ shop: Shop, _ key: TestKey, _ report: CreditReport, book: Book = .live
    ) throws -> ReportCredit.Outcome {
        try node.write(shop.record, book: book) { tenant, detail in
            try ReportCredit(report: report, resellerID: shop.resellerIDs[0], keyID: key.id, book: book)
                .run(tenant, &detail)
        }
    }

    @Test("C3 a reference of a key is one event for ever; a difference is kept once and one review is open on it")
    func differences() throws {
        try Self.withEvents { _, node, shop, key in
            guard case .recorded(let id) = try Self.credit(node, shop, key, Self.report("a", 5)) else {
                Issue.record("not recorded")
                return
            }
            for micros in [5, 6, 6, 7, 5] as [Int64] {
                #expect(try Self.credit(node, shop, key, Self.report("a", micros)) == .duplicate)
            }
            let (kept, reviews) = try node.read(shop.record) { tenant in
                let event = try tenant.creditEvent(publicID: id)
                return (
                    try tenant.creditDifferences(ofEvent: event?.id ?? 0, limit: 10).map(\.amount.micros),
                    try tenant.reviews(resellerID: nil, book: .live, state: .open, before: .max, limit: 10)
                )
            }
            #expect(kept == [6, 7])
            #expect(reviews.map(\.subject) == [id])
            #expect(try Self.credit(node, shop, key, Self.report("a", 9), book: .test) != .duplicate)
            #expect(try Verifier(path: try node.export(shop.record)).run().findings == [])
        }
    }

    @Test(
        "C4 an event that was changed, removed or added with an SQLite shell shows, and triggers refuse it",
        arguments: [
            ("UPDATE credit_event SET amount = 1 WHERE external_ref = 'a'", "not as audit row"),
            ("UPDATE credit_difference SET amount = 1", "not as audit row"),
            ("DELETE FROM credit_difference", "changed, or missing"),
            ("DELETE FROM credit_event WHERE external_ref = 'b'", "changed, or missing"),
            (
                "INSERT INTO credit_event SELECT 9, 'ev_9', book, key_id, reseller_id, kind, 1, 'z', meta, content, at "
                    + "FROM credit_event LIMIT 1", "No audit row vouches"
            ),
        ])
    func tampering(sql: String, words: String) throws {
        try Self.withEvents { folder, node, shop, key in
            for (ref, micros) in [("a", 5), ("b", 6), ("a", 7)] as [(String, Int64)] {
                _ = try Self.credit(node, shop, key, Self.report(ref, micros))
            }
            let path = try folder.copy(try node.export(shop.record), to: "copy.sqlite")
            #expect(try Verifier(path: path).run().findings == [])
            if !sql.hasPrefix("INSERT") {
                #expect(throws: SQLiteError.self) { try DataFolder.edit(path) { try $0.execute(sql) } }
            }
            try DataFolder.tamper(path, sql)
            let texts = try Verifier(path: path).run().findings.map(\.text)
            #expect(texts.contains { $0.contains(words) }, "\(texts)")
        }
    }
}
