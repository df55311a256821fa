import CallKit
import Cryptography
import TenantApp
import TenantRegistry
import TestTenants
import Testing

private let day = Timestamp.millisecondsPerDay

@Suite struct CodeRules {
    @Test("A4 the document's example: five codes of 5.00 are 25.00, and of 45.00 there are 20.00 left")
    func example() throws {
        try CodeMarket.open { market in
            try market.topUp(0, 45)
            let codes = try market.generate(0, "6month", count: 5)
            #expect(Set(codes).count == 5)
            #expect(codes.allSatisfy { $0.count == 32 && $0.allSatisfy { "0123456789abcdef".contains($0) } })
            #expect(try market.balance(0) == Money(micros: 20_000_000))
        }
    }

    @Test("A4 all codes or none: without the balance for the last nothing is charged and nothing made")
    func allOrNone() throws {
        try CodeMarket.open { market in
            try market.topUp(0, 24)
            #expect(
                throws: Refusal.insufficientBalance(
                    required: Money(micros: 25_000_000), available: Money(micros: 24_000_000), currency: .init("EUR")!)
            ) { try market.generate(0, "6month", count: 5) }
            #expect(try market.balance(0) == Money(micros: 24_000_000))
            #expect(try market.page(0, 1, size: 50, nil) == ([], 0))
        }
    }

    @Test("A4 X7 the test book never charges, and its codes give no days in the live book")
    func testBook() throws {
        try CodeMarket.open { market in
            let code = try market.generate(0, "12month", count: 2, book: .test)[0]
            #expect(try market.balance(0) == .zero)
            try market.redeem(code, by: "a@example.com")
            let record = market.record
            #expect(try market.node.read(record) { try $0.subscriber(email: "a@example.com", book: .live) } == nil)
            #expect(try market.deliveries(0) == 0)
        }
    }

    @Test("A2 A4 a reseller's own price and rate are what it pays, whole minor units a code; switched off is not sold")
    func ownPrice() throws {
        try CodeMarket.open { market in
            try market.topUp(0, 100)
            let reseller = market.resellers[0]
            try market.node.write(market.record) { tenant, _ in
                let plans = try ["1month", "6month", "12month"].map { try tenant.knownProduct($0).id }
                try tenant.savePrice(
                    PriceRow(terms: TermPrices(), once: Money(micros: 905_000)), resellerID: reseller,
                    productID: plans[0])
                try tenant.savePrice(
                    PriceRow(terms: TermPrices(), discountRateOverride: Percent(partsPerMillion: 333_333)),
                    resellerID: reseller, productID: plans[1])
                try tenant.savePrice(
                    PriceRow(terms: TermPrices(), isEnabled: false), resellerID: reseller, productID: plans[2])
            }
            try market.generate(0, "1month", count: 3)
            #expect(try market.balance(0) == Money(micros: 100_000_000 - 3 * 910_000))
            try market.generate(0, "6month", count: 3)
            #expect(try market.balance(0) == Money(micros: 100_000_000 - 3 * 910_000 - 3 * 3_330_000))
            #expect(throws: Refusal.self) { try market.generate(0, "12month") }
            try market.topUp(1, 10)
            try market.generate(1, "12month")
            let (own, all) = try market.node.read(market.record) { tenant in
                (try tenant.plans(for: try tenant.reseller(id: reseller)), try tenant.plans(for: nil))
            }
            #expect(own.map(\.sku) == ["1month", "6month"] && all.count == 3)
            #expect(own.map(\.wholesalePrice.micros) == [910_000, 3_330_000])
        }
    }

    @Test("O1 O4 A4 a price of the test book is what codes are recorded at there, and no other book's plans know it")
    func testPrice() throws {
        try CodeMarket.open { market in
            let reseller = market.resellers[0]
            try market.node.write(market.record) { tenant, _ in
                let (month, half) = (try tenant.knownProduct("1month").id, try tenant.knownProduct("6month").id)
                try tenant.savePrice(
                    PriceRow(terms: TermPrices(), once: Money(micros: 120_000)), resellerID: reseller,
                    productID: month, book: .test)
                try tenant.savePrice(
                    PriceRow(terms: TermPrices(), isEnabled: false), resellerID: reseller, productID: half, book: .test)
            }
            let (live, test) = try market.node.read(market.record) { tenant in
                let known = try tenant.reseller(id: reseller)
                return (try tenant.plans(for: known), try tenant.plans(for: known, book: .test))
            }
            #expect(live.map(\.sku) == ["1month", "6month", "12month"])
            #expect(test.map(\.sku) == ["1month", "12month"])
            #expect(test[0].wholesalePrice.micros == 120_000 && live[0].wholesalePrice != test[0].wholesalePrice)
            #expect(throws: Refusal.self) { try market.generate(0, "6month", book: .test) }
            try market.generate(0, "1month", count: 2, book: .test)
            #expect(try market.balance(0) == .zero)
        }
    }

    @Test("A2 A4 a code that has a price costs one minor unit at least, as it is shown; one at nothing is free")
    func leastUnit() throws {
        try CodeMarket.open { market in
            try market.topUp(0, 1)
            let reseller = market.resellers[0]
            try market.node.write(market.record) { tenant, _ in
                for (sku, micros) in [("1month", Int64(4_000)), ("6month", 0)] {
                    try tenant.savePrice(
                        PriceRow(terms: TermPrices(), once: Money(micros: micros)), resellerID: reseller,
                        productID: try tenant.knownProduct(sku).id)
                }
            }
            let plans = try market.node.read(market.record) { try $0.plans(for: try $0.reseller(id: reseller)) }
            #expect(plans.map(\.wholesalePrice.micros) == [10_000, 0, 10_000_000])
            try market.generate(0, "1month", count: 100)
            try market.generate(0, "6month", count: 100)
            #expect(try market.balance(0) == .zero)
        }
    }

    @Test(
        "A8 days begin at the end of what there is, or now; a code gives them once, to the same customer no more of them"
    )
    func stretches() throws {
        try CodeMarket.open { market in
            try market.topUp(0, 100)
            let codes = try market.generate(0, count: 3)
            let start = market.node.clock.now()
            let first = try market.redeem(codes[0], by: "a@example.com")
            #expect(first.begins == start && first.ends == start.adding(days: 30))
            let second = try market.redeem(codes[1], by: "A@Example.com")
            #expect(second.begins == first.ends && second.ends == start.adding(days: 60))
            #expect(try market.redeem(codes[0], by: "a@example.com") == first)
            #expect(throws: RedeemCode.alreadyRedeemed) { try market.redeem(codes[0], by: "b@example.com") }
            market.node.clock.advance(milliseconds: 100 * day)
            let third = try market.redeem(codes[2], by: "a@example.com")
            #expect(third.begins == market.node.clock.now())
            #expect(try market.deliveries(0) == 3 && market.deliveries(1) == 0)
        }
    }

    @Test("A8 a customer who could not redeem has no account made")
    func noAccountWithoutCode() throws {
        try CodeMarket.open { market in
            try market.topUp(0, 100)
            let code = try market.generate(0)[0]
            try market.redeem(code, by: "a@example.com")
            for wrong in [code, String(repeating: "0", count: 32), "x", code.uppercased()] {
                #expect(throws: Refusal.self) { try market.redeem(wrong, by: "b@example.com") }
            }
            let made = try market.node.read(market.record) { try $0.subscribers(book: .live, after: 0, limit: 10) }
            #expect(made.map(\.email) == ["a@example.com"])
        }
    }

    @Test(
        "A8 whatever is redeemed in whatever order, each code gives its days once and each end is the sum (model)",
        arguments: [1, 2, 3] as [UInt64])
    func model(seed: UInt64) throws {
        try CodeMarket.open { market in
            let random = SeededRandom(seed: seed)
            try market.topUp(0, 10_000)
            var days: [String: Int64] = [:]
            for (plan, length) in [("1month", 30), ("6month", 180), ("12month", 365)] as [(String, Int64)] {
                for code in try market.generate(0, plan, count: 20) { days[code] = length }
            }
            let codes = days.keys.sorted()
            let people = ["a", "b", "c"].map { "\($0)@example.com" }
            var taken: [String: String] = [:]
            var ends: [String: Timestamp] = [:]
            for _ in 0..<150 {
                let code = codes[Int(random.below(UInt64(codes.count)))]
                let person = people[Int(random.below(UInt64(people.count)))]
                let now = market.node.clock.now()
                do {
                    let stretch = try market.redeem(code, by: person)
                    if taken[code] == nil {
                        let begins = max(ends[person] ?? now, now)
                        #expect(stretch.begins == begins && stretch.ends == begins.adding(days: days[code] ?? 0))
                        ends[person] = stretch.ends
                        taken[code] = person
                    }
                    #expect(taken[code] == person)
                } catch is Refusal {
                    #expect(taken[code] != nil && taken[code] != person)
                }
                market.node.clock.advance(milliseconds: Int64(random.below(60)) * day / 2)
            }
            for person in people {
                let kept = try market.node.read(market.record) { try $0.subscriber(email: person, book: .live)?.endsAt }
                #expect(kept == ends[person])
            }
            #expect(try market.page(0, 1, size: 100, .redeemed).1 == Int64(taken.count))
        }
    }

    @Test("A5 every page of every status is the slice of the whole, newest first, over thousands of codes")
    func pages() throws {
        try CodeMarket.open { market in
            try market.topUp(0, 10_000)
            try market.topUp(1, 10_000)
            var codes: [String] = []
            for round in 0..<23 {
                codes += try market.generate(0, count: 100)
                try market.generate(1, count: Int64(round + 1))
            }
            codes.reverse()
            let random = SeededRandom(seed: 7)
            var redeemed: Set<String> = []
            for _ in 0..<300 {
                let code = codes[Int(random.below(UInt64(codes.count)))]
                try market.redeem(code, by: "a@example.com")
                redeemed.insert(code)
            }
            let wanted: [(CodeStatus?, [String])] = [
                (nil, codes), (.available, codes.filter { !redeemed.contains($0) }),
                (.redeemed, codes.filter { redeemed.contains($0) }),
            ]
            for (status, whole) in wanted {
                for size in [50, 33] {
                    let pages = (whole.count + size - 1) / size
                    for page in [1, 2, pages / 2, pages - 1, pages] {
                        let (found, total) = try market.page(0, Int64(page), size: size, status)
                        #expect(found == Array(whole.dropFirst((page - 1) * size).prefix(size)))
                        #expect(total == whole.count)
                    }
                    #expect(try market.page(0, Int64(pages) + 1, size: size, status).0 == [])
                    #expect(try market.page(0, 1_000_000_000, size: size, status).0 == [])
                }
            }
        }
    }

    @Test("A3 what was topped up is kept with the ledger; corrections are none of it")
    func topUps() throws {
        try CodeMarket.open { market in
            let reseller = market.resellers[0]
            try market.topUp(0, 200)
            try market.topUp(0, 50)
            _ = try market.node.write(market.record) { tenant, detail in
                try tenant.post(
                    .correction, Money(micros: 10_000_000), from: .balance(reseller: reseller), to: .funding,
                    reference: "wrong", resellerID: reseller, book: .live, keyID: 0, detail: &detail)
            }
            try market.generate(0)
            let total = try market.node.read(market.record) { try $0.topUpTotal(resellerID: reseller, book: .live) }
            #expect(total == Money(micros: 250_000_000))
        }
    }
}
