import Foundation
import HTTPClient
import HTTPCore

/// The pull feed (H4), as a reseller's key or an operator's reads it.
enum EventCommands {
    static let commands = [tail]

    /// How long the node is to wait where there is nothing more; and the pause where it lets nobody wait.
    private static let waitSeconds = 20
    private static let pauseSeconds: UInt32 = 1
    /// As the gateway asks for.
    private static let busySeconds: UInt32 = 5
    private static let rowsMax = 100

    private static let tail = Command(
        "events tail", "Print events in their order, and go on as they come",
        options: [
            Option("--after", "CURSOR", "Start after this place (at the oldest event)"),
            Option("--type", "TYPE", "Of this type", repeats: true),
            Option("--once", "Stop when there is nothing more"),
            Option("--api", "NAME", "Whose key it is: admin, wholesale, codes or ports (admin with --tenant)"),
            Option("--tenant", "SLUG", "The tenant, with an operator's key; a reseller's knows its own"),
        ] + GatewayClient.resellerOptions,
        notes: "With --tenant alone the key is an operator's; for a reseller's add --api wholesale, codes or "
            + "ports.\nWhen it ends, by Ctrl-C or a refused call too, it prints the --after to go on with."
    ) { invocation in
        // Before the first call, which may make threads.
        let lastWords = LastWords()
        let feed = try Feed(invocation)
        var client = try GatewayClient.ofKey(
            invocation, try feed.api.basePath(invocation), header: feed.api.keyHeader, isOwners: feed.api == .owner)
        client.ifNoPath = feed.hint
        let types = invocation.texts("--type")
        var after = invocation.text("--after")
        if let after { lastWords.change(to: goOn(after)) }
        var isFirst = true
        while true {
            var query = [("limit", String(rowsMax))]
            if !invocation.has("--once") { query.append(("wait", String(waitSeconds))) }
            if let after { query.append(("after", after)) }
            if !types.isEmpty { query.append(("types", types.joined(separator: ","))) }
            let text = query.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
            let began = ContinuousClock.now
            let isWaiting = !invocation.has("--once")
            guard let answer = try page(client, "/events?\(text)", after, feed, isWaiting: isWaiting) else {
                sleep(busySeconds)
                continue
            }
            let read = try Answers.parsed(answer)
            guard case .array(let events)? = read[feed.events], let cursor = read[feed.cursor]?.text else {
                throw CommandFailure.failed("the answer is not a page of events; is this a Tollgate gateway?")
            }
            if invocation.has("--json") {
                if isFirst || !events.isEmpty { try Output.bytes(answer.body + [0x0A]) }
            } else {
                for event in events { try Answers.tell(event) }
            }
            (after, isFirst) = (cursor, false)
            lastWords.change(to: goOn(cursor))
            if read[feed.more] == .bool(true) { continue }
            if invocation.has("--once") { break }
            if events.isEmpty, ContinuousClock.now - began < .seconds(1) { sleep(pauseSeconds) }
        }
        if !invocation.has("--json"), let after { try Output.line(goOn(after)) }
        return ExitCode.ok
    }

    private static func goOn(_ after: String) -> String { "go on with --after \(after)" }

    /// A call that fails says how to go on from the place that was reached, not where the place itself is refused; or
    /// whose key was expected. Nil where there is no place to wait for an event in now.
    private static func page(
        _ client: GatewayClient, _ path: String, _ after: String?, _ feed: Feed, isWaiting: Bool
    ) throws(CommandFailure) -> HTTPClientResponse? {
        do {
            return try client.send("GET", path)
        } catch {
            // Some APIs' refusals have no code.
            if isWaiting, error.status == 503, error.code ?? "busy" == "busy" { return nil }
            // What stands in the query is refused: to ask the same again is no help.
            if let after, error.status != 400 { throw error.adding(goOn(after)) }
            if let hint = feed.hint, error.code == "wrong_role" { throw error.adding(hint) }
            throw error
        }
    }

    /// Whose feed it is, and how its API names what is in a page.
    private struct Feed {
        let api: CalledAPI
        let events: String
        let more: String
        let cursor: String
        /// What may be meant where nothing says whose key it is.
        let hint: String?

        init(_ invocation: Invocation) throws(CommandFailure) {
            let isOperators = invocation.has("--tenant")
            let name = invocation.text("--api") ?? (isOperators ? "admin" : "wholesale")
            let expected =
                isOperators
                ? "for a reseller's key add --api wholesale, codes or ports"
                : "for an operator's key add --tenant SLUG, for a reseller's of another API --api codes or ports"
            hint = invocation.has("--api") ? nil : expected
            switch name {
            case "admin":
                guard try GatewayClient.tenant(invocation) != nil else {
                    throw .usage("--api admin needs --tenant SLUG")
                }
                api = .owner
            case "wholesale": api = .wholesale
            case "codes": api = .codes
            case "ports": api = .ports
            default: throw .usage("--api is admin, wholesale, codes or ports, not “\(name)”")
            }
            let isNative = api == .owner || api == .wholesale
            events = isNative ? "data" : "events"
            more = isNative ? "has_more" : "hasMore"
            cursor = isNative ? "next_cursor" : "nextCursor"
        }
    }
}
