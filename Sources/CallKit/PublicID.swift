package import TenantRegistry

/// Ids that callers see: a prefix, and 26 characters of Crockford's base 32 in lower case — 48 bits of time, so that an
/// index grows at its end, and 80 random bits, so that nobody guesses one.
package enum PublicID {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// How every id begins that is made from a moment on, and none that was made before: they sort by time.
    package static func beginning(_ prefix: StaticString, at moment: Timestamp) -> String {
        let most: Int64 = 0xFFFF_FFFF_FFFF
        let at = Timestamp(milliseconds: min(max(moment.milliseconds, 0), most))
        return String(make(prefix, at: at, chance: (0, 0)).dropLast(16))
    }

    /// `chance` are two random words, of which 40 bits each are used.
    package static func make(_ prefix: StaticString, at now: Timestamp, chance: (UInt64, UInt64)) -> String {
        let milliseconds = UInt64(bitPattern: now.milliseconds) & 0xFFFF_FFFF_FFFF
        let (first, second) = chance
        return String(unsafeUninitializedCapacity: prefix.utf8CodeUnitCount + 27) { text in
            var place = 0
            for index in 0..<prefix.utf8CodeUnitCount {
                text[place] = prefix.utf8Start[index]
                place += 1
            }
            text[place] = 0x5F
            place += 1
            // 10 characters of time, 16 of chance.
            for index in 0..<10 {
                text[place] = alphabet[Int(truncatingIfNeeded: milliseconds >> UInt64(45 - 5 * index)) & 31]
                place += 1
            }
            for index in 0..<16 {
                let word = index < 8 ? first : second
                text[place] = alphabet[Int(truncatingIfNeeded: word >> UInt64(5 * (index & 7))) & 31]
                place += 1
            }
            return place
        }
    }
}
