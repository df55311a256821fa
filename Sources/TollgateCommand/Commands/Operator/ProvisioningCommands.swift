import HTTPCore

/// What provisioners are asked for, through the operator's API (W13).
enum ProvisioningCommands {
    static let commands = [queue, retry, confirm, giveUp]

    private static let detailsBytesMax = 64 << 10

    private static let queue = Command(
        "provisioning queue", "List what provisioners are asked for, oldest first",
        options: [Option("--state", "STATE", "open or stuck (all)")] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let query = invocation.text("--state").map { [("state", $0)] } ?? []
        let rows = try Pages.rows("/provisioning/queue", query: query, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                "service", "order", "product", "state", "verb", "n", "phase", "tries", "since", "next_at",
                "last_outcome", "last_answer",
            ]
            try Answers.table(rows, columns: columns, empty: "nothing is asked for")
        }
        return ExitCode.ok
    }

    private static let retry = Command(
        "provisioning retry", "Ask again, now, under the same id", arguments: ["SERVICE_ID"],
        options: GatewayClient.ownerOptions
    ) { invocation in
        try Answers.show(try GatewayClient.owner(invocation).send("POST", path(invocation, "retry")), invocation)
        return ExitCode.ok
    }

    private static let confirm = Command(
        "provisioning confirm", "Say that it is done at the provisioner", arguments: ["SERVICE_ID"],
        options: [
            Option("--details-file", "FILE", "A JSON object, name → {value, secret}: what the customer needs")
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let details = try invocation.text("--details-file").map { try json(in: $0) }
        let body = JSON.object(details.map { [JSONMember(name: "details", value: $0)] } ?? []).encoded()
        let answer = try GatewayClient.owner(invocation).send(
            "POST", path(invocation, "confirm"), body: .bytes(body))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let giveUp = Command(
        "provisioning give-up", "Give a unit up: what was not made is paid back", arguments: ["SERVICE_ID"],
        options: [Option("--reason", "TEXT", "What the reseller is told", isRequired: true)]
            + GatewayClient.ownerOptions
    ) { invocation in
        let body = try JSONWriter.object { $0.field("reason", try invocation.required("--reason")) }
        let answer = try GatewayClient.owner(invocation).send(
            "POST", path(invocation, "give_up"), body: .bytes(body))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    /// Secrets stand in no process list.
    static func json(in path: String) throws(CommandFailure) -> JSON {
        let bytes = try GivenFile.bytes(of: path, bytesMax: detailsBytesMax)
        guard let json = try? JSON.parse(bytes), case .object = json else {
            throw .failed("\(path) holds no JSON object")
        }
        return json
    }

    private static func path(_ invocation: Invocation, _ verb: String) -> String {
        "/provisioning/\(invocation.arguments[0].percentEncoded)/\(verb)"
    }
}
