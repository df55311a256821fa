import HTTPCore

/// Answers, and what all operations share.
extension OpenAPIDocument {
    // MARK: Answers

    private static let limitHeaders = [
        "RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
    ]

    static func success(_ operation: APIDescription.Operation, _ json: inout JSONWriter) {
        guard let gives = operation.gives else {
            return json.object(named: "2XX") { json in json.field("description", "Done") }
        }
        json.object(named: String(gives.status)) { json in
            json.field("description", gives.status == 201 ? "Made" : gives.schema == nil ? "Done; no body" : "Done")
            var names = ["Request-Id"] + (operation.credential == .required ? limitHeaders : [])
            if gives.isCommitted { names += ["Audit-Head", "Audit-Signature"] }
            if case .ignored = operation.idempotency {} else { names.append("Idempotency-Hit") }
            if operation.isTagged { names.append("ETag") }
            headers(names, &json)
            if let schema = gives.schema { content(schema, operation.example?.answer, &json) }
        }
    }

    static func headers(_ names: [String], _ json: inout JSONWriter) {
        json.object("headers") { json in
            for name in names {
                json.object(named: name) { json in json.field("$ref", "#/components/headers/\(name)") }
            }
        }
    }

    static func refusal(_ status: Int, _ api: APIDescription, _ json: inout JSONWriter) {
        json.field("description", Problem.title(status))
        var names = ["Request-Id"]
        if status == 401 { names.append("WWW-Authenticate") }
        if status == 429 { names += limitHeaders }
        if status == 429 || status == 503 { names.append("Retry-After") }
        headers(names, &json)
        json.object("content") { json in
            for (index, envelope) in api.envelopes(of: status).enumerated() {
                json.object(named: envelope.mediaType) { json in
                    json.object("schema") { json in json.field("$ref", "#/components/schemas/\(envelope.schema)") }
                    if index == 0, let example = api.refusalExample(status) { json.field("example", example) }
                }
            }
        }
    }

    // MARK: Components

    static func components(_ api: APIDescription, _ json: inout JSONWriter) {
        json.object("schemas") { json in
            var named = ["Error": api.errorSchema.keywords]
            if !api.speaksProblems { named["Problem"] = Problem.schema.keywords }
            let bodies = api.operations.flatMap { [$0.takes, $0.gives?.schema] } + api.events.map(\.data)
            for schema in bodies {
                named.merge(schema?.components ?? [:]) { first, second in
                    assert(first == second, "two schemas have one name")
                    return first
                }
            }
            for (name, keywords) in named.sorted(by: { $0.key < $1.key }) {
                json.field(named: name, .object(keywords))
            }
        }
        json.object("headers") { json in for header in headers { component(header, &json) } }
        json.object("responses") { json in
            for status in api.wireStatuses(of: api.operations.flatMap(\.refuses)) {
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
        Header("ETag", .matching(#"^(W/)?"[A-Za-z0-9_-]+"$"#), "Names what is given, for If-None-Match."),
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
