import HTTPClient
import HTTPCore

typealias HTTPAnswer = HTTPClientResponse

/// Balances and payments, through the operator's API (O5, A6).
enum MoneyCommands {
    static let commands = [add, payments, payment]

    private static let add = Command(
        "balance add", "Top a reseller's balance up or, with a negative amount, correct it",
        arguments: ["RESELLER_ID"],
        options: [
            Option("--amount", "AMOUNT", "How much, say 100.00; a correction is -5.00", isRequired: true),
            Option("--reference", "TEXT", "What the statement says", isRequired: true),
            Option("--kind", "KIND", "top_up or correction: an amount of the other sign is refused"), OnceKey.option,
        ] + GatewayClient.ownerOptions,
        notes: OnceKey.note
    ) { invocation in
        let body = try JSONWriter.object { json in
            json.field("amount", try invocation.required("--amount"))
            json.field("reference", try invocation.required("--reference"))
            if let kind = invocation.text("--kind") { json.field("kind", kind) }
        }
        let path = "/resellers/\(invocation.arguments[0].percentEncoded)/balance"
        return try move(path, body, invocation) { answer throws(CommandFailure) in
            try Answers.show(answer, invocation, listing: "services_paid", columns: ["id", "amount"], empty: nil)
        }
    }

    private static let payments = Command(
        "payment list", "List payments of top-ups, newest first",
        options: [
            Option("--status", "STATUS", "pending, confirmed, failed or expired"),
            Option("--reseller", "ID", "Of one reseller"), Option("--mode", "MODE", "live or test (live)"),
        ] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let query = [("--status", "status"), ("--reseller", "reseller"), ("--mode", "mode")].compactMap {
            option, name in
            invocation.text(option).map { (name, $0) }
        }
        let rows = try Pages.rows("/payments", query: query, isOnePage: true, try .owner(invocation), invocation)
        if !invocation.has("--json") {
            let columns = ["id", "created_at", "reseller", "status", "amount", "currency", "driver", "failure"]
            try Answers.table(rows, columns: columns, empty: "no payments")
        }
        return ExitCode.ok
    }

    private static let payment = Command(
        "payment show", "Show a payment, with reports that did not fit it", arguments: ["PAYMENT_ID"],
        options: GatewayClient.ownerOptions
    ) { invocation in
        let answer = try GatewayClient.owner(invocation).send(
            "GET", "/payments/\(invocation.arguments[0].percentEncoded)")
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    /// Moves money once.
    static func move(
        _ path: String, _ body: [UInt8], _ invocation: Invocation,
        show: (HTTPAnswer) throws(CommandFailure) -> Void
    ) throws -> Int32 {
        let client = try GatewayClient.owner(invocation)
        try OnceKey.send(
            invocation,
            { key throws(CommandFailure) in
                try client.send("POST", path, body: .bytes(body), headers: [key])
            }, show: show)
        return ExitCode.ok
    }
}
