import COpenSSL
import Synchronization

/// Where randomness comes from: injected, so that a test replays by its seed.
package protocol RandomSource: Sendable {
    /// Fills the whole buffer; never fails and never returns less. Any thread.
    func fill(_ buffer: UnsafeMutableRawBufferPointer)
}

extension RandomSource {
    package func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            buffer.initialize(repeating: 0)
            fill(UnsafeMutableRawBufferPointer(buffer))
            filled = count
        }
    }

    package func uint64() -> UInt64 {
        var value: UInt64 = 0
        withUnsafeMutableBytes(of: &value) { fill($0) }
        return value
    }

    /// A number from 0 to `bound` − 1, each as likely as any other. `bound` must be above 0.
    package func below(_ bound: UInt64) -> UInt64 {
        precondition(bound > 0, "an empty range has no number")
        // The low part of a product is fair once the few values that would come up once more are drawn again (Lemire).
        let threshold = (0 &- bound) % bound
        while true {
            let product = uint64().multipliedFullWidth(by: bound)
            if product.low >= threshold { return product.high }
        }
    }
}

/// The operating system's randomness through OpenSSL's generator.
package struct SystemRandom: RandomSource {
    package init() {}

    package func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        guard let base = buffer.baseAddress, buffer.count > 0 else { return }
        // Going on with a secret that is not random is worse than stopping.
        require(RAND_bytes(base.assumingMemoryBound(to: UInt8.self), Int32(buffer.count)), "random bytes")
    }
}

/// SplitMix64 from a seed: the same seed gives the same bytes. For tests and simulations, never for secrets.
package final class SeededRandom: RandomSource {
    private let state: Mutex<UInt64>

    package init(seed: UInt64) { state = Mutex(seed) }

    package func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        state.withLock { state in
            var word: UInt64 = 0
            for index in buffer.indices {
                if index % 8 == 0 { word = Self.next(&state) }
                buffer[index] = UInt8(truncatingIfNeeded: word)
                word >>= 8
            }
        }
    }

    private static func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
