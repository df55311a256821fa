import Foundation
import HTTPCore
import TenantRegistry

/// The options of `tenant change`, and the call's body that they make (P2).
enum TenantChange {
    static let options = [
        Option("--tier", "TIER", "lite, standard or pro"),
        Option(
            "--quota", "NAME=N", "bytes, resellers, keys or requests_monthly; =tier as the tier has it", repeats: true),
        Option("--rate-limit", "R/W[/B]", "All requests of the tenant; none takes it away"),
        Option(
            "--domain", "HOST[,CERT,KEY]", "A host name of its own, with PEM files or those it has; the list replaces",
            repeats: true),
        Option("--no-domains", "Take all host names away"),
    ]
    static let notes =
        "Example: tollgate tenant change acme --quota keys=500 --rate-limit 2000/60 --domain api.acme.example"

    static func body(_ invocation: Invocation) throws(CommandFailure) -> [UInt8] {
        var members: [JSONMember] = []
        func add(_ name: String, _ value: JSON) { members.append(JSONMember(name: name, value: value)) }
        if let tier = invocation.text("--tier") { add("tier", .string(tier)) }
        if invocation.has("--quota") { add("quotas", .object(try invocation.texts("--quota").map(quota))) }
        if let text = invocation.text("--rate-limit") {
            add("rate_limit", text == "none" ? .null : .object(try limit(text, of: "--rate-limit")))
        }
        if invocation.has("--domain") && invocation.has("--no-domains") {
            throw .usage("--domain and --no-domains exclude each other")
        }
        if invocation.has("--no-domains") { add("domains", .array([])) }
        if invocation.has("--domain") { add("domains", .array(try invocation.texts("--domain").map(domain))) }
        guard !members.isEmpty else {
            throw .usage("nothing to change; “tollgate help tenant change” lists what there is")
        }
        return JSON.object(members).encoded()
    }

    /// `{requests, window_seconds, burst}` (O2).
    static func limit(_ text: String, of name: String) throws(CommandFailure) -> [JSONMember] {
        let policy = try Invocation.policy(text, of: name)
        return [("requests", policy.requests), ("window_seconds", policy.windowSeconds), ("burst", policy.burst)].map {
            JSONMember(name: $0, value: .number(JSONNumber(Int64($1))))
        }
    }

    private static func quota(_ text: String) throws(CommandFailure) -> JSONMember {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let names = ["bytes", "resellers", "keys", "requests_monthly"]
        guard parts.count == 2, names.contains(parts[0]) else {
            throw .usage("--quota takes NAME=NUMBER, the name one of \(names.joined(separator: ", ")), not “\(text)”")
        }
        if parts[1] == "tier" { return JSONMember(name: parts[0], value: .null) }
        guard let number = Int64(parts[1]) else { throw .usage("--quota \(parts[0]) takes a whole number, or tier") }
        return JSONMember(name: parts[0], value: .number(JSONNumber(number)))
    }

    private static func domain(_ text: String) throws(CommandFailure) -> JSON {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        // The name alone keeps the certificate that the host has; an object without one takes it away.
        guard parts.count != 1 else { return .string(parts[0]) }
        guard parts.count == 3 else { throw .usage("--domain takes HOST or HOST,CERTFILE,KEYFILE, not “\(text)”") }
        var members = [JSONMember(name: "host", value: .string(parts[0]))]
        do {
            try PrivateFiles.judge(parts[2], groupOfRootMayRead: true)
        } catch {
            throw .failed("\(error)")
        }
        for (name, path) in [("certificate", parts[1]), ("private_key", parts[2])] {
            guard let data = FileManager.default.contents(atPath: path), let pem = String(bytes: data, encoding: .utf8)
            else { throw .failed("\(path) cannot be read") }
            members.append(JSONMember(name: name, value: .string(pem)))
        }
        return .object(members)
    }
}
