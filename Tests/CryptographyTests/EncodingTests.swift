import Cryptography
import Testing

@Suite("Encodings, randomness and the shapes of keys")
struct EncodingTests {
    @Test(
        "base64 gives the published values (RFC 4648 §10)",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func base64(plain: String, encoded: String) {
        #expect(Base64.encode([UInt8](plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == [UInt8](plain.utf8))
    }

    @Test(
        "base64 that is not exactly what an encoder writes is refused",
        arguments: [
            "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "====", "=", "Z===", "Zm9v====", "Zm-_", "é===",
        ])
    func strictBase64(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test("every encoding gives back any bytes")
    func roundTrips() {
        let random = SeededRandom(seed: 11)
        for count in 0..<70 {
            let bytes = random.bytes(count)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decodeUnpadded(Base64.encodeUnpadded(bytes)) == bytes)
            #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
            #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        }
        #expect(Base64.encodeURL([0xFB, 0xFF]) == "-_8")
        #expect(Base64.decodeURL("+/8") == nil)
        #expect(Hex.decode("abc") == nil && Hex.decode("0g") == nil)
        for value in [0, 1, 61, 62, UInt64.max] { #expect(Base62.decode(Base62.encode(value, width: 11)) == value) }
        #expect(Base62.decode("zzzzzzzzzzzz") == nil && Base62.decode("") == nil && Base62.decode("a-") == nil)
    }

    @Test("CRC-32 gives zlib's check value")
    func crc() {
        #expect(CRC32.checksum([UInt8]("123456789".utf8)) == 0xCBF4_3926)
        #expect(CRC32.checksum([]) == 0)
    }

    @Test("a seed replays its bytes, another seed gives others")
    func seeded() {
        #expect(SeededRandom(seed: 0).uint64() == 0xE220_A839_7B1D_CDAF)  // SplitMix64's first value
        #expect(SeededRandom(seed: 1).bytes(40) == SeededRandom(seed: 1).bytes(40))
        #expect(SeededRandom(seed: 1).bytes(40) != SeededRandom(seed: 2).bytes(40))
        #expect(SystemRandom().bytes(16) != SystemRandom().bytes(16))
        #expect(SystemRandom().bytes(0).isEmpty)
    }

    @Test("a number below a bound reaches each value about as often as any other")
    func unbiased() {
        let random = SeededRandom(seed: 9)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<7000 { counts[Int(random.below(7))] += 1 }
        #expect(counts.allSatisfy { (850...1150).contains($0) })
        #expect(random.below(1) == 0)
        #expect((0..<100).allSatisfy { _ in random.below(.max) < .max })
    }

    @Test("a webhook secret is read back, and refused where it is short, long or not base64 (H1)")
    func webhookSecrets() {
        let secret = WebhookSecret.mint(random: SeededRandom(seed: 2))
        #expect(secret.hasPrefix("whsec_") && WebhookSecret.decode(secret)?.count == 32)
        #expect(WebhookSecret.decode(String(secret.dropFirst(6))) == nil)
        #expect(WebhookSecret.decode("whsec_" + Base64.encode([UInt8](repeating: 1, count: 23))) == nil)
        #expect(WebhookSecret.decode("whsec_" + Base64.encode([UInt8](repeating: 1, count: 65))) == nil)
        #expect(WebhookSecret.decode("whsec_!!!!") == nil)
    }

    @Test(
        "a minted key is well formed, and any single wrong character makes it malformed", arguments: ["live", "test"])
    func keys(mode: String) {
        let random = SeededRandom(seed: 4)
        let key = APIKeyFormat.mint(prefix: "vfc", mode: mode, random: random)
        #expect(key.hasPrefix("vfc_\(mode)_") && key.utf8.count == 9 + 24 + 6)
        #expect(APIKeyFormat.isWellFormed(key))
        #expect(APIKeyFormat.isWellFormed([UInt8](key.utf8)[...]))
        #expect(APIKeyFormat.displayPrefix(key) == String(key.prefix(13)))
        #expect(APIKeyFormat.mint(prefix: "vfc", mode: mode, random: random) != key)
        let bytes = [UInt8](key.utf8)
        for index in bytes.indices {
            for value in 0...UInt8.max where value != bytes[index] {
                var altered = bytes
                altered[index] = value
                if APIKeyFormat.isWellFormed(altered) { Issue.record("\(altered) is accepted") }
            }
            #expect(!APIKeyFormat.isWellFormed([UInt8](bytes[..<index])))
        }
        for index in bytes.indices.dropLast() where bytes[index] != bytes[index + 1] {
            var swapped = bytes
            swapped.swapAt(index, index + 1)
            #expect(!APIKeyFormat.isWellFormed(swapped))
        }
    }

    @Test(
        "what has the wrong shape is no key, whatever its checksum",
        arguments: ["", "_", "v_live_", "Vfc_live_", "vfc_prod_", "1fc_live_", "vfc-live-", "abcdefghijklmnopq_live_"])
    func shapes(start: String) {
        let body = start + String(repeating: "a", count: 24)
        let key = body + Base62.encode(UInt64(CRC32.checksum([UInt8](body.utf8))), width: 6)
        #expect(!APIKeyFormat.isWellFormed(key))
    }

    @Test("random parts of 22 digits and more are accepted up to 128 bytes in all")
    func lengths() {
        func key(_ digits: Int) -> String {
            let body = "psx_live_" + String(repeating: "Z", count: digits)
            return body + Base62.encode(UInt64(CRC32.checksum([UInt8](body.utf8))), width: 6)
        }
        #expect(!APIKeyFormat.isWellFormed(key(21)))
        #expect(APIKeyFormat.isWellFormed(key(22)))
        #expect(APIKeyFormat.isWellFormed(key(113)))
        #expect(!APIKeyFormat.isWellFormed(key(114)))
    }

    @Test("A7 the custom shape is exactly 64 lower-case hexadecimal digits")
    func hex64() {
        let key = APIKeyFormat.mintHex64(random: SeededRandom(seed: 8))
        #expect(APIKeyFormat.isHex64(key))
        #expect(!APIKeyFormat.isHex64(String(key.dropLast())))
        #expect(!APIKeyFormat.isHex64(key.dropLast() + "G"))
        #expect(!APIKeyFormat.isHex64(key.dropLast() + "A"))
    }
}
