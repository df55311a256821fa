import Cryptography
import Testing

@Suite("Digests")
struct DigestTests {
    @Test(
        "SHA-256 gives the published values (FIPS 180-4)",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func vectors(text: String, expected: String) {
        #expect(SHA256.hash([UInt8](text.utf8)).hex == expected)
        #expect(SHA256.hash(text).hex == expected)
    }

    @Test("a stream gives what one call gives, wherever its pieces end, and can go on after finish")
    func stream() {
        let bytes = SeededRandom(seed: 1).bytes(300)
        for cut in stride(from: 0, through: 300, by: 7) {
            var stream = SHA256Stream()
            stream.update([UInt8](bytes[..<cut]))
            #expect(stream.finish() == SHA256.hash([UInt8](bytes[..<cut])))
            stream.update([UInt8](bytes[cut...]))
            #expect(stream.finish() == SHA256.hash(bytes))
        }
    }

    @Test("a digest survives bytes and hexadecimal, and differs where any one bit does")
    func roundTrip() throws {
        let digest = SHA256.hash("abc")
        #expect(Digest(digest.bytes) == digest)
        #expect(Digest(bytes: digest.bytes[...]) == digest)
        #expect(Digest(hex: digest.hex) == digest)
        #expect(Digest([UInt8](repeating: 0, count: 31)) == nil)
        #expect(Digest(hex: digest.hex + "00") == nil)
        #expect(Digest.zero.bytes == [UInt8](repeating: 0, count: 32))
        for bit in 0..<256 {
            var bytes = digest.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try #require(Digest(bytes)) != digest)
        }
    }

    @Test(
        "HMAC-SHA256 gives the published values (RFC 4231)",
        arguments: [
            (
                [UInt8](repeating: 0x0b, count: 20), [UInt8]("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                [UInt8]("Jefe".utf8), [UInt8]("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
            ),
            (
                [UInt8](1...25), [UInt8](repeating: 0xcd, count: 50),
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131),
                [UInt8]("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ])
    func hmac(key: [UInt8], message: [UInt8], expected: String) {
        #expect(HMACSHA256.code(key: key, message).hex == expected)
        let half = message.count / 2
        #expect(HMACSHA256.code(key: key, [UInt8](message[..<half]), [], [UInt8](message[half...])).hex == expected)
    }

    @Test("an empty key and an empty message have their own code, not an error")
    func emptyHMAC() {
        let expected = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        #expect(HMACSHA256.code(key: []).hex == expected)
        #expect(HMACSHA256.code(key: [], []).hex == expected)
    }

    @Test("H2 the Standard Webhooks vector verifies")
    func webhookVector() throws {
        let key = try #require(WebhookSecret.decode("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let code = HMACSHA256.code(
            key: key, [UInt8]("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.".utf8),
            [UInt8](#"{"test": 2432232314}"#.utf8))
        #expect(Base64.encode(code.bytes) == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test("constant-time equality is equality")
    func constantTime() {
        #expect(constantTimeEqual([], []))
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
    }
}
