import Cryptography
import TestSeeds

/// A well-formed key is no longer one with any single byte changed: a typing error costs neither hash nor look-up.
enum KeyProperties {
    private struct SeededRandom: RandomSource {
        let seed: UInt64

        func fill(_ buffer: UnsafeMutableRawBufferPointer) {
            var draw = Seeded(state: seed)
            for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: draw.next()) }
        }
    }

    static func check(_ input: [UInt8]) throws(Violation) {
        try judge(input)
        _ = APIKeyFormat.displayPrefix(String(decoding: input, as: UTF8.self))
        try demand(!APIKeyFormat.isHex64(input) || input.count == 64, "64 digits that are not 64")
        // What is minted is well-formed, and so the checks above see such keys however rarely the input is one.
        var draw = Seeded(input)
        let prefix = String(decoding: input.prefix(6).map { $0 % 26 + 0x61 } + [0x61, 0x62], as: UTF8.self)
        let key = Array(
            APIKeyFormat.mint(prefix: prefix, mode: "live", random: SeededRandom(seed: draw.next())).utf8)
        try demand(APIKeyFormat.isWellFormed(key), "a minted key is not well-formed")
        try judge(key)
        let shown = APIKeyFormat.displayPrefix(String(decoding: key, as: UTF8.self))
        try demand(shown.utf8.count <= key.count - 20, "the display prefix shows too much")
    }

    private static func judge(_ key: [UInt8]) throws(Violation) {
        guard APIKeyFormat.isWellFormed(key) else { return }
        try demand(key.count <= APIKeyFormat.keyBytesMax, "a key that is too long")
        for index in key.indices {
            var changed = key
            changed[index] ^= 1
            try demand(!APIKeyFormat.isWellFormed(changed), "a changed key is well-formed")
        }
    }
}
