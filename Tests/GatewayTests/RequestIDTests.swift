import Cryptography
import TenantRegistry
import Testing

@testable import Gateway

@Suite struct RequestIDTests {
    private static let count = 20_000

    private static func ids(seed: UInt64) -> [RequestID] {
        let ids = RequestIDs(random: SeededRandom(seed: seed))
        return (0..<count).map { _ in ids.next() }
    }

    @Test("G7 no request has another's id, in this process or in another")
    func unique() {
        let (one, other) = (Self.ids(seed: 1), Self.ids(seed: 2))
        #expect(Set(one + other).count == 2 * Self.count)
    }

    @Test("G7 two ids of the same process do not tell how many requests lie between them")
    func uncounted() {
        for distance in [1, 2, 1_000] {
            let lows = Self.ids(seed: 3).map(\.low)
            let pairs = zip(lows, lows.dropFirst(distance))
            // A count in any disguise of a factor or an offset is one difference.
            #expect(Set(pairs.map { $0 &- $1 }).count == Self.count - distance)
            #expect(Set(pairs.map { $0 ^ $1 }).count == Self.count - distance)
        }
        // Nor do they by their order or their bits: half of each, give or take.
        let lows = Self.ids(seed: 4).map(\.low)
        let bits = (0..<64).map { bit in lows.count { $0 >> bit & 1 == 1 } }
        #expect(bits.allSatisfy { abs($0 - Self.count / 2) < Self.count / 20 }, "\(bits)")
        let rises = zip(lows, lows.dropFirst()).count { $0 < $1 }
        #expect(abs(rises - Self.count / 2) < Self.count / 20, "\(rises)")
    }
}
