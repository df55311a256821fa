import Gateway
import TenantRegistry
import TestSeeds
import Testing

@Suite struct WebhookSlotsTests {
    private static func key(_ tenant: UInt64, _ endpoint: Int64) -> EndpointKey {
        EndpointKey(tenant: TenantID(high: 0, low: tenant), endpoint: endpoint)
    }

    /// Slots whose clock stands still, with what they gave and has not come back.
    private struct Bench {
        var slots: WebhookSlots
        var taken: [(key: EndpointKey, standing: WebhookSlots.Standing)] = []

        init(_ nodeMax: Int) { slots = WebhookSlots(nodeMax: nodeMax) }

        mutating func want(_ key: EndpointKey, concurrency: Int = 8, failures: Int = 0) {
            slots.want(key, concurrency: concurrency, failures: failures, now: 0)
        }

        /// Gives all that can be given now; how many of each endpoint.
        mutating func give() -> [EndpointKey: Int] {
            var given: [EndpointKey: Int] = [:]
            while let slot = slots.next(now: 0) {
                taken.append(slot)
                given[slot.key, default: 0] += 1
            }
            return given
        }

        /// Ends every call of the endpoint.
        mutating func end(_ key: EndpointKey, _ succeeded: Bool?, milliseconds: Int64 = 10, isSlow: Bool = false) {
            for slot in taken where slot.key == key {
                slots.finish(
                    key, slot.standing, isSlow: isSlow, succeeded: succeeded, milliseconds: milliseconds, now: 0)
            }
            taken.removeAll { $0.key == key }
        }

        /// Calls of the endpoint have been on their way for long.
        mutating func slow(_ key: EndpointKey) {
            for index in taken.indices where taken[index].key == key {
                taken[index].standing = slots.slow(key, taken[index].standing)
            }
        }

        mutating func prove(_ key: EndpointKey) {
            want(key)
            _ = give()
            end(key, true)
            slots.unwant(key)
        }
    }

    @Test("H5 an endpoint begins with one slot and has twice as many after each round of 2xx, up to its concurrency")
    func slowStart() {
        var bench = Bench(100)
        let key = Self.key(1, 1)
        bench.want(key, concurrency: 6)
        var rounds: [Int] = []
        for _ in 0..<5 {
            rounds.append(bench.give()[key] ?? 0)
            bench.end(key, true)
        }
        #expect(rounds == [1, 2, 4, 6, 6])
    }

    @Test("H4 an endpoint with a concurrency of 1 has one slot, whatever it answers")
    func serial() {
        var bench = Bench(100)
        let key = Self.key(1, 1)
        bench.want(key, concurrency: 1)
        for _ in 0..<10 {
            #expect(bench.give() == [key: 1])
            bench.end(key, true)
        }
    }

    @Test("H5 five failures in a row leave an endpoint one slot until the next 2xx, four do not")
    func failing() {
        var bench = Bench(100)
        let key = Self.key(1, 1)
        bench.want(key)
        for _ in 0..<4 {
            _ = bench.give()
            bench.end(key, true)
        }
        #expect(bench.give()[key] == 8)
        for _ in 0..<4 {
            bench.slots.finish(
                key, bench.taken.removeLast().standing, isSlow: false, succeeded: false, milliseconds: 10, now: 0)
        }
        #expect(bench.give()[key] == 4, "four failures leave it what it had")
        bench.slots.finish(
            key, bench.taken.removeLast().standing, isSlow: false, succeeded: false, milliseconds: 10, now: 0)
        #expect(bench.give()[key] == nil, "the fifth leaves it one, and seven are under way")
        bench.end(key, false)
        #expect(bench.give()[key] == 1)
        bench.end(key, false)
        #expect(bench.give()[key] == 1)
        bench.end(key, true)
        #expect(bench.give()[key] == 2)
    }

