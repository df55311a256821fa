/// Completion of command lines, made from the table of commands: a script that a shell reads.
enum Completion {
    static let shells = ["bash", "zsh"]

    static func script(for shell: String, _ table: [Command]) throws(CommandFailure) -> String {
        switch shell {
        case "bash": bash(table)
        case "zsh": zsh(table)
        default:
            throw .usage("completion is there for \(shells.joined(separator: " and ")), not for “\(shell)”")
        }
    }

    /// A first word, and the second ones that follow it; none where it is a command by itself.
    private static func groups(_ table: [Command]) -> [(name: String, verbs: [Command])] {
        var groups: [(name: String, verbs: [Command])] = []
        for command in table {
            let words = command.name.split(separator: " ").map { String($0) }
            if let index = groups.firstIndex(where: { $0.name == words[0] }) {
                if words.count > 1 { groups[index].verbs.append(command) }
            } else {
                groups.append((words[0], words.count > 1 ? [command] : []))
            }
        }
        return groups
    }

    private static func verb(_ command: Command) -> String {
        command.name.split(separator: " ").dropFirst().joined(separator: " ")
    }

    /// What an argument or a value of this name is completed by.
    private enum Kind {
        case file
        case folder
        case words([String])
        case other

        init(_ name: String) {
            switch name {
            case "FILE": self = .file
            case "DIR", "[DIR]": self = .folder
            case "SHELL": self = .words(Completion.shells)
            case "[COMMAND]": self = .words([])
            default: self = .other
            }
        }
    }

    // MARK: bash

