package import HTTPCore

/// Where another node of the cluster listens, as it gives its address itself. A value.
package struct PeerAddress: Sendable, Hashable {
    package let host: String
    package let port: UInt16
    package let isEncrypted: Bool

    /// `HOST:PORT`, with `https://` before it where the node speaks TLS; an IPv6 address stands in brackets.
    package init?(_ text: String) {
        var rest = text[...]
        isEncrypted = rest.hasPrefix("https://")
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]), port > 0
        else { return nil }
        var host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains(where: { "[]/@?#".contains($0) }) else { return nil }
        (self.host, self.port) = (String(host), port)
    }
}

/// A request for another node, whole but for a body that comes in pieces. A value.
package struct PeerRequest: Sendable {
    package enum Body: Sendable {
        /// Sent behind the head at once; it may be empty.
        case whole([UInt8])
        /// Sent once the node asks for it with `100 Continue`, which the head has to expect.
        case pieces(isChunked: Bool)
    }

    package let address: PeerAddress
    /// Whose call it is: one of many cannot take all connections.
    package let group: UInt128
    /// From the request line to the empty line, that included. `binding`: what the two ends of the connection alone
    /// have in common; empty where it is not encrypted. On the client's thread, once.
    package let head: @Sendable (_ binding: [UInt8]) -> [UInt8]
    package let body: Body
    /// Whether the answer has no body, whatever its head says.
    package let isHead: Bool
    /// Asked again and again while nothing comes: false ends the call, as one whose node has gone.
    package let isWorthWaiting: @Sendable () -> Bool

    package init(
        to address: PeerAddress, group: UInt128, body: Body, isHead: Bool,
        head: @escaping @Sendable ([UInt8]) -> [UInt8],
        isWorthWaiting: @escaping @Sendable () -> Bool
    ) {
        (self.address, self.group, self.head) = (address, group, head)
        (self.body, self.isHead, self.isWorthWaiting) = (body, isHead, isWorthWaiting)
    }
}

/// Why a call has no answer.
package enum PeerFailure: Error, Sendable, Equatable {
    /// Not all of the request had been handed over: it had no effect there.
    case notSent
    /// All of it had: nobody knows what became of it.
    case lost
    /// What came was no answer.
    case malformed
    /// Too many calls wait for that node.
    case busy
}

/// The head of an answer, and the body as far as it is there. A value, but for the stream.
package struct PeerAnswer: Sendable {
    package let status: Int
    /// In their order, without those that are the connection's own.
    package let fields: [(name: String, value: String)]
    package let body: ResponseBody

    /// The first field of this name; nil where there is none. `name` in lower case.
    package func value(of name: String) -> String? { fields.first { $0.name.lowercased() == name }?.value }
}

/// Who hears what becomes of a call. On the client's thread; must not block.
package protocol PeerCaller: AnyObject, Sendable {
    /// The node asks for a body that comes in pieces. At most once, before the answer.
    func wantsBody(_ exchange: PeerExchange)
    /// Once, unless it failed.
    func answered(_ answer: PeerAnswer)
    /// Once, before any answer.
    func failed(_ failure: PeerFailure)
}
