import CExamples
import HTTPCore

/// Bodies and answers of an API's calls as a running gateway had them, for its description (X7). They are recorded by
/// `Tests/Contract/examples.py --write`. Immutable: any thread.
package struct RecordedExamples: Sendable {
    /// One call, by media type.
    struct Exchange: Sendable {
        let parameters: JSON
        let body: JSON
        let answer: JSON
    }

    private var calls: [String: JSON] = [:]
    /// By the status on the wire.
    private let refusals: JSON

    /// Those of the surface of this name; none where none were recorded.
    init(of surface: String) {
        var count = 0
        guard let bytes = tollgate_examples(surface, &count) else {
            refusals = .null
            return
        }
        let text = Array(UnsafeBufferPointer(start: bytes, count: count))
        guard case .object(let members)? = try? JSON.parse(text) else {
            preconditionFailure("the recorded calls of \(surface) are no JSON")
        }
        for member in members { calls[member.name] = member.value }
        refusals = calls.removeValue(forKey: "refusals") ?? .null
    }

    func exchange(_ method: Method, _ pattern: String) -> Exchange? {
        calls["\(method.rawValue) \(pattern)"].map {
            Exchange(
                parameters: $0["parameters"] ?? .null, body: $0["body"] ?? .null, answer: $0["answer"] ?? .null)
        }
    }

    func refusal(_ status: Int) -> JSON? { refusals[String(status)] }
}

extension Surface {
    /// How a refusal of this status looks: a recorded one; of what no caller can bring about, some refusal in the same
    /// envelope, or in the engine's.
    func refusalExample(_ status: Int, in recorded: RecordedExamples, isProblem: Bool) -> JSON? {
        if let refusal = recorded.refusal(status) { return refusal }
        let sample = Refusal.sample(status)
        let response =
            isProblem ? Problem.response(sample, requestID: .none) : render(sample, requestID: .none)
        guard case .bytes(let bytes) = response.body else { return nil }
        return try? JSON.parse(bytes)
    }
}
