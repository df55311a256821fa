package import HTTPCore

/// What the parser found in a request: a head together with what it says about framing and the connection.
package struct FramedHead: Sendable, Equatable {
    package let head: RequestHead
    package let framing: BodyFraming
    /// HTTP/1.0: no chunked answer, closed after the answer unless `keepsAlive`.
    package let isHTTP10: Bool
    /// What version and `Connection` ask for.
    package let keepsAlive: Bool
    package let expectation: ContinueExpectation

    package var hasBody: Bool { framing != .none }
}

/// How the end of a body is found (RFC 9112 §6).
package enum BodyFraming: Sendable, Equatable {
    case none
    case length(Int)
    case chunked
}

/// The `Expect` field (RFC 9110 §10.1.1).
package enum ContinueExpectation: Sendable, Equatable {
    case none
    case continue100
    /// Anything else: answered 417.
    case unknown
}

/// Why a request is refused before any handler saw it.
package struct FramingFault: Sendable, Equatable {
    package let status: Int
    package let reason: String

    package init(status: Int, reason: String) {
        self.status = status
        self.reason = reason
    }

    static func bad(_ reason: String) -> FramingFault { FramingFault(status: 400, reason: reason) }
}
