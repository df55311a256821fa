import HTTPCore

/// The node itself: its clock, its registry, and its cluster.
enum NodeCommands {
    static let commands = [list, drain] + ownCommands

    private static let list = Command(
        "node list", "List the cluster's nodes: what each has, and when it was last heard of",
        options: GatewayClient.options
    ) { invocation in
        let answer = try GatewayClient.provider(invocation).send("GET", "/nodes")
        if invocation.has("--json") {
            try Answers.show(answer, invocation)
        } else if case .array(let nodes)? = try Answers.parsed(answer)["data"] {
            let columns = ["name", "address", "state", "tenants", "silent_milliseconds"]
            try Answers.table(nodes, columns: columns, empty: "no nodes")
        }
        return ExitCode.ok
    }

    private static let drain = Command(
        "node drain", "Give all of a node's tenants to the others, so that it can be stopped", arguments: ["NODE"],
        options: [Option("--undo", "Let it take tenants again")] + GatewayClient.options,
        notes: "Calls go on meanwhile. Each tenant's wait for a moment, and go where it went."
    ) { invocation in
        let answer = try GatewayClient.provider(invocation).send(
            invocation.has("--undo") ? "DELETE" : "POST", "/nodes/\(invocation.arguments[0].percentEncoded)/drain",
            isLong: true)
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let ownCommands = [
        Command(
            "clock accept", "Say that the node's clock is right after a leap, so that charging goes on",
            options: GatewayClient.options
        ) { invocation in
            let answer = try GatewayClient.provider(invocation).send("POST", "/clock/accept")
            try Answers.show(answer, invocation)
            return ExitCode.ok
        },
        Command(
            "registry rebuild", "Rebuild what the registry knows of keys from the tenants' files",
            options: GatewayClient.options
        ) { invocation in
            let answer = try GatewayClient.provider(invocation).send("POST", "/registry/rebuild", isLong: true)
            try Answers.show(answer, invocation)
            guard case .array(let failed)? = try Answers.parsed(answer)["failed"], !failed.isEmpty else {
                return ExitCode.ok
            }
            return ExitCode.failed
        },
    ]
}
