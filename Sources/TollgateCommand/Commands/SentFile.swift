import Cryptography
import Foundation
import HTTPClient
import HTTPCore

/// Tables and pictures that a command sends or saves, through the operator's API.
enum SentFile {
    static let dryRun = Option("--dry-run", "Tell what it would change, and change nothing")
    static let ifMatch = Option("--if-match", "HASH", "Only onto what a dry run gave this hash of")
    static let output = [
        Option("--output", "FILE", "Where to", isRequired: true), Option("--force", "Replace the file that is there"),
    ]

    /// Sends a file by its name: `.csv` is CSV, `.json` JSON.
    static func send(
        _ method: String, _ path: String, _ file: String, _ invocation: Invocation, isOnce: Bool = false
    ) throws -> HTTPClientResponse {
        guard let size = try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int, size >= 0 else {
            throw CommandFailure.failed("\(file) cannot be read")
        }
        var headers = [("Content-Type", type(of: file))]
        if let hash = invocation.text("--if-match") { headers.append(("If-Match", "\"\(hash)\"")) }
        // A line that is run again by hand is another import; one that curl repeats is not.
        if isOnce { headers.append(("Idempotency-Key", Hex.encode(SystemRandom().bytes(16)))) }
        let query = invocation.has("--dry-run") ? "?dry_run=true" : ""
        return try GatewayClient.owner(invocation).send(
            method, path + query, body: .file(path: file), headers: headers, isLong: true)
    }

    private static func type(of file: String) -> String {
        let name = file.lowercased()
        if name.hasSuffix(".json") { return "application/json" }
        if name.hasSuffix(".png") { return "image/png" }
        if name.hasSuffix(".webp") { return "image/webp" }
        return "text/csv"
    }

    /// Imports a table, or shows what a dry run tells.
    static func importTable(_ path: String, _ invocation: Invocation) throws -> Int32 {
        let answer = try send("POST", path, invocation.arguments[0], invocation)
        guard invocation.has("--dry-run"), !invocation.has("--json") else {
            try Answers.show(answer, invocation)
            return ExitCode.ok
        }
        let json = try Answers.parsed(answer)
        let rows = try ["new", "changed"].flatMap { kind in try changes(json, kind) }
        try Answers.table(rows, columns: ["line", "reseller", "sku", "column", "old", "new"], empty: "nothing changes")
        if case .array(let errors)? = json["errors"], !errors.isEmpty {
            try Answers.table(errors, columns: ["pointer", "code", "detail"], empty: "")
        }
        for name in ["rows", "new", "changed", "same", "errors"] { try Answers.line(name, json["counts"]?[name]) }
        try Answers.line("hash", json["hash"])
        if case .array(let errors)? = json["errors"], !errors.isEmpty {
            throw CommandFailure.failed("the file has errors: nothing of it would be taken")
        }
        return ExitCode.ok
    }

    /// A line for each column that a row would change.
    private static func changes(_ json: JSON, _ kind: String) throws -> [JSON] {
        guard case .array(let rows)? = json[kind] else { throw CommandFailure.failed("the answer has no \(kind) rows") }
        return rows.flatMap { row -> [JSON] in
            guard case .object(let new)? = row["new"] else { return [] }
            return new.map { member in
                let names = ["line", "reseller", "sku"].compactMap { name in
                    row[name].map { JSONMember(name: name, value: $0) }
                }
                return .object(
                    names + [
                        JSONMember(name: "column", value: .string(member.name)),
                        JSONMember(name: "old", value: row["old"]?[member.name] ?? .null),
                        JSONMember(name: "new", value: member.value),
                    ])
            }
        }
    }

    /// Writes an export to `--output`.
    static func save(_ path: String, _ invocation: Invocation) throws -> Int32 {
        let file = try invocation.required("--output")
        try CopyCommands.refuseOverwriting(file, invocation)
        _ = try GatewayClient.owner(invocation).send("GET", path, sink: .file(path: file), isLong: true)
        let bytes = CopyCommands.size(of: file)
        try Answers.report(invocation, "\(file): \(bytes) bytes") { json in
            json.field("path", file)
            json.field("bytes", bytes)
        }
        return ExitCode.ok
    }

    /// Members of a body, out of options that were given: a word `none` stands for null.
    static func members(_ options: [(option: String, name: String)], _ invocation: Invocation) -> [JSONMember] {
        options.compactMap { option, name in
            invocation.text(option).map { JSONMember(name: name, value: $0 == "none" ? .null : .string($0)) }
        }
    }

    /// The same of numbers and flags, as JSON has them.
    static func plain(
        _ options: [(option: String, name: String)], _ invocation: Invocation
    ) throws(CommandFailure) -> [JSONMember] {
        var members: [JSONMember] = []
        for (option, name) in options {
            guard let text = invocation.text(option) else { continue }
            let value: JSON
            switch text {
            case "none": value = .null
            case "yes", "true": value = .bool(true)
            case "no", "false": value = .bool(false)
            default:
                guard let number = JSONNumber(plain: text) else {
                    throw .usage("\(option) takes a number, yes, no or none, not “\(text)”")
                }
                value = .number(number)
            }
            members.append(JSONMember(name: name, value: value))
        }
        return members
    }
}
