import CallKit
import Foundation
import HTTPClient
import HTTPCore

/// A running gateway, reached by its control socket or by an address. Blocks; the main thread only.
struct GatewayClient {
    static let dataPathDefault = "./data"
    private static let timeoutSeconds = 60
    /// Exports, restores and rebuilds: the gateway may check a whole file before its first byte comes.
    private static let longTimeoutSeconds = 1_800

    /// For the provider's commands.
    static let options = [
        Option("--data", "DIR", "The data folder of a gateway on this machine (./data)"),
        Option("--url", "URL", "A gateway elsewhere ($TOLLGATE_URL)"),
        Option("--key", "KEY", "The provider key for --url ($TOLLGATE_PROVIDER_KEY)", alias: "--provider-key"),
        Option("--ca-cert", "FILE", "Authorities (PEM) to trust in place of the system's"),
        Option("--json", "Print the gateway's answer as it came"),
    ]

    /// For an operator's commands.
    static let ownerOptions = [
        Option("--tenant", "SLUG", "The tenant, where --url is not its own (…/t/SLUG)"),
        Option("--key", "KEY", "The owner's or an operator's key ($TOLLGATE_OWNER_KEY)"),
        Option("--data", "DIR", "The data folder of a gateway on this machine (./data)"),
        Option("--url", "URL", "A gateway elsewhere ($TOLLGATE_URL)"),
        Option("--ca-cert", "FILE", "Authorities (PEM) to trust in place of the system's"),
        Option("--json", "Print the gateway's answer as it came"),
    ]

    /// For commands that a reseller's key does as well.
    static let resellerOptions = [
        Option("--key", "KEY", "The key ($TOLLGATE_KEY, or $TOLLGATE_OWNER_KEY)"),
        Option("--data", "DIR", "The data folder of a gateway on this machine (./data)"),
        Option("--url", "URL", "A gateway elsewhere ($TOLLGATE_URL)"),
        Option("--ca-cert", "FILE", "Authorities (PEM) to trust in place of the system's"),
        Option("--json", "Print the gateway's answer as it came"),
    ]

    static let providerPath = "/provider/v1"
    static let ownerPath = "/api/admin"

    private let client: HTTPClient
    private let longClient: HTTPClient
    private let basePath: String
    private let place: String
    private let isSocket: Bool
    /// What names authorities for this gateway.
    private let authoritiesOption: String
    private let hasBearer: Bool
    /// A key that is no bearer, and where it stands.
    private var keyHeader: (String, String)?
    private var hasKey: Bool { hasBearer || keyHeader != nil }
    /// What helps where the tenant does not have the API: no command asks for a path that its own API does not have.
    var ifNoPath: String?

    static func provider(_ invocation: Invocation) throws -> GatewayClient {
        let key = invocation.text("--key") ?? invocation.environment["TOLLGATE_PROVIDER_KEY"]
        guard let url = try address(invocation)?.url else {
            return try GatewayClient(invocation, url: nil, key: nil, providerPath)
        }
        guard let key, !key.isEmpty else {
            throw CommandFailure.usage("--url needs --key KEY too, or TOLLGATE_PROVIDER_KEY")
        }
        return try GatewayClient(invocation, url: url, key: key, providerPath)
    }

    /// Another node's provider, beside the one that the command is about.
    static func elsewhere(_ url: String, key: String, authorities: String?) throws -> GatewayClient {
        try GatewayClient(
            url: url, socketPath: nil, key: key, authorities: authorities, authoritiesOption: "--to-ca-cert",
            providerPath)
    }

    static func owner(_ invocation: Invocation) throws -> GatewayClient {
        guard let slug = try tenant(invocation)?.percentEncoded else {
            throw CommandFailure.usage("“tollgate \(invocation.command.name)” needs --tenant SLUG")
        }
        guard let key = invocation.text("--key") ?? invocation.environment["TOLLGATE_OWNER_KEY"], !key.isEmpty else {
            throw CommandFailure.usage("“tollgate \(invocation.command.name)” needs --key KEY, or TOLLGATE_OWNER_KEY")
        }
        return try GatewayClient(invocation, url: try address(invocation)?.url, key: key, "/t/\(slug)\(ownerPath)")
    }

