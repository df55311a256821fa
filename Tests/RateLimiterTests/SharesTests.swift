import RateLimiter
import Testing

@Suite struct SharesTests {
    private func figures(_ values: [Budget: Int]) -> BudgetFigures {
        var figures = BudgetFigures()
        for (budget, value) in values { figures[budget] = value }
        return figures
    }

    private func reseller(_ number: UInt128, of tenant: UInt128) -> Payer {
        Payer(kind: .reseller, tenant: tenant, member: number)
    }

    private func stranger(_ number: UInt128, of tenant: UInt128) -> Payer {
        Payer(kind: .stranger, tenant: tenant, member: number)
    }

    @Test("G6 a payer, a tenant and the whole have each their bound, and each spent one is counted")
    func bounds() {
        let budgets = Budgets(figures([.hashingNode: 8, .hashingTenant: 3, .hashingAddress: 2]))
        let flows = budgets.hashing
        #expect([1, 1, 1].map { flows.enter(reseller($0, of: 1)) == nil } == [true, true, false])
        #expect(flows.enter(reseller(2, of: 1)) == nil)
        #expect(flows.enter(reseller(3, of: 1)) == .tenant)
        #expect(flows.enter(reseller(1, of: 2)) == nil)
        for _ in 0..<4 { #expect(flows.enter(.node) == nil) }
        #expect(flows.enter(.node) == .whole)
        #expect(flows.enter(reseller(1, of: 3)) == .whole)
        #expect([Budget.hashingAddress, .hashingTenant, .hashingNode].map { budgets.spent[$0] } == [1, 1, 2])
        for _ in 0..<4 { flows.leave(.node) }
        flows.leave(reseller(1, of: 1))
        #expect(flows.enter(reseller(4, of: 1)) == nil)
        #expect(flows.inUse == 4)
    }

    @Test("G6 however many tenants want all they can have, another one still finds room")
    func leaving() {
        let outbound = Budgets().outbound
        var taken: [Int] = []
        for tenant in 0..<30 {
            var count = 0
            while outbound.enter(reseller(UInt128(count), of: UInt128(tenant))) == nil { count += 1 }
            taken.append(count)
        }
        #expect(taken[0] == 72)
        #expect(taken.allSatisfy { $0 >= 4 }, "\(taken)")
    }

    @Test("G6 one tenant's tests of webhooks, however many of its resellers ask, leave most places to the others")
    func webhookTests() {
        let budgets = Budgets()
        let asked = (0..<70).map { budgets.webhookTests.enter(reseller(UInt128($0 / 10), of: 1)) }
        #expect(asked.count { $0 == nil } == 32)
        #expect(budgets.spent[.webhookTestsTenant] == 38 && budgets.spent[.webhookTestsNode] == 0)
        let others = (0..<10).map { _ in budgets.webhookTests.enter(reseller(1, of: 2)) }
        #expect(others.allSatisfy { $0 == nil })
        #expect(budgets.webhookTests.enter(reseller(1, of: 2)) == .payer)
    }

    @Test("G6 however many calls of some tenants wait for events, two of a reseller elsewhere do; a third never does")
    func eventWaits() {
        var clustered = BudgetFigures()
        clustered.start(.eventWaitsNode, with: 64)
        for budgets in [Budgets(), Budgets(clustered)] {
            for tenant in 0..<10 {
                var count = 0
                while budgets.eventWaits.enter(reseller(UInt128(count), of: UInt128(tenant))) == nil { count += 1 }
                #expect(count >= 1 && count <= 256)
            }
            #expect(budgets.eventWaits.enter(reseller(1, of: 100)) == nil)
        }
        let budgets = Budgets()
        let calls = (0..<3).map { _ in budgets.eventWaits.enter(reseller(1, of: 1)) }
        #expect(calls == [nil, nil, .payer])
        var said = figures([.eventWaitsNode: 9])
        said.start(.eventWaitsNode, with: 64)
        #expect(said[.eventWaitsNode] == 9)
    }

    @Test("G6 W13 provisioners that are silent in every tenant leave half the calls to those that answer")
    func provisioning() {
        let budgets = Budgets()
        func tenant(_ number: Int) -> Payer { Payer(kind: .tenant, tenant: UInt128(number), member: 0) }
        for number in 0..<400 {
            for _ in 0..<4 where budgets.silentProvisioning.enter(tenant(number)) == nil {
                #expect(budgets.provisioning.enter(tenant(number)) == nil)
            }
        }
        #expect(budgets.silentProvisioning.inUse == 512 && budgets.provisioning.inUse == 512)
        for _ in 0..<8 { #expect(budgets.provisioning.enter(tenant(1_000)) == nil) }
        #expect(budgets.provisioning.enter(tenant(1_000)) == .tenant)
    }

    @Test("G6 what strangers of a tenant hold is not in the way of the tenant's own callers")
    func strangers() {
        let budgets = Budgets(figures([.flowsNode: 100, .flowsTenant: 2, .flowsMember: 2]))
        #expect(budgets.flows.enter(stranger(1, of: 1), units: 2) == nil)
        #expect(budgets.flows.enter(stranger(2, of: 1)) == .tenant)
        #expect(budgets.flows.enter(reseller(1, of: 1)) == nil)
    }

    @Test("G6 a place is given back when nobody holds it any more")
    func places() {
        let budgets = Budgets(figures([.guessesInFlight: 1]))
        var place = budgets.guessesInFlight.place(for: stranger(1, of: 1))
        #expect(place != nil)
        #expect(budgets.guessesInFlight.place(for: stranger(1, of: 1)) == nil)
        #expect(budgets.guessesInFlight.place(for: stranger(2, of: 1)) != nil)
        place = nil
        #expect(budgets.guessesInFlight.place(for: stranger(1, of: 1)) != nil)
    }

    @Test("G6 tenants take turns, and payers of a tenant: nobody waits behind all that another has put in")
    func turns() {
        var line = Turns<String>()
        for number in 1...3 { line.append("a\(number)", of: reseller(1, of: 1)) }
        for number in 1...2 { line.append("b\(number)", of: reseller(2, of: 1)) }
        line.append("c1", of: reseller(1, of: 2))
        var order: [String] = []
        while let (_, element) = line.popFirst() { order.append(element) }
        #expect(order == ["a1", "c1", "b1", "a2", "b2", "a3"])
        #expect(line.count == 0)
    }

    @Test("G6 whoever of a tenant has most gives its newest place to whoever would have less, and to nobody else")
    func yielding() {
        var line = Turns<Int>()
        for number in 1...4 { line.append(number, of: stranger(1, of: 1)) }
        #expect(line.yield(to: stranger(2, of: 1))?.1 == 4)
        #expect(line.yield(to: stranger(1, of: 1)) == nil)
        #expect(line.yield(to: stranger(1, of: 2)) == nil)
        line.append(9, of: stranger(2, of: 1))
        #expect(line.yield(to: stranger(2, of: 1))?.1 == 3)
        #expect(line.yield(to: stranger(2, of: 1)) == nil)
        #expect(line.count == 3)
    }

    @Test("G6 nothing gives its place up that may not, and the newest that may goes from where there is most of it")
    func yieldingSome() {
        var line = Turns<Int>()
        for number in [1, 2, 3, 5] { line.append(number, of: reseller(1, of: 1)) }
        for number in [7, 8, 9] { line.append(number, of: reseller(2, of: 1)) }
        let (isEven, isNone): ((Int) -> Bool, (Int) -> Bool) = ({ $0.isMultiple(of: 2) }, { _ in false })
        #expect(line.yield(to: reseller(3, of: 1), where: isNone) == nil)
        #expect(line.yield(to: reseller(3, of: 1), where: isEven)?.1 == 2)
        #expect(line.yield(to: reseller(3, of: 1), where: isEven)?.1 == 8)
        #expect(line.yield(to: reseller(3, of: 1), where: isEven) == nil)
        var order: [Int] = []
        while let (_, element) = line.popFirst() { order.append(element) }
        #expect(order == [1, 7, 3, 9, 5])
    }
}
