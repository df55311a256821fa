package import HTTPCore

/// An event that an API's tenants send out, for its description: OpenAPI's `webhooks` (H7). A value: any thread.
package struct DescribedEvent: Sendable {
    /// Say `order.created`.
    package let type: String
    package let summary: String
    /// The object that it is of, and what it says besides.
    package let data: Schema
    /// Of `data`.
    package let example: JSON

    /// `known`: values for an example's members, by their names; any other is one that the schema takes.
    package init(type: String, summary: String, data: Schema, known: [String: JSON]) {
        self.type = type
        self.summary = summary
        self.data = data
        example = data.example(known)
    }

    /// The whole body.
    var body: Schema { ["type": .one(of: [type]), "timestamp": .time, "data": data] }

    private static let exampleTime = JSON.string("2026-03-22T10:30:00.000Z")
    /// Standard Webhooks' own, which go with every delivery.
    private static let heads: [Parameter] = [
        .header("webhook-id", .matching("^evt_[0-9a-z]+$")), .header("webhook-timestamp", .matching("^[0-9]{1,18}$")),
        .header("webhook-signature", .matching("^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$")),
    ]

    /// As a member of `webhooks`.
    func write(to json: inout JSONWriter) {
        json.object(named: type) { json in
            json.object("post") { json in
                json.field("operationId", "on_" + type.replacing(".", with: "_"))
                json.array("tags") { json in json.element("Events") }
                json.field("summary", summary)
                json.array("security") { _ in }
                json.array("parameters") { json in
                    for head in Self.heads {
                        json.object { json in
                            json.field("name", head.name)
                            json.field("in", head.place.rawValue)
                            json.field("required", true)
                            json.field("schema", head.schema.json)
                        }
                    }
                }
                json.object("requestBody") { json in
                    json.field("required", true)
                    json.object("content") { json in
                        json.object(named: "application/json") { json in
                            json.field("schema", body.json)
                            json.object("example") { json in
                                json.field("type", type)
                                json.field("timestamp", Self.exampleTime)
                                json.field("data", example)
                            }
                        }
                    }
                }
                json.object("responses") { json in
                    json.object("2XX") { json in json.field("description", "Received. Anything else is sent again") }
                }
            }
        }
    }
}

extension Schema {
    /// An object that is both: where one of them stands for itself under a name.
    package func and(_ more: Schema) -> Schema {
        var both = Schema(["allOf": .array([json, more.json])])
        both.absorb(self)
        both.absorb(more)
        return both
    }

    /// A value that it takes; `known` by the names of members.
    func example(_ known: [String: JSON]) -> JSON { example(of: json, known) }

    private func example(of schema: JSON, _ known: [String: JSON]) -> JSON {
        if case .string(let reference)? = schema["$ref"], let name = reference.split(separator: "/").last,
            let named = components[String(name)]
        {
            return example(of: .object(named), known)
        }
        if case .array(let names)? = schema["enum"], let first = names.first { return first }
        if case .array(let either)? = schema["anyOf"], let first = either.first { return example(of: first, known) }
        if case .array(let all)? = schema["allOf"] {
            return .object(
                all.flatMap { part -> [JSONMember] in
                    guard case .object(let members) = example(of: part, known) else { return [] }
                    return members
                })
        }
        var type = schema["type"]
        if case .array(let types)? = type { type = types.first }
        switch type {
        case .string("object"):
            guard case .object(let members)? = schema["properties"] else { return .object([]) }
            return .object(
                members.map { JSONMember(name: $0.name, value: known[$0.name] ?? example(of: $0.value, known)) })
        case .string("array"): return .array(schema["items"].map { [example(of: $0, known)] } ?? [])
        case .string("integer"): return .int(1)
        case .string("number"): return .number(JSONNumber(text: "1.00"))
        case .string("boolean"): return .bool(true)
        default:
            if schema["format"] == .string("date-time") { return .string("2026-03-22T10:30:00.000Z") }
            return .string(schema["pattern"] == Self.decimal.json["pattern"] ? "1.00" : "text")
        }
    }
}
