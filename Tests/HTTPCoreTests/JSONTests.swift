import HTTPCore
import TestSeeds
import Testing

private func parse(_ text: String) throws(JSONError) -> JSON { try JSON.parse(Array(text.utf8)) }

@Suite struct JSONReading {
    @Test("every kind of value is read as it stands")
    func kinds() throws {
        let text = #" {"a" : null, "b":[true,false], "c":-12.50e+2, "d":"x\u00e9\"\\\/\b\f\n\r\t", "":{} } "#
        let expected = JSON.object([
            JSONMember(name: "a", value: .null),
            JSONMember(name: "b", value: .array([.bool(true), .bool(false)])),
            JSONMember(name: "c", value: .number(JSONNumber(text: "-12.50e+2"))),
            JSONMember(name: "d", value: .string("x\u{e9}\"\\/\u{8}\u{c}\n\r\t")),
            JSONMember(name: "", value: .object([])),
        ])
        #expect(try parse(text) == expected)
    }

    @Test(
        "what RFC 8259 does not allow is refused",
        arguments: [
            "", " ", "nul", "nulll", "True", "tru", "{", "}", "[", "]", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}", "{'a':1}", "{1:2}", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\", "\"\\u",
            "01", "-", "+1",
            ".5", "5.", "1e", "1e+", "-a", "0x10", "NaN", "Infinity", "-Infinity", "1 2", "{} x", "[1]]", "\"a\nb\"",
            "\"\u{0}\"",
            "\"\\n\u{1}\"", "// c\n1", "[1,\u{a0}2]", "\u{feff}1",
        ])
    func strict(text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test(
        "a lone surrogate is refused, a pair is one character",
        arguments: [
            #""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\ud800""#, #""\udc00\ud800""#,
            #""\ud83d\u0041""#,
        ])
    func surrogates(text: String) throws {
        #expect(throws: JSONError.self) { try parse(text) }
        #expect(try parse(#""\ud83d\ude00\uD83D\uDE00""#) == .string("😀😀"))
        #expect(try parse(#""\uffff\u0000""#) == .string("\u{ffff}\u{0}"))
    }

    @Test(
        "invalid UTF-8 is refused, in names and values, escaped or not",
        arguments: [
            [0x80], [0xC3], [0xC0, 0xAF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF],
            [0xF8, 0x88, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func utf8(bad: [UInt8]) {
        let quote: [UInt8] = [0x22]
        #expect(throws: JSONError.self) { try JSON.parse(quote + bad + quote) }
        #expect(throws: JSONError.self) { try JSON.parse(quote + Array("\\n".utf8) + bad + quote) }
        #expect(throws: JSONError.self) { try JSON.parse(Array("{".utf8) + quote + bad + quote + Array(":1}".utf8)) }
        #expect(throws: JSONError.self) { try JSON.parse(bad) }
    }

    @Test("a member name may stand once, however it is written and among however many")
    func duplicates() throws {
        #expect(throws: JSONError.self) { try parse(#"{"a":1,"a":1}"#) }
        #expect(throws: JSONError.self) { try parse(#"{"a":1,"\u0061":1}"#) }
        #expect(throws: JSONError.self) { try parse(#"{"x":{"a":1,"b":2,"a":3}}"#) }
        let names = (0..<100).map { "\"n\($0)\":0" }
        #expect(try parse("{\(names.joined(separator: ","))}")["n99"] != nil)
        for twice in [0, 7, 8, 9, 50, 99] {
            #expect(throws: JSONError.self) { try parse("{\((names + [names[twice]]).joined(separator: ","))}") }
        }
        #expect(try parse(#"{"a":{"a":1},"b":{"a":1}}"#)["b"]?["a"] != nil)
    }

    @Test("G6 a text that was sent has a bound for marks in a row, escaped or not; a kept one has none")
    func marks() throws {
        let most = String(repeating: "\u{301}\u{323}", count: String.marksMax / 2)
        let escaped = String(repeating: "\\u0301", count: String.marksMax + 1)
        for text in ["\"a\(most)\"", "{\"a\(most)b\(most)\":1}", "[\"\(String(repeating: "漢字", count: 100))\"]"] {
            #expect(throws: Never.self) { try JSON.parse(sent: Array(text.utf8)) }
        }
        for text in [
            "\"a\(most)\u{301}\"", "{\"\(most)\u{5b0}\":1}", "[\"\(escaped)\"]", "{\"a\":{\"\(escaped)\":1}}",
        ] {
            #expect(throws: JSONError.self) { try JSON.parse(sent: Array(text.utf8)) }
            #expect(throws: Never.self) { try parse(text) }
        }
    }

    @Test("nesting ends at the bound, siblings do not count")
    func depth() throws {
        let most = JSON.nestingDepthMax
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try parse(nested(most)) }
        #expect(throws: JSONError.self) { try parse(nested(most + 1)) }
        #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONError.self) { try parse(String(repeating: "{\"a\":", count: 100_000)) }
        let siblings = Array(repeating: nested(most - 1), count: 100).joined(separator: ",")
        #expect(throws: Never.self) { try parse("[\(siblings)]") }
    }

    @Test("numbers keep their text, up to the bound")
    func numbers() throws {
        for text in ["0", "-0", "10", "0.10", "1E5", "1e-05", "123456789012345678901234567890.5"] {
            #expect(try parse(text) == .number(JSONNumber(text: text)))
        }
        let longest = String(repeating: "9", count: JSON.numberCharactersMax)
        #expect(try parse(longest) == .number(JSONNumber(text: longest)))
        #expect(throws: JSONError.self) { try parse(longest + "9") }
        #expect(throws: JSONError.self) { try parse("1e" + longest) }
    }

    @Test(
        "an integer is read only where it is exactly one",
        arguments: [
            ("0", 0), ("-0", 0), ("5", 5), ("-5", -5), ("5.0", 5), ("5.000e0", 5), ("5e0", 5), ("5E+00", 5),
            ("5e-0", 5),
            ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("5.5", nil), ("5.01", nil),
            ("5e1", 50), ("50e-1", 5), ("0.5e1", 5), ("-1.20e2", -120), ("0e9", 0), ("-0.0e-9", 0), ("15e-1", nil),
            ("1e18", 1_000_000_000_000_000_000), ("1e19", nil), ("1e-400", nil), ("1e99999999999999999999", nil),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1e400", nil),
        ] as [(String, Int64?)])
    func integers(text: String, expected: Int64?) {
        #expect(JSONNumber(text: text).integer() == expected)
    }

    @Test("a number has one spelling for each value")
    func canonical() {
        for texts in [
            ["1", "1.0", "1e0", "10e-1", "0.1E1"], ["0", "-0", "0.00", "0e5"], ["-1.5", "-15e-1", "-1.500"],
            ["100", "1e2"],
        ] {
            #expect(Set(texts.map { JSONNumber(text: $0).canonical }).count == 1)
        }
        #expect(JSONNumber(text: "1").canonical != JSONNumber(text: "10").canonical)
        #expect(JSONNumber(text: "1").canonical != JSONNumber(text: "-1").canonical)
    }

    @Test("decimal digits alone are a plain number")
    func plain() {
        #expect(JSONNumber(plain: "007")?.integer() == 7)
        for text in ["", "+1", "-1", "1.0", "1e1", " 1", "١", String(repeating: "1", count: 65)] {
            #expect(JSONNumber(plain: text) == nil)
        }
    }

    @Test(
        "an error names the byte where it stands",
        arguments: [
            ("[1,2,x]", 5), ("{\"a\":1,\"a\":2}", 7), ("  ", 2), ("[1] ,", 4), ("\"ab\u{1}\"", 3), ("[tru]", 1),
            ("[\"\\ud800\"]", 2),
        ])
    func offsets(text: String, offset: Int) {
        let error = #expect(throws: JSONError.self) { try parse(text) }
        #expect(error?.offset == offset)
    }

    @Test("any bytes are answered, and whatever is accepted reads the same after it was written")
    func fuzz() throws {
        var random = Seeded(state: 42)
        let alphabet = Array(#"{}[]",:\u0d8e9-+.tfn aé"#.utf8)
        var accepted = 0
        for _ in 0..<60_000 {
            let bytes = (0..<Int.random(in: 0..<14, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            guard let value = try? JSON.parse(bytes) else { continue }
            accepted += 1
            #expect(try JSON.parse(value.encoded()) == value)
        }
        #expect(accepted > 100)
    }
}
