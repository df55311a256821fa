import Testing

@testable import Cryptography

/// Reads hexadecimal that a test has written itself.
private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

@Suite("Signatures, sealing and passwords")
struct CipherTests {
    @Test("G5 one context signs as many messages as it is given, each as a new one would")
    func signer() throws {
        let key = try SigningKey(seed: [UInt8](repeating: 7, count: 32))
        let signer = Signer(key)
        for length in [0, 1, 64, 200, 5_000] {
            let message = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
            let signature = signer.sign(message)
            #expect(signature == key.sign(message) && signature == signer.sign(message))
            #expect(Ed25519.verify(signature: signature, message: message, publicKey: key.publicKey))
        }
    }

    @Test(
        "Ed25519 gives the published keys and signatures (RFC 8032 §7.1)",
        arguments: [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                    + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                    + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                    + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ])
    func signatures(seed: String, publicKey: String, message: String, signature: String) throws {
        let key = try SigningKey(seed: bytes(seed))
        #expect(Hex.encode(key.publicKey) == publicKey)
        let message = try bytes(message)
        #expect(Hex.encode(key.sign(message)) == signature)
        var altered = try bytes(signature)
        #expect(Ed25519.verify(signature: altered, message: message, publicKey: key.publicKey))
        altered[3] ^= 1
        #expect(!Ed25519.verify(signature: altered, message: message, publicKey: key.publicKey))
        #expect(!Ed25519.verify(signature: try bytes(signature), message: message + [0], publicKey: key.publicKey))
    }

    @Test("keys and signatures of a wrong length are refused, not read past their end")
    func lengths() throws {
        let key = SigningKey.generate(random: SeededRandom(seed: 7))
        #expect(throws: CryptographyError.self) { try SigningKey(seed: [1, 2, 3]) }
        #expect(!Ed25519.verify(signature: [], message: [], publicKey: key.publicKey))
        #expect(!Ed25519.verify(signature: key.sign([]), message: [], publicKey: []))
    }

    @Test(
        "AES-256-GCM gives the published values (NIST, McGrew and Viega cases 13 to 16)",
        arguments: [
            (
                String(repeating: "00", count: 32), String(repeating: "00", count: 12), "", "", "",
                "530f8afbc74536b9a963b4f1c4cb738b"
            ),
            (
                String(repeating: "00", count: 32), String(repeating: "00", count: 12),
                String(repeating: "00", count: 16),
                "", "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"
            ),
            (
                "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                    + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
                "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                    + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
                "76fc6ece0f4e1768cddf8853bb2d551b"
            ),
        ])
    func sealing(
        key: String, nonce: String, plaintext: String, associated: String, ciphertext: String, tag: String
    ) throws {
        let sealed = try AES256GCM.seal(
            bytes(plaintext), key: bytes(key), associatedData: bytes(associated), nonce: bytes(nonce))
        #expect(Hex.encode(sealed) == nonce + ciphertext + tag)
        #expect(try AES256GCM.open(sealed, key: bytes(key), associatedData: bytes(associated)) == bytes(plaintext))
    }

    @Test("a sealed secret opens only whole, under its key and with its associated data")
    func tampering() throws {
        let random = SeededRandom(seed: 3)
        let key = random.bytes(32)
        let secret = [UInt8]("whsec_secret".utf8)
        let sealed = try AES256GCM.seal(secret, key: key, associatedData: [1, 2], random: random)
        #expect(try AES256GCM.open(sealed, key: key, associatedData: [1, 2]) == secret)
        #expect(try AES256GCM.seal(secret, key: key, associatedData: [1, 2], random: random) != sealed)
        for index in sealed.indices {
            var altered = sealed
            altered[index] ^= 0x80
            #expect(throws: CryptographyError.self) { try AES256GCM.open(altered, key: key, associatedData: [1, 2]) }
        }
        for count in 0..<sealed.count {
            let cut = [UInt8](sealed[..<count])
            #expect(throws: CryptographyError.self) { try AES256GCM.open(cut, key: key, associatedData: [1, 2]) }
        }
        #expect(throws: CryptographyError.self) { try AES256GCM.open(sealed, key: key, associatedData: [1]) }
        #expect(throws: CryptographyError.self) {
            try AES256GCM.open(sealed, key: random.bytes(32), associatedData: [1, 2])
        }
        #expect(throws: CryptographyError.self) { try AES256GCM.seal([], key: [1], associatedData: [], random: random) }
    }

    @Test("scrypt gives the published values (RFC 7914 §12)")
    func scrypt() throws {
        #expect(
            try Hex.encode(Scrypt(costLog2: 4, blockSize: 1).derive([], salt: [], count: 64))
                == "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906")
        #expect(
            try Hex.encode(
                Scrypt(costLog2: 14, blockSize: 8, parallel: 1).derive(
                    [UInt8]("pleaseletmein".utf8), salt: [UInt8]("SodiumChloride".utf8), count: 64))
                == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")
    }

    @Test("a password verifies against its own hash alone, in whatever Unicode form it is typed")
    func passwords() throws {
        let random = SeededRandom(seed: 5)
        let hash = try Scrypt().hash("caf\u{E9} \u{1F511}", random: random)
        #expect(hash.hasPrefix("$scrypt$ln=15,r=8,p=1$"))
        #expect(Scrypt.verify("caf\u{E9} \u{1F511}", against: hash))
        #expect(Scrypt.verify("cafe\u{301} \u{1F511}", against: hash))
        #expect(!Scrypt.verify("cafe \u{1F511}", against: hash))
        #expect(!Scrypt.verify("", against: hash))
        let second = try Scrypt().hash("caf\u{E9} \u{1F511}", random: random)
        #expect(second != hash)
    }

    @Test("A8 O13 one salt gives one password one hash, which says the salt that it was made with")
    func salts() throws {
        let scrypt = Scrypt(costLog2: 4, blockSize: 1)
        let (salt, other) = ([UInt8](repeating: 7, count: 16), [UInt8](repeating: 8, count: 16))
        let hash = try scrypt.hash("caf\u{E9}", salt: salt)
        #expect(try scrypt.hash("cafe\u{301}", salt: salt) == hash)
        #expect(try scrypt.hash("caf\u{E9}", salt: other) != hash && scrypt.hash("cafe", salt: salt) != hash)
        #expect(Scrypt.salt(of: hash) == salt && Scrypt.verify("caf\u{E9}", against: hash))
        #expect(Scrypt.salt(of: "scrypt") == nil && Scrypt.salt(of: "$scrypt$ln=4,r=1,p=1$!$x") == nil)
    }

    @Test(
        "a stored hash that cannot be read or asks for too much verifies nothing",
        arguments: [
            "", "$", "$$$$", "plain", "$scrypt$ln=15,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=15,r=8$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=15,r=8,p=1,x=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=24,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=63,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=0,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=10,r=99999,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
            "$argon2id$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        ])
    func unreadable(stored: String) {
        #expect(!Scrypt.verify("password", against: stored))
    }

    @Test("an error names operation and reason and none of its input")
    func errors() throws {
        let error = try #require(throws: CryptographyError.self) {
            try AES256GCM.open(
                [UInt8](repeating: 0x41, count: 40), key: [UInt8](repeating: 0x42, count: 32), associatedData: [])
        }
        #expect(error.description == "AES-256-GCM open: not genuine")
    }
}
