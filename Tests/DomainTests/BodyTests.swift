import CallKit
import HTTPCore
import TenantRegistry
import Testing

/// A body is said once: what is read is what is described, and so is what is written (0022).
@Suite struct BodyTests {
    private enum Colour: String, CaseIterable, AnswerValue {
        case red
        case blue
    }

    private static let body = Body(
        Field.text("name", 1...5), Field.choice("colour", Colour.self), Field.integer("count", 1...9).or(3),
        Field.object("owner", Body(Field.email("email"), Field.text("note", 1...9).optional)))

    private func read<Value>(_ text: String, _ body: Body<Value>) throws -> Value {
        var fields = FieldReader(try JSON.parse(Array(text.utf8)))
        return try fields.read(body, .none)
    }

    private func codes<Value>(_ text: String, _ body: Body<Value>) -> [String] {
        do {
            _ = try read(text, body)
            return []
        } catch Refusal.invalid(let errors) {
            return errors.map { "\($0.pointer) \($0.code)" }
        } catch {
            return ["\(error)"]
        }
    }

    @Test("values come typed, in the order of the fields, with what was left out filled in")
    func values() throws {
        let (name, colour, count, owner) = try read(
            #"{"name":"a","colour":"blue","owner":{"email":"A@b.c"}}"#, Self.body)
        #expect(name == "a" && colour == .blue && count == 3)
        #expect(owner.0 == "a@b.c" && owner.1 == nil)
    }

    @Test("all errors are told at once, in the order of the fields, with their pointers")
    func errors() {
        #expect(
            codes(#"{"name":"","count":10,"owner":{"note":7}}"#, Self.body) == [
                "/name length", "/colour required", "/count range", "/owner/email required", "/owner/note type",
            ])
        #expect(codes("[]", Self.body) == [" type"])
    }

    @Test("the schema asks for just the fields that reading asks for")
    func schema() {
        let described = Body(
            Field.text("a", 1...5), Field.bool("b").optional, Field.bool("c").or(true), Field.integer("d", 0...1)
        ).described { $0 }
        let text = String(decoding: Self.json(described.schema).encoded(), as: UTF8.self)
        #expect(text.contains(#""required":["a","d"]"#))
        #expect(codes("{}", described) == ["/a required", "/d required"])
    }

    @Test("a change names at least one field; null only clears what is clearable")
    func changes() throws {
        let change = Body.change(Field.text("name", 1...5).omittable, Field.bool("flag").clearable)
        #expect(codes("{}", change) == [" required"])
        #expect(codes(#"{"name":null}"#, change) == ["/name type"])
        let cleared = try read(#"{"flag":null}"#, change)
        #expect(cleared.0 == nil && cleared.1 == .some(nil))
        let left = try read(#"{"name":"x"}"#, change)
        #expect(left.0 == "x" && left.1 == nil)
    }

    @Test("where a surface refuses it, what no field reads is an error, after those of the fields, in every part")
    func others() throws {
        let part = Body(Field.bool("x").optional)
        let body = Body(
            Field.bool("a").optional, Field.object("p", part).optional, Field.list("l", part, 0...2).omittable,
            Field.part(Body(Field.bool("q").optional)))
        let sent = #"{"a":1,"b":2,"q":true,"p":{"y":1,"x":true},"l":[{"x":true},{"z":1}]}"#
        let json = try JSON.parse(Array(sent.utf8))
        func codes(refusesUnknown: Bool) -> [String] {
            var fields = FieldReader(json, refusesUnknown: refusesUnknown)
            do throws(Refusal) { _ = try fields.read(body, .none) } catch {
                guard case .invalid(let errors) = error else { return [error.code] }
                return errors.map { "\($0.pointer) \($0.code)" }
            }
            return []
        }
        #expect(codes(refusesUnknown: true) == ["/a type", "/p/y unknown", "/l/1/z unknown", "/b unknown"])
        #expect(codes(refusesUnknown: false) == ["/a type"])
    }

    @Test("a change of nothing is an error of its part; a misspelt name is told as such")
    func changesOfParts() throws {
        let body = Body(Field.object("p", Body.change(Field.bool("x").clearable)).optional)
        func codes(_ text: String) throws -> [String] {
            var fields = FieldReader(try JSON.parse(Array(text.utf8)), refusesUnknown: true)
            do throws(Refusal) { _ = try fields.read(body, .none) } catch {
                guard case .invalid(let errors) = error else { return [error.code] }
                return errors.map { "\($0.pointer) \($0.code)" }
            }
            return []
        }
        #expect(try codes(#"{"p":{}}"#) == ["/p required"])
        #expect(try codes(#"{"p":{"y":1}}"#) == ["/p/y unknown"])
        #expect(try codes(#"{"p":{"x":null}}"#) == [])
    }

    // MARK: Answers

    private struct Part: Sendable {
        let price: Money
    }

    private struct Thing: Sendable {
        let id: String
        let colour: Colour
        let ended: Timestamp?
        let parts: [Part]
        let secret: String?
    }

    private static let price: [Shape<Part>.Member] = [.member("price", \.price), .currency("currency")]
    private static let thing = Shape<Thing>([
        .ok, .member("id", \.id), .part(price, isDescribedLast: true) { $0.parts[0] }, .member("colour", \.colour),
        .member("ended", \.ended), .list("parts", Shape(price), \.parts), .omittable("secret", \.secret),
        .object("inner", [.member("id", \.id)]),
    ])

    @Test("members are written in their order, amounts in the currency's digits, nil as null or not at all")
    func writing() throws {
        let thing = Thing(
            id: "t", colour: .red, ended: nil, parts: [Part(price: Money(micros: 1_500_000))], secret: nil)
        let answer = Answer.json(Self.thing, thing, in: try #require(Currency("EUR")))
        #expect(
            String(decoding: answer.body, as: UTF8.self)
                == #"{"ok":true,"id":"t","price":"1.50","currency":"EUR","colour":"red","ended":null,"#
                + #""parts":[{"price":"1.50","currency":"EUR"}],"inner":{"id":"t"}}"#)
    }

    @Test("a shape describes what it writes: one schema a member, and what may be left out is not required")
    func describing() {
        let schema = Self.json(Self.thing.schema)
        guard case .object(let properties)? = schema["properties"], case .array(let required)? = schema["required"]
        else {
            Issue.record("the shape is no object")
            return
        }
        #expect(
            properties.map(\.name) == ["ok", "id", "colour", "ended", "parts", "secret", "inner", "price", "currency"])
        #expect(required == properties.map(\.name).filter { $0 != "secret" }.map(JSON.string))
    }

    /// The schema as a description has it.
    private static func json(_ schema: Schema) -> JSON {
        let route = Route(.get, "/", "", access: .open, gives: .read(schema)) { _ in .answer(.noContent) }
        let api = APIDescription(
            title: "", basePath: "", credentials: [], errorContentType: "application/json", errorSchema: [:],
            status: { $0 },
            operations: [
                APIDescription.Operation(
                    method: route.method, pattern: route.pattern, summary: "", access: "", credential: .none,
                    parameters: [], takes: nil, gives: route.gives, refuses: [])
            ])
        let document = (try? JSON.parse(OpenAPIDocument(api).bytes(baseURL: ""))) ?? .null
        let answer = document["paths"]?["/"]?["get"]?["responses"]?["200"]
        return answer?["content"]?["application/json"]?["schema"] ?? .null
    }
}
