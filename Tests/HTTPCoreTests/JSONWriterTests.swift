import HTTPCore
import Testing

@Suite struct JSONWriting {
    @Test("commas stand between members and elements and nowhere else")
    func commas() {
        let bytes = JSONWriter.object { json in
            json.field("a", "x")
            json.field("b", 1)
            json.field("c", Int64.min)
            json.field("d", true)
            json.field("e", nil as String?)
            json.object("f") { _ in }
            json.array("g") { list in
                list.element(1)
                list.element("two")
                list.object { $0.field("three", raw: "3.00") }
                list.array { _ in }
                list.array { $0.element(false) }
                list.element(raw: "4.50")
                list.element(nil as Int?)
            }
            json.object("h") { $0.field(named: "a\"b", .null) }
            json.null("i")
            json.field("j", JSON.array([.object([]), .number(JSONNumber(text: "1.10"))]))
            json.field(named: "k{", raw: "0")
        }
        let expected =
            #"{"a":"x","b":1,"c":-9223372036854775808,"d":true,"e":null,"f":{},"#
            + #""g":[1,"two",{"three":3.00},[],[false],4.50,null],"h":{"a\"b":null},"i":null,"j":[{},1.10],"k{":0}"#
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test(
        "a text of any characters reads back as it was",
        arguments: [
            "", "plain", "{", "[", "a,b:", "\"", "\\", "\"\\\"", "\u{0}\u{1}\u{1f}", "\u{7f}",
            "\u{8}\u{9}\u{a}\u{c}\u{d}", "é€😀", "\u{2028}</script>",
        ])
    func escaping(text: String) throws {
        let bytes = JSONWriter.object { json in
            json.field("t", text)
            json.field(named: text + "!", .string(text))
        }
        let value = try JSON.parse(bytes)
        #expect(value["t"] == .string(text))
        #expect(value[text + "!"] == .string(text))
        #expect(bytes.allSatisfy { $0 >= 0x20 })
    }

    @Test("lines of objects need no comma between them")
    func lines() {
        var writer = JSONWriter()
        for number in 1...2 {
            writer.object { $0.field("n", number) }
            writer.bytes.append(0x0A)
        }
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "{\"n\":1}\n{\"n\":2}\n")
    }

    @Test("a character is escaped wherever it stands in a text, and nothing else is")
    func places() throws {
        let marks: [Character] = ["\"", "\\", "\n", "\u{1f}", "\u{0}", "!", " ", "#", "[", "]", "\u{7f}", "é"]
        for length in 0...19 {
            for place in 0...length {
                for mark in marks {
                    var text = [Character](repeating: "x", count: length)
                    text.insert(mark, at: place)
                    text.append(contentsOf: "yz")
                    let sent = String(text)
                    let bytes = JSONWriter.object { $0.field("t", sent) }
                    #expect(try JSON.parse(bytes)["t"] == .string(sent))
                    let isEscaped = "\"\\\n\u{1f}\u{0}".contains(mark)
                    #expect(bytes.count(where: { $0 == 0x5C }) == (isEscaped ? mark == "\\" ? 2 : 1 : 0))
                }
            }
        }
    }
}
