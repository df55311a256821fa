import CallKit
import HTML
import HTTPCore
import PageKit
import Synchronization
import TenantRegistry

/// One API's description, read once, and its pages. Any thread.
final class Reference: Sendable {
    private let api: any Dialect
    private let description: LazyDescription
    private let read = Mutex<Row?>(nil)

    init(_ api: any Dialect) {
        self.api = api
        description = LazyDescription { APIDescription(api) }
    }

    /// OpenAPI's document; its server's address is nobody's.
    private var document: Row {
        read.withLock { read in
            if let read { return read }
            let made = Row((try? JSON.parse(description.bytes(baseURL: ""))) ?? .null)
            read = made
            return made
        }
    }

    private func base(_ call: Call) -> String { call.baseURL + api.basePath }

    private func link(_ call: Call, _ id: String? = nil) -> Link {
        let path = call.head.rootPath + api.basePath + "/docs" + (id.map { "/\($0)" } ?? "")
        return Link(path: path) ?? Link(fragment: "main")
    }

    // MARK: All calls

    func index(_ call: Call, _ around: Surroundings, visitor: KeyRole?) -> OpenPage {
        let title = "\(document.row("info")?["title"] ?? "") API"
        let curl = (["curl \(address(call, firstPath, []))"] + credential).joined(separator: " ")
        return OpenPage(
            title, call, around,
            """
            <div class="head"><div><h1>\(title)</h1><p class="sub"><code>\(base(call))</code></p></div>
            <div class="actions">\(testKey(call, around, visitor)?.html)<a class="button" href="\(openAPI(call))">openapi.json</a></div></div>
            \(Panel("First call") { "\(CopyBox(curl, id: "curl", label: "the command", isBlock: true))<p>\(document.row("info")?["description"] ?? "")</p>" })
            \(signature(of: operations))\(Panel("Calls") { "\(calls(call))" })
            \(events(call))\(Panel("Refusals") { refusals })
            """)
    }

    /// To where a key is minted to try it with: by whoever has signed in, or else by those who call this API. Nil for a
    /// reseller at the operators', and where the owner alone mints.
    private func testKey(_ call: Call, _ around: Surroundings, _ visitor: KeyRole?) -> Button? {
        let isOperators = api.basePath == "/api/admin"
        if isOperators, visitor.map({ !$0.isAdministrator }) ?? false { return nil }
        let isWithheld = around.mintedByOwner.contains(api.name)
        if isWithheld, !(visitor?.isAdministrator ?? false) { return nil }
        let root = Link(path: call.head.rootPath)
        let page =
            visitor?.isAdministrator ?? isOperators
            ? Link("/admin/keys/new", query: [("preset", "test")], below: root)
            : Link("/portal/api/test-key", below: root)
        return Button("Mint a test key", leadsTo: page)
    }

    private func openAPI(_ call: Call) -> Link {
        Link(path: call.head.rootPath + api.basePath + OpenAPIDocument.pattern) ?? link(call)
    }

    /// What somebody with a key can ask without knowing anything.
    private var firstPath: String {
        let paths = operations.filter { operation in
            operation.method == "GET" && !operation.path.contains("{") && operation.row.json["security"] == nil
                && !operation.row.rows("parameters").contains { $0.bool("required") }
        }.map(\.path)
        return paths.first { $0 == "/account" } ?? paths.first ?? ""
    }

    private func calls(_ call: Call) -> DataTable {
        DataTable(
            caption: "Calls", columns: [Column("Call"), Column("What it does")],
            rows: operations.map { operation in
                [
                    """
                    <a href="\(link(call, operation.row["operationId"]))"><code>\(operation.name)</code></a>
                    """, "\(operation.row["summary"])",
                ]
            }, empty: "")
    }

    private func events(_ call: Call) -> HTML? {
        guard let events = document.row("webhooks")?.members, !events.isEmpty else { return nil }
        let table = DataTable(
            caption: "Events", columns: [Column("Event"), Column("When")],
            rows: events.compactMap { event in
                event.value.row("post").map { post in
                    [
                        """
                        <a href="\(link(call, post["operationId"]))"><code>\(event.name)</code></a>
                        """, "\(post["summary"])",
                    ]
                }
            }, empty: "")
        return Panel("Events") { "\(table)" }.html
    }

