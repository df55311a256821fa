import Testing

@testable import TenantRegistry

@Suite struct SweepTurnsTests {
    private func tenant(_ number: UInt64) -> TenantID { TenantID(high: number, low: 1) }

    private func due(_ number: UInt64, since: UInt64, lsn: UInt64 = 0, isPinning: Bool = false) -> SweepTurns.Due {
        .init(tenant: tenant(number), isPinning: isPinning, since: since, lsn: lsn)
    }

    /// Whose turn it is, one behind the other, each done before the next.
    private func order(_ turns: SweepTurns) -> [UInt64] {
        var turns = turns
        var order: [UInt64] = []
        while let turn = turns.next() {
            order.append(turn.tenant.high)
            turns.done(turn.tenant)
        }
        return order
    }

    @Test("B1 files that keep the log from going come first, then those that have waited longest")
    func orders() {
        var turns = SweepTurns(filesMax: 1, keptForMemory: 0)
        turns.plan(
            [
                due(1, since: 30), due(2, since: 20, lsn: 9), due(3, since: 20, lsn: 8), due(4, since: 10),
                due(5, since: 40, isPinning: true),
            ], resting: [])
        #expect(order(turns) == [5, 4, 3, 2, 1])
    }

    @Test("B1 all places but those kept for it may be syncing, and memory is given back all the same")
    func keepsPlaces() {
        var turns = SweepTurns(filesMax: 3, keptForMemory: 1)
        turns.plan((1...5).map { due($0, since: $0) }, resting: [tenant(1), tenant(8), tenant(9)])
        let first = (1...4).map { _ in turns.next() }
        #expect(first.map { $0?.tenant.high } == [1, 2, 8, nil])
        #expect(first.map { $0?.syncs } == [true, true, false, nil])
        turns.done(tenant(1))
        let second = (1...2).map { _ in turns.next() }
        #expect(second == [SweepTurns.Turn(tenant: tenant(3), syncs: true), nil])
        // Who is asked is not asked again.
        turns.plan([due(2, since: 2), due(3, since: 3), due(4, since: 4)], resting: [])
        turns.done(tenant(8))
        let third = turns.next()
        #expect(third == nil)
        turns.done(tenant(2))
        let fourth = turns.next()
        #expect(fourth?.tenant == tenant(4))
    }
}
