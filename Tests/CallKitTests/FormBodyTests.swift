import CallKit
import HTTPCore
import Testing

/// What a page's form says, as the body that it stands for.
@Suite struct FormBodyTests {
    private let schema: Schema = ["a": .text(5)]

    @Test("U2 a form's names go eight deep; one that goes deeper, however long, is one name that no body has")
    func depth() {
        for name in [String(repeating: ".", count: 300_000), "a.b.c.d.e.f.g.h.i", String(repeating: "0.", count: 9)] {
            let body = schema.body(ofForm: [(name, "x"), ("a", "1")], isChange: false)
            #expect(body == .object([.init(name: name, value: .string("x")), .init(name: "a", value: .string("1"))]))
        }
        let body = schema.body(ofForm: [("a.b.c.d.e.f.g.h", "x")], isChange: false)
        #expect(body["a"]?["b"]?["c"]?["d"]?["e"]?["f"]?["g"]?["h"] == .string("x"))
    }

    @Test("U2 a form of a body of several shapes has its numbers as the shape has them that knows the name")
    func shapes() {
        let either = Schema.either(["days": .integer(1...9)], ["gigabytes": .integer(1...9).optional, "a": .text(5)])
        let pairs = [("days", "3"), ("gigabytes", "2"), ("a", "7"), ("b", "1")].map { (name: $0.0, value: $0.1) }
        let body = either.body(ofForm: pairs, isChange: false)
        #expect(body.encoded() == Array(#"{"days":3,"gigabytes":2,"a":"7","b":"1"}"#.utf8))
    }

    @Test("U2 spaces around a typed number are not the number's; those of a text stay")
    func spaces() {
        let schema: Schema = ["n": .integer(1...9), "m": .amount(Money.zero...Money(micros: 9_000_000)), "a": .text(5)]
        let pairs = [("n", " 3"), ("m", " 7.50\u{A0}"), ("a", " x ")].map { (name: $0.0, value: $0.1) }
        let body = schema.body(ofForm: pairs, isChange: false)
        #expect(body.encoded() == Array(#"{"n":3,"m":"7.50","a":" x "}"#.utf8))
    }

    @Test("U2 however many names a form has, each is there once, in the order in which they come first")
    func names() {
        let names = (0..<4_096).map { "n\($0)" }
        let pairs = names.map { ($0 + ".x", $0) } + names.map { ($0 + ".x", "last of \($0)") }
        guard case .object(let members) = schema.body(ofForm: pairs, isChange: false) else {
            Issue.record("no object")
            return
        }
        #expect(members.map(\.name) == names)
        #expect(members.allSatisfy { $0.value["x"] == .string("last of \($0.name)") })
    }
}
