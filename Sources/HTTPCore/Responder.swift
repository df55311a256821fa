/// What a listener is for: the pipeline serves different paths on each.
package enum ListenerRole: Sendable {
    /// Tenants' and, unless `--admin-listen` moves them, the provider's paths.
    case everyone
    /// Provider paths and metrics only (`--admin-listen`).
    case admin
    /// `DATA/control.sock`: whoever can open it is the provider (file mode 0600).
    case control
}

/// The peer of one connection, as the kernel and TLS saw it.
package struct Peer: Sendable {
    package let address: IPAddress
    package let role: ListenerRole
    package let isEncrypted: Bool
    /// What the two ends of an encrypted connection alone have in common; empty where nobody asks for it.
    package let binding: [UInt8]

    package init(address: IPAddress, role: ListenerRole, isEncrypted: Bool, binding: [UInt8] = []) {
        self.address = address
        self.role = role
        self.isEncrypted = isEncrypted
        self.binding = binding
    }
}

/// One request waiting for its answer. `respond` may be called once, from any thread; an answer to a connection that
/// has gone is dropped (its generation no longer matches), the operation behind it is never cancelled.
package protocol Responder: AnyObject, Sendable {
    var peer: Peer { get }
    func respond(_ response: Response)
}

/// What the handler wants once it has seen a head. Nothing of the body has been read yet and `100 Continue` has not
/// been sent: both happen only after `.readBody` or `.streamBody`.
package enum HeadVerdict: Sendable {
    /// Answer now. A body that the client announced is not read; the connection closes if there is one.
    case answer(Response)
    /// Read the whole body, at most `bytesMax` (413 past that) and as far as `room` lets (503), then call `then` on the
    /// loop. The answer goes through `responder.respond`, or comes back at once as the closure's result.
    case readBody(
        bytesMax: Int, room: (any BodyRoom)? = nil, call: (any AcceptedCall)? = nil,
        then: @Sendable (_ body: [UInt8], _ responder: any Responder) -> Response?)
    /// Hand the body over piece by piece; the sink, which `start` makes, answers through its responder.
    case streamBody(
        bytesMax: Int, room: (any BodyRoom)? = nil, call: (any AcceptedCall)? = nil,
        start: @Sendable (_ responder: any Responder) -> any BodySink)
    /// No body wanted and no answer yet: the closure arranges that one is given later.
    case later(@Sendable (_ responder: any Responder) -> Void)
    /// Somebody else has to be asked what is wanted; nothing of the body is read before `decide` is called.
    case undecided(@Sendable (_ decide: @escaping Decide) -> Void)
}

/// Says what is wanted after all: called once, from any thread. What it is given runs on the connection's loop, or not
/// at all where the client has gone; it may not block.
package typealias Decide = @Sendable (_ verdict: @escaping @Sendable () -> HeadVerdict) -> Void

/// Room in memory for one body, given back when nobody holds it any more. On the connection's loop.
package protocol BodyRoom: AnyObject, Sendable {
    /// Makes it this many bytes, or leaves it as it is; false where there are not so many.
    func grow(to bytes: Int) -> Bool
}

/// A call that was let in for its head, while its body comes: it speaks for itself where the server refuses the body.
package protocol AcceptedCall: Sendable {
    /// In place of the handler's `refusal`: a body too large (413) or malformed (400), a deadline (408), no room (503).
    /// `received`: how many bytes of it had come. Once at most, on the connection's loop.
    func refusal(status: Int, reason: String, received: Int) -> Response
    /// The client went before its body was complete; nobody is answered. In place of `refusal`, likewise.
    func left(received: Int)
}

/// Takes a streamed body. Calls come from the loop, one at a time, in order; none come after it has answered.
package protocol BodySink: AnyObject, Sendable {
    /// The next piece; the loop reads on only after `resume`, which may be called from any thread, once.
    func receive(_ piece: [UInt8], resume: @escaping @Sendable () -> Void)
    /// The body is complete.
    func finish()
    /// The client went, sent too much or was too slow: throw away what was received. No answer is possible any more.
    func abort()
}

/// What a server serves. One handler serves all loops.
package protocol RequestHandler: AnyObject, Sendable {
    /// On the connection's loop; must not block.
    func received(_ head: RequestHead, from peer: Peer) -> HeadVerdict
    /// The answer for a request that the server itself refuses: framing (400, 414, 431, 501, 505), a body too large
    /// (413), a deadline (408), no room (503). `head` is nil where none was parsed. Not asked where the verdict named
    /// the call. On the connection's loop.
    func refusal(status: Int, reason: String, head: RequestHead?, from peer: Peer) -> Response
    /// An answer has been handed to the socket in full, or the connection went before: for the log.
    /// Once a request, on its loop; 499 where the client went before its body was complete.
    /// `microseconds` since the head's first byte; `bytes` of the body that were sent.
    func answered(_ head: RequestHead?, status: Int, bytes: Int, microseconds: Int, from peer: Peer)
}
