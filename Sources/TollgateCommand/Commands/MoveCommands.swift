import Cryptography
import Foundation
import HTTPClient
import HTTPCore

/// Moving a tenant to another node (P10).
enum MoveCommands {
    static let commands = [importTenant, move, undo, adopt]

    static let passphraseOption = Option(
        "--passphrase-file", "FILE", "The passphrase is its first line, 12 characters or more (- is standard input)")

    private static let importTenant = Command(
        "tenant import", "Take in a tenant that comes from another node",
        options: [
            Option("--input", "FILE", "What “tenant export --with-secrets” wrote", isRequired: true),
            Option(
                "--passphrase-file", "FILE", "Its passphrase is the first line (- is standard input)", isRequired: true),
            Option("--slug", "SLUG", "Another name for it here"),
        ] + GatewayClient.options,
        notes: "Keys, secrets, sessions and the audit chain come along; host names do not.\n"
            + "What would leave the tenant waits until its operator says “tollgate outbound resume”."
    ) { invocation in
        let headers = [header(try passphrase(invocation))]
        let query = invocation.text("--slug").map { "?slug=\($0.percentEncoded)" } ?? ""
        let answer = try GatewayClient.provider(invocation).send(
            "POST", "/tenants/import" + query, body: .file(path: try invocation.required("--input")), headers: headers,
            isLong: true)
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let move = Command(
        "tenant move", "Move a tenant to another node", arguments: TenantCommands.slug,
        options: [
            Option("--node", "NODE", "Another node of the same cluster; it goes there live"),
            Option("--to", "URL", "In place of that: another gateway"),
            Option("--to-key", "KEY", "Its provider key ($TOLLGATE_TO_PROVIDER_KEY)"),
            Option("--to-ca-cert", "FILE", "Authorities (PEM) to trust there in place of the system's"),
            Option("--as", "SLUG", "Another name for it there"),
            Option("--scratch", "DIR", "Where the sealed bundle lies on its way ($TMPDIR, /tmp)"),
        ] + GatewayClient.options,
        notes: "With --node its calls go on, and follow it.\n"
            + "With --to the tenant is sealed here, copied, taken in there, and confirmed: from then on its old address names\n"
            + "the new one. Where the copy fails it is served here again, as if nothing had been."
    ) { invocation in
        let slug = invocation.arguments[0]
        guard invocation.has("--node") != invocation.has("--to") else {
            throw CommandFailure.usage("--node NODE or --to URL says where to")
        }
        if let node = invocation.text("--node") { return try move(slug, toNode: node, invocation) }
        guard let key = invocation.text("--to-key") ?? invocation.environment["TOLLGATE_TO_PROVIDER_KEY"], !key.isEmpty
        else { throw CommandFailure.usage("--to needs --to-key KEY too, or TOLLGATE_TO_PROVIDER_KEY") }
        let url = try invocation.required("--to")
        let there = try GatewayClient.elsewhere(
            url, key: key, authorities: invocation.text("--to-ca-cert"))
        let here = try GatewayClient.provider(invocation)
        let newSlug = invocation.text("--as") ?? slug
        let baseURL = (url.hasSuffix("/") ? String(url.dropLast()) : url) + "/t/\(newSlug)"
        return try Move(
            slug: slug, newSlug: newSlug, baseURL: baseURL, here: here, there: there,
            scratch: invocation.text("--scratch") ?? NSTemporaryDirectory(), invocation: invocation
        ).run()
    }

    private static func move(_ slug: String, toNode node: String, _ invocation: Invocation) throws -> Int32 {
        for name in ["--to-key", "--to-ca-cert", "--as", "--scratch"] where invocation.has(name) {
            throw CommandFailure.usage("\(name) goes with --to alone")
        }
        let answer = try GatewayClient.provider(invocation).send(
            "POST", TenantCommands.path(invocation) + "/move",
            body: .bytes(JSONWriter.object { json in json.field("node", node) }), isLong: true)
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let adopt = Command(
        "tenant adopt", "Say which history of a tenant holds, after a cluster's database was taken back",
        arguments: TenantCommands.slug,
        options: [
            Option(
                "--history", "WHICH", "file: what the tenant's node has of it; log: what the database has",
                isRequired: true)
        ] + GatewayClient.options,
        notes: "What the other history had alone is lost to the tenant. A file that is put aside stays beside it."
    ) { invocation in
        let history = try invocation.required("--history")
        let answer = try GatewayClient.provider(invocation).send(
            "POST", TenantCommands.path(invocation) + "/adopt",
            body: .bytes(JSONWriter.object { json in json.field("history", history) }), isLong: true)
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let undo = Command(
        "tenant move-back", "Serve a tenant here again whose move was not confirmed", arguments: TenantCommands.slug,
        options: GatewayClient.options,
        notes: "Only where it does not live on the other node: two of it would go their own ways."
    ) { invocation in
        let answer = try GatewayClient.provider(invocation).send("DELETE", TenantCommands.path(invocation) + "/move")
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    /// What `--passphrase-file` names; said to be too short before anything is asked.
    static func passphrase(_ invocation: Invocation) throws(CommandFailure) -> String {
        let text = try PasswordFile.read(try invocation.required("--passphrase-file"))
        guard Passphrase(text) != nil else {
            throw .failed("a passphrase has \(Passphrase.charactersMin) to 1024 characters of printable ASCII")
        }
        return text
    }

    static func header(_ passphrase: String) -> (String, String) { ("Tollgate-Passphrase", passphrase) }
}

/// One move from here to there, which leaves the tenant served at one of the two places, or says what is to be done.
private struct Move {
    let slug: String
    let newSlug: String
    let baseURL: String
    let here: GatewayClient
    let there: GatewayClient
    let scratch: String
    let invocation: Invocation

    private var path: String { "/tenants/\(slug.percentEncoded)" }

    func run() throws -> Int32 {
        let tenant = try Answers.parsed(try here.send("GET", path))
        guard let id = tenant["id"]?.text else { throw CommandFailure.failed("the tenant has no id") }
        let random = SystemRandom()
        let file = "\(scratch)/tollgate-\(Hex.encode(random.bytes(8))).bundle"
        defer { unlink(file) }
        let passphrase = MoveCommands.header(Base64.encodeURL(random.bytes(32)))
        let body = JSONWriter.object { $0.field("base_url", baseURL) }
        _ = try here.send("POST", path + "/move", body: .bytes(body))
        let made: HTTPClientResponse
        do {
            _ = try here.send(
                "GET", path + "/export?with_secrets=true", headers: [passphrase], sink: .file(path: file), isLong: true)
            made = try there.send(
                "POST", "/tenants/import" + (newSlug == slug ? "" : "?slug=\(newSlug.percentEncoded)"),
                body: .file(path: file), headers: [passphrase], isLong: true)
        } catch {
            try recover(from: error, id: id)
            return try confirm(nil)
        }
        return try confirm(made)
    }

    /// It did not come to an end. Goes on where the tenant lives there all the same; else throws, once it is served
    /// here again or it is said what to do.
    private func recover(from failure: CommandFailure, id: String) throws {
        let isRefused = if case .refused = failure { true } else { false }
        if !isRefused {
            // An answer that was lost on its way says nothing.
            switch lives(id) {
            case true?: return
            case false?: break
            case nil:
                throw CommandFailure.failed(
                    "\(failure); whether \(slug) lives at \(baseURL) is not known, so that it stays sealed here: look "
                        + "there, then confirm with POST \(path)/move/confirm, or run “tollgate tenant move-back \(slug)”"
                )
            }
        }
        do {
            _ = try here.send("DELETE", path + "/move")
        } catch {
            throw CommandFailure.failed(
                "\(failure); and \(slug) is still sealed here (\(error)): run “tollgate tenant move-back \(slug)”")
        }
        throw CommandFailure.failed("\(failure); \(slug) is served here as before")
    }

    /// Nil where the other node does not say.
    private func lives(_ id: String) -> Bool? {
        do {
            let found = try there.send("GET", "/tenants/\(newSlug.percentEncoded)")
            return try Answers.parsed(found)["id"]?.text == id
        } catch CommandFailure.refused(_, let answer) {
            return (try? JSON.parse(answer))?["code"]?.text == "tenant_not_found" ? false : nil
        } catch {
            return nil
        }
    }

    private func confirm(_ made: HTTPClientResponse?) throws -> Int32 {
        do {
            _ = try here.send("POST", path + "/move/confirm")
        } catch {
            throw CommandFailure.failed(
                "\(slug) lives at \(baseURL), and is sealed here, but the move is not confirmed (\(error)): "
                    + "POST \(path)/move/confirm does so")
        }
        let text =
            "\(slug) lives at \(baseURL); its old address says so. “tollgate tenant delete” erases what is left here."
        try Answers.report(invocation, text) { json in
            json.field("slug", slug)
            json.field("moved_to", baseURL)
            if let made, let answer = try? JSON.parse(made.body) { json.field("imported", answer) }
        }
        return ExitCode.ok
    }
}
