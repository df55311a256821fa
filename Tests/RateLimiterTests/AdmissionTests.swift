import RateLimiter
import Testing

@Suite struct Admissions {
    private func levels(_ bursts: [Int?]) throws -> RequestLimits {
        let buckets = try bursts.map { try $0.map { Bucket(try policy(1, 60, $0), now: 0) } }
        return RequestLimits(
            key: buckets[0], reseller: buckets[1], routeClass: buckets[2], tenant: buckets[3], process: buckets[4])
    }

    private func left(_ levels: RequestLimits) -> [Int?] {
        [levels.key, levels.reseller, levels.routeClass, levels.tenant, levels.process].map {
            $0?.peek(cost: 0, now: 0).remaining
        }
    }

    @Test(
        "G2 the level without room refuses and is named; the earlier ones get back what they gave",
        arguments: LimitScope.allCases)
    func refusal(binding: LimitScope) throws {
        var bursts: [Int?] = [5, 6, 7, 8, 9]
        bursts[Int(binding.rawValue)] = 2
        let levels = try levels(bursts)
        #expect(RequestLimits.admit(levels, cost: 2, now: 0).admitted)
        let before = left(levels)
        let verdict = RequestLimits.admit(levels, now: 0)
        #expect(!verdict.admitted && verdict.level == binding)
        #expect(verdict.decision?.remaining == 0 && verdict.decision?.policy.burst == 2)
        #expect(left(levels) == before)
    }

    static let pairs = LimitScope.allCases.flatMap { first in
        LimitScope.allCases.filter { $0 != first }.map { (first, $0) }
    }

    @Test("G2 whoever waits as long as the refusal says passes, whichever two levels are empty", arguments: pairs)
    func wait(quick: LimitScope, slow: LimitScope) throws {
        var policies = [Policy?](repeating: nil, count: LimitScope.allCases.count)
        policies[Int(quick.rawValue)] = try policy(1, 2, 1)
        policies[Int(slow.rawValue)] = try policy(1, 30, 1)
        let buckets = policies.map { $0.map { Bucket($0, now: 0) } }
        let levels = RequestLimits(
            key: buckets[0], reseller: buckets[1], routeClass: buckets[2], tenant: buckets[3], process: buckets[4])
        #expect(levels.admit(now: 0).admitted)
        let verdict = levels.admit(now: second)
        let decision = try #require(verdict.decision)
        // The first level that refuses is still the one that is named.
        #expect(verdict.level == (quick.rawValue < slow.rawValue ? quick : slow))
        #expect(decision.retryAfterSeconds == 29 && decision.resetSeconds == 29)
        #expect(levels.admit(now: second + UInt64(decision.retryAfterSeconds) * second).admitted)
    }

    @Test("an admitted request is told of the level with the least left, the earlier of two equals")
    func leastLeft() throws {
        #expect(try levels([10, 5, nil, 5, 9]).admit(now: 0).level == .reseller)
        #expect(try levels([nil, nil, nil, nil, 9]).admit(cost: 3, now: 0).decision?.remaining == 6)
        #expect(try levels([3, nil, nil, nil, nil]).admit(now: 0).level == .key)
        let none = try levels([nil, nil, nil, nil, nil]).admit(now: 0)
        #expect(none.admitted && none.level == nil && none.decision == nil)
    }

    @Test("an admission can be given back whole")
    func giveBack() throws {
        let levels = try levels([5, nil, 5, nil, 5])
        #expect(levels.admit(cost: 4, now: 0).admitted)
        levels.giveBack(cost: 4)
        #expect(left(levels) == [5, nil, 5, nil, 5])
    }

    @Test(
        "G2 the level that binds admits exactly its capacity, whatever the others have and however many threads ask",
        arguments: LimitScope.allCases)
    func exact(binding: LimitScope) throws {
        var bursts: [Int?] = [30_000, 30_000, nil, 30_000, 30_000]
        bursts[Int(binding.rawValue)] = 777
        let levels = try levels(bursts)
        let admitted = Counter()
        onThreads(64) { _ in
            for _ in 0..<200 where levels.admit(now: 0).admitted { admitted.add(1) }
        }
        #expect(admitted.value == 777)
        let expected = bursts.map { $0.map { $0 - 777 } }
        #expect(left(levels) == expected)
    }
}

@Suite struct AddressMeters {
    private func address(_ low: UInt64) -> AddressKey { AddressKey(owner: 0x2001_0DB8, subject: UInt128(low)) }

    @Test("A2 an address has its own 20 per 15 minutes; another is not touched")
    func perAddress() throws {
        let meter = AddressMeter(try policy(20, 900, 20))
        for taken in 1...20 { #expect(meter.take(address(1), now: 0).remaining == 20 - taken) }
        let refused = meter.take(address(1), now: 0)
        #expect(!refused.admitted && refused.retryAfterSeconds == 45)
        #expect(meter.take(address(2), now: 0).admitted)
        #expect(meter.take(address(1), now: 45 * second).admitted)
    }

    @Test("failures past the limit do not lengthen the wait, and looking costs nothing")
    func failures() throws {
        let meter = AddressMeter(try policy(10, 10, 10))
        #expect(meter.look(address(1), now: 0).admitted)
        for _ in 0..<9 { _ = meter.take(address(1), now: 0) }
        #expect(meter.look(address(1), now: 0).admitted)
        for _ in 0..<100 { _ = meter.take(address(1), now: 0) }
        #expect(!meter.look(address(1), now: 0).admitted && !meter.look(address(1), now: second - 1).admitted)
        #expect(meter.look(address(1), now: second).admitted)
        #expect(meter.addressesCount == 1)
    }

    @Test("the table stays within its bound, and a flood does not push out the worst offender")
    func bounded() throws {
        let meter = AddressMeter(try policy(10, 600, 10), addressesMax: 1024)
        for _ in 0..<10 { _ = meter.take(address(0), now: 0) }
        for other in 1...50_000 { _ = meter.take(address(UInt64(other)), now: UInt64(other)) }
        #expect(meter.addressesCount <= 1024)
        #expect(!meter.look(address(0), now: 50_000).admitted)
    }

    @Test("addresses that are full again make room first")
    func expired() throws {
        let meter = AddressMeter(try policy(1, 1, 3), addressesMax: 64)
        for other in 0..<64 { _ = meter.take(address(UInt64(other)), now: 0) }
        for other in 1000..<2000 { _ = meter.take(address(UInt64(other)), now: 10 * second) }
        #expect(meter.addressesCount <= 64)
    }

    @Test("G2 one address is counted exactly, however many threads ask")
    func exact() throws {
        let meter = AddressMeter(try policy(1, 60, 500))
        let admitted = Counter()
        onThreads(64) { _ in
            for _ in 0..<100 where meter.take(AddressKey(owner: 1, subject: 1), now: 0).admitted { admitted.add(1) }
        }
        #expect(admitted.value == 500)
    }
}
