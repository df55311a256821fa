import CallKit
import Foundation
import HTTPCore
import TenantApp
import TenantRegistry

/// `tollgate backup`: every tenant's export in one folder, each verified before it takes its name.
enum BackupCommand {
    static let command = Command(
        "backup", "Export every tenant to DIR/SLUG.sqlite, each verified", arguments: ["DIR"],
        options: [Option("--force", "Replace the copies that are there")] + GatewayClient.options,
        notes: "The data folder's master.key opens the secrets in the copies: keep a copy of it apart."
    ) { invocation in
        let folder = invocation.arguments[0]
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure.failed("\(folder) cannot be made")
        }
        let client = try GatewayClient.provider(invocation)
        var outcomes: [(slug: String, outcome: Outcome)] = []
        // Copies go on where nobody can be told of them; that they are not told of is said at the end.
        var unsaid: CommandFailure?
        for slug in try slugs(client) {
            let outcome = copy(slug, to: "\(folder)/\(slug).sqlite", client, invocation)
            outcomes.append((slug, outcome))
            if !invocation.has("--json"), unsaid == nil { unsaid = say(slug, outcome) }
        }
        do {
            try DataDirectory.synchronise(folder: folder)
        } catch {
            throw CommandFailure.failed("\(folder) cannot be synced")
        }
        let failures = outcomes.count { if case .failed = $0.outcome { true } else { false } }
        if let unsaid { throw unsaid.insteadOf(failures == 0 ? ExitCode.ok : ExitCode.failed) }
        try report(outcomes, failures, invocation)
        return failures == 0 ? ExitCode.ok : ExitCode.failed
    }

    private enum Outcome {
        case copied(path: String, bytes: Int64)
        /// There is nothing to copy any more.
        case skipped(String)
        case failed(String)
    }

    private static func slugs(_ client: GatewayClient) throws -> [String] {
        var slugs: [String] = []
        var cursor: String?
        repeat {
            let suffix = cursor.map { "&cursor=\($0.percentEncoded)" } ?? ""
            let page = try Answers.parsed(try client.send("GET", "/tenants?limit=100" + suffix))
            guard case .array(let rows)? = page["data"] else {
                throw CommandFailure.failed("the list of tenants is no list")
            }
            // Names of files are made of them: only what a slug can be.
            slugs += rows.compactMap { $0["slug"]?.text }.filter { !$0.contains("/") && !$0.hasPrefix(".") }
            cursor = page["next_cursor"]?.text
        } while cursor != nil
        return slugs
    }

    private static func copy(_ slug: String, to path: String, _ client: GatewayClient, _ invocation: Invocation)
        -> Outcome
    {
        let newPath = path + ".new"
        do {
            try CopyCommands.refuseOverwriting(path, invocation)
            _ = try client.send(
                "GET", "/tenants/\(slug.percentEncoded)/export", sink: .file(path: newPath), isLong: true)
            let report = try Verifier(path: newPath).run()
            guard report.isSound else {
                // What is wrong shows in the copy; an older, sound one keeps its name.
                let unsound = path + ".unsound"
                try DataDirectory.rename(newPath, to: unsound)
                return .failed("NOT sound: \(report.findings.first?.text ?? ""); see “tollgate verify \(unsound)”")
            }
            try DataDirectory.rename(newPath, to: path)
            return .copied(path: path, bytes: CopyCommands.size(of: path))
        } catch CommandFailure.refused(let text, let answer) {
            let code = (try? JSON.parse(answer))?["code"]?.text
            return code == "not_found" || code == "export_period_over" ? .skipped(text) : .failed(text)
        } catch {
            return .failed("\(error)")
        }
    }

    /// Why it could not be said; nil where it was.
    private static func say(_ slug: String, _ outcome: Outcome) -> CommandFailure? {
        do throws(CommandFailure) {
            switch outcome {
            case .copied(let path, let bytes): try Output.line("\(slug): \(path), \(bytes) bytes, sound")
            case .skipped(let reason): try Output.line("\(slug): skipped: \(reason)")
            case .failed(let reason): Output.errorLine("\(slug): \(reason)")
            }
            return nil
        } catch {
            return error
        }
    }

    private static func report(
        _ outcomes: [(slug: String, outcome: Outcome)], _ failures: Int, _ invocation: Invocation
    ) throws(CommandFailure) {
        let skips = outcomes.count { if case .skipped = $0.outcome { true } else { false } }
        let copies = outcomes.count - failures - skips
        try Answers.report(invocation, "\(copies) copied, \(skips) skipped, \(failures) failed") { json in
            json.array("data") { json in
                for (slug, outcome) in outcomes {
                    json.object { json in
                        json.field("slug", slug)
                        switch outcome {
                        case .copied(let path, let bytes):
                            json.field("path", path)
                            json.field("bytes", bytes)
                            json.field("sound", true)
                        case .skipped(let reason): json.field("skipped", reason)
                        case .failed(let reason): json.field("failed", reason)
                        }
                    }
                }
            }
            json.field("failed", failures)
        }
    }
}
