import Cryptography
import HTTPCore

/// One client's connection: its socket, its parser and where its one request in flight stands. Only data: what happens
/// to it is in EventLoop's extensions, on its loop's thread alone.
final class Connection {
    enum Phase {
        case handshake
        /// Between requests, or within a head.
        case head
        case body
        /// The handler has the request; its answer comes later.
        case answering
        /// An answer's body is being pulled.
        case streaming
        /// Once the output has gone, the connection ends.
        case closing
        /// Our side is shut; what the client still sends is thrown away.
        case lingering
        case closed
    }

    let fd: Int32
    let slot: Int
    let token: UInt64
    /// Its binding is known once the handshake is over.
    var peer: Peer
    var tls: TLSConnection?
    var phase: Phase

    var parser: RequestParser
    /// Received and not yet used up.
    var input: [UInt8] = []
    /// The parser has seen all of `input` and wants more.
    var isStalled = true
    /// Edge-triggered: true until the socket says that it has nothing.
    var isReadable = false
    var isWritable = true
    /// Told by epoll; there may still be bytes to read before the end.
    var peerFinishedSending = false
    /// The end has been read.
    var inputEnded = false

    var output = OutputQueue()
    /// Answers whose last byte is still in `output`.
    var unsent: [SentAnswer] = []

    var request: RequestRecord?
    var responder: PendingResponder?
    /// The head whose verdict is still to come.
    var undecided: FramedHead?
    /// The call that the handler let in, until it is answered; nil where the verdict named none.
    var call: (any AcceptedCall)?
    var intake: BodyIntake?
    /// What a buffered body has gathered; apart from `intake`, so that appending never copies.
    var body: [UInt8] = []
    var outflow: StreamOutflow?
    /// Accepted beyond the bound of connections, and not yet within it.
    var isBeyond = false
    var lingers = false
    var lingerBytesLeft = 0
    var served = 0
    /// It has used up its turn, and has the next one in the round that follows.
    var waitsForTurn = false

    // Nanoseconds of the monotonic clock; what each deadline counts from.
    var openedAt: UInt64
    var idleSince: UInt64
    /// Zero while no byte of the next head has come.
    var headStartedAt: UInt64 = 0
    var outputMovedAt: UInt64 = 0
    /// When what waits in `output` began to wait, and how much of it the socket has taken since.
    var outputStartedAt: UInt64 = 0
    var outputTaken = 0
    var lingerStartedAt: UInt64 = 0

    // What a handler called back with while its connection was being worked on.
    var stashedAnswer: Response?
    var stashedPiece: ResponsePiece?
    var stashedResume = false
    var stashedVerdict: (@Sendable () -> HeadVerdict)?

    init(fd: Int32, slot: Int, token: UInt64, peer: Peer, limits: ServerLimits, now: UInt64, phase: Phase) {
        self.fd = fd
        self.slot = slot
        self.token = token
        self.peer = peer
        self.phase = phase
        parser = RequestParser(limits: limits)
        openedAt = now
        idleSince = now
    }

    /// Whether bytes from the client are of use now. One request at a time: not before its answer has left.
    var takesInput: Bool {
        guard output.isEmpty else { return false }
        return switch phase {
        case .head: true
        case .lingering: lingerBytesLeft > 0
        case .body: intake?.awaitsResume == false
        case .handshake, .answering, .streaming, .closing, .closed: false
        }
    }

    /// Puts behind what already waits; the client's time to take it runs from the first of it.
    func queue(_ bytes: [UInt8], from start: Int = 0, at now: UInt64) {
        if output.isEmpty {
            outputStartedAt = now
            outputTaken = 0
            outputMovedAt = now
        }
        output.append(bytes, from: start)
    }

    func queue(_ bytes: UnsafeRawBufferPointer, at now: UInt64) { queue([UInt8](bytes), at: now) }

    var state: ConnectionState {
        if !output.isEmpty { return .sending }
        return switch phase {
        case .handshake: .handshake
        case .head: headStartedAt == 0 ? .idle : .head
        case .body: .body
        case .answering, .streaming: .answering
        case .closing, .lingering, .closed: .closing
        }
    }

    /// Whether a step could be taken without waiting for the socket or the handler.
    var canMove: Bool {
        guard output.isEmpty else { return false }
        return switch phase {
        case .closing: true
        case .streaming: outflow?.awaitsPiece == false
        default: takesInput && (!isStalled || isReadable)
        }
    }
}

/// A body on its way in.
struct BodyIntake {
    enum Destination {
        case buffer((any BodyRoom)?, then: @Sendable ([UInt8], any Responder) -> Response?)
        case sink(any BodySink)
    }

    let destination: Destination
    let bytesMax: Int
    /// Set aside in memory for it.
    var roomBytes: Int
    var received = 0
    /// The sink has a piece and has not asked for the next one.
    var awaitsResume = false
    /// Moved forward by the time that the sink took, which is not the client's fault.
    var startedAt: UInt64
    var movedAt: UInt64
}

/// An answer's body on its way out.
struct StreamOutflow {
    let stream: any ResponseStream
    let status: Int
    let isChunked: Bool
    /// Bytes still owed, where a length was announced.
    var left: Int?
    var sent = 0
    var awaitsPiece = false
}

/// An answer that has been handed over for sending, for the handler's log.
struct SentAnswer {
    let request: RequestRecord
    let status: Int
    let bodyBytes: Int
}
