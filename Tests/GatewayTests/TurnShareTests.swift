import Testing

@testable import Gateway

@Suite struct TurnShareTests {
    @Test(
        "W9 beside calls all turns together take a third of a core, however many tenants have turns", arguments: 1...4)
    func third(runs: Int) {
        let took: UInt64 = 1_000
        #expect(took * UInt64(runs) * 3 == took + TurnShare.rest(after: took, runs: runs))
    }

    @Test("W9 turns of other tenants that commit meanwhile are no work of others", arguments: 1...4)
    func siblings(runs: Int) {
        let own = UInt64(runs - 1)
        #expect(!TurnShare.isBesideOthers(from: 100, to: 100 + own, runs: runs))
        #expect(TurnShare.isBesideOthers(from: 100, to: 100 + own + 1, runs: runs))
        // A turn whose batch was lost has ended, and is no job.
        #expect(!TurnShare.isBesideOthers(from: 0, to: UInt64.max, runs: runs))
        #expect(!TurnShare.isBesideOthers(from: UInt64.max, to: own &- 1, runs: runs))
    }

    @Test("W9 a gap between two calls is not taken for the end of them: turns are long after a tenth of a second alone")
    func gaps() {
        #expect(!TurnShare.isAlone(1_000_000, othersSeenAt: 1_000_000))
        #expect(!TurnShare.isAlone(100_999_999, othersSeenAt: 1_000_000))
        #expect(TurnShare.isAlone(101_000_000, othersSeenAt: 1_000_000))
    }
}
