import HTTPCore

/// The node itself: provider keys, the registry.
enum NodeCommands {
    static let commands = [
        Command(
            "provider-key rotate", "Issue a new provider key; all others die", options: GatewayClient.options
        ) { invocation in
            let answer = try GatewayClient.provider(invocation).send("POST", "/provider-key/rotate")
            try Answers.show(
                answer, invocation, note: "The provider key is shown this once.",
                ifLost: "the new provider key is lost, and the one before is dead: run it again")
            return ExitCode.ok
        },
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
