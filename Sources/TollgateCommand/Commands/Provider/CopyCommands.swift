import HTTPCore

/// Export, restore and erasure of one tenant (P5, P6).
enum CopyCommands {
    static let commands = [export, restore, fork, delete]

    private static let export = Command(
        "tenant export", "Write a tenant's file, whole and consistent", arguments: TenantCommands.slug,
        options: SavedFile.options() + [
            Option("--with-secrets", "Write a sealed bundle, with all that another node needs to serve the tenant"),
            MoveCommands.passphraseOption,
        ] + GatewayClient.options,
        notes: "The file verifies offline: tollgate verify FILE. Secrets in it stay encrypted.\n"
            + "With --with-secrets and --passphrase-file it is for “tollgate tenant import” alone."
    ) { invocation in
        let isBundle = invocation.has("--with-secrets")
        guard isBundle == invocation.has("--passphrase-file") else {
            throw CommandFailure.usage("--with-secrets and --passphrase-file come together")
        }
        let headers = isBundle ? [MoveCommands.header(try MoveCommands.passphrase(invocation))] : []
        return try SavedFile.save(
            TenantCommands.path(invocation) + "/export", isBundle ? [("with_secrets", "true")] : [], headers: headers,
            from: .provider(invocation), invocation, slug: invocation.arguments[0])
    }

    private static let restore = Command(
        "tenant restore", "Take a tenant's file back", arguments: TenantCommands.slug,
        options: [
            Option("--input", "FILE", "An export of this tenant (- is standard input)"),
            Option("--at", "TIME", "In place of a file: the moment to take it back to (RFC 3339)"),
            Option("--unsigned", "accept", "Take a file that the tenant's gateway did not sign, if it is sound"),
        ] + GatewayClient.options,
        notes: "The file is checked before it replaces anything. Keys revoked since it was made stay revoked."
    ) { invocation in
        let unsigned = invocation.text("--unsigned")
        guard invocation.has("--input") != invocation.has("--at") else {
            throw CommandFailure.usage("--input FILE or --at TIME says what to take back")
        }
        if let at = invocation.text("--at") {
            if unsigned != nil { throw CommandFailure.usage("--unsigned goes only with --input") }
            let answer = try GatewayClient.provider(invocation).send(
                "POST", TenantCommands.path(invocation) + "/restore?at=\(at.percentEncoded)", isLong: true)
            try Answers.show(answer, invocation)
            return ExitCode.ok
        }
        guard unsigned == nil || unsigned == "accept" else {
            throw CommandFailure.usage("--unsigned takes accept, not “\(unsigned ?? "")”")
        }
        let query = unsigned.map { "?unsigned=\($0)" } ?? ""
        let client = try GatewayClient.provider(invocation)
        let answer = try GivenFile.with(try invocation.required("--input")) { file in
            try client.send(
                "POST", TenantCommands.path(invocation) + "/restore" + query, body: .file(path: file), isLong: true)
        }
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let fork = Command(
        "tenant fork", "Make a new tenant of another's state, to try things on real data",
        arguments: TenantCommands.slug + ["NEW"],
        options: [
            Option("--at", "TIME", "The moment whose state to take, RFC 3339 (now)")
        ] + GatewayClient.options,
        notes: "Keys, sessions, passwords, invitations and secrets do not come along; webhooks and payments are off.\n"
            + "The owner's key is shown once."
    ) { invocation in
        let body = JSONWriter.object { json in
            json.field("slug", invocation.arguments[1])
            if let at = invocation.text("--at") { json.field("at", at) }
        }
        let answer = try GatewayClient.provider(invocation).send(
            "POST", TenantCommands.path(invocation) + "/fork", body: .bytes(body), isLong: true)
        try Answers.show(
            answer, invocation, note: "The key is shown once.",
            ifLost: "the fork is made and its key is lost: “tollgate tenant owner-key” issues another")
        return ExitCode.ok
    }

    private static let delete = Command(
        "tenant delete", "Erase a tenant for ever, now or after some days", arguments: TenantCommands.slug,
        options: [
            Option("--confirm", "SLUG", "The slug once more: nothing brings it back"),
            Option("--after-days", "N", "Delete it after N days (1 to 365); “tollgate tenant undelete” takes it back"),
        ] + GatewayClient.options
    ) { invocation in
        let slug = invocation.arguments[0]
        guard let confirmation = invocation.text("--confirm") else {
            throw CommandFailure.usage("this erases \(slug) for ever; repeat its slug: --confirm \(slug)")
        }
        guard confirmation == slug else {
            throw CommandFailure.usage("--confirm says “\(confirmation)”, the tenant is “\(slug)”")
        }
        let (client, path) = (try GatewayClient.provider(invocation), TenantCommands.path(invocation))
        if let days = try invocation.integer("--after-days", in: 1...365) {
            _ = try client.send("DELETE", path + "?confirm=\(slug.percentEncoded)&after_days=\(days)")
            try TenantCommands.say(try client.send("GET", path), invocation)
            return ExitCode.ok
        }
        _ = try client.send("DELETE", path + "?confirm=\(slug.percentEncoded)")
        try Answers.report(invocation, "\(slug) is erased") { json in
            json.field("slug", slug)
            json.field("deleted", true)
        }
        return ExitCode.ok
    }
}
