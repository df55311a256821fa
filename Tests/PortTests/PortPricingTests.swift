import CallKit
import Cryptography
import TenantApp
import Testing

@Suite struct PortPricing {
    /// A text that is no amount gives one that no test expects.
    private func money(_ text: String) -> Money { (try? Money(parsing: text)) ?? .min }

    private func price(
        _ base: String, _ days: Int64, _ rule: PricingRule, discount: Int64 = 0
    ) throws -> PortPrice {
        try PortPrice(
            base: money(base), quantity: days, rule: rule,
            discount: try #require(Percent(partsPerMillion: discount)), minorUnitDigits: 2)
    }

    @Test("X2 the document's examples to the cent: 60.00 / 75.00 / 15.00; 2.40; 3.00; 3.00")
    func examples() throws {
        let seed = try price("2.00", 30, .margin(try #require(MarkUp(partsPerMillion: 250_000))))
        #expect(seed.cost == money("60") && seed.resellerPrice == money("75"))
        #expect(seed.margin == money("15") && seed.marginPartsPerMillion == 250_000)
        #expect(try price("2", 1, .margin(.standard)).resellerPrice == money("2.40"))
        #expect(try price("2", 1, .fixed(money("3"))).resellerPrice == money("3"))
        let times = try price("2", 1, .multiplier(try #require(Multiplier(millionths: 1_500_000))))
        #expect(times.resellerPrice == money("3") && times.marginPartsPerMillion == 500_000)
    }

    @Test("X2 cost and price are each rounded once, half up; the margin is their difference, negative too")
    func rounding() throws {
        let third = try price("0.333333", 3, .margin(.standard))
        #expect(third.cost == money("1.00") && third.resellerPrice == money("1.20"))
        let half = try price("0.0125", 2, .multiplier(try #require(Multiplier(millionths: 1_000_000))))
        #expect(half.cost == money("0.03"))
        let under = try price("2", 10, .fixed(money("1")), discount: 500_000)
        #expect(under.resellerPrice == money("5") && under.margin == money("-15"))
        #expect(under.marginPartsPerMillion == -750_000)
        #expect(try price("0", 5, .fixed(money("1"))).marginPartsPerMillion == 0)
    }

    @Test("X2 what comes to less than half a cent is a cent, and what comes to nothing is nothing")
    func leastCent() throws {
        let one = try #require(Multiplier(millionths: 1_000_000))
        for rule in [PricingRule.margin(.standard), .multiplier(one), .fixed(money("0.001"))] {
            let cheap = try price("0.004", 1, rule)
            #expect(cheap.cost == money("0.01") && cheap.resellerPrice == money("0.01") && cheap.margin == .zero)
            #expect(try price("0.004", 1, rule, discount: 1_000_000).resellerPrice == .zero)
        }
        #expect(try price("0", 30, .margin(.standard)).resellerPrice == .zero)
        #expect(try price("0.004", 30, .margin(.standard)).cost == money("0.12"))
    }

    @Test("X2 country override > port or traffic pricing > default, whatever the mode; without a rule, the margin")
    func precedence() throws {
        var book = PortPricebook()
        #expect(book.rule(for: .port, country: nil).rule == .margin(.standard))
        let forty = try #require(MarkUp(partsPerMillion: 400_000))
        let override = PricingLevel(margin: forty)
        #expect(book.rule(for: .port, country: override) == (.margin(forty), true))
        book.mode = .fixed
        #expect(book.rule(for: .port, country: nil).rule == .margin(.standard))
        book.defaults.fixed = money("3")
        #expect(book.rule(for: .traffic, country: nil).rule == .fixed(money("3")))
        book.port.fixed = money("4")
        #expect(book.rule(for: .port, country: nil).rule == .fixed(money("4")))
        #expect(book.rule(for: .port, country: override).rule == .margin(forty))
        #expect(book.rule(for: .port, country: PricingLevel()).isOverride == false)
    }

    @Test("X2 the largest amounts are priced or refused, never wrong")
    func extremes() throws {
        let most = try #require(MarkUp(partsPerMillion: MarkUp.percentMax * 10_000))
        let base = AmountRule.most
        let refused = #expect(throws: MoneyError.self) {
            try PortPrice(base: base, quantity: 365, rule: .margin(most), discount: .zero, minorUnitDigits: 2)
        }
        #expect(refused == .overflow)
        let plain = try PortPrice(
            base: base, quantity: 365, rule: .margin(.standard), discount: .hundred, minorUnitDigits: 2)
        #expect(plain.resellerPrice == .zero && plain.cost.micros == base.micros * 365)
    }

    @Test("O9 a stock file's every fault is told with its line")
    func stockFile() throws {
        let text = """
            device,server_ip,http_port,socks_port,country,mode
            d1,192.0.2.1,1,2,de,shared
            d2,192.0.2.2,70000,2,de,shared
            d3,192.0.2 3,1,2,de,lonely
            d4,192.0.2.1,3,1,de,shared
            d5
            """
        let refusal = #expect(throws: Refusal.self) {
            var file = try PortStockFile(Array(text.utf8), isCSV: true)
            _ = try file.whole()
        }
        guard case .invalid(let errors)? = refusal else {
            Issue.record("not refused for its fields")
            return
        }
        let places = Set(errors.map(\.pointer))
        #expect(places.isSuperset(of: ["/line/3/http_port", "/line/4/server_ip", "/line/4/mode", "/line/5/http_port"]))
        #expect(places.contains("/line/6"))
        var file = try PortStockFile(
            Array("device,server_ip,http_port,socks_port,country\nd,H.example,1-3,4-6,de\n".utf8), isCSV: true)
        let rows = try file.whole()
        #expect(rows.map(\.httpPort) == [1, 2, 3] && rows.first?.isExclusiveCapable == false)
        #expect(rows.first?.serverIP == "h.example")
    }
}
