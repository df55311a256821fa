import Foundation
import HTTPClient
import HTTPCore

/// The pull feed (H4), as a reseller's key or an operator's reads it.
enum EventCommands {
    static let commands = [tail]

    /// How long to wait where there was nothing more.
    private static let pauseSeconds: UInt32 = 1
    private static let rowsMax = 100

    private static let tail = Command(
        "events tail", "Print events in their order, and go on as they come",
        options: [
            Option("--after", "CURSOR", "From behind this place (from the oldest event)"),
            Option("--type", "TYPE", "Of this type", repeats: true),
            Option("--once", "End where there is nothing more"),
            Option("--api", "NAME", "Whose key it is: admin, wholesale, codes or ports (admin with --tenant)"),
            Option("--tenant", "SLUG", "The tenant; a reseller's key knows its own"),
        ] + GatewayClient.resellerOptions,
        notes: "The key is an operator's (--tenant) or a reseller's (--api).\n"
            + "At its end, and where a call is refused, it says how to go on: --after."
    ) { invocation in
        let feed = try Feed(invocation)
        let client = try GatewayClient.ofKey(invocation, feed.basePath, header: feed.keyHeader)
        let types = invocation.texts("--type")
        var after = invocation.text("--after")
        var isFirst = true
        while true {
            var query = [("limit", String(rowsMax))]
            if let after { query.append(("after", after)) }
            if !types.isEmpty { query.append(("types", types.joined(separator: ","))) }
            let text = query.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
            let answer = try page(client, "\(feed.path)?\(text)", after)
            let read = try Answers.parsed(answer)
            guard case .array(let events)? = read[feed.events], let cursor = read[feed.cursor]?.text else {
                throw CommandFailure.failed("the answer is no page of events; is this a Tollgate gateway?")
            }
            if invocation.has("--json") {
                if isFirst || !events.isEmpty { try Output.bytes(answer.body + [0x0A]) }
            } else {
                for event in events { try Answers.tell(event) }
            }
            (after, isFirst) = (cursor, false)
            if read[feed.more] == .bool(true) { continue }
            if invocation.has("--once") { break }
            sleep(pauseSeconds)
        }
        if !invocation.has("--json"), let after { try Output.line("go on with --after \(after)") }
        return ExitCode.ok
    }

    /// A call that fails says how to go on from the place that was reached.
    private static func page(
        _ client: GatewayClient, _ path: String, _ after: String?
    ) throws(CommandFailure) -> HTTPClientResponse {
        do {
            return try client.send("GET", path)
        } catch {
            guard let after else { throw error }
            throw error.adding("go on with --after \(after)")
        }
    }

    /// Where an API has its feed, and how it names what is in a page.
    private struct Feed {
        let basePath: String
        let path: String
        let keyHeader: String?
        let events: String
        let more: String
        let cursor: String

        init(_ invocation: Invocation) throws(CommandFailure) {
            let slug = invocation.text("--tenant")
            let name = invocation.text("--api") ?? (slug == nil ? "wholesale" : "admin")
            let tenant = slug.map { "/t/\($0.percentEncoded)" } ?? ""
            let isNative = name == "admin" || name == "wholesale"
            switch name {
            case "admin":
                guard slug != nil else { throw .usage("--api admin needs --tenant SLUG") }
                (basePath, path, keyHeader) = (tenant + "/api/admin", "/events", nil)
            case "wholesale": (basePath, path, keyHeader) = (tenant + "/api/partner/v1", "/events", nil)
            case "codes": (basePath, path, keyHeader) = (tenant + "/api/reseller", "/events", "x-api-key")
            case "ports": (basePath, path, keyHeader) = (tenant + "/v1", "/reseller/events", "X-API-Key")
            default: throw .usage("--api is admin, wholesale, codes or ports, not “\(name)”")
            }
            events = isNative ? "data" : "events"
            more = isNative ? "has_more" : "hasMore"
            cursor = isNative ? "next_cursor" : "nextCursor"
        }
    }
}
