import Foundation
import HTTPCore
import Provider

/// Every command, in the order in which help lists them.
enum CommandTable {
    static let all: [Command] = groups.flatMap { $0 }

    private static let groups: [[Command]] = [
        [ServeCommand.command],
        TenantCommands.commands,
        CopyCommands.commands,
        MoveCommands.commands,
        ProviderKeyCommands.commands,
        ProviderLogCommands.commands,
        NodeCommands.commands,
        ProviderViewCommands.commands,
        PeopleCommands.commands,
        ResellerCommands.commands,
        CatalogueCommands.commands,
        PriceCommands.commands,
        OrderCommands.commands,
        CustomerCommands.commands,
        MoneyCommands.commands,
        CreditCommands.commands,
        StockCommands.commands,
        KeyCommands.commands,
        [SignCommand.command],
        OwnCommands.commands,
        OwnOrderCommands.commands,
        OwnCallCommands.commands,
        OwnWebhookCommands.commands,
        OwnSalesCommands.commands,
        OwnAccountCommands.commands,
        AuditCommands.commands,
        ReportCommands.commands,
        EventCommands.commands,
        WebhookCommands.commands,
        SettingsCommands.commands,
        ServiceCommands.commands,
        ProvisioningCommands.commands,
        DueCommands.commands,
        [VerifyCommand.command],
        BackupCommand.commands,
        general,
    ]

    private static let general = [
        Command(
            "completion", "Print what completes command lines in a shell", arguments: ["SHELL"],
            notes: """
                bash: tollgate completion bash >/usr/share/bash-completion/completions/tollgate
                zsh: tollgate completion zsh >/usr/share/zsh/vendor-completions/_tollgate
                """
        ) { invocation in
            try Output.line(try Completion.script(for: invocation.arguments[0], all))
            return ExitCode.ok
        },
        Command(
            "manual", "Print the manual page, for man", notes: "tollgate manual >/usr/share/man/man1/tollgate.1"
        ) { _ in
            try Output.line(Manual.page(all))
            return ExitCode.ok
        },
        Command("version", "Print the version") { _ in
            try Output.line("tollgate \(Version.text)")
            return ExitCode.ok
        },
        Command("help", "Say what there is, or what a command takes", arguments: ["[COMMAND]", "[VERB]"]) {
            invocation in
            try Output.line(try Help.text(for: invocation.arguments, all))
            return ExitCode.ok
        },
    ]

    /// Runs one command line (without the program's name) and returns its exit code.
    static func run(_ words: [String]) -> Int32 {
        // A reader that has gone, of a pipe or of a connection, is an error to look at, not a reason to die.
        signal(SIGPIPE, SIG_IGN)
        // So is a file that may grow no further.
        signal(SIGXFSZ, SIG_IGN)
        do {
            let code = try runWords(words)
            try Output.finish()
            return code
        } catch let failure as CommandFailure {
            if case .readerGone = failure { return failure.exitCode }
            Output.errorLine(failure.description)
            return failure.exitCode
        } catch {
            Output.errorLine("\(error)")
            return ExitCode.failed
        }
    }

    private static func runWords(_ words: [String]) throws -> Int32 {
        try expectText()
        if let first = words.first, ["--help", "-h"].contains(first) { return try run(named: "help") }
        if words.first == "--version" { return try run(named: "version") }
        let environment = ProcessInfo.processInfo.environment
        switch try CommandLineParser.parse(words, table: all, environment: environment) {
        case .help(let command):
            try Output.line(Help.page(command))
            return ExitCode.ok
        case .helpOfGroup(let name):
            try Output.line(try Help.text(for: [name], all))
            return ExitCode.ok
        case .run(let invocation): return try run(invocation)
        }
    }

    /// Of what is not UTF-8, Swift's strings have something else: that would be stored, or name another file.
    private static func expectText() throws(CommandFailure) {
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let word = CommandLine.unsafeArgv[index], String(validatingCString: word) == nil else { continue }
            throw .usage("argument \(index) is not UTF-8")
        }
    }

    private static func run(named name: String) throws -> Int32 {
        guard case .run(let invocation) = try CommandLineParser.parse([name], table: all, environment: [:]) else {
            return ExitCode.failed
        }
        return try run(invocation)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        do {
            return try invocation.command.run(invocation)
        } catch CommandFailure.refused(let text, let status, let answer) {
            // The refusal is what there is to say, whether its answer can be shown or not.
            if invocation.has("--json") {
                let line = json(answer, status, text) + [0x0A]
                if SavedFile.isStandardOutput(invocation) { Output.errorBytes(line) } else { try? Output.bytes(line) }
            }
            throw CommandFailure.failed(text)
        }
    }

    /// The answer as it came; of another, a proxy's page say, what a program needs.
    private static func json(_ answer: [UInt8], _ status: Int, _ text: String) -> [UInt8] {
        if (try? JSON.parse(answer)) != nil { return answer }
        return JSONWriter.object { json in
            json.field("status", status)
            json.field("detail", text)
        }
    }
}
