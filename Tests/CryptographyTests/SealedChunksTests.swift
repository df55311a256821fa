import Testing

@testable import Cryptography

@Suite("Texts sealed in chunks")
struct SealedChunksTests {
    private static let magic = Array("TGTEST\r\n".utf8)

    private func passphrase(_ text: String = "a passphrase of words") throws -> Passphrase {
        try #require(Passphrase(text))
    }

    private func writer(_ text: String = "a passphrase of words") throws -> SealedChunks {
        try SealedChunks(
            magic: Self.magic, version: 1, passphrase: passphrase(text), random: SeededRandom(seed: 11))
    }

    private func reader(of head: [UInt8], _ text: String = "a passphrase of words") throws -> SealedChunks {
        try SealedChunks(reading: head, magic: Self.magic, version: 1, passphrase: passphrase(text))
    }

    @Test("P10 a passphrase has 12 printable ASCII characters or more; white space around it does not count")
    func passphrases() throws {
        #expect(Passphrase("eleven char") == nil)
        #expect(Passphrase("  eleven char\t ") == nil)
        for text in ["äöüäöüäöüäöü", "twelve\u{FFFD}\u{FFFD}chars", "twelve\tchars", "twelve\u{85}chars"] {
            #expect(Passphrase(text) == nil, "a header field carries no more than ASCII")
        }
        #expect(Passphrase(String(repeating: "x", count: 1025)) == nil)
        let salt = [UInt8](repeating: 7, count: 16)
        #expect(try passphrase(" twelve chars ").key(salt: salt) == passphrase("twelve chars").key(salt: salt))
        #expect("\(try passphrase())" == "a passphrase")
    }

    @Test("P10 what is sealed in chunks opens as it was, the empty text and whole chunks too")
    func roundTrip() throws {
        var sealing = try writer()
        let whole = SeededRandom(seed: 3).bytes(sealing.bytesOfChunk)
        for texts in [[[UInt8]()], [[1, 2, 3]], [whole, whole, [9]], [whole]] {
            sealing = try writer()
            var opening = try reader(of: sealing.head)
            var bytes = sealing.head.count
            for (index, text) in texts.enumerated() {
                let isLast = index == texts.count - 1
                let sealed = try sealing.seal(text, isLast: isLast)
                bytes += sealed.count
                #expect(try opening.open(sealed, isLast: isLast) == text)
            }
            #expect(bytes == SealedChunks.length(of: texts.reduce(0) { $0 + $1.count }))
        }
    }

    @Test("P10 a text that was cut off, went on, or is put elsewhere does not open")
    func altered() throws {
        var sealing = try writer()
        let whole = SeededRandom(seed: 3).bytes(sealing.bytesOfChunk)
        let first = try sealing.seal(whole, isLast: false)
        let second = try sealing.seal(whole, isLast: false)
        let last = try sealing.seal([1, 2, 3], isLast: true)
        func refused(_ chunks: [([UInt8], Bool)]) throws -> Bool {
            var opening = try reader(of: sealing.head)
            do {
                for (chunk, isLast) in chunks { _ = try opening.open(chunk, isLast: isLast) }
                return false
            } catch SealedChunks.Failure.damaged {
                return true
            }
        }
        #expect(try !refused([(first, false), (second, false), (last, true)]))
        #expect(try refused([(first, true)]))
        #expect(try refused([(first, false), (second, true)]))
        #expect(try refused([(second, false)]))
        #expect(try refused([(first, false), (first, false)]))
        #expect(try refused([(first, false), (last, true)]))
        #expect(try refused([(first, false), (second, false), (last, false)]))
        #expect(try refused([(first, false), (second, false), (last + [0], true)]))
        var bit = first
        bit[100] ^= 1
        #expect(try refused([(bit, false)]))
        // Of another text under the same passphrase.
        var other = try SealedChunks(
            magic: Self.magic, version: 1, passphrase: passphrase(), random: SeededRandom(seed: 12))
        let foreign = try other.seal(whole, isLast: false)
        #expect(try refused([(foreign, false)]))
    }

    @Test("P10 a wrong passphrase is told from another format, another version and damage")
    func heads() throws {
        let head = try writer().head
        #expect(throws: SealedChunks.Failure.wrongPassphrase) { try reader(of: head, "another passphrase") }
        var salt = head
        salt[20] ^= 1
        #expect(throws: SealedChunks.Failure.wrongPassphrase) { try reader(of: salt) }
        var magic = head
        magic[0] ^= 1
        #expect(throws: SealedChunks.Failure.unknownFormat) { try reader(of: magic) }
        for place in 8..<16 {
            var other = head
            other[place] ^= 0x40
            let failure: SealedChunks.Failure = place == 8 ? .newer : place < 14 ? .damaged : .wrongPassphrase
            #expect(throws: failure, "byte \(place)") { try reader(of: other) }
        }
        var before = head
        before[8] = 0
        #expect(throws: SealedChunks.Failure.damaged) { try reader(of: before) }
        #expect(throws: SealedChunks.Failure.unknownFormat) { try reader(of: []) }
    }
}
