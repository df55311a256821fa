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
            Option("--input", "FILE", "What “tenant export --with-secrets” wrote (or -)", isRequired: true),
            Option(
                "--passphrase-file", "FILE", "Its passphrase is the first line (- is standard input)", isRequired: true),
            Option("--slug", "SLUG", "Another name for it here"),
        ] + GatewayClient.options,
        notes: "Keys, secrets, sessions and the audit chain come along; host names do not.\n"
            + "What would leave the tenant waits until its operator says “tollgate outbound resume”."
    ) { invocation in
        let headers = [header(try passphrase(invocation))]
        let query = invocation.text("--slug").map { "?slug=\($0.percentEncoded)" } ?? ""
        let client = try GatewayClient.provider(invocation)
        let answer = try GivenFile.with(try invocation.required("--input")) { file in
            try client.send(
                "POST", "/tenants/import" + query, body: .file(path: file), headers: headers, isLong: true)
        }
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
            + "the new one. If the copy is refused, it is served here again, as if nothing had happened.\n"
            + "Run a move that was cut short again, and it goes on."
    ) { invocation in
        let slug = invocation.arguments[0]
        guard invocation.has("--node") != invocation.has("--to") else {
            throw CommandFailure.usage("--node NODE or --to URL says where to")
        }
        if let node = invocation.text("--node") { return try move(slug, toNode: node, invocation) }
        guard let key = invocation.text("--to-key") ?? invocation.environment["TOLLGATE_TO_PROVIDER_KEY"], !key.isEmpty
        else { throw CommandFailure.usage("--to needs --to-key KEY too, or TOLLGATE_TO_PROVIDER_KEY") }
        let address = GatewayAddress(try invocation.required("--to"))
        let newSlug = try address.tenant(invocation.text("--as"), by: "--as") ?? slug
        let url = address.url
        let there = try GatewayClient.elsewhere(
            url, key: key, authorities: invocation.text("--to-ca-cert"))
        let here = try GatewayClient.provider(invocation)
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
                "--history", "WHICH",
                "file: what the tenant's node has of it, or has put aside; log: what the database has",
                isRequired: true)
        ] + GatewayClient.options,
        notes: "Whatever only the other history had is lost to the tenant. A file that is put aside stays beside it."
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
        notes: "Only if it does not live on the other node: two copies of it would diverge."
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
        let random = SystemRandom()
        let file = "\(scratch)/tollgate-\(Hex.encode(random.bytes(8))).bundle"
        // Before the first call, which may make threads.
        let lastWords = LastWords { _ = unlink(file) }
        // In this order: a signal that comes first removes it as well.
        defer {
            unlink(file)
            lastWords.end()
        }
        return try run(by: file, random, lastWords)
    }

    /// `file`: where the bundle lies on its way.
    private func run(by file: String, _ random: SystemRandom, _ lastWords: LastWords) throws -> Int32 {
        let tenant = try Answers.parsed(try here.send("GET", path))
        guard let id = tenant["id"]?.text else { throw CommandFailure.failed("the tenant has no id") }
        let wasSealed = tenant["state"]?.text == "moved"
        if wasSealed { lastWords.change(to: sealedWords) }
        if try arrived(tenant, id, wasSealed) { return try confirm(nil, lastWords) }
        let passphrase = MoveCommands.header(Base64.encodeURL(random.bytes(32)))
        let body = JSONWriter.object { $0.field("base_url", baseURL) }
        let made: HTTPClientResponse
        var isSent = false
        do {
            lastWords.change(to: sealedWords)
            _ = try here.send("POST", path + "/move", body: .bytes(body))
            _ = try here.send(
                "GET", path + "/export?with_secrets=true", headers: [passphrase], sink: .file(path: file), isLong: true)
            isSent = true
            made = try there.send(
                "POST", "/tenants/import" + (newSlug == slug ? "" : "?slug=\(newSlug.percentEncoded)"),
                body: .file(path: file), headers: [passphrase], isLong: true)
        } catch {
            try recover(from: error, id: id, isSent: isSent, wasSealed: wasSealed)
            return try confirm(nil, lastWords)
        }
        return try confirm(made, lastWords)
    }

    private var sealedWords: String {
        "\(slug) is sealed here: run the same move again; or, if it does not live at \(baseURL), “tollgate tenant "
            + "move-back \(slug)”"
    }

    /// Whether an earlier run brought it there. Throws where this one must not begin; then nothing is changed.
    private func arrived(_ tenant: JSON, _ id: String, _ wasSealed: Bool) throws(CommandFailure) -> Bool {
        if wasSealed, let place = tenant["moved_to"]?.text, place != baseURL {
            throw .failed(
                "\(slug) went to \(place), or is on its way: move it there again, or run “tollgate tenant move-back "
                    + "\(slug)” if it does not live there")
        }
        let livesThere: Bool
        do {
            livesThere = try lives(id)
        } catch {
            throw wasSealed ? unknown(error) : .failed("\(error); \(slug) is served here as before")
        }
        // A copy that was there before the seal may lack what was written here since.
        if livesThere, !wasSealed {
            throw .failed(
                "\(slug) lives both here and at the other node; delete it there, then move it again; "
                    + "it is served here as before")
        }
        return livesThere
    }

    /// It did not come to an end. Goes on where the tenant lives there all the same; else throws, once it is served
    /// here again or it is said what to do. A run takes back its own seal alone, and only where nothing was sent, or
    /// what was sent was refused: an import that nobody heard the end of may still be under way.
    private func recover(from failure: CommandFailure, id: String, isSent: Bool, wasSealed: Bool) throws {
        if failure.code == "move_confirmed" { throw failure }
        if isSent {
            switch try? lives(id) {
            case true?: return
            case false? where failure.isRefusal: break
            default: throw unknown(failure)
            }
        }
        if wasSealed { throw unknown(failure) }
        do {
            _ = try here.send("DELETE", path + "/move")
        } catch {
            // It was not sealed at all.
            if error.code == "tenant_not_moved" { throw failure }
            throw CommandFailure.failed(
                "\(failure); and \(slug) is still sealed here (\(error)): run “tollgate tenant move-back \(slug)”")
        }
        throw CommandFailure.failed("\(failure); \(slug) is served here as before")
    }

    private func unknown(_ failure: CommandFailure) -> CommandFailure {
        .failed(
            "\(failure); whether \(slug) lives at \(baseURL) is not known, so that it stays sealed here: look "
                + "there; if it does, run the same move again; if it does not, “tollgate tenant move-back \(slug)”")
    }

    /// Whether the other node serves it, under whatever name.
    private func lives(_ id: String) throws(CommandFailure) -> Bool {
        let found = try Answers.parsed(try there.send("GET", "/tenants?q=\(id.percentEncoded)"))
        guard case .array(let tenants)? = found["data"] else {
            throw .failed("the other node's answer is not a list of tenants")
        }
        return tenants.contains { tenant in
            tenant["id"]?.text == id && !["moved", "deleting"].contains(tenant["state"]?.text)
        }
    }

    private func confirm(_ made: HTTPClientResponse?, _ lastWords: LastWords) throws -> Int32 {
        do {
            _ = try here.send("POST", path + "/move/confirm")
        } catch {
            // An earlier call may have confirmed it, and its answer been lost.
            guard error.code == "move_confirmed" else {
                throw CommandFailure.failed(
                    "\(slug) lives at \(baseURL), and is sealed here, but the move is not confirmed (\(error)): run "
                        + "the same move again")
            }
        }
        lastWords.change(to: nil)
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