    /// `header`: where the API has its key; as a bearer where nil.
    static func ofKey(
        _ invocation: Invocation, _ basePath: String, header: String?, isOwners: Bool = false
    ) throws -> GatewayClient {
        let key = try key(invocation, isOwners: isOwners)
        let bearer = header == nil ? key : nil
        var client = try GatewayClient(invocation, url: try address(invocation)?.url, key: bearer, basePath)
        client.keyHeader = header.map { ($0, key) }
        return client
    }

    /// For calls that need no key.
    static func open(_ invocation: Invocation, _ basePath: String) throws -> GatewayClient {
        try GatewayClient(invocation, url: try address(invocation)?.url, key: nil, basePath)
    }

    /// `isOwners`: it is the operator's API, so that an operator's key goes before a reseller's where the environment
    /// has both.
    static func key(_ invocation: Invocation, isOwners: Bool = false) throws(CommandFailure) -> String {
        let names = isOwners ? ["TOLLGATE_OWNER_KEY", "TOLLGATE_KEY"] : ["TOLLGATE_KEY", "TOLLGATE_OWNER_KEY"]
        let known = names.lazy.compactMap { invocation.environment[$0] }.first { !$0.isEmpty }
        guard let key = invocation.text("--key") ?? known else {
            throw .usage("“tollgate \(invocation.command.name)” needs --key KEY, or \(names[0])")
        }
        try checkWhole(key)
        return key
    }

    /// The tenant that a command is about, by `--tenant` or by the gateway's address.
    static func tenant(_ invocation: Invocation) throws(CommandFailure) -> String? {
        let given = invocation.text("--tenant")
        guard let address = try Self.address(invocation) else { return given }
        return try address.tenant(given, by: "--tenant")
    }

    /// That of the gateway which is reached by its socket; nil where an address names one.
    static func dataFolder(_ invocation: Invocation) throws(CommandFailure) -> String? {
        try address(invocation) == nil ? invocation.text("--data") ?? dataPathDefault : nil
    }

    /// What was copied with an ellipsis in it is told before it is sent.
    private static func checkWhole(_ key: String) throws(CommandFailure) {
        guard key.utf8.allSatisfy({ 0x21...0x7E ~= $0 }), !key.hasSuffix("...") else {
            throw .usage("the key is not a whole one, which is ASCII without spaces: copy all of it")
        }
    }

    /// What stands on the command line goes before what stands in the environment.
    private static func address(_ invocation: Invocation) throws(CommandFailure) -> GatewayAddress? {
        if invocation.has("--url") && invocation.has("--data") {
            throw .usage("--data and --url name two gateways; give one of them")
        }
        if let url = invocation.text("--url") { return GatewayAddress(url) }
        guard !invocation.has("--data"), let url = invocation.environment["TOLLGATE_URL"], !url.isEmpty else {
            return nil
        }
        return GatewayAddress(url)
    }

    private init(_ invocation: Invocation, url: String?, key: String?, _ basePath: String) throws {
        var socketPath: String?
        if url == nil { socketPath = try Self.controlSocket(of: invocation.text("--data") ?? Self.dataPathDefault) }
        try self.init(
            url: url, socketPath: socketPath, key: key, authorities: invocation.text("--ca-cert"), basePath)
    }

