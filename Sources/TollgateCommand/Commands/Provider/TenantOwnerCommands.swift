import HTTPCore

/// A tenant's owner: another key, an invitation anew, another address (P1, P10).
enum TenantOwnerCommands {
    static let commands = [ownerKey, invite, owner]

    private static let ownerKey = Command(
        "tenant owner-key", "Issue another owner key", arguments: TenantCommands.slug, options: GatewayClient.options
    ) { invocation in
        let answer = try GatewayClient.provider(invocation).send("POST", TenantCommands.path(invocation) + "/owner-key")
        try Answers.show(
            answer, invocation, note: "The owner key is shown this once.",
            ifLost: "the new owner key is lost, and good all the same: issue another, and revoke this one with "
                + "“tollgate key revoke”")
        return ExitCode.ok
    }

    private static let invite = Command(
        "tenant invite", "Make another invitation link for the owner; links from before die",
        arguments: TenantCommands.slug, options: GatewayClient.options
    ) { invocation in
        let answer = try GatewayClient.provider(invocation).send(
            "POST", TenantCommands.path(invocation) + "/invitation")
        try Answers.show(
            answer, invocation, note: "The link is shown this once.",
            ifLost: "the new link is lost and the ones before are dead: run it again")
        return ExitCode.ok
    }

    private static let owner = Command(
        "tenant owner", "Give the owner another address; the password ends, and the answer holds an invitation link",
        arguments: TenantCommands.slug + ["EMAIL"], options: GatewayClient.options
    ) { invocation in
        let body = JSONWriter.object { $0.field("owner_email", invocation.arguments[1]) }
        let answer = try GatewayClient.provider(invocation).send(
            "PATCH", TenantCommands.path(invocation), body: .bytes(body))
        try Answers.show(
            answer, invocation, note: "The link is shown this once.",
            ifLost: "the owner's address is changed and the link is lost: “tollgate tenant invite "
                + "\(invocation.arguments[0])” makes another")
        return ExitCode.ok
    }
}
