/// Help made from the table of commands.
enum Help {
    static func overview(_ table: [Command]) -> String {
        let width = table.map { usage($0).count }.max() ?? 0
        var lines = ["Tollgate \(Version.text): a gateway for reseller programmes.", ""]
        for command in table {
            lines.append("  tollgate \(padded(usage(command), width))  \(command.summary)")
        }
        lines += [
            "",
            "Commands reach the gateway that runs on --data DIR (./data), or the one at --url URL with --key KEY.",
            "“tollgate help COMMAND” says more. Exit codes: 0 done, 1 refused or failed, 2 not understood.",
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
                let marks =
                    (option.isRequired ? " (required)" : "") + (option.repeats ? " (may come several times)" : "")
                lines.append("  \(padded(spelled(option), width))  \(option.summary)\(marks)")
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

    private static func usage(_ command: Command) -> String {
        ([command.name] + command.arguments).joined(separator: " ")
    }

    private static func spelled(_ option: Option) -> String {
        option.name + (option.value.map { " \($0)" } ?? "")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
