import HTTPCore

/// An API's description as OpenAPI 3.1 (CONTRACT X7), made of the table that serves it, so that neither can say what the
/// other does not. Immutable: any thread.
package struct OpenAPIDocument: Sendable {
    package static let pattern = "/openapi.json"

    /// Everything but the server's address, which each request brings.
    private let members: [UInt8]
    private let basePath: String

    package init(_ api: APIDescription) {
        basePath = api.basePath
        var json = JSONWriter(reserving: 16 << 10)
        json.object { json in
            json.object("info") { json in
                json.field("title", api.title)
                json.field("version", "1")
            }
            // Any one of them.
            json.array("security") { json in
                for index in api.credentials.indices {
                    json.object { json in json.field(named: "credential\(index + 1)", .array([])) }
                }
            }
            json.object("paths") { json in Self.paths(api, &json) }
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
        json.field("summary", operation.summary)
        json.field("description", operation.access)
        parameters(operation, &json)
        if operation.takesBody {
            json.object("requestBody") { json in
                json.object("content") { json in
                    let type = operation.pattern.hasSuffix(".csv") ? "text/csv" : "application/json"
                    json.object(named: type) { json in
                        json.object("schema") { json in
                            json.field("type", type == "text/csv" ? "string" : "object")
                        }
                    }
                }
            }
        }
        if operation.isOpen { json.array("security") { _ in } }
        json.object("responses") { json in responses(operation, api, &json) }
    }

    private static func operationID(_ operation: APIDescription.Operation) -> String {
        let words = operation.pattern.split { !$0.isLetter && !$0.isNumber }
        return ([operation.method.rawValue.lowercased()] + words.map(String.init)).joined(separator: "_")
    }

    private static func parameters(_ operation: APIDescription.Operation, _ json: inout JSONWriter) {
        let names = operation.pattern.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            String($0.dropFirst().dropLast())
        }
        json.array("parameters") { json in
            for name in names { parameter(name, in: "path", isRequired: true, &json) }
            switch operation.idempotency {
            case .ignored: break
            case .accepted: parameter("Idempotency-Key", in: "header", isRequired: false, &json)
            case .required: parameter("Idempotency-Key", in: "header", isRequired: true, &json)
            }
            if operation.isSigned {
                for name in ["X-Tollgate-Timestamp", "X-Tollgate-Signature"] {
                    parameter(name, in: "header", isRequired: true, &json)
                }
            }
        }
    }

    private static func parameter(_ name: String, in place: String, isRequired: Bool, _ json: inout JSONWriter) {
        json.object { json in
            json.field("name", name)
            json.field("in", place)
            json.field("required", isRequired)
            json.object("schema") { json in
                json.field("type", "string")
                json.field("minLength", 1)
                if place == "header" { json.field("maxLength", 255) }
            }
        }
    }

    // MARK: Answers

    /// What any call may be answered with besides its success.
    private static func refusals(_ operation: APIDescription.Operation) -> [Int] {
        var statuses = [400, 403, 404, 405, 408, 409, 413, 414, 417, 422, 429, 431, 500, 501, 503, 505]
        if !operation.isOpen || operation.pattern.hasSuffix("/signin") || operation.pattern.hasSuffix("session") {
            statuses.append(401)
        }
        if operation.method != .get { statuses.append(402) }
        return statuses.sorted()
    }

    private static func responses(
        _ operation: APIDescription.Operation, _ api: APIDescription, _ json: inout JSONWriter
    ) {
        let successes: [(status: Int, text: String)] =
            switch operation.method {
            case .post: [(200, "Done"), (201, "Made"), (202, "Accepted")]
            case .delete: [(200, "Done"), (204, "Done; no body")]
            default: [(200, "Done")]
            }
        for success in successes {
            json.object(named: String(success.status)) { json in
                json.field("description", success.text)
                if !operation.isOpen { headers(&json) }
            }
        }
        for status in refusals(operation) {
            json.object(named: String(status)) { json in
                json.field("$ref", "#/components/responses/\(status == 429 ? "RateLimited" : "Refused")")
            }
        }
    }

    private static func headers(_ json: inout JSONWriter) {
        json.object("headers") { json in
            for name in limitHeaders.map(\.name) {
                json.object(named: name) { json in json.field("$ref", "#/components/headers/\(name)") }
            }
        }
    }

    private static let limitHeaders: [(name: String, type: String, text: String)] = [
        ("RateLimit-Policy", "string", "The limit that binds: its name, requests (q) and window in seconds (w)."),
        ("RateLimit", "string", "What is left of it (r), and the seconds until it is whole again (t)."),
        ("X-RateLimit-Limit", "integer", "Requests in a window."),
        ("X-RateLimit-Remaining", "integer", "Requests left now."),
        ("X-RateLimit-Reset", "integer", "Seconds until the limit is whole again."),
    ]

    // MARK: Components

    private static func components(_ api: APIDescription, _ json: inout JSONWriter) {
        json.object("schemas") { json in
            json.object("Error") { json in schema(of: api.errorExample, &json) }
        }
        json.object("headers") { json in
            for header in limitHeaders { component(header.name, header.type, header.text, &json) }
            component("Retry-After", "integer", "Seconds to wait.", &json)
        }
        json.object("responses") { json in
            for name in ["Refused", "RateLimited"] {
                json.object(named: name) { json in
                    json.field("description", name == "Refused" ? "Refused" : "Too many requests")
                    if name == "RateLimited" {
                        json.object("headers") { json in
                            for header in limitHeaders.map(\.name) + ["Retry-After"] {
                                json.object(named: header) { json in
                                    json.field("$ref", "#/components/headers/\(header)")
                                }
                            }
                        }
                    }
                    json.object("content") { json in
                        json.object(named: api.errorContentType) { json in
                            json.object("schema") { json in json.field("$ref", "#/components/schemas/Error") }
                        }
                    }
                }
            }
        }
        json.object("securitySchemes") { json in
            for (index, place) in api.credentials.enumerated() {
                json.object(named: "credential\(index + 1)") { json in
                    switch place {
                    case .bearer:
                        json.field("type", "http")
                        json.field("scheme", "bearer")
                    case .header(let name):
                        json.field("type", "apiKey")
                        json.field("in", "header")
                        json.field("name", name)
                    case .query(let name):
                        json.field("type", "apiKey")
                        json.field("in", "query")
                        json.field("name", name)
                    }
                }
            }
        }
    }

    private static func component(_ name: String, _ type: String, _ text: String, _ json: inout JSONWriter) {
        json.object(named: name) { json in
            json.field("description", text)
            json.object("schema") { json in json.field("type", type) }
        }
    }

    /// The schema of a value like this one: members that an example has are always there.
    private static func schema(of example: JSON, _ json: inout JSONWriter) {
        switch example {
        case .null: break
        case .bool: json.field("type", "boolean")
        case .number(let number): json.field("type", number.integer() == nil ? "number" : "integer")
        case .string: json.field("type", "string")
        case .array(let elements):
            json.field("type", "array")
            if let first = elements.first { json.object("items") { json in schema(of: first, &json) } }
        case .object(let members):
            json.field("type", "object")
            json.object("properties") { json in
                for member in members { json.object(named: member.name) { json in schema(of: member.value, &json) } }
            }
            json.array("required") { json in for member in members { json.element(member.name) } }
        }
    }
}
