import Cryptography
import HTTPClient
import HTTPCore

typealias HTTPAnswer = HTTPClientResponse

/// Balances and payments, through the operator's API (O5, A6).
enum MoneyCommands {
    static let commands = [add, payments, payment]

    static let idempotencyKey = Option(
        "--idempotency-key", "KEY", "Under which the same call again moves nothing more (a new one)")
    static let again =
        "Where no answer came, the message names the key: the same line with --idempotency-key KEY moves nothing twice."

    private static let add = Command(
        "balance add", "Top a reseller's balance up or, with a negative amount, correct it",
        arguments: ["RESELLER_ID"],
        options: [
            Option("--amount", "AMOUNT", "How much, say 100.00; a correction is -5.00", isRequired: true),
            Option("--reference", "TEXT", "What the statement says", isRequired: true), idempotencyKey,
        ] + GatewayClient.ownerOptions,
        notes: again
    ) { invocation in
        let body = try JSONWriter.object { json in
            json.field("amount", try invocation.required("--amount"))
            json.field("reference", try invocation.required("--reference"))
        }
        let answer = try move("/resellers/\(invocation.arguments[0].percentEncoded)/balance", body, invocation)
        try Answers.show(answer, invocation, listing: "services_paid", columns: ["id", "amount"], empty: nil)
        return ExitCode.ok
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

    /// Moves money once: where nobody answers, the message says under which key to ask again.
    static func move(_ path: String, _ body: [UInt8], _ invocation: Invocation) throws -> HTTPAnswer {
        let client = try GatewayClient.owner(invocation)
        let key = invocation.text("--idempotency-key") ?? Hex.encode(SystemRandom().bytes(16))
        let sent = Result { () throws(CommandFailure) in
            try client.send("POST", path, body: .bytes(body), headers: [("Idempotency-Key", key)])
        }
        if case .failure(.failed(let text)) = sent {
            throw CommandFailure.failed("\(text); to ask again, say --idempotency-key \(key)")
        }
        return try sent.get()
    }
}
