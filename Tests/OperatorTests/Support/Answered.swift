import HTTPCore
import TestGateway

/// What a call was answered with, as its client reads it.
struct Answered: Sendable {
    /// A refusal, as a problem document tells it (RFC 9457).
    struct Refused: Sendable, Equatable {
        let code: String
        let detail: String
    }

    let status: Int
    let headers: String
    let body: [UInt8]

    init(_ response: TestResponse) {
        status = response.status
        headers = response.fields.map { "\($0.name): \($0.value)\n" }.joined()
        body = response.body
    }

    /// No answer came, or half of one.
    init(failure: any Error) {
        status = 0
        headers = ""
        body = Array("\(failure)".utf8)
    }

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSON { (try? JSON.parse(body)) ?? .null }
    var data: [JSON] { if case .array(let rows) = json["data"] { rows } else { [] } }
    var isReplay: Bool { headers.contains("Idempotency-Hit: true") }

    var refusal: Refused? {
        status < 400 ? nil : Refused(code: self["code"], detail: self["detail"])
    }

    /// Pointers of the fields that were refused.
    var pointers: [String] {
        guard case .array(let errors) = json["errors"] else { return [] }
        return errors.compactMap { $0["pointer"]?.string }
    }

    subscript(_ name: String) -> String {
        switch json[name] {
        case .string(let text): text
        case .number(let number): number.text
        case .bool(let flag): String(flag)
        case .null: "null"
        case nil: "absent"
        default: "a part"
        }
    }
}
