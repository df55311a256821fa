package import HTTPCore

/// One attempt to tell somebody's endpoint of something: a POST that is sent once (H3). A value.
package struct WebhookCall: Sendable {
    package let address: WebAddress
    package let url: String
    /// `Name: value`, each of our own making.
    package let headers: [String]
    package let body: [UInt8]
    package let addressRule: AddressRule
    /// It may go over a connection that was kept. One that breaks off there is tried once more over a new one, so it is
    /// for endpoints that answer.
    package let reuses: Bool
    /// Its connection may be kept for another.
    package let keeps: Bool

    package init(
        address: WebAddress, url: String, headers: [String], body: [UInt8],
        addressRule: AddressRule, reuses: Bool,
        keeps: Bool = true
    ) {
        self.reuses = reuses
        self.keeps = keeps
        self.address = address
        self.url = url
        self.headers = headers
        self.body = body
        self.addressRule = addressRule
    }

    /// The whole attempt, from here to the last byte that is read of the answer.
    package static let attemptMilliseconds: Int64 = 15_000
    /// Of which finding the address and connecting may take so much.
    package static let connectMilliseconds: Int64 = 10_000
    /// Of an answer's body so much is read, then the connection is closed.
    package static let answerBytesMax = 64 << 10
    package static let headBytesMax = 16 << 10
    /// So much of the answer is handed on.
    package static let excerptBytesMax = 1 << 10
}

/// How an attempt ended.
package struct WebhookResult: Sendable, Equatable {
    package enum Ending: Sendable, Equatable {
        case answered(status: Int)
        /// The name has no address, or no server knows it.
        case dns
        /// Nobody accepts connections there.
        case refused
        /// The connection broke off.
        case reset
        /// No common protocol, or the certificate is not that of the host.
        case tls
        case timedOut
        /// Of the head.
        case tooLong
        /// The host stands for an address that may not be connected to.
        case addressRefused
        /// What came is no answer of HTTP, or the URL cannot be called.
        case unreadable
        /// The node gave it up: it is stopping, or lacked what the attempt needed.
        case interrupted
    }

    package let ending: Ending
    package let milliseconds: Int
    /// Where it was connected to.
    package let address: String?
    /// As it stands in the answer.
    package let retryAfter: String?
    /// The answer's first bytes.
    package let excerpt: [UInt8]

    package init(
        _ ending: Ending, milliseconds: Int, address: String? = nil, retryAfter: String? = nil, excerpt: [UInt8] = []
    ) {
        self.ending = ending
        self.milliseconds = milliseconds
        self.address = address
        self.retryAfter = retryAfter
        self.excerpt = excerpt
    }
}