    private var refusals: HTML {
        let responses = document.row("components")?.row("responses")?.members ?? []
        let table = DataTable(
            caption: "Statuses of refusals",
            columns: [Column("Status"), Column("What it says"), Column("For example")],
            rows: responses.map {
                let example = $0.value.row("content")?.members.first?.value.json["example"]
                return [
                    "<code>\($0.name.dropFirst("Refused".count))</code>", "\($0.value["description"])",
                    "<code>\(example.map(text) ?? "")</code>",
                ]
            },
            empty: "")
        return "<p>A refusal changes nothing. Its body:</p>\(fields(errorSchema))\(table)"
    }

    private var errorSchema: JSON { document.row("components")?.row("schemas")?.row("Error")?.json ?? .null }

    // MARK: One call

    func call(_ id: String, _ call: Call, _ around: Surroundings) throws -> OpenPage {
        if let found = operations.first(where: { $0.row["operationId"] == id }) {
            return OpenPage(found.row["summary"], call, around, page(of: found, call))
        }
        for event in document.row("webhooks")?.members ?? [] {
            if let post = event.value.row("post"), post["operationId"] == id {
                return OpenPage(event.name, call, around, page(of: event.name, post, call))
            }
        }
        throw Refusal.notFound(.path)
    }

    private func page(of operation: Operation, _ call: Call) -> HTML {
        """
        <nav class="crumbs" aria-label="Path"><a href="\(link(call))">All calls</a></nav>
        <div class="head"><div><h1>\(operation.row["summary"])</h1><p class="sub"><code>\(operation.name)</code> · \
        \(operation.row["description"])</p></div></div>
        \(Panel("By hand") { "\(CopyBox(curl(operation, call), id: "curl", label: "the command", isBlock: true))" })
        \(signature(of: [operation]))\(parameters(operation.row))\(body(operation.row))\(answers(operation.row))
        """
    }

    private func page(of event: String, _ post: Row, _ call: Call) -> HTML {
        """
        <nav class="crumbs" aria-label="Path"><a href="\(link(call))">All calls</a></nav>
        <div class="head"><div><h1>\(event)</h1><p class="sub">\(post["summary"])</p></div></div>
        \(parameters(post))\(body(post))
        """
    }

    private func parameters(_ operation: Row) -> HTML? {
        let parameters = operation.rows("parameters")
        if parameters.isEmpty { return nil }
        let table = DataTable(
            caption: "Parameters", columns: [Column("Name"), Column("In"), Column("What it takes")],
            rows: parameters.map { parameter in
                [
                    "<code>\(parameter["name"])</code>\(optional(!parameter.bool("required")))", "\(parameter["in"])",
                    "\(SchemaText(parameter.row("schema")?.json ?? .null, in: document).words)",
                ]
            }, empty: "")
        return Panel("Parameters") { "\(table)" }.html
    }

    private func body(_ operation: Row) -> HTML? {
        guard let content = operation.row("requestBody")?.row("content")?.members, !content.isEmpty else { return nil }
        return Panel("Body") { "\(each: content, { part($0.name, $0.value, id: "body") })" }.html
    }

    private func answers(_ operation: Row) -> HTML {
        let responses = operation.row("responses")?.members ?? []
        let done = responses.filter { $0.value.json["$ref"] == nil }
        let refused = responses.filter { $0.value.json["$ref"] != nil }
        return """
            \(each: done, { status, response in
                Panel("Answer \(status)") {
                    "<p>\(response["description"])</p>\(each: response.row("content")?.members ?? [], { part($0.name, $0.value, id: "answer") })"
                }.html
            })
            \(Panel("Refusals") { "<p>\(each: refused, { "<code>\($0.name)</code> " })</p>" })
            """
    }

    private func part(_ type: String, _ content: Row, id: String) -> HTML {
        let example: HTML? = content.json["example"].map { example in
            """
            <p class="sub">For example</p>\
            \(CopyBox(shown(example), id: "\(id)-example", label: "the example", isBlock: true))
            """
        }
        let schema: JSON = content.row("schema")?.json ?? .null
        return "<p class=\"sub\">\(type)</p>\(fields(schema))\(example)"
    }

    private func fields(_ schema: JSON) -> HTML {
        let members = SchemaText(schema, in: document).fields
        if members.isEmpty { return "" }
        return DataTable(
            caption: "Fields", columns: [Column("Field"), Column("What it is")],
            rows: members.map { ["<code>\($0.name)</code>\(optional(!$0.isRequired))", "\($0.words)"] }, empty: ""
        ).html
    }

    private func optional(_ isOptional: Bool) -> HTML {
        isOptional ? #" <span class="sub">optional</span>"# : ""
    }
}

