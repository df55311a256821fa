import HTTPCore

/// The node itself: its clock, its registry.
enum NodeCommands {
    static let commands = [
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
