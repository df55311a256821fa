/// SplitMix64: the same numbers from the same seed, so that a failing case can be run again.
package struct Seeded: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// 0 to `bound` − 1.
    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    package mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
    package mutating func happens(oneIn count: Int) -> Bool { pick(1...count) == 1 }

    package mutating func pick<Element>(_ elements: [Element]) -> Element {
        precondition(!elements.isEmpty, "something to choose from")
        return elements[pick(0...elements.count - 1)]
    }
}
