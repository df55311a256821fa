import Foundation
import HTTPClient
import HTTPCore

/// Tables and pictures that a command sends or saves, through the operator's API.
enum SentFile {
    static let dryRun = Option("--dry-run", "Tell what it would change, and change nothing")
    static let ifMatch = Option("--if-match", "HASH", "Apply it only to the state that a dry run gave this hash of")
    private static let firstBytesMax = 64

    /// Sends a file by its name: `.csv` is CSV, `.json` JSON. Where the name does not tell, its beginning does.
    static func send(
        _ method: String, _ path: String, _ file: String, _ invocation: Invocation
    ) throws -> HTTPClientResponse {
        let client = try GatewayClient.owner(invocation)
        return try GivenFile.with(file) { source in
            var headers = [try contentType(of: file, in: source)]
            if let hash = invocation.text("--if-match") { headers.append(("If-Match", "\"\(hash)\"")) }
            var target = path + (invocation.has("--dry-run") ? "?dry_run=true" : "")
            if let days = invocation.text("--effect-days") { target += "&effect_days=\(days.percentEncoded)" }
            return try client.send(method, target, body: .file(path: source), headers: headers, isLong: true)
        }
    }

    /// Sends a file that is taken once, however often it is sent, and shows the answer.
    static func sendOnce(
        _ path: String, _ file: String, _ invocation: Invocation, show: (HTTPAnswer) throws(CommandFailure) -> Void
    ) throws -> Int32 {
        let client = try GatewayClient.owner(invocation)
        try GivenFile.with(file) { source in
            let type = try contentType(of: file, in: source)
            try OnceKey.send(
                invocation,
                { key throws(CommandFailure) in
                    try client.send("POST", path, body: .file(path: source), headers: [type, key], isLong: true)
                }, show: show)
        }
        return ExitCode.ok
    }

    private static func contentType(of file: String, in source: String) throws(CommandFailure) -> (String, String) {
        guard access(source, R_OK) == 0 else { throw .failed("\(file) cannot be read") }
        return ("Content-Type", try type(of: file, in: source))
    }

    private static func type(of file: String, in source: String) throws(CommandFailure) -> String {
        let name = file.lowercased()
        if name.hasSuffix(".json") { return "application/json" }
        if name.hasSuffix(".jsonl") { return "application/jsonl" }
        if name.hasSuffix(".png") { return "image/png" }
        if name.hasSuffix(".webp") { return "image/webp" }
        if name.hasSuffix(".csv") { return "text/csv" }
        return type(ofFirst: try GivenFile.bytes(of: source, bytesMax: firstBytesMax))
    }

    /// What comes over standard input has no name. White space and the mark of UTF-8 say nothing.
    private static func type(ofFirst bytes: [UInt8]) -> String {
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return "image/png" }
        if bytes.starts(with: Array("RIFF".utf8)) { return "image/webp" }
        let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? "application/json" : "text/csv"
    }

    /// Imports a table, or shows what a dry run tells: the exit code says whether the file would be taken.
    static func importTable(_ path: String, _ invocation: Invocation) throws -> Int32 {
        let answer = try send("POST", path, invocation.arguments[0], invocation)
        guard invocation.has("--dry-run") else {
            try Answers.show(answer, invocation)
            return ExitCode.ok
        }
        let json = try Answers.parsed(answer)
        let isSound = json["errors"] == .array([])
        do throws(CommandFailure) {
            if invocation.has("--json") { try Answers.show(answer, invocation) } else { try tell(trial: json) }
        } catch {
            throw isSound ? error : error.insteadOf(ExitCode.failed)
        }
        guard isSound else { throw CommandFailure.failed("the file has errors: none of it would be taken") }
        return ExitCode.ok
    }

    private static func tell(trial json: JSON) throws(CommandFailure) {
        let rows = try changes(json, "new") + changes(json, "changed")
        try Answers.table(rows, columns: ["line", "reseller", "sku", "column", "old", "new"], empty: "nothing changes")
        for name in ["errors", "warnings"] {
            guard case .array(let found)? = json[name], !found.isEmpty else { continue }
            try Answers.table(found, columns: ["pointer", "code", "detail"], empty: "")
        }
        for name in ["rows", "new", "changed", "same", "errors"] { try Answers.line(name, json["counts"]?[name]) }
        try Answers.line("hash", json["hash"])
        if let effect = json["effect"] { try tell(effect) }
    }

    /// What the orders of some days would have come to at the new prices.
    private static func tell(_ effect: JSON) throws(CommandFailure) {
        let totals = ["orders", "paid", "repriced", "difference", "not_sold"]
        for name in ["days", "from"] + totals + ["currency", "is_partial"] { try Answers.line(name, effect[name]) }
        guard case .array(let resellers)? = effect["resellers"], !resellers.isEmpty else { return }
        try Answers.table(resellers, columns: ["reseller", "name"] + totals, empty: "")
    }

    /// A line for each column that a row would change.
    private static func changes(_ json: JSON, _ kind: String) throws(CommandFailure) -> [JSON] {
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

    /// Members of a body, out of options that were given: a word `none` stands for null.
    static func members(_ options: [(option: String, name: String)], _ invocation: Invocation) -> [JSONMember] {
        options.compactMap { option, name in
            invocation.text(option).map { JSONMember(name: name, value: $0 == "none" ? .null : .string($0)) }
        }
    }

    /// The same of whole numbers and of options that are `yes|no`, as JSON has them.
    static func plain(
        _ options: [(option: String, name: String)], _ invocation: Invocation
    ) throws(CommandFailure) -> [JSONMember] {
        var members: [JSONMember] = []
        for (option, name) in options {
            guard let text = invocation.text(option) else { continue }
            let isFlag = invocation.command.options.contains { $0.name == option && $0.value == "yes|no" }
            guard let value = isFlag ? flag(text) : number(text) else {
                throw .usage("\(option) takes \(isFlag ? "yes or no" : "a whole number or none"), not “\(text)”")
            }
            members.append(JSONMember(name: name, value: value))
        }
        return members
    }

    private static func number(_ text: String) -> JSON? {
        text == "none" ? JSON.null : JSONNumber(plain: text).map(JSON.number)
    }

    private static func flag(_ text: String) -> JSON? {
        switch text {
        case "yes", "true": .bool(true)
        case "no", "false": .bool(false)
        default: nil
        }
    }
}
