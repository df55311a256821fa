import Provider

/// The manual page tollgate(1), made from the table of commands (man(7)).
enum Manual {
    static func page(_ table: [Command]) -> String {
        var lines = [
            ".TH TOLLGATE 1 \"\" \"Tollgate \(Version.text)\" \"User Commands\"",
            ".SH NAME",
            "tollgate \\- a gateway for reseller programmes",
            ".SH SYNOPSIS",
            ".B tollgate",
            ".I COMMAND",
            ".RI [ ARGUMENT ...]",
            ".RI [ OPTION ...]",
            ".SH DESCRIPTION",
        ]
        lines += paragraphs(Help.reach)
        lines += [".SH COMMANDS"]
        for command in table { lines += section(command) }
        lines += [".SH EXIT STATUS"]
        lines += entries([
            ("0", "It is done."), ("1", "It was refused, or it failed; standard error says why."),
            ("2", "The command line is not understood, and nothing was done."),
        ])
        lines += [".SH ENVIRONMENT"] + entries(Help.environment)
        lines += [
            ".SH FILES"
        ]
        lines += entries([
            ("DIR/control.sock", "Commands without --url reach the gateway that runs on the data folder DIR over it."),
            ("DIR/master.key", "Opens the secrets in the data folder and in its copies. Keep a copy apart."),
            (BlueprintFolder.installedPath, "Blueprints of tenants, where none are in ./tenants."),
        ])
        lines += [".SH SEE ALSO", "The documentation is in", ".IR /usr/share/doc/tollgate ."]
        return lines.joined(separator: "\n")
    }

    private static func section(_ command: Command) -> [String] {
        var lines = [".SS \"\(escaped("tollgate " + Help.usage(command)))\"", escaped(command.summary + ".")]
        for note in command.notes.split(separator: "\n") { lines += [".br", escaped(String(note))] }
        let options = command.options.map { option in
            (
                Help.spelled(option) + (option.alias.map { ", \($0)" } ?? ""),
                option.summary + "." + Help.marks(option)
            )
        }
        return lines + entries(options)
    }

    private static func entries(_ entries: [(String, String)]) -> [String] {
        entries.flatMap { [".TP", ".B \(escaped($0.0))", escaped($0.1)] }
    }

    private static func paragraphs(_ texts: [String]) -> [String] {
        texts.flatMap { [".PP", escaped($0)] }
    }

    /// A text as it stands: no request at the start of a line, no escape, hyphens that can be copied.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for letter in text {
            switch letter {
            case "\\": escaped += "\\e"
            case "-": escaped += "\\-"
            case "\"": escaped += "\\(dq"
            default: escaped.append(letter)
            }
        }
        return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + escaped : escaped
    }
}