    private init(
        url: String?, socketPath: String?, key: String?, authorities: String?,
        authoritiesOption: String = "--ca-cert", _ basePath: String
    ) throws {
        if let key { try Self.checkWhole(key) }
        if let authorities { try AuthoritiesFile.judge(authorities, authoritiesOption) }
        self.basePath = basePath
        self.authoritiesOption = authoritiesOption
        place = url ?? socketPath ?? ""
        isSocket = url == nil
        hasBearer = key != nil
        func make(_ seconds: Int) throws(CommandFailure) -> HTTPClient {
            do {
                return try HTTPClient(
                    baseURL: url ?? "http://localhost", unixSocketPath: socketPath, bearer: key,
                    timeoutSeconds: seconds,
                    certificateAuthorityPath: authorities)
            } catch {
                throw .usage("\(error)")
            }
        }
        client = try make(Self.timeoutSeconds)
        longClient = try make(Self.longTimeoutSeconds)
    }

    private static func controlSocket(of data: String) throws(CommandFailure) -> String {
        let hint = "start one with “tollgate serve --data \(data)”, or name one with --data DIR or --url URL"
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: data, isDirectory: &isFolder), isFolder.boolValue else {
            throw .failed("there is no data folder \(data), so no gateway runs on it; \(hint)")
        }
        let path = data + "/control.sock"
        guard access(path, F_OK) == 0 else {
            if errno == EACCES { throw .failed("\(data) may be entered by its owner alone") }
            throw .failed("no gateway runs on \(data); \(hint)")
        }
        guard access(path, W_OK) == 0 else { throw .failed("\(path) may be used by its owner alone") }
        return path
    }

    /// Sends one call and returns its 2xx answer; every other answer is thrown, as a line for people. `isLong`: it may
    /// take as long as a whole file takes.
    func send(
        _ method: String, _ path: String, body: RequestBody = .none, headers more: [(String, String)] = [],
        sink: ResponseSink = .memory(bytesMax: 16 << 20), isLong: Bool = false
    ) throws(CommandFailure) -> HTTPClientResponse {
        var headers = (keyHeader.map { [$0] } ?? []) + more
        switch body {
        case .none: break
        case .bytes: headers.append(("Content-Type", "application/json"))
        // Whoever sends another kind of file says which.
        case .file where more.contains { $0.0 == "Content-Type" }: break
        case .file: headers.append(("Content-Type", "application/vnd.sqlite3"))
        }
        let answer: HTTPClientResponse
        if isLong {
            answer = try Progress.during("waiting for the gateway") { progress throws(CommandFailure) in
                try send(longClient, method, path, headers, body, Self.told(sink, to: progress))
            }
        } else {
            answer = try send(client, method, path, headers, body, sink)
        }
        guard answer.isSuccess else { throw refusal(answer) }
        return answer
    }

    private func send(
        _ client: HTTPClient, _ method: String, _ path: String, _ headers: [(String, String)], _ body: RequestBody,
        _ sink: ResponseSink
    ) throws(CommandFailure) -> HTTPClientResponse {
        do {
            return try client.send(method: method, path: basePath + path, headers: headers, body: body, sink: sink)
        } catch {
            switch error {
            case .file: throw .failed("\(error)")
            // What libcurl calls a socket file is no place that anybody named.
            case .unreachable where isSocket: throw .failed("no gateway answers at \(place); is it running there?")
            case .unreachable: throw .failed("no gateway answers at \(place): \(error); is it running there?")
            case .untrusted: throw .failed("\(place): \(error); \(authoritiesOption) FILE trusts it")
            case .invalidRequest(let reason), .broken(let reason):
                if let doubt = doubt(reason) { throw .failed("\(place): \(error); \(doubt)") }
                if case .invalidRequest = error { throw .usage("\(error)") }
                throw .failed("\(place): \(error)")
            default: throw .failed("\(place): \(error)")
            }
        }
    }

    /// Where the other end may speak TLS and this one does not, or the other way round, by what libcurl says.
    private func doubt(_ reason: String) -> String? {
        func says(_ words: String...) -> Bool { words.contains { reason.contains($0) } }
        if place.hasPrefix("https://") {
            return says("wrong version number", "packet length too long", "record layer") ? "is it http://?" : nil
        }
        guard place.hasPrefix("http://") else { return nil }
        if says("HTTP/0.9") { return "is it https://?" }
        // It may have broken off, and no more.
        return says("reset by peer") ? "or is it https:// there?" : nil
    }

    /// A file that comes in shows how far it is.
    private static func told(_ sink: ResponseSink, to progress: Progress) -> ResponseSink {
        switch sink {
        case .memory, .file(_, .some): return sink
        case .file(let path, nil):
            return .file(path: path) { done, total in progress.tell(path, done, of: total, unit: "bytes") }
        case .stream(let give):
            var done: Int64 = 0
            return .stream { bytes in
                done += Int64(bytes.count)
                progress.tell("so far", done, of: nil, unit: "bytes")
                try give(bytes)
            }
        }
    }

    /// Neither a key nor the path says whose API it is.
    private var isOfNobody: Bool { !hasKey && !basePath.hasPrefix("/t/") && basePath != Self.providerPath }

    /// What helps where the refusal itself does not say it.
    private func nextStep(_ answer: HTTPClientResponse, _ code: String?, _ detail: String) -> String? {
        switch (answer.status, code) {
        case (_, "bad_signature"): "--secret-file FILE names the signing secret"
        case (401, _) where !hasKey: nil
        // Not every API's refusals have codes.
        case (404, nil) where isOfNobody, (404, "path_not_found") where isOfNobody: "--tenant SLUG names the tenant"
        case (404, _) where detail == Missing.path.text: ifNoPath
        case (401, "wrong_password"): nil
        case (401, _):
            basePath == Self.providerPath
                ? "--key KEY gives another key" : "--key KEY gives another key, --tenant SLUG another tenant"
        case (403, "session_only"):
            "--key TOKEN: that of somebody who signed in; “tollgate "
                + (basePath.hasSuffix(Self.ownerPath) ? "account" : "my") + " sign-in” gives one"
        case (403, "scope_missing"), (403, "wrong_role"): "another key may: --key KEY"
        case (429, _), (503, _):
            answer.header("Retry-After").flatMap { Int($0) }.map { "try again in \($0) s" }
        case (_, "reseller_not_found") where basePath.hasSuffix("/api/admin"): "“tollgate reseller list” has the ids"
        case (_, "not_a_bundle"): "“tollgate tenant export --with-secrets” writes one"
        case (422, "idempotency_key_reused"): "take another Idempotency-Key"
        default: nil
        }
    }

    /// The problem's detail, and each field error that the detail leaves out.
    private func refusal(_ answer: HTTPClientResponse) -> CommandFailure {
        // Dialects that have their own envelope say it under another name.
        guard let json = try? JSON.parse(answer.body),
            let detail = ["detail", "message", "error"].lazy.compactMap({ json[$0]?.text }).first
        else {
            let doubt = answer.status == 404 ? "; is this a Tollgate gateway?" : ""
            return .refused(
                "the gateway answered with status \(answer.status)\(doubt)", status: answer.status,
                answer: answer.body)
        }
        var parts = [detail]
        if case .array(let errors)? = json["errors"] {
            for error in errors {
                guard let text = error["detail"]?.text, !detail.contains(text) else { continue }
                parts.append("\(error["pointer"]?.text ?? ""): \(text)")
            }
        }
        if let needed = json["required"]?.text, let available = json["available"]?.text {
            let currency = json["currency"]?.text.map { " \($0)" } ?? ""
            parts.append("\(needed)\(currency) are needed, \(available)\(currency) are available")
        }
        if let next = nextStep(answer, json["code"]?.text, detail), !detail.contains(next) { parts.append(next) }
        let sentences = parts.dropLast().map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 } + parts.suffix(1)
        var text = sentences.joined(separator: "; ")
        if answer.status >= 500, let id = json["request_id"]?.text { text += " (\(id))" }
        return .refused(text, status: answer.status, answer: answer.body)
    }
}

extension JSON {
    var text: String? { if case .string(let text) = self { text } else { nil } }
}

extension String {
    /// For one segment of a path or one value of a query (RFC 3986 unreserved characters stay).
    var percentEncoded: String {
        let unreserved = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }
}