    private static func bash(_ table: [Command]) -> String {
        let groups = groups(table)
        let firsts = groups.map(\.name).joined(separator: " ")
        var lines = [
            "# bash completion for tollgate, made by “tollgate completion bash”.",
            "_tollgate() {",
            "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
            "    local name=${COMP_WORDS[1]:-} verbs=\"\" options=\"--help\" files=\" \" folders=\" \" values=\" \" rest=\"\"",
            "    COMPREPLY=()",
            "    if [ \"$COMP_CWORD\" -eq 1 ]; then",
            "        COMPREPLY=($(compgen -W \"\(firsts)\" -- \"$word\"))",
            "        return",
            "    fi",
            "    case $name in",
        ]
        for group in groups where !group.verbs.isEmpty {
            lines.append("    \(group.name)) verbs=\"\(group.verbs.map(verb).joined(separator: " "))\" ;;")
        }
        lines += [
            "    help) verbs=\"\(firsts)\" ;;",
            "    esac",
            "    if [ -n \"$verbs\" ] && [ \"$COMP_CWORD\" -eq 2 ]; then",
            "        COMPREPLY=($(compgen -W \"$verbs\" -- \"$word\"))",
            "        return",
            "    fi",
            "    [ -z \"$verbs\" ] || name=\"$name ${COMP_WORDS[2]}\"",
            "    case $name in",
        ]
        for command in table { lines += bashCase(command) }
        lines += [
            "    *) return ;;",
            "    esac",
            "    case \"$files\" in *\" $before \"*) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")); return ;; esac",
            "    case \"$folders\" in *\" $before \"*) compopt -o filenames; COMPREPLY=($(compgen -d -- \"$word\")); return ;; esac",
            "    case \"$values\" in *\" $before \"*) return ;; esac",
            "    case $word in -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")); return ;; esac",
            "    case $rest in",
            "    FILE) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")) ;;",
            "    DIR) compopt -o filenames; COMPREPLY=($(compgen -d -- \"$word\")) ;;",
            "    ?*) COMPREPLY=($(compgen -W \"$rest\" -- \"$word\")) ;;",
            "    esac",
            "}",
            "complete -F _tollgate tollgate",
        ]
        return lines.joined(separator: "\n")
    }

    private static func bashCase(_ command: Command) -> [String] {
        func named(_ isWanted: (Kind) -> Bool) -> String {
            let options = command.options.filter { $0.value.map { isWanted(Kind($0)) } ?? false }
            return options.flatMap { [$0.name] + ($0.alias.map { [$0] } ?? []) }.joined(separator: " ")
        }
        let all = command.options.map(\.name) + ["--help"]
        var parts = ["options=\"\(all.joined(separator: " "))\""]
        let files = named { if case .file = $0 { true } else { false } }
        let folders = named { if case .folder = $0 { true } else { false } }
        let values = named { if case .other = $0 { true } else { false } }
        if !files.isEmpty { parts.append("files=\" \(files) \"") }
        if !folders.isEmpty { parts.append("folders=\" \(folders) \"") }
        if !values.isEmpty { parts.append("values=\" \(values) \"") }
        switch command.arguments.first.map({ Kind($0) }) {
        case .file?: parts.append("rest=FILE")
        case .folder?: parts.append("rest=DIR")
        case .words(let words)? where !words.isEmpty: parts.append("rest=\"\(words.joined(separator: " "))\"")
        default: break
        }
        return ["    \"\(command.name)\") \(parts.joined(separator: " ")) ;;"]
    }

    // MARK: zsh

    private static func zsh(_ table: [Command]) -> String {
        let groups = groups(table)
        var lines = [
            "#compdef tollgate",
            "# zsh completion for tollgate, made by “tollgate completion zsh”.",
            "_tollgate() {",
            "    local -a known",
            "    local name=$words[2]",
            "    if (( CURRENT == 2 )); then",
            "        known=(",
        ]
        for group in groups {
            let summary =
                table.first { $0.name == group.name }?.summary ?? group.verbs.map(verb).joined(separator: ", ")
            lines.append("            \(quoted("\(group.name):\(summary)"))")
        }
        lines += ["        )", "        _describe command known", "        return", "    fi", "    case $name in"]
        for group in groups where !group.verbs.isEmpty {
            lines += ["    \(group.name))", "        known=("]
            lines += group.verbs.map { "            \(quoted("\(verb($0)):\($0.summary)"))" }
            lines += ["        ) ;;"]
        }
        lines += [
            "    help) known=(\(groups.map(\.name).joined(separator: " "))) ;;",
            "    esac",
            "    if (( $#known )); then",
            "        if (( CURRENT == 3 )); then _describe verb known; return; fi",
            "        name=\"$name $words[3]\"",
            "        shift words; (( CURRENT -= 1 ))",
            "    fi",
            "    shift words; (( CURRENT -= 1 ))",
            "    case $name in",
        ]
        for command in table {
            lines.append("    \(quoted(command.name))) _arguments -S \\")
            lines += (command.options.map(zshOption) + ["'--help[Say what it takes]'"]).map { "        \($0) \\" }
            lines += command.arguments.map { "        \(zshArgument($0)) \\" }
            lines.append("        && return ;;")
        }
        lines += ["    esac", "}", "_tollgate \"$@\""]
        return lines.joined(separator: "\n")
    }

    private static func zshOption(_ option: Option) -> String {
        let summary = option.summary.filter { !"[]".contains($0) }
        let value = option.value.map { ":\(zshText($0)):\(zshAction($0))" } ?? ""
        return quoted((option.repeats ? "*" : "") + "\(option.name)[\(summary)]" + value)
    }

    private static func zshArgument(_ name: String) -> String {
        let isOptional = name.hasPrefix("[")
        let bare = name.filter { !"[]".contains($0) }
        return quoted((isOptional ? "::" : ":") + zshText(bare) + ":" + zshAction(name))
    }

    private static func zshAction(_ name: String) -> String {
        switch Kind(name) {
        case .file: "_files"
        case .folder: "_files -/"
        case .words(let words): "(\(words.joined(separator: " ")))"
        case .other: " "
        }
    }

    /// A colon ends a field.
    private static func zshText(_ text: String) -> String { text.split(separator: ":").joined(separator: "\\:") }

    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
