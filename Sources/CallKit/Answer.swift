package import HTTPCore

/// An answer of an operation, before the pipeline adds its headers.
package struct Answer: Sendable {
    package var status: Int
    package var contentType: StaticString
    package var body: [UInt8]
    /// What a replay of the call gives instead of `body`: for answers that show a secret once.
    package var replayBody: [UInt8]?
    /// The body holds a secret that replays give again: it is stored as ciphertext (0012).
    package var isSecret = false
    package var headers = ResponseHeaders()
    /// The call is refused, and what it wrote stays: the pipeline puts the refusal into the dialect's envelope.
    package private(set) var refusal: Refusal?

    package init(status: Int, contentType: StaticString = "application/json", body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package static func json(_ status: Int = 200, _ write: (inout JSONWriter) throws -> Void) rethrows -> Answer {
        Answer(status: status, body: try JSONWriter.object(write))
    }

    /// A refusal that, unlike a thrown one, keeps what was written with it.
    package static func keeping(_ refusal: Refusal) -> Answer {
        var answer = Answer(status: refusal.status, body: [])
        answer.refusal = refusal
        return answer
    }

    package static let noContent = Answer(status: 204, body: [])
}
