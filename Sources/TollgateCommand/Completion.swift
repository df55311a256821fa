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

    /// A first word, the second ones that follow it, and whether it is a command by itself.
    private typealias Group = (name: String, verbs: [Command], isCommand: Bool)

    private static func groups(_ table: [Command]) -> [Group] {
        var groups: [Group] = []
        for command in table {
            let words = command.name.split(separator: " ").map { String($0) }
            let index = groups.firstIndex { $0.name == words[0] } ?? groups.endIndex
            if index == groups.endIndex { groups.append((words[0], [], false)) }
            if words.count > 1 { groups[index].verbs.append(command) } else { groups[index].isCommand = true }
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
            switch name.filter({ !"[]".contains($0) }) {
            case "FILE": self = .file
            // An archive is a folder, or an address that nothing completes.
            case "DIR", "PLACE": self = .folder
            case "SHELL": self = .words(Completion.shells)
            default: self = .other
            }
        }
    }

    // MARK: bash

    private static func bash(_ table: [Command]) -> String {
        let groups = groups(table)
        let firsts = groups.map(\.name).joined(separator: " ")
        let verbs = groups.filter { !$0.verbs.isEmpty }.map { group in
            "    \(group.name)) echo \"\(group.verbs.map(verb).joined(separator: " "))\" ;;"
        }
        return bashHead(firsts: firsts, verbs: verbs.joined(separator: "\n"))
            + table.map { bashCase($0) + "\n" }.joined() + bashTail
    }

    /// Bash cuts words at `=` and `:`, as in `--url=http://host`; `given` has them whole. The last is being typed.
    private static func bashHead(firsts: String, verbs: String) -> String {
        #"""
        # bash completion for tollgate, made by “tollgate completion bash”.
        _tollgate_verbs() {
            case $1 in
        \#(verbs)
            esac
        }
        _tollgate_found() { mapfile -t COMPREPLY < <(compgen "$@"); }
        _tollgate() {
            local word=${COMP_WORDS[COMP_CWORD]} given=() count=0 index piece glue=""
            for ((index = 1; index <= COMP_CWORD; index++)); do
                piece=${COMP_WORDS[index]}
                if [ "$count" -gt 0 ] && { [ -n "$glue" ] || [[ $piece == [=:]* ]]; }; then
                    given[count - 1]+=$piece
                else
                    given[count++]=$piece
                fi
                if [[ $piece =~ ^[=:]+$ ]]; then glue=yes; else glue=""; fi
            done
            COMPREPLY=()
            [ -z "$glue" ] || word=""
            local firsts="\#(firsts)" name=${given[0]} from=1 verbs
            if [ "$count" -eq 1 ] || [ "$count $name" = "2 help" ]; then
                _tollgate_found -W "$firsts" -- "$word"
                return
            fi
            if [ "$name" = help ]; then
                [ "$count" -gt 3 ] || _tollgate_found -W "$(_tollgate_verbs "${given[1]}")" -- "$word"
                return
            fi
            verbs=$(_tollgate_verbs "$name")
            if [ "$count" -gt 2 ] && [[ " $verbs " == *" ${given[1]} "* ]]; then
                name="$name ${given[1]}"
                from=2
            fi
            local options="--help" files=" " folders=" " values=" " rest=() at=0 before=${given[count - 2]}
            case ${given[count - 1]} in --*=*) before=${given[count - 1]%%=*} ;; esac
            case $name in

        """#
    }

    private static let bashTail = #"""
            *)
                [ "$count" -gt 2 ] || _tollgate_found -W "$verbs" -- "$word"
                return
                ;;
            esac
            case "$files" in *" $before "*) compopt -o filenames; _tollgate_found -f -- "$word"; return ;; esac
            case "$folders" in *" $before "*) compopt -o filenames; _tollgate_found -d -- "$word"; return ;; esac
            case "$values" in *" $before "*) return ;; esac
            case $word in -*) _tollgate_found -W "$options" -- "$word"; return ;; esac
            for ((index = from; index < count - 1; index++)); do
                case "$files$folders$values" in *" ${given[index]} "*) ((index++)); continue ;; esac
                case ${given[index]} in -?*) ;; *) ((at++)) ;; esac
            done
            case ${rest[at]-} in
            FILE) compopt -o filenames; _tollgate_found -f -- "$word" ;;
            DIR) compopt -o filenames; _tollgate_found -d -- "$word" ;;
            ?*) _tollgate_found -W "${rest[at]}" -- "$word" ;;
            esac
            # A word that is a command and begins others takes a verb as well.
            if [ "$count" -eq 2 ] && [ -n "$verbs" ]; then
                mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$verbs" -- "$word")
            fi
        }
        complete -F _tollgate tollgate
        """#

    private static func bashCase(_ command: Command) -> String {
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
        let rest = command.arguments.map { name -> String in
            switch Kind(name) {
            case .file: "FILE"
            case .folder: "DIR"
            case .words(let words): "\"\(words.joined(separator: " "))\""
            case .other: "\"\""
            }
        }
        if !rest.isEmpty { parts.append("rest=(\(rest.joined(separator: " ")))") }
        return "    \"\(command.name)\") \(parts.joined(separator: " ")) ;;"
    }

    // MARK: zsh

    private static func zsh(_ table: [Command]) -> String {
        let groups = groups(table)
        var lines = [
            "#compdef tollgate",
            "# zsh completion for tollgate, made by “tollgate completion zsh”.",
            "_tollgate_verbs() {",
            "    case $1 in",
        ]
        for group in groups where !group.verbs.isEmpty {
            lines += ["    \(group.name))", "        known=("]
            lines += group.verbs.map { "            \(quoted("\(verb($0)):\($0.summary)"))" }
            lines += ["        ) ;;"]
        }
        lines += ["    esac", "}", "_tollgate() {", "    local -a known firsts", "    firsts=("]
        for group in groups {
            let verbs = group.verbs.map(verb).joined(separator: ", ")
            let command = table.first { $0.name == group.name }
            lines.append("        \(quoted("\(group.name):\(command?.summary ?? verbs)"))")
        }
        lines += [zshHead]
        for command in table {
            lines.append("    \(quoted(command.name))) _arguments -S \\")
            lines += (command.options.map(zshOption) + ["'--help[Say what it takes]'"]).map { "        \($0) \\" }
            lines += command.arguments.map { "        \(zshArgument($0)) \\" }
            lines.append("        && return ;;")
        }
        lines += ["    esac", "}", "_tollgate \"$@\""]
        return lines.joined(separator: "\n")
    }

    /// A word that is a command and begins others takes a verb as well.
    private static let zshHead = #"""
            )
            local name=$words[2] verb=$words[3]
            if (( CURRENT == 2 )); then _describe command firsts; return; fi
            if [[ $name == help ]]; then
                if (( CURRENT == 3 )); then _describe command firsts; return; fi
                (( CURRENT == 4 )) && _tollgate_verbs $verb
                _describe verb known
                return
            fi
            _tollgate_verbs $name
            if (( $#known && CURRENT == 3 )); then _describe verb known; fi
            if (( CURRENT > 3 )) && [[ -n ${known[(r)${verb}:*]} ]]; then
                name="$name $verb"
                shift words; (( CURRENT -= 1 ))
            fi
            shift words; (( CURRENT -= 1 ))
            case $name in
        """#

    private static func zshOption(_ option: Option) -> String {
        let summary = option.summary.filter { !"[]".contains($0) }
        // A value is the next word, or stands behind a “=”.
        let (mark, value) = option.value.map { ("=", ":\(zshText($0)):\(zshAction($0))") } ?? ("", "")
        return quoted((option.repeats ? "*" : "") + "\(option.name)\(mark)[\(summary)]" + value)
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