extension Reference {
    fileprivate struct Operation {
        let method: String
        let path: String
        let row: Row

        var name: String { "\(method) \(path)" }
    }

    private var operations: [Operation] {
        (document.row("paths")?.members ?? []).flatMap { path in
            path.value.members.map { Operation(method: $0.name.uppercased(), path: path.name, row: $0.value) }
        }
    }

    /// The recorded call, for a shell.
    private func curl(_ operation: Operation, _ call: Call) -> String {
        let method = operation.method == "GET" ? "" : "-X \(operation.method) "
        let isOpen = operation.row.json["security"] == .array([])
        let parameters = operation.row.rows("parameters")
        var path = operation.path
        var query: [(String, String)] = []
        for parameter in parameters {
            let example = parameter.json["example"].map(text)
            let name = parameter["name"]
            if let example, parameter["in"] == "path" {
                path = path.replacing("{\(name)}", with: example.percentEncoded)
            }
            if parameter["in"] == "query", parameter.bool("required") { query.append((name, example ?? "…")) }
        }
        var lines = ["curl \(method)\(address(call, path, query, isOpen: isOpen))"] + (isOpen ? [] : credential)
        for parameter in parameters where parameter["in"] == "header" && parameter.bool("required") {
            let isOwn = parameter["name"] == "Idempotency-Key"
            let example = isOwn ? parameter.json["example"].map(text) : nil
            lines.append("-H '\(parameter["name"]): \(example ?? "…")'")
        }
        if let content = operation.row.row("requestBody")?.row("content")?.members.first {
            lines.append("-H 'Content-Type: \(content.name)'")
            let example = content.value.json["example"].map { text($0).replacing("'", with: #"'\''"#) }
            lines.append(example.map { "--data-binary '\($0)'" } ?? "--data-binary @FILE")
        }
        return lines.joined(separator: " \\\n  ")
    }

    /// A text as it is, anything else as JSON.
    private func text(_ json: JSON) -> String {
        if case .string(let text) = json { text } else { String(decoding: json.encoded(), as: UTF8.self) }
    }

    /// The same on several lines.
    private func shown(_ json: JSON) -> String {
        if case .string(let text) = json { text } else { Indented.text(json) }
    }

    /// For a shell: quoted where it has a query, which may carry the credential.
    private func address(
        _ call: Call, _ path: String, _ query: [(String, String)], isOpen: Bool = false
    ) -> String {
        var parts = query.map { "\($0.percentEncoded)=\($1.percentEncoded)" }
        if case .query(let name)? = api.credentials.first, !isOpen { parts.insert("\(name)=$TOLLGATE_KEY", at: 0) }
        let address = base(call) + path
        return parts.isEmpty ? address : "\"\(address)?\(parts.joined(separator: "&"))\""
    }

    /// What a command carries it by; nothing where its address does.
    private var credential: [String] {
        switch api.credentials.first {
        case .header(let name)?: ["-H \"\(name): $TOLLGATE_KEY\""]
        case .query?: []
        case .bearer?, nil: ["-H \"Authorization: Bearer $TOLLGATE_KEY\""]
        }
    }

    /// How calls are signed, with one whose signature is known (W5, W12); nil where none of these is.
    private func signature(of operations: [Operation]) -> HTML? {
        let signed = operations.filter { operation in
            operation.row.rows("parameters").contains { $0["name"] == "X-Tollgate-Signature" }
        }
        if signed.isEmpty { return nil }
        let vector = Facts([
            ("Secret", "<code>\(SignatureVector.secret)</code>"),
            ("X-Tollgate-Timestamp", "<code>\(SignatureVector.timestamp)</code>"),
            ("Method", "<code>\(SignatureVector.method)</code>"), ("Path", "<code>\(SignatureVector.path)</code>"),
            ("Idempotency-Key", "<code>\(SignatureVector.idempotencyKey)</code>"),
            ("Body", "<code>\(SignatureVector.body)</code>"),
            ("X-Tollgate-Signature", "<code>\(SignatureVector.signature)</code>"),
        ])
        return Panel("Signature") {
            """
            <p>\(each: signed, { "<code>\($0.name)</code> " })is signed. <code>X-Tollgate-Signature</code> is \
            <code>v1=</code> and the hexadecimal HMAC-SHA256, under the decoded bytes of the signing secret, of \
            <code>{timestamp}.{METHOD}.{path and query as sent}.{Idempotency-Key, bare}.{raw body}</code>. \
            <code>tollgate sign</code> makes it. Yours is right if it gives this:</p>\(vector)
            """
        }.html
    }
}
