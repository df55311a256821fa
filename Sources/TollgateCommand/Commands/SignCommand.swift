import CallKit
import Cryptography
import Foundation
import HTTPCore

/// An order's headers, made without a gateway (W5, W12): to try a call by hand, and to see what a client of one's own
/// should have made.
enum SignCommand {
    private static let bodyBytesMax = Route.bodyBytesMax
    private static let secretVariable = "TOLLGATE_WEBHOOK_SECRET"

    static let command = Command(
        "sign", "Make the headers that sign an order",
        options: [
            Option("--path", "PATH", "Path and query as they are sent, or the whole URL", isRequired: true),
            Option("--body-file", "FILE", "The body, byte for byte (- is standard input; none: empty)"),
            Option("--idempotency-key", "KEY", "The order's Idempotency-Key (a new one)"),
            Option("--secret-file", "FILE", "The reseller's signing secret, whsec_…, is its first line"),
            Option("--secret", "SECRET", "The secret itself ($\(secretVariable))"),
            Option("--method", "METHOD", "The call's method (POST)"),
            Option("--timestamp", "SECONDS", "Unix time (now)"),
            Option("--json", "Print them as one object"),
        ],
        notes: """
            curl takes them as they are printed, with the same body and path:
            tollgate sign --path /t/acme/api/partner/v1/orders --body-file order.json --secret-file secret |
              curl -H @- -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
                --data-binary @order.json https://gateway.example/t/acme/api/partner/v1/orders
            """
    ) { invocation in
        let key = invocation.text("--idempotency-key") ?? UUID().uuidString.lowercased()
        guard let bare = IdempotencyKey(key)?.text else {
            throw CommandFailure.usage("--idempotency-key takes 1 to 255 printable characters, no spaces or quotes")
        }
        let timestamp =
            try invocation.integer("--timestamp", in: 0...Int(Int32.max))
            ?? Int(Date().timeIntervalSince1970)
        let method = (invocation.text("--method") ?? "POST").uppercased()
        let target = try target(try invocation.required("--path"))
        let headers = headers(
            method, target, try body(invocation.text("--body-file")), secret: try secret(invocation), key: bare,
            at: timestamp)
        if invocation.has("--json") {
            try Output.bytes(
                JSONWriter.object { json in for (name, value) in headers { json.field(named: name, .string(value)) } }
                    + [0x0A])
        } else {
            for (name, value) in headers { try Output.line("\(name): \(value)") }
        }
        return ExitCode.ok
    }

    /// The headers of a signed call; `target` is path and query as they are sent.
    static func headers(
        _ method: String, _ target: String, _ body: [UInt8], secret: [UInt8], key: String, at timestamp: Int
    ) -> [(String, String)] {
        let head = SignedText.head(
            timestamp: String(timestamp), method: method, target: target, idempotencyKey: key)
        let signature = SignedText.signature(key: secret, head: head, body: body)
        return [
            ("X-Tollgate-Timestamp", String(timestamp)), ("X-Tollgate-Signature", signature), ("Idempotency-Key", key),
        ]
    }

    /// What stands in the request line: an address without scheme and authority.
    private static func target(_ text: String) throws(CommandFailure) -> String {
        var rest = Substring(text)
        for scheme in ["https://", "http://"] where text.lowercased().hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
            rest = rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
        }
        guard rest.hasPrefix("/"), rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !rest.contains("#") else {
            throw .usage("--path takes what is sent: it begins with /, in ASCII, without spaces, not “\(text)”")
        }
        return String(rest)
    }

    /// The secret that the options name, or the environment; a command that has no `--secret` is given none.
    static func secret(_ invocation: Invocation) throws(CommandFailure) -> [UInt8] {
        let given: String?
        if let path = invocation.text("--secret-file") {
            given = try PasswordFile.read(path)
        } else {
            given = invocation.text("--secret") ?? invocation.environment[secretVariable]
        }
        guard let given else {
            let named = invocation.command.options.contains { $0.name == "--secret" } ? ", --secret SECRET" : ""
            let name = invocation.command.name
            throw .usage("“tollgate \(name)” needs --secret-file FILE\(named) or $\(secretVariable)")
        }
        guard let bytes = WebhookSecret.decode(given) else {
            throw .usage("the secret is not whsec_ and 24 to 64 bytes in base64")
        }
        return bytes
    }

    private static func body(_ path: String?) throws(CommandFailure) -> [UInt8] {
        guard let path else { return [] }
        let bytes = try GivenFile.bytes(of: path, bytesMax: bodyBytesMax + 1)
        guard bytes.count <= bodyBytesMax else { throw .failed("\(path) is larger than \(bodyBytesMax) bytes") }
        return bytes
    }
}
