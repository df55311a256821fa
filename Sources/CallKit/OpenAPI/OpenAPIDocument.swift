import HTTPCore

/// An API's description as OpenAPI 3.1 (X7), made of the table that serves it, so that neither can say what the
/// other does not. Immutable: any thread.
package struct OpenAPIDocument: Sendable {
    package static let pattern = "/openapi.json"

    /// Everything but the server's address, which each request brings.
    private let members: [UInt8]
    private let basePath: String

    package init(_ api: APIDescription) {
        basePath = api.basePath
        var json = JSONWriter(reserving: 64 << 10)
        json.object { json in
            json.object("info") { json in
                json.field("title", api.title)
                json.field("version", "1")
                json.field("description", Self.introduction)
            }
            // Any one of them.
            json.array("security") { json in Self.anyCredential(api, &json) }
            json.object("paths") { json in Self.paths(api, &json) }
            if !api.events.isEmpty {
                json.object("webhooks") { json in for event in api.events { event.write(to: &json) } }
            }
            json.object("components") { json in Self.components(api, &json) }
        }
        members = Array(json.bytes.dropFirst())
    }

    /// `baseURL`: scheme, authority and the tenant's prefix, below which the API's base path stands.
    package func bytes(baseURL: String) -> [UInt8] {
        var head = JSONWriter()
        head.object { json in
            json.field("openapi", "3.1.0")
            json.array("servers") { json in json.object { json in json.field("url", baseURL + basePath) } }
        }
        return head.bytes.dropLast() + [0x2C] + members
    }

    private static let introduction = """
        Every answer carries Request-Id. Every answer to a known key carries RateLimit-Policy, RateLimit and the \
        X-RateLimit trio; 429 and 503 say in Retry-After when to come again. Members that a body has beyond those \
        described are ignored unless additionalProperties is false. Answers may get more members.
        """

    // MARK: Paths

    private static func paths(_ api: APIDescription, _ json: inout JSONWriter) {
        var patterns: [String] = []
        for operation in api.operations where !patterns.contains(operation.pattern) {
            patterns.append(operation.pattern)
        }
        for pattern in patterns {
            let operations = api.operations.filter { $0.pattern == pattern }
            json.object(named: pattern.isEmpty ? "/" : pattern) { json in
                for operation in operations {
                    json.object(named: operation.method.rawValue.lowercased()) { json in
                        Self.operation(operation, api, &json)
                    }
                }
            }
        }
    }

    private static func operation(
        _ operation: APIDescription.Operation, _ api: APIDescription, _ json: inout JSONWriter
    ) {
        json.field("operationId", operationID(operation))
        // Generators make a class of each tag: calls and events are two.
        json.array("tags") { json in json.element(api.title) }
        json.field("summary", operation.summary)
        json.field("description", operation.access)
        json.array("parameters") { json in parameters(operation, &json) }
        if let takes = operation.takes {
            json.object("requestBody") { json in
                json.field("required", !takes.mayBeAbsent)
                content(takes, operation.example?.body, &json)
            }
        }
        switch operation.credential {
        case .none: json.array("security") { _ in }
        case .optional:
            json.array("security") { json in
                json.object { _ in }
                anyCredential(api, &json)
            }
        case .required: break
        }
        json.object("responses") { json in
            success(operation, &json)
            if operation.isTagged {
                json.object("304") { json in
                    json.field("description", "Not modified: what the ETag names is what there is")
                    headers(["Request-Id", "ETag"], &json)
                }
            }
            for status in api.wireStatuses(of: operation.refuses) {
                json.object(named: String(status)) { json in
                    json.field("$ref", "#/components/responses/Refused\(status)")
                }
            }
        }
    }

    private static func anyCredential(_ api: APIDescription, _ json: inout JSONWriter) {
        for place in api.credentials { json.object { json in json.field(named: place.name, .array([])) } }
    }

    private static func operationID(_ operation: APIDescription.Operation) -> String {
        let words = operation.pattern.split { !$0.isLetter && !$0.isNumber }
        return ([operation.method.rawValue.lowercased()] + words.map(String.init)).joined(separator: "_")
    }

    /// `examples`: by media type.
    static func content(_ schema: Schema, _ examples: JSON?, _ json: inout JSONWriter) {
        json.object("content") { json in
            for content in schema.contents {
                json.object(named: content.mediaType) { json in
                    json.field("schema", content.schema)
                    if let example = examples?[content.mediaType] { json.field("example", example) }
                }
            }
        }
    }

    // MARK: Parameters

    private static let idempotencyKey = Schema([
        "type": .string("string"), "minLength": .int(1), "maxLength": .int(IdempotencyKey.charactersMax),
        "pattern": .string("^[!#-~]+$"),
    ])
    private static let timestamp = Schema.matching("^[0-9]{1,18}$")
    private static let signature = Schema.matching("^v1=[0-9a-fA-F]{64}$")

    private static func parameters(_ operation: APIDescription.Operation, _ json: inout JSONWriter) {
        let example = operation.example?.parameters
        for segment in operation.pattern.split(separator: "/") where segment.hasPrefix("{") {
            let name = String(segment.dropFirst().dropLast())
            let known = operation.parameters.first { $0.place == .path && $0.name == name }
            let path = known ?? Parameter.path(name, Schema.string.with("minLength", .int(1)))
            parameter(path, example, &json)
        }
        for known in operation.parameters where known.place != .path {
            parameter(known, example, &json)
        }
        switch operation.idempotency {
        case .ignored: break
        case .accepted: parameter(.header("Idempotency-Key", idempotencyKey, isRequired: false), example, &json)
        case .required: parameter(.header("Idempotency-Key", idempotencyKey), example, &json)
        }
        if operation.isSigned {
            parameter(.header("X-Tollgate-Timestamp", timestamp), example, &json)
            parameter(.header("X-Tollgate-Signature", signature), example, &json)
        }
    }

    private static func parameter(_ parameter: Parameter, _ examples: JSON?, _ json: inout JSONWriter) {
        json.object { json in
            json.field("name", parameter.name)
            json.field("in", parameter.place.rawValue)
            if let description = parameter.description { json.field("description", description) }
            json.field("required", parameter.isRequired)
            json.field("schema", parameter.schema.json)
            if let example = examples?[parameter.name] { json.field("example", example) }
        }
    }
}