    @Test("H3 the first 2xx after any failure recovers an endpoint, once a second at the most, and none is lost")
    func recovery() {
        var slots = WebhookSlots(nodeMax: 100)
        let key = Self.key(1, 1)
        slots.want(key, concurrency: 8, failures: 0, now: 0)
        func answers(_ succeeded: Bool?, at now: Int64) -> Bool {
            guard let slot = slots.next(now: now) else { return false }
            return slots.finish(key, slot.standing, isSlow: false, succeeded: succeeded, milliseconds: 10, now: now)
        }
        #expect(!answers(true, at: 0))
        #expect(!answers(false, at: 1))
        #expect(!answers(nil, at: 2))
        #expect(answers(true, at: 3))
        #expect(!answers(true, at: 4))
        #expect(!answers(false, at: 500))
        #expect(!answers(true, at: 1_002), "it recovered less than a second ago")
        #expect(answers(true, at: 1_003))
        #expect(!answers(true, at: 9_000))
    }

    @Test("H4 an endpoint with a limit gets a second's calls at once, then one after the other; its neighbour all")
    func limited() {
        var slots = WebhookSlots(nodeMax: 1_000)
        let (limited, free) = (Self.key(1, 1), Self.key(1, 2))
        /// How many calls each gets at that time; all are answered at once.
        func given(at now: Int64) -> [EndpointKey: Int] {
            var given: [EndpointKey: Int] = [:]
            while given[free, default: 0] < 20, let slot = slots.next(now: now) {
                given[slot.key, default: 0] += 1
                slots.finish(slot.key, slot.standing, isSlow: false, succeeded: true, milliseconds: 1, now: now)
            }
            return given
        }
        slots.want(limited, concurrency: 8, perSecond: 4, failures: 0, now: 0)
        #expect(given(at: 5_000) == [limited: 4])
        #expect(slots.parkedUntil == 5_250 && slots.isParked(limited))
        slots.want(free, concurrency: 8, failures: 0, now: 5_000)
        #expect(given(at: 5_249) == [free: 20])
        slots.unwant(free)
        #expect(given(at: 5_250) == [limited: 1])
        #expect(given(at: 5_760) == [limited: 2])
        // A slot that was taken for nothing costs nothing.
        #expect(slots.parkedUntil == 6_000)
        if let slot = slots.next(now: 6_000) { slots.release(slot.key, slot.standing) }
        #expect(given(at: 6_000) == [limited: 1])
        // What was saved up is a second's at the most.
        #expect(given(at: 60_000) == [limited: 4])
        slots.want(limited, concurrency: 8, perSecond: nil, failures: 0, now: 60_000)
        #expect(!slots.isParked(limited))
        #expect(slots.next(now: 60_000)?.key == limited)
    }

    @Test("H5 an endpoint that leads elsewhere has no past")
    func elsewhere() {
        var bench = Bench(100)
        let key = Self.key(1, 1)
        bench.want(key, failures: 7)
        bench.slots.beginAnew(key)
        #expect(bench.slots.next(now: 0)?.standing == .unproven)
    }

    @Test("H5 the file's count of failures holds from the start, and one that was enabled again begins anew")
    func failuresOfTheFile() {
        var bench = Bench(100)
        let key = Self.key(1, 1)
        bench.want(key, failures: 7)
        #expect(bench.slots.next(now: 0)?.standing == .failing)
        bench.slots.release(key, .failing)
        bench.want(key, failures: 0)
        #expect(bench.slots.next(now: 0)?.standing == .unproven)
    }

