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
        json.field("summary", operation.summary)
        json.field("description", operation.access)
        json.array("parameters") { json in parameters(operation, &json) }
        if let takes = operation.takes {
            json.object("requestBody") { json in
                json.field("required", !takes.mayBeAbsent)
                content(takes, &json)
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
            for status in Set(operation.refuses.map(api.status)).sorted() {
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

    private static func content(_ schema: Schema, _ json: inout JSONWriter) {
        json.object("content") { json in
            for content in schema.contents {
                json.object(named: content.mediaType) { json in json.field("schema", content.schema) }
            }
        }
    }

    // MARK: Parameters

    private static let idempotencyKey = Schema([
        "type": .string("string"), "minLength": .int(1), "maxLength": .int(Route.idempotencyKeyCharactersMax),
        "pattern": .string("^[!#-~]+$"),
    ])
    private static let timestamp = Schema.matching("^[0-9]{1,18}$")
    private static let signature = Schema.matching("^v1=[0-9a-fA-F]{64}$")

    private static func parameters(_ operation: APIDescription.Operation, _ json: inout JSONWriter) {
        for segment in operation.pattern.split(separator: "/") where segment.hasPrefix("{") {
            let name = String(segment.dropFirst().dropLast())
            let known = operation.parameters.first { $0.place == .path && $0.name == name }
            parameter(
                name, in: "path", known?.schema ?? Schema.string.with("minLength", .int(1)), isRequired: true, &json)
        }
        for known in operation.parameters where known.place != .path {
            parameter(known.name, in: known.place.rawValue, known.schema, isRequired: known.isRequired, &json)
        }
        switch operation.idempotency {
        case .ignored: break
        case .accepted: parameter("Idempotency-Key", in: "header", idempotencyKey, isRequired: false, &json)
        case .required: parameter("Idempotency-Key", in: "header", idempotencyKey, isRequired: true, &json)
        }
        if operation.isSigned {
            parameter("X-Tollgate-Timestamp", in: "header", timestamp, isRequired: true, &json)
            parameter("X-Tollgate-Signature", in: "header", signature, isRequired: true, &json)
        }
    }

    private static func parameter(
        _ name: String, in place: String, _ schema: Schema, isRequired: Bool, _ json: inout JSONWriter
    ) {
        json.object { json in
            json.field("name", name)
            json.field("in", place)
            json.field("required", isRequired)
            json.field("schema", schema.json)
        }
    }

    // MARK: Answers

    private static let limitHeaders = [
        "RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
    ]

    private static func success(_ operation: APIDescription.Operation, _ json: inout JSONWriter) {
        guard let gives = operation.gives else {
            return json.object(named: "2XX") { json in json.field("description", "Done") }
        }
        json.object(named: String(gives.status)) { json in
            json.field("description", gives.status == 201 ? "Made" : gives.schema == nil ? "Done; no body" : "Done")
            var names = ["Request-Id"] + (operation.credential == .required ? limitHeaders : [])
            if gives.isCommitted { names += ["Audit-Head", "Audit-Signature"] }
            if case .ignored = operation.idempotency {} else { names.append("Idempotency-Hit") }
            headers(names, &json)
            if let schema = gives.schema { content(schema, &json) }
        }
    }

    private static func headers(_ names: [String], _ json: inout JSONWriter) {
        json.object("headers") { json in
            for name in names {
                json.object(named: name) { json in json.field("$ref", "#/components/headers/\(name)") }
            }
        }
    }

    private static func refusal(_ status: Int, _ api: APIDescription, _ json: inout JSONWriter) {
        json.field("description", Problem.title(status))
        var names = ["Request-Id"]
        if status == 401 { names.append("WWW-Authenticate") }
        if status == 429 { names += limitHeaders }
        if status == 429 || status == 503 { names.append("Retry-After") }
        headers(names, &json)
        json.object("content") { json in
            json.object(named: api.errorContentType) { json in
                json.object("schema") { json in json.field("$ref", "#/components/schemas/Error") }
            }
        }
    }

    // MARK: Components

    private static func components(_ api: APIDescription, _ json: inout JSONWriter) {
        json.object("schemas") { json in
            var named = ["Error": api.errorSchema.keywords]
            for schema in api.operations.flatMap({ [$0.takes, $0.gives?.schema] }) {
                named.merge(schema?.components ?? [:]) { first, _ in first }
            }
            for (name, keywords) in named.sorted(by: { $0.key < $1.key }) {
                json.field(named: name, .object(keywords))
            }
        }
        json.object("headers") { json in for header in headers { component(header, &json) } }
        json.object("responses") { json in
            for status in Set(api.operations.flatMap { $0.refuses.map(api.status) }).sorted() {
                json.object(named: "Refused\(status)") { json in refusal(status, api, &json) }
            }
        }
        json.object("securitySchemes") { json in
            for place in api.credentials {
                json.object(named: place.name) { json in
                    switch place {
                    case .bearer:
                        json.field("type", "http")
                        json.field("scheme", "bearer")
                    case .header(let name), .query(let name):
                        json.field("type", "apiKey")
                        json.field("in", place == .query(name) ? "query" : "header")
                        json.field("name", name)
                    }
                }
            }
        }
    }

    private struct Header {
        let name: String
        let schema: Schema
        /// Always there where an answer is said to have it.
        let isRequired: Bool
        let text: String

        init(_ name: String, _ schema: Schema, isRequired: Bool = true, _ text: String) {
            self.name = name
            self.schema = schema
            self.isRequired = isRequired
            self.text = text
        }
    }

    private static let headers = [
        Header("Request-Id", .matching("^req_[0-9a-f]{32}$"), "Names this call in the log and in the audit log."),
        Header("RateLimit-Policy", .string, "The limit that binds: its name, requests (q), window in seconds (w)."),
        Header("RateLimit", .string, "What is left of it (r), and the seconds until it is whole again (t)."),
        Header("X-RateLimit-Limit", .integer, "Requests in a window."),
        Header("X-RateLimit-Remaining", .integer, "Requests left now."),
        Header("X-RateLimit-Reset", .integer, "Seconds until the limit is whole again."),
        Header("Retry-After", .integer, "Seconds to wait."),
        Header("WWW-Authenticate", .string, "The scheme of a credential that would do."),
        // A replay of a stored answer has none: the call that it repeats had it.
        Header("Audit-Head", .string, isRequired: false, "The audit log's head once this was written."),
        Header(
            "Audit-Signature", .string, isRequired: false, "Ed25519 over that head, by the tenant's key, in base64."),
        Header("Idempotency-Hit", .one(of: ["true"]), isRequired: false, "There where a stored answer is given again."),
    ]

    private static func component(_ header: Header, _ json: inout JSONWriter) {
        json.object(named: header.name) { json in
            json.field("description", header.text)
            json.field("required", header.isRequired)
            json.field("schema", header.schema.json)
        }
    }
}
