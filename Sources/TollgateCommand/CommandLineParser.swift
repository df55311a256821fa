/// Words of a command line into an `Invocation`. Pure.
enum CommandLineParser {
    enum Result {
        case run(Invocation)
        /// `--help` somewhere after the command's name.
        case help(Command)
        /// `--help` after a word that begins several commands.
        case helpOfGroup(String)
    }

    private static let help: Set<String> = ["--help", "-h"]

    static func parse(
        _ words: [String], table: [Command], environment: [String: String]
    ) throws(CommandFailure) -> Result {
        if words.count > 1, help.contains(words[1]), !table.contains(where: { $0.name == words[0] }),
            table.contains(where: { $0.name.hasPrefix(words[0] + " ") })
        {
            return .helpOfGroup(words[0])
        }
        let (command, rest) = try findCommand(words, table)
        var arguments: [String] = []
        var options: [String: [String]] = [:]
        var words = rest[...]
        var isPastOptions = false
        while let word = words.popFirst() {
            if isPastOptions || !word.hasPrefix("-") || word == "-" {
                arguments.append(word)
            } else if word == "--" {
                isPastOptions = true
            } else if help.contains(word) {
                return .help(command)
            } else {
                let (option, value) = try read(word, &words, command)
                if options[option.name] != nil && !option.repeats {
                    throw .usage("\(option.name) comes twice")
                }
                options[option.name, default: []].append(value)
            }
        }
        try check(arguments, options, command)
        return .run(Invocation(command: command, arguments: arguments, options: options, environment: environment))
    }

    private static func findCommand(
        _ words: [String], _ table: [Command]
    ) throws(CommandFailure) -> (Command, ArraySlice<String>) {
        guard let first = words.first else { throw .usage("a command is missing; “tollgate help” lists them") }
        if words.count > 1, let command = table.first(where: { $0.name == "\(first) \(words[1])" }) {
            return (command, words.dropFirst(2))
        }
        if let command = table.first(where: { $0.name == first }) { return (command, words.dropFirst()) }
        let group = table.filter { $0.name.hasPrefix(first + " ") }
        if !group.isEmpty {
            let verbs = group.map { String($0.name.dropFirst(first.count + 1)) }
            guard words.count > 1, !words[1].hasPrefix("-") else {
                throw .usage("“tollgate \(first)” takes one of \(verbs.joined(separator: ", "))")
            }
            throw .usage("there is no “tollgate \(first) \(words[1])”" + Suggestion.text(for: words[1], among: verbs))
        }
        if first.hasPrefix("-") { throw .usage("a command comes first, then its options; “tollgate help” lists them") }
        let firstWords = table.compactMap { $0.name.split(separator: " ").first.map { String($0) } }
        throw .usage("there is no “tollgate \(first)”" + Suggestion.text(for: first, among: firstWords))
    }

    private static func read(
        _ word: String, _ words: inout ArraySlice<String>, _ command: Command
    ) throws(CommandFailure) -> (Option, String) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = command.options.first(where: { $0.name == name || $0.alias == name }) else {
            let known = command.options.map(\.name) + ["--help"]
            throw .usage("“tollgate \(command.name)” has no \(name)" + Suggestion.text(for: name, among: known))
        }
        guard let value = option.value else {
            if parts.count > 1 { throw .usage("\(name) takes no value") }
            return (option, "")
        }
        if parts.count > 1 { return (option, try full(String(parts[1]), of: name, value)) }
        guard let next = words.first, !next.hasPrefix("--") else { throw .usage("\(name) needs its \(value)") }
        words.removeFirst()
        return (option, try full(next, of: name, value))
    }

    /// A variable of a shell that is not set would mean something else than what its writer had in mind.
    private static func full(_ text: String, of name: String, _ value: String) throws(CommandFailure) -> String {
        if text.isEmpty { throw .usage("\(name) is empty, and needs its \(value)") }
        return text
    }

    private static func check(
        _ arguments: [String], _ options: [String: [String]], _ command: Command
    ) throws(CommandFailure) {
        if arguments.count < command.argumentsMin {
            throw .usage("“tollgate \(command.name)” needs \(command.arguments[arguments.count])")
        }
        if arguments.count > command.arguments.count {
            throw .usage(
                "“\(arguments[command.arguments.count])” is one argument too many for “tollgate \(command.name)”")
        }
        if arguments.contains("") { throw .usage("an argument is empty") }
        let read = command.options.filter { $0.value == "FILE" && $0.name != "--output" }
        let given = read.flatMap { options[$0.name] ?? [] } + arguments
        if given.count(where: { $0 == GivenFile.dash }) > 1 {
            throw .usage("only one file may be \(GivenFile.dash), standard input")
        }
        for option in command.options where option.isRequired && options[option.name] == nil {
            throw .usage("“tollgate \(command.name)” needs \(option.name) \(option.value ?? "")")
        }
    }
}
