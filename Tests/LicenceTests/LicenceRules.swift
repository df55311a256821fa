import CallKit
import Cryptography
import SQLite
import TenantApp
import TenantRegistry
import TestTenants
import Testing

@Suite struct LicenceRules {
    @Test("L3 a hold lasts 60 seconds to the millisecond, and keeps a licence from fetches alone")
    func hold() throws {
        try Stock.open { stock in
            try stock.add(["a"], to: stock.reseller)
            #expect(try stock.fetch(stock.reseller) == "a")
            #expect(try stock.fetch(stock.reseller) == nil)
            #expect(try stock.available(stock.reseller) == ["a"])
            stock.node.clock.advance(milliseconds: 59_999)
            #expect(try stock.fetch(stock.reseller) == nil)
            stock.node.clock.advance(milliseconds: 1)
            #expect(try stock.fetch(stock.reseller) == "a")
            try stock.assign("a", to: "1", by: stock.reseller)
            stock.node.clock.advance(milliseconds: 60_000)
            #expect(try stock.fetch(stock.reseller) == nil)
            #expect(try stock.available(stock.reseller) == [])
        }
    }

    @Test("L3 every licence of a stock comes up, each as often as the others within what chance allows")
    func fairness() throws {
        try Stock.open { stock in
            let keys = (0..<8).map { "key-\($0)" }
            try stock.add(keys, to: stock.reseller)
            var counts: [String: Int] = [:]
            for _ in 0..<800 {
                counts[try #require(try stock.fetch(stock.reseller)), default: 0] += 1
                stock.node.clock.advance(milliseconds: 60_000)
            }
            // 100 each; four standard deviations are 37.
            for key in keys { #expect((50...150).contains(counts[key] ?? 0), "\(key): \(counts[key] ?? 0)") }
        }
    }

    @Test("O9 W1 licences that are on their way in when their reseller is terminated are not taken into stock")
    func terminatedMeanwhile() throws {
        try Stock.open { stock in
            try stock.add(["a"], to: stock.other)
            try stock.node.write(stock.shop.record) { [id = stock.other] tenant, _ in
                guard let reseller = try tenant.reseller(id: id) else { return }
                _ = try tenant.setState(of: reseller, to: .terminated, by: 1)
            }
            let refusal = #expect(throws: Refusal.self) { try stock.add(["b"], to: stock.other) }
            #expect(refusal?.code == "reseller_terminated")
            try stock.add(["b"], to: stock.reseller)
        }
    }

    @Test("L3 an expired licence is neither offered nor drawn, and is not assigned")
    func expiry() throws {
        try Stock.open { stock in
            try stock.add(["old"], to: stock.reseller, days: 1)
            try stock.add(["new"], to: stock.reseller, days: 2)
            try stock.assign("new", to: "1", by: stock.reseller)
            stock.node.clock.advance(milliseconds: 86_400_000)
            #expect(try stock.available(stock.reseller) == [])
            #expect(try stock.fetch(stock.reseller) == nil)
            #expect(throws: Refusal.conflict(.licenceExpired)) {
                try stock.assign("old", to: "1", by: stock.reseller)
            }
            // To whom it went, it went: expired or not.
            stock.node.clock.advance(milliseconds: 86_400_000)
            try stock.assign("new", to: "1", by: stock.reseller)
        }
    }

    @Test("O9 a key is in stock once in a book; an import with one that is there takes nothing")
    func duplicates() throws {
        try Stock.open { stock in
            try stock.add(["a", "b"], to: stock.reseller)
            #expect(throws: Refusal.self) { try stock.add(["c", "a", "d"], to: stock.other) }
            #expect(try stock.available(stock.other) == [])
            try stock.add(["a"], to: stock.other, book: .test)
            #expect(try stock.available(stock.other, book: .test) == ["a"])
        }
    }

    @Test(
        "L3 L4 whatever is called in whatever order, each licence goes to one user of one reseller (model)",
        arguments: [1, 2, 3] as [UInt64])
    func model(seed: UInt64) throws {
        try Stock.open { stock in
            let random = SeededRandom(seed: seed)
            var free: [Int64: Set<String>] = [stock.reseller: [], stock.other: []]
            var held: [String: Int] = [:]
            var gone: [String: String] = [:]
            var seconds = 0
            for step in 0..<300 {
                let reseller = random.below(2) == 0 ? stock.reseller : stock.other
                let candidates = Array(free.values.joined()).sorted() + gone.keys.sorted()
                switch random.below(5) {
                case 0:
                    let keys = (0..<2).map { "\(step)-\($0)" }
                    try stock.add(keys, to: reseller)
                    free[reseller]?.formUnion(keys)
                case 1, 2:
                    let open = (free[reseller] ?? []).filter { (held[$0] ?? 0) <= seconds }
                    let drawn = try stock.fetch(reseller)
                    #expect(drawn.map { open.contains($0) } ?? open.isEmpty)
                    if let drawn { held[drawn] = seconds + 60 }
                case 3:
                    guard !candidates.isEmpty else { continue }
                    let key = candidates[Int(random.below(UInt64(candidates.count)))]
                    let user = String(random.below(3))
                    let isFree = free[reseller]?.contains(key) ?? false
                    do {
                        try stock.assign(key, to: user, by: reseller)
                        #expect(isFree || gone[key] == "\(reseller) \(user)")
                        free[reseller]?.remove(key)
                        gone[key] = "\(reseller) \(user)"
                    } catch is Refusal {
                        #expect(!isFree && gone[key] != "\(reseller) \(user)")
                    }
                default:
                    let pause = Int(random.below(40))
                    seconds += pause
                    stock.node.clock.advance(milliseconds: Int64(pause) * 1_000)
                }
            }
            for (reseller, keys) in free { #expect(try stock.available(reseller) == keys) }
        }
    }
}

@Suite struct LicenceTampering {
    @Test(
        "G5 a change of stock or of who has it, made with an SQLite shell, shows",
        arguments: [
            ("UPDATE licence SET reseller_id = 2 WHERE key = 'a'", "not as audit row"),
            ("DELETE FROM licence_assignment; UPDATE licence SET assigned_at = NULL", "changed, or missing"),
            ("UPDATE licence SET assigned_at = NULL", "marked as if it were in stock"),
            ("UPDATE licence SET assigned_at = 5 WHERE key = 'b'", "there is no assignment of it"),
            ("UPDATE licence_assignment SET discord_user_id = '2'", "not as audit row"),
            (
                "INSERT INTO licence (book, reseller_id, product_id, key, expires_at, created_at, lot) "
                    + "SELECT 0, 1, product_id, 'z', expires_at, 1, 1 FROM licence LIMIT 1", "No audit row vouches"
            ),
        ])
    func harm(sql: String, words: String) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let stock = Stock(shop: try Shop.open(node))
        try stock.add(["a", "b"], to: stock.reseller)
        try stock.assign("a", to: "1", by: stock.reseller)
        let path = try folder.copy(try node.export(stock.shop.record), to: "copy.sqlite")
        #expect(try Verifier(path: path).run().findings == [])
        // With the triggers in place nothing of it can be done.
        if !sql.hasPrefix("INSERT"), !sql.hasPrefix("UPDATE licence SET assigned_at = 5") {
            #expect(throws: SQLiteError.self) { try DataFolder.edit(path) { try $0.execute(sql) } }
        }
        try DataFolder.tamper(path, sql)
        let texts = try Verifier(path: path).run().findings.map(\.text)
        #expect(texts.contains { $0.contains(words) }, "\(texts)")
    }
}
