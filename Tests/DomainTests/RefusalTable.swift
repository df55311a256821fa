import CallKit
import Foundation

/// Every code that a call can be refused with, read from the features' files of refusals, as docs/refusals.md shows it.
struct RefusalTable {
    struct Row {
        let code: String
        let status: Int
        var texts: [String]
        var places: Set<String>
    }

    /// By status and code.
    private(set) var rows: [Row] = []
    /// Codes that are declared again under the same status.
    private(set) var repeated: [String] = []
    /// Files that make a reason in place instead of naming one.
    private(set) var strays: [String] = []

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let page = root.appending(path: "docs/refusals.md")

    init() throws {
        var sayings: [Saying] = []
        var names: [String: (status: Int, code: String)] = [:]
        for file in try Self.sources() {
            let text = try String(contentsOf: file, encoding: .utf8).replacing(#/\s+/#, with: " ")
            let made = text.matches(of: Self.making)
            guard file.lastPathComponent.hasSuffix("Refusals.swift") else {
                if !made.isEmpty { strays.append(file.lastPathComponent) }
                continue
            }
            let place = file.deletingLastPathComponent().lastPathComponent
            for match in made {
                let isMissing = match.1 == "Missing"
                let (status, name) = (Self.status(match.1, text[match.range.upperBound...]), String(match.2))
                let code = isMissing ? Missing(name).code : name
                let words = isMissing ? Missing(name).text : String(match.3 ?? "")
                if rows.contains(where: { $0.status == status && $0.code == code }) { repeated.append(code) }
                rows.append(Row(code: code, status: status, texts: [Self.plain(words)], places: [place]))
            }
            for match in text.matches(of: Self.naming) {
                names["\(match.2).\(match.1)"] = (Self.statuses[String(match.2)]!, String(match.3))
            }
            for match in text.matches(of: Self.saying) {
                let kind = text[..<match.range.lowerBound].matches(of: #/extension (\w+) \{/#).last.map { $0.1 } ?? ""
                sayings.append(Saying(base: "\(kind).\(match.1)", text: Self.plain(String(match.2)), place: place))
            }
        }
        for saying in sayings {
            guard let (status, code) = names[saying.base],
                let index = rows.firstIndex(where: { $0.status == status && $0.code == code })
            else { throw Unread(saying: saying.base) }
            rows[index].texts.append(saying.text)
            rows[index].places.insert(saying.place)
        }
        rows += Self.common()
        rows.sort { ($0.code, $0.status) < ($1.code, $1.status) }
    }

    struct Unread: Error { let saying: String }

    private struct Saying {
        let base: String
        let text: String
        let place: String
    }

    private static let statuses = [
        "BadQuery": 400, "Missing": 404, "Forbidden": 403, "Conflict": 409, "Unprocessable": 422, "Crowded": 429,
        "Unavailable": 503,
    ]

    /// The kind's, unless the reason has one of its own. `rest`: what stands behind its text.
    private static func status(_ kind: Substring, _ rest: Substring) -> Int {
        rest.prefixMatch(of: #/, status: (\d+)/#).flatMap { Int($0.1) } ?? statuses[String(kind)]!
    }

    nonisolated(unsafe) private static let making =
        #/\b(BadQuery|Missing|Forbidden|Conflict|Crowded|Un\w+able)\( ?"([^"]+)"(?:, "((?:[^"\\]|\\.)*)")?/#
    nonisolated(unsafe) private static let naming =
        #/static let (\w+) = (BadQuery|Forbidden|Conflict|Unprocessable|Unavailable)\( ?"([^"]+)"/#
    nonisolated(unsafe) private static let saying = #/\b(\w+)\.saying\( ?"((?:[^"\\]|\\.)*)"/#

    /// A text whose parts depend on the call has dots for them.
    private static func plain(_ text: String) -> String {
        text.replacing(#/\\\((?:[^()]|\([^()]*\))*\)/#, with: "…")
    }

    private static func sources() throws -> [URL] {
        let found = FileManager.default.enumerator(at: root.appending(path: "Sources"), includingPropertiesForKeys: nil)
        return (found?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
            .sorted { $0.path < $1.path }
    }

    /// What any call may be refused with, whatever it asks for.
    private static func common() -> [Row] {
        let refusals: [(Refusal, String?)] = [
            (.unparseable(""), "The text says what cannot be read."), (.invalid([]), "The text names each field."),
            (.unknownCredential, nil), (.wrongPassword, nil), (.codedBody, nil),
            (.badSignature(""), "The text says what is wrong with the signature."),
            (.methodNotAllowed(allowed: "…"), nil),
            (.insufficientBalance(required: .zero, available: .zero, currency: .usDollar), nil),
            (.quotaExceeded("…"), nil), (.shareExceeded("…"), nil),
            (.defect, nil), (.rateLimited(retryAfterSeconds: 0), "Too many requests; try again in … s."),
            (.tooLarge(bytesMax: 0), "The body is larger than … bytes."),
        ]
        let engine =
            [400, 408, 414, 417, 431, 501, 503, 505].map { Refusal.transport(status: $0, reason: "") }
            + [.unknownMethod]
        return refusals.map { refusal, text in
            Row(code: refusal.code, status: refusal.status, texts: [text ?? refusal.detail], places: ["CallKit"])
        }
            + engine.map {
                Row(code: $0.code, status: $0.status, texts: ["Of the HTTP engine."], places: ["HTTPServer"])
            }
    }

    var markdown: String {
        let lines = rows.map { row in
            "| `\(row.code)` | \(row.status) | \(row.texts.joined(separator: " · ")) "
                + "| \(row.places.sorted().joined(separator: ", ")) |"
        }
        return Self.head + lines.joined(separator: "\n") + "\n"
    }

    private static let head = """
        # Refusals

        Every code that a call can be refused with. A native API gives the code in `code` and the text in `detail`; other
        dialects have their own envelopes, texts and sometimes statuses, on their own pages. Programs go by the code: a text may
        change. `…` stands for what depends on the call. The last column is the folder that owns the code, and those that say it
        in other words.

        A test holds this page against the source; `TOLLGATE_WRITE_DOCS=1 swift test --filter RefusalTests` writes it anew.

        | code | status | text | where |
        |---|---|---|---|

        """
}
