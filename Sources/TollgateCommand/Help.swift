import Provider

/// Help made from the table of commands.
enum Help {
    /// What holds for all commands.
    static let reach = [
        "Commands reach the gateway that runs on --data DIR (./data), or the one at --url URL with --key KEY.",
        "Answers are tables for people, coloured only on a terminal; with --json they are the gateway's own JSON.",
        "A FILE that is - is standard input, and standard output after --output; ./- is a file of that name.",
    ]
    static let environment = [
        ("TOLLGATE_URL", "The gateway, if neither --url nor --data names one."),
        ("TOLLGATE_PROVIDER_KEY", "The provider's key, for its commands at --url."),
        ("TOLLGATE_OWNER_KEY", "An owner's or operator's key, for commands on a tenant."),
        ("TOLLGATE_KEY", "A reseller's key, for tollgate my …, or any key for tollgate events tail."),
        ("TOLLGATE_TO_PROVIDER_KEY", "The other node's provider key, for tollgate tenant move."),
        ("TOLLGATE_CLUSTER", "The PostgreSQL of a cluster, for tollgate serve."),
        ("TOLLGATE_WEBHOOK_SECRET", "A signing secret, for tollgate sign and tollgate my buy."),
        ("TMPDIR", "Where copies are checked, if not in /tmp."),
        ("NO_COLOR", "Set to anything: no colours."),
    ]

    static func overview(_ table: [Command]) -> String {
        let width = table.map { usage($0).count }.max() ?? 0
        var lines = ["Tollgate \(Version.text): a gateway for reseller programmes.", ""]
        for command in table {
            let name = Terminal.styled(Terminal.padded(usage(command), width), .title)
            lines.append("  tollgate \(name)  \(command.summary)")
        }
        lines +=
            [""] + reach + [
                "“tollgate help COMMAND” says more. Exit codes: 0 done, 1 refused or failed, 2 not understood."
            ]
        return lines.joined(separator: "\n")
    }

    static func page(_ command: Command) -> String {
        var lines = ["tollgate \(usage(command)) [options]", "", "  \(command.summary)."]
        for note in command.notes.split(separator: "\n") { lines.append("  \(note)") }
        if !command.options.isEmpty {
            let width = command.options.map { spelled($0).count }.max() ?? 0
            lines += ["", "Options:"]
            for option in command.options {
                let name = Terminal.styled(Terminal.padded(spelled(option), width), .title)
                lines.append("  \(name)  \(option.summary)\(marks(option))")
            }
        }
        return lines.joined(separator: "\n")
    }

    /// For `help WORDS`: one command, or all of a group.
    static func text(for words: [String], _ table: [Command]) throws(CommandFailure) -> String {
        let name = words.joined(separator: " ")
        if name.isEmpty { return overview(table) }
        if let command = table.first(where: { $0.name == name }) { return page(command) }
        let group = table.filter { $0.name.hasPrefix(name + " ") }
        if !group.isEmpty { return overview(group) }
        throw .usage("there is no “tollgate \(name)”" + Suggestion.text(for: name, among: table.map(\.name)))
    }

    static func marks(_ option: Option) -> String {
        (option.isRequired ? " (required)" : "") + (option.repeats ? " (may come several times)" : "")
    }

    static func usage(_ command: Command) -> String {
        ([command.name] + command.arguments).joined(separator: " ")
    }

    static func spelled(_ option: Option) -> String {
        option.name + (option.value.map { " \($0)" } ?? "")
    }
}
