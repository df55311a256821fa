import CallKit
import HTTPCore
import TenantApp
import TenantRegistry
import Testing

/// Descriptions as far as they follow from a route's own words; that they are true is schemathesis's to find out.
@Suite struct SchemaTests {
    /// Answers 422, 408 and 415 as 400, as some seeds do.
    private struct Mapped: Dialect {
        let name = "mapped"
        let basePath = "/mapped"
        var errorContentType: StaticString { "application/json" }
        var errorSchema: Schema { ["error": .string] }
        let routes: [Route]

        func credential(in head: RequestHead) -> Range<Int>? { head.bearer }

        func render(_ refusal: Refusal, requestID: RequestID) -> Response {
            let status = [408, 415, 422].contains(refusal.status) ? 400 : refusal.status
            return Response(status: status, contentType: errorContentType, bytes: [])
        }
    }

    private func operation(_ route: Route, _ method: String = "post") throws -> JSON {
        let document = OpenAPIDocument(APIDescription(Mapped(routes: [route])))
        let json = try JSON.parse(document.bytes(baseURL: "http://a"))
        return try #require(json["paths"]?[route.pattern]?[method])
    }

    private func statuses(_ operation: JSON) throws -> [String] {
        guard case .object(let responses)? = operation["responses"] else { return [] }
        return responses.map(\.name)
    }

    @Test("X7 statuses are those that the dialect answers with, and follow from access, body and idempotency")
    func statuses() throws {
        let open = try operation(
            Route(.get, "/open", "", access: .open, gives: .read([:])) { _ in .answer(.noContent) }, "get")
        #expect(try !statuses(open).contains("401"))
        #expect(try !statuses(open).contains("409"))
        let write = try operation(
            Route(
                .post, "/things/{id}", "", access: .reseller([]), idempotency: .accepted, takes: ["a": .text(5)],
                gives: .made(["id": .string]), refuses: [409]
            ) { _ in .answer(.noContent) })
        let found = try statuses(write)
        #expect(Set(["201", "400", "401", "402", "403", "404", "409", "413", "429", "503"]).isSubset(of: found))
        #expect(!found.contains("422") && !found.contains("200"))
    }

    @Test("X7 what the engine refuses is described too, as a problem where the API has no such status")
    func engine() throws {
        let route = Route(.get, "/x", "", access: .open, gives: .read([:])) { _ in .answer(.noContent) }
        let json = try JSON.parse(OpenAPIDocument(APIDescription(Mapped(routes: [route]))).bytes(baseURL: "http://a"))
        let found = try statuses(try operation(route, "get"))
        #expect(Set(["400", "408", "501", "505"]).isSubset(of: found) && !found.contains("415"))
        let shared = try #require(json["components"]?["responses"])
        func media(_ status: Int) -> [String] {
            guard case .object(let content)? = shared["Refused\(status)"]?["content"] else { return [] }
            return content.map(\.name)
        }
        #expect(media(408) == ["application/problem+json"])
        #expect(media(501) == ["application/json", "application/problem+json"])
    }

    @Test("X7 what may be left out is not required, and may be null where null means the same")
    func optional() throws {
        let schema: Schema = ["a": .text(5), "b": .integer(1...2).optional, "c": .boolean.omittable]
        let body = try operation(
            Route(.put, "/x", "", access: .owner, takes: schema, gives: .done([:])) { _ in .answer(.noContent) }, "put")
        let json = try #require(body["requestBody"]?["content"]?["application/json"]?["schema"])
        #expect(json["required"] == .array([.string("a")]))
        #expect(json["properties"]?["b"]?["type"] == .array([.string("integer"), .string("null")]))
        #expect(json["properties"]?["c"]?["type"] == .string("boolean"))
    }

    @Test("X7 a schema with a name is described once, however deep it stands")
    func named() throws {
        let thing = Schema.named("Thing", ["part": .named("Part", ["id": .string])])
        let route = Route(.get, "/x", "", access: .owner, parameters: .page(), gives: .list(thing)) { _ in
            .answer(.noContent)
        }
        let json = try JSON.parse(OpenAPIDocument(APIDescription(Mapped(routes: [route]))).bytes(baseURL: "http://a"))
        let schemas = try #require(json["components"]?["schemas"])
        #expect(schemas["Part"]?["type"] == .string("object"))
        #expect(
            schemas["Thing"]?["properties"]?["part"]
                == .object([JSONMember(name: "$ref", value: .string("#/components/schemas/Part"))]))
    }
}