    @Test("H5 thousands that hang leave an endpoint that answers all it may have, and new ones their share")
    func hanging() {
        var bench = Bench(64)
        let good = Self.key(1, 1)
        bench.prove(good)
        let hanging = (0..<2_000).map { Self.key(UInt64($0 % 200), Int64(100 + $0)) }
        for key in hanging { bench.want(key) }
        // Nobody knows them: a quarter, until they have taken long; then others get their turn.
        var held: [EndpointKey] = []
        for _ in 0..<20 {
            let given = bench.give()
            for key in given.keys { bench.slow(key) }
            held += given.keys
        }
        #expect(bench.slots.running == 48, "never the last quarter")
        bench.want(good)
        #expect(bench.give()[good] == 2)
        bench.end(good, true)
        // They end, and are known to hang: never more than half from now on.
        for key in held { bench.end(key, false, milliseconds: 15_000, isSlow: true) }
        for key in held where hanging.contains(key) { bench.want(key) }
        for _ in 0..<3 { _ = bench.give() }
        #expect(bench.slots.running(.failing) <= 32)
        #expect(bench.slots.running(.proven) > 0)
    }

    @Test("H5 a tenant with many endpoints has at most half of what the others leave")
    func tenants() {
        var bench = Bench(64)
        for endpoint in 0..<100 { bench.want(Self.key(1, Int64(endpoint)), failures: 9) }
        #expect(bench.give().count == 16)
        for endpoint in 0..<100 { bench.want(Self.key(2, Int64(endpoint)), failures: 9) }
        #expect(bench.give().count == 8)
        bench.want(Self.key(3, 1), failures: 9)
        #expect(bench.give() == [Self.key(3, 1): 1])
    }

    @Test("H5 tenants take turns, and the endpoints of a tenant")
    func turns() {
        var bench = Bench(1_000)
        let keys = [Self.key(1, 1), Self.key(1, 2), Self.key(2, 1)]
        for key in keys { bench.prove(key) }
        for key in keys.dropLast() { bench.want(key) }
        bench.want(keys[2])
        var order: [EndpointKey] = []
        while let slot = bench.slots.next(now: 0) { order.append(slot.key) }
        #expect(order.prefix(4).filter { $0.tenant == keys[2].tenant }.count == 2)
        #expect(Set(order.prefix(4)) == Set(keys))
    }

    @Test("H3 an attempt that the node gave up says nothing of its endpoint")
    func interrupted() {
        var bench = Bench(100)
        let key = Self.key(1, 1)
        bench.want(key)
        for _ in 0..<8 {
            #expect(bench.give()[key] == 1)
            bench.end(key, nil)
        }
        #expect(bench.slots.next(now: 0)?.standing == .unproven)
    }

    @Test("H5 no slot is lost or made, whatever happens in whatever order", arguments: 0..<20)
    func balance(seed: UInt64) {
        var random = Seeded(state: seed)
        var bench = Bench(16)
        for _ in 0..<4_000 {
            let key = Self.key(UInt64(random.below(4)), Int64(random.below(6)))
            switch random.below(8) {
            case 0...2: bench.want(key, concurrency: 1 + random.below(8), failures: random.below(7))
            case 3: bench.slots.unwant(key)
            case 4: bench.end(key, random.below(2) == 0, milliseconds: Int64(random.below(3)) * 900)
            case 5:
                if let slot = bench.taken.popLast() { bench.slots.release(slot.key, slot.standing) }
            default: _ = bench.give()
            }
            #expect(bench.slots.running == bench.taken.count)
            #expect(bench.taken.count <= 16)
            for standing in WebhookSlots.Standing.allCases {
                #expect(bench.slots.running(standing) == bench.taken.count { $0.standing == standing })
            }
        }
        for slot in bench.taken { bench.end(slot.key, true) }
        // Everybody gets a turn in the end.
        let all = (0..<4).flatMap { tenant in (0..<6).map { Self.key(UInt64(tenant), Int64($0)) } }
        var served: Set<EndpointKey> = []
        for key in all { bench.want(key) }
        for _ in 0..<100 where served.count < all.count {
            let given = bench.give()
            served.formUnion(given.keys)
            for key in given.keys {
                bench.end(key, true)
                bench.slots.unwant(key)
            }
        }
        #expect(served == Set(all))
    }
}
