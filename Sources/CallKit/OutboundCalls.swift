package import HTTPCore
package import RateLimiter

/// Calls to services outside: injected, so that what is sent and read is judged without a network.
package protocol OutboundCalls: Sendable {
    /// The node's operator lets tenants call private, loopback and link-local addresses, in plain HTTP too.
    var allowsPrivateAddresses: Bool { get }

    /// Sends a POST, again where it may be, within its time; false where too many of this payer's wait, and then
    /// `then` is not called. Returns at once; `then` must not block.
    func post(
        _ request: OutboundRequest, by payer: Payer,
        then: @escaping @Sendable (Result<OutboundResponse, OutboundFailure>) -> Void
    ) -> Bool
}

/// Which addresses tenants' services may have. One rule, asked where an address is given and at every connection (H6).
package enum OutboundRule {
    /// Nil where such a call is not made at all: plain HTTP stays on machines of the operator's own, and is for nodes
    /// that allow those.
    package static func rule(isPlain: Bool, allowsPrivateAddresses: Bool) -> AddressRule? {
        guard allowsPrivateAddresses else { return isPlain ? nil : .publicOnly }
        return isPlain ? .privateOnly : .any
    }

    package static func allows(_ address: WebAddress, allowsPrivateAddresses: Bool) -> Bool {
        rule(isPlain: address.isPlain, allowsPrivateAddresses: allowsPrivateAddresses)
            .map { address.isAllowed(by: $0) } ?? false
    }
}

package struct OutboundRequest: Sendable {
    package let url: String
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    /// One attempt within so long; nil: several, as is usual.
    package var onceWithinMilliseconds: Int?

    package init(url: String, headers: [(name: String, value: String)], body: [UInt8]) {
        self.url = url
        self.headers = headers
        self.body = body
    }
}

package struct OutboundResponse: Sendable {
    package let status: Int
    package let body: [UInt8]

    package init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// A node without a way out: every call fails.
package struct NoOutboundCalls: OutboundCalls {
    package let allowsPrivateAddresses = false

    package init() {}

    package func post(
        _ request: OutboundRequest, by payer: Payer,
        then: @escaping @Sendable (Result<OutboundResponse, OutboundFailure>) -> Void
    ) -> Bool {
        then(.failure(.unanswered("this node makes no calls")))
        return true
    }
}

/// Why a call to a service outside brought no answer. Texts are for the operator; none holds a key, a header or a body.
package enum OutboundFailure: Error, Sendable, Equatable {
    /// Nobody answered, or the connection broke off, in every attempt.
    case unanswered(String)
    /// There was no answer in time.
    case timedOut(String)
    /// Its certificate was not accepted.
    case untrusted(String)
    /// The answer is longer than is read of one.
    case tooLong
}
