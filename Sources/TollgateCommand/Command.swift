/// One command of the table: what it is called, what it takes, what it does. Help and parsing are made from it.
struct Command: Sendable {
    /// One or two words, say `tenant create`.
    let name: String
    /// Names of the positional arguments, all required; a last one in brackets may be left out.
    let arguments: [String]
    let summary: String
    /// Further lines of `help COMMAND`.
    let notes: String
    let options: [Option]
    /// Returns the exit code; throws `CommandFailure` and whatever else went wrong.
    let run: @Sendable (Invocation) throws -> Int32

    init(
        _ name: String, _ summary: String, arguments: [String] = [], options: [Option] = [], notes: String = "",
        run: @escaping @Sendable (Invocation) throws -> Int32
    ) {
        self.name = name
        self.arguments = arguments
        self.summary = summary
        self.notes = notes
        self.options = options
        self.run = run
    }

    var argumentsMin: Int { arguments.count(where: { !$0.hasPrefix("[") }) }
}

/// `--name VALUE`, or `--name` alone where there is no value.
struct Option: Sendable {
    /// With its dashes.
    let name: String
    /// What help calls the value; nil for a flag.
    let value: String?
    let summary: String
    /// May come several times.
    let repeats: Bool
    let isRequired: Bool
    /// Another spelling.
    let alias: String?

    init(
        _ name: String, _ value: String, _ summary: String, repeats: Bool = false, isRequired: Bool = false,
        alias: String? = nil
    ) {
        self.name = name
        self.value = value
        self.summary = summary
        self.repeats = repeats
        self.isRequired = isRequired
        self.alias = alias
    }

    /// A flag.
    init(_ name: String, _ summary: String) {
        self.name = name
        self.summary = summary
        value = nil
        repeats = false
        isRequired = false
        alias = nil
    }
}
