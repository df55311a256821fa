import HTTPCore
import Testing

private enum Colour: String, CaseIterable { case red, green }

private func reader(_ text: String) throws -> FieldReader { FieldReader(try JSON.parse(Array(text.utf8))) }

private func codes(_ fields: FieldReader) -> [String] { fields.errors.map { "\($0.pointer) \($0.code)" } }

@Suite struct FieldReading {
    @Test("good members are read and no error is recorded")
    func good() throws {
        var fields = try reader(
            #"{"s":"ok","i":5.0,"b":false,"c":"green","e":"Ann.B@Shop.EXAMPLE","o":{"x":"y"},"a":[1,2],"z":null}"#)
        #expect(fields.string("s") == "ok")
        #expect(fields.integer("i", in: 1...9) == 5)
        #expect(fields.bool("b") == false)
        #expect(fields.choice("c", as: Colour.self) == .green)
        #expect(fields.email("e") == "ann.b@shop.example")
        let object = fields.object("o")
        var nested = try #require(object)
        #expect(nested.string("x") == "y")
        fields.absorb(nested)
        #expect(fields.array("a", count: 1...2)?.count == 2)
        #expect(fields.has("z") && fields.isNull("z") && !fields.has("q") && !fields.isNull("q"))
        #expect(fields.optionalString("z") == nil && fields.optionalInteger("q", in: 0...1) == nil)
        #expect(fields.optionalBool("z") == nil && fields.optionalChoice("z", as: Colour.self) == nil)
        #expect(fields.optionalObject("z") == nil && fields.optionalArray("z", count: 1...1) == nil)
        #expect(fields.errors == [])
    }

    @Test("every error of a body is gathered, each with its pointer")
    func gathered() throws {
        var fields = try reader(#"{"s":"","i":11,"b":1,"c":"blue","e":"a@b@c","o":{"x":7},"a":[],"n":null}"#)
        #expect(fields.string("s") == nil)
        #expect(fields.integer("i", in: 1...10) == nil)
        #expect(fields.bool("b") == nil)
        #expect(fields.choice("c", as: Colour.self) == nil)
        #expect(fields.email("e") == nil)
        if var nested = fields.object("o") {
            #expect(nested.string("x") == nil)
            #expect(nested.string("y/~") == nil)
            fields.absorb(nested)
        }
        #expect(fields.array("a", count: 1...2) == nil)
        #expect(fields.string("n") == nil)
        #expect(fields.object("missing") == nil)
        fields.fail("s", code: "taken", detail: "is taken")
        #expect(
            codes(fields) == [
                "/s length", "/i range", "/b type", "/c choice", "/e format", "/o/x type", "/o/y~1~0 required",
                "/a count", "/n required",
                "/missing required", "/s taken",
            ])
    }

    @Test("a choice's error lists what is allowed")
    func choices() throws {
        var fields = try reader(#"{"c":"blue"}"#)
        #expect(fields.optionalChoice("c", as: Colour.self) == nil)
        #expect(fields.errors.first?.detail == "must be one of red, green")
    }

    @Test("a body that is no object has one error, at the root", arguments: ["[]", "null", "1", "\"x\""])
    func notAnObject(text: String) throws {
        var fields = try reader(text)
        #expect(fields.string("a") == nil)
        #expect(fields.integer("b", in: 0...1) == nil)
        #expect(codes(fields) == [" type"])
    }

    @Test(
        "an integer past Int64 is out of range, a fraction is no integer",
        arguments: [
            ("99999999999999999999", "range"), ("1.5", "type"), ("1e-1", "type"), ("1e3", "range"), ("1e400", "range"),
            ("\"1\"", "type"), ("0", "range"),
            ("true", "type"),
        ])
    func integers(text: String, code: String) throws {
        var fields = try reader("{\"i\":\(text)}")
        #expect(fields.integer("i", in: 1...100) == nil)
        #expect(codes(fields) == ["/i \(code)"])
    }

    @Test(
        "control characters and wrong lengths are refused",
        arguments: [
            (#""a\u0000""#, "format"), (#""a\nb""#, "format"), (#""\u007f""#, "format"), (#""\u0085""#, "format"),
            ("\"abcd\"", "length"),
            ("\"\"", "length"), ("5", "type"),
        ])
    func texts(text: String, code: String) throws {
        var fields = try reader("{\"s\":\(text)}")
        #expect(fields.string("s", characters: 1...3) == nil)
        #expect(codes(fields) == ["/s \(code)"])
    }

    @Test(
        "a text is kept in NFC, and holds nothing that nobody sees",
        arguments: [
            ("e\u{301}a\u{308}", "éä", "éä"), ("\u{1E9B}\u{323}", "\u{1E9B}\u{323}", "\u{1E9B}\u{323}"),
            ("\u{202E}a", nil, nil), ("a\u{200B}", nil, nil), ("\u{FEFF}a", nil, nil), ("a\u{2066}b", nil, nil),
            ("a\u{AD}b", nil, nil), ("\u{FFFE}", nil, nil), ("\u{202E}a\u{202C}", "\u{202E}a\u{202C}", nil),
            ("\u{2067}a\u{202C}\u{2069}", nil, nil), ("a\u{2069}", nil, nil), ("  ", nil, nil), ("\u{3000}", nil, nil),
            ("\u{200D}", nil, nil), (" a", " a", nil), ("a ", "a ", nil), ("a b", "a b", "a b"),
            ("a\u{200D}b", "a\u{200D}b", nil), ("a\u{A0}b", "a\u{A0}b", nil), ("\u{E000}", "\u{E000}", nil),
            ("❤\u{FE0F}", "❤\u{FE0F}", nil), ("日本", "日本", "日本"),
            ("\u{2800}", nil, nil), ("a\u{2800}", "a\u{2800}", nil), ("⠁\u{2800}⠁", "⠁\u{2800}⠁", "⠁\u{2800}⠁"),
            ("\u{1D159}", nil, nil), ("a\u{1D159}", "a\u{1D159}", nil), ("\u{13430}", nil, nil),
            ("\u{13000}\u{13430}\u{13001}", nil, nil), ("\u{13000}", "\u{13000}", "\u{13000}"),
            ("a\u{13440}", "a\u{13440}", "a\u{13440}"), ("a\u{1343F}", nil, nil), ("a\u{FFF9}b", nil, nil),
            ("a\u{FFFA}b", nil, nil), ("a\u{FFFB}b", nil, nil),
        ] as [(String, String?, String?)])
    func letters(sent: String, line: String?, id: String?) {
        func read(_ rule: TextRule) -> [UInt8]? {
            var fields = FieldReader(.object([JSONMember(name: "s", value: .string(sent))]))
            let text = fields.string("s", characters: 1...9, rule)
            #expect((text == nil) == (fields.errors.map(\.code) == ["format"]))
            // As bytes: to Swift both spellings are equal.
            return text.map { Array($0.utf8) }
        }
        #expect(read(.line) == line.map { Array($0.utf8) })
        #expect(read(.id) == id.map { Array($0.utf8) })
    }

    @Test("a reader that refuses what nobody reads names it, in each part, and nothing twice")
    func others() throws {
        let json = try JSON.parse(Array(#"{"a":1,"b":{"c":1,"d":2},"e/~":3,"f":[{"g":1}]}"#.utf8))
        var fields = FieldReader(json, refusesUnknown: true)
        fields.fail("a", code: "immutable", detail: "stays")
        let object = fields.object("b")
        var nested = try #require(object)
        nested.expectNoOthers(than: ["c"])
        fields.absorb(nested)
        let array = fields.array("f", count: 1...1)
        var element = fields.reader(of: try #require(array)[0], at: 0, in: "f")
        element.expectNoOthers(than: [])
        fields.absorb(element)
        fields.expectNoOthers(than: ["b", "f"])
        #expect(codes(fields) == ["/a immutable", "/b/d unknown", "/f/0/g unknown", "/e~1~0 unknown"])
        var lax = FieldReader(json)
        lax.expectNoOthers(than: [])
        #expect(lax.errors == [])
    }

    @Test("length is counted in scalars, so that joined characters cannot hide bytes")
    func scalars() throws {
        let joined = "e" + String(repeating: "\u{301}", count: 5)
        var fields = try reader("{\"s\":\"\(joined)\",\"t\":\"日本語\"}")
        #expect(fields.string("s", characters: 1...3) == nil)
        #expect(fields.string("t", characters: 1...3) == "日本語")
        #expect(codes(fields) == ["/s length"])
    }

    @Test(
        "no address without one @, a local part and sound labels",
        arguments: [
            "abc", "@b.c", "a@", "a b@c.d", "a@b c", "a@.b", "a@b.", "a@b..c", "a@b@c",
            String(repeating: "a", count: 65) + "@b.c",
            "a@" + String(repeating: "b", count: 253),
        ])
    func emails(text: String) throws {
        var fields = try reader("{\"e\":\"\(text)\"}")
        #expect(fields.email("e") == nil)
        #expect(codes(fields) == ["/e format"] || codes(fields) == ["/e length"])
    }
}
