import Cryptography
import HTTPCore

/// One call on its way to another node, for whoever made it. What its caller may do is for any thread; all that changes
/// is the client's thread's own.
///
/// `@unchecked Sendable`: as just said.
package final class PeerExchange: @unchecked Sendable {
    let request: PeerRequest
    let caller: any PeerCaller
    private let client: PeerClient
    let askedAt: UInt64

    var connection: PeerConnection?
    /// It has its answer, or never will have.
    var isOver = false
    /// Of an answer that comes in pieces: what is there and was not asked for yet.
    var ready: [UInt8] = []
    var wanted: (@Sendable (ResponsePiece) -> Void)?
    var isEnded = false
    var isBroken = false

    init(_ request: PeerRequest, for caller: any PeerCaller, of client: PeerClient, at now: UInt64) {
        (self.request, self.caller, self.client, askedAt) = (request, caller, client, now)
    }

    /// The next piece of the body, which the node has asked for; `taken` is called once it is on its way, or where
    /// nobody wants it any more.
    package func send(_ piece: [UInt8], taken: @escaping @Sendable () -> Void) {
        client.post(.piece(self, piece, taken))
    }

    /// The body is complete.
    package func finishBody() { client.post(.bodyEnd(self)) }

    /// Nobody waits for the answer any more, or for the rest of it.
    package func cancel() { client.post(.cancel(self)) }
}

/// The body of an answer from another node, as fast as it is pulled.
final class PeerStream: ResponseStream {
    private let exchange: PeerExchange
    private let client: PeerClient

    init(_ exchange: PeerExchange, _ client: PeerClient) { (self.exchange, self.client) = (exchange, client) }

    /// Nobody reads it any more, whether or not somebody did: its connection is not held for ever.
    deinit { client.post(.cancel(exchange)) }

    func next(_ give: @escaping @Sendable (ResponsePiece) -> Void) { client.post(.pull(exchange, give)) }
    func cancel() { client.post(.cancel(exchange)) }
}

/// What an answer to HEAD announces and does not have.
final class AnnouncedStream: ResponseStream {
    func next(_ give: @escaping @Sendable (ResponsePiece) -> Void) { give(.end) }
    func cancel() {}
}

/// A connection to another node: one call at a time, kept for the next. Only data; the client's thread alone.
final class PeerConnection {
    let fd: Int32
    let address: PeerAddress
    let openedAt: UInt64
    /// Of the node's name, those that are not tried yet.
    let otherAddresses: [PeerSocketAddress]
    /// TCP is there, and TLS where it is spoken.
    var isConnected = false
    var tls: TLSConnection?
    /// TLS has to send before it can go on.
    var wantsWrite = false
    var exchange: PeerExchange?
    /// When something last went either way.
    var movedAt: UInt64

    // The request on its way out.
    var output: [[UInt8]] = []
    var outputTaken = 0
    /// The head has gone, or has to go before anything else.
    var taken: (@Sendable () -> Void)?
    /// The node may have all that it needs to act.
    var mayHaveActed = false
    /// All of the request has been handed over.
    var isSent = false
    var hasBodyEnd = false
    var isAskedForBody = false

    // The answer on its way in.
    var input: [UInt8] = []
    var head: PeerAnswerHead?
    var reader = PeerBodyReader(.none)
    /// A short body that is given at once.
    var gathered: [UInt8]?

    init(fd: Int32, to address: PeerAddress, orElse otherAddresses: [PeerSocketAddress], at now: UInt64) {
        (self.fd, self.address, self.otherAddresses, openedAt, movedAt) = (fd, address, otherAddresses, now, now)
    }

    /// Ready for the next call.
    func startAnew() {
        exchange = nil
        (output, outputTaken, taken) = ([], 0, nil)
        (mayHaveActed, isSent, hasBodyEnd, isAskedForBody) = (false, false, false, false)
        (input, head, gathered) = ([], nil, nil)
    }

    /// Whether bytes from the node are of use now: those of a body in pieces only once somebody asks for them.
    var takesInput: Bool {
        guard let exchange, head != nil, gathered == nil else { return true }
        return exchange.wanted != nil
    }

    var isAsChunks: Bool { if case .pieces(isChunked: true) = exchange?.request.body { true } else { false } }
}
