import HTTPCore

/// A tenant's settings and logo, through the operator's API (O12).
enum SettingsCommands {
    static let commands = [show, change, logo]

    private static let colours = ["primary", "accent", "background"]
    private static let switches: [(option: String, name: String)] = [
        ("--self-activation", "self_activation"), ("--self-service-keys", "self_service_keys"),
        ("--sandbox-before-approval", "sandbox_before_approval"),
    ]

    private static let show = Command(
        "settings show", "Show a tenant's settings", options: GatewayClient.ownerOptions
    ) { invocation in
        try Answers.show(try GatewayClient.owner(invocation).send("GET", "/settings"), invocation)
        return ExitCode.ok
    }

    private static let change = Command(
        "settings change", "Change a tenant's settings",
        options: [Option("--name", "NAME", "What its pages call it")]
            + colours.map { Option("--\($0)", "#RRGGBB", "A colour of its pages; none: their own") }
            + [
                Option("--self-activation", "yes|no", "Resellers who register activate themselves"),
                Option("--self-service-keys", "yes|no", "Resellers mint keys of the credit reports themselves"),
                Option("--sandbox-before-approval", "yes|no", "Resellers who wait may use the test book"),
            ] + GatewayClient.ownerOptions
    ) { invocation in
        var members = SentFile.members([("--name", "name")], invocation)
        let chosen = SentFile.members(colours.map { ("--\($0)", $0) }, invocation)
        if !chosen.isEmpty { members.append(JSONMember(name: "colours", value: .object(chosen))) }
        members += try SentFile.plain(switches, invocation)
        let answer = try GatewayClient.owner(invocation).send(
            "PATCH", "/settings", body: .bytes(JSON.object(members).encoded()))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let logo = Command(
        "settings logo", "Set a tenant's logo, or take it away", arguments: ["[FILE]"],
        options: [Option("--remove", "Take the logo away")] + GatewayClient.ownerOptions,
        notes: "PNG or WebP, 64 KiB and 1024 pixels a side at most."
    ) { invocation in
        guard invocation.has("--remove") == invocation.arguments.isEmpty else {
            throw CommandFailure.usage("“tollgate settings logo” takes a FILE, or --remove")
        }
        let answer =
            invocation.has("--remove")
            ? try GatewayClient.owner(invocation).send("DELETE", "/settings/logo")
            : try SentFile.send("PUT", "/settings/logo", invocation.arguments[0], invocation)
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }
}
