import HTTPClient
import HTTPCore
import Testing

@Suite("Names")
struct NameTests {
    private let question = NameQuestion("hooks.example", .ipv4, number: 7)

    /// An answer to the question with these flags and records.
    private func message(flags: UInt16 = 0x8180, number: UInt8 = 7, records: [[UInt8]] = []) throws -> [UInt8] {
        let question = try #require(question)
        return [0, number, UInt8(flags >> 8), UInt8(flags & 0xFF), 0, 1, 0, UInt8(records.count), 0, 0, 0, 0]
            + question.bytes.dropFirst(12) + records.flatMap { $0 }
    }

    private func record(_ kind: UInt8, _ data: [UInt8], seconds: UInt8 = 60) -> [UInt8] {
        [0xC0, 0x0C, 0, kind, 0, 1, 0, 0, 0, seconds, 0, UInt8(data.count)] + data
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(parsing: text)) }

    @Test("H5 an answer's addresses are read, past aliases, for as long as the shortest of its records says")
    func addresses() throws {
        let question = try #require(question)
        let alias: [UInt8] = [3] + Array("cdn".utf8) + [0xC0, 0x12]
        let records = [
            record(5, alias, seconds: 30), record(1, [192, 0, 2, 1]), record(1, [192, 0, 2, 2]), record(28, [1, 2]),
        ]
        #expect(
            question.answer(try message(records: records))
                == .addresses([try address("192.0.2.1"), try address("192.0.2.2")], seconds: 30))
    }

    @Test("H6 an answer with another number, to another question, or that is a question is none")
    func strangers() throws {
        let question = try #require(question)
        let other = try #require(NameQuestion("other.example", .ipv4, number: 7))
        let good = try message(records: [record(1, [192, 0, 2, 1])])
        #expect(question.answer(good) != nil)
        #expect(other.answer(good) == nil)
        #expect(NameQuestion("hooks.example", .ipv6, number: 7)?.answer(good) == nil)
        #expect(question.answer(try message(number: 8)) == nil)
        #expect(question.answer(try message(flags: 0x0100)) == nil)
    }

    @Test("H3 a name that is not there has no addresses; a server that refuses or fails has not said so")
    func absent() throws {
        let question = try #require(question)
        #expect(question.answer(try message(flags: 0x8183)) == .addresses([], seconds: 5))
        #expect(question.answer(try message()) == .addresses([], seconds: 5))
        #expect(question.answer(try message(flags: 0x8182)) == .failed)
        #expect(question.answer(try message(flags: 0x8185)) == .failed)
    }

    @Test("H5 an answer that was cut is used as far as it goes, at every byte")
    func cut() throws {
        let question = try #require(question)
        let whole = try message(records: [record(1, [192, 0, 2, 1]), record(1, [192, 0, 2, 2])])
        for length in 0..<whole.count {
            guard case .addresses(let found, _) = question.answer(Array(whole.prefix(length))) else { continue }
            #expect(found.count < 2)
        }
    }

    @Test("H3 an answer that was cut before its first address says nothing of the name")
    func cutBeforeAddresses() throws {
        let question = try #require(question)
        let one = record(1, [192, 0, 2, 1])
        #expect(question.answer(try message(flags: 0x8380)) == .failed)
        #expect(question.answer(try message(flags: 0x8380, records: [record(5, [0])])) == .failed)
        #expect(
            question.answer(try message(flags: 0x8380, records: [one]))
                == .addresses([try address("192.0.2.1")], seconds: 60))
    }

    @Test("H3 a question for long answers says so behind the question, and is answered like any other")
    func extended() throws {
        let plain = try #require(question)
        let question = try #require(NameQuestion("hooks.example", .ipv4, number: 7, isExtended: true))
        #expect(question.bytes.count == plain.bytes.count + 11)
        #expect(question.bytes[11] == 1 && plain.bytes[11] == 0)
        #expect(question.bytes.suffix(11) == [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0])
        let answer = try message(records: [record(1, [192, 0, 2, 1])])
        #expect(question.answer(answer) == .addresses([try address("192.0.2.1")], seconds: 60))
        #expect(question.answer(answer) == plain.answer(answer))
    }

    @Test("H5 names that cannot be asked for have no question")
    func names() {
        for name in ["", ".", "a..b", "a.", String(repeating: "a", count: 64) + ".example"] {
            #expect(NameQuestion(name, .ipv4, number: 1) == nil, "\(name)")
        }
        #expect(NameQuestion(Array(repeating: "abc", count: 64).joined(separator: "."), .ipv4, number: 1) == nil)
        #expect(NameServer(parsing: "[::1]:5353")?.port == 5353)
        #expect(NameServer(parsing: "127.0.0.1")?.port == 53)
        for text in ["", "dns.example", "127.0.0.1:0", "127.0.0.1:x", "1.2.3.4:70000"] {
            #expect(NameServer(parsing: text) == nil, "\(text)")
        }
    }
}
