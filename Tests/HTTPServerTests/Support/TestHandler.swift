import Glibc
import HTTPCore
import Synchronization

/// What the server under test serves: one path for each way of answering.
final class TestHandler: RequestHandler {
    struct Logged: Equatable {
        var path: String?
        var status: Int
        var bytes: Int
    }

    let log = Mutex<[Logged]>([])
    /// Sinks and streams of paths under `/gated` wait until a test opens it.
    let gate = Gate()
    let streamsCancelled = Atomic<Int>(0)
    let sinksAborted = Atomic<Int>(0)
    let sinkBytes = Atomic<Int>(0)
    let peers = Mutex<[Peer]>([])

    func received(_ head: RequestHead, from peer: Peer) -> HeadVerdict {
        peers.withLock { $0.append(peer) }
        switch head.path {
        case "/hello":
            return .answer(text(200, "hello \(head.query)"))
        case "/later":
            let query = head.query
            return .later { responder in onThread { responder.respond(text(200, "later \(query)")) } }
        case "/at-once":
            return .later { responder in responder.respond(text(200, "at once")) }
        case "/gated":
            return .later { [gate] responder in gate.whenOpen { responder.respond(text(200, "opened")) } }
        case "/open":
            gate.open()
            return .answer(text(200, "open"))
        case "/echo":
            return .readBody(bytesMax: 1 << 20) { body, _ in
                Response(status: 200, contentType: "application/x-echo", bytes: body)
            }
        case "/echo-later":
            return .readBody(bytesMax: 1 << 20) { body, responder in
                onThread { responder.respond(Response(status: 200, contentType: "application/x-echo", bytes: body)) }
                return nil
            }
        case "/small": return .readBody(bytesMax: 10) { _, _ in text(200, "fits") }
        case "/sink": return .streamBody(bytesMax: 64 << 20) { CountingSink(responder: $0, handler: self, gate: nil) }
        case "/sink-small": return .streamBody(bytesMax: 10) { CountingSink(responder: $0, handler: self, gate: nil) }
        case "/sink-gated":
            return .streamBody(bytesMax: 64 << 20) { CountingSink(responder: $0, handler: self, gate: self.gate) }
        case "/sink-refuses":
            return .streamBody(bytesMax: 64 << 20) { responder in RefusingSink(responder: responder) }
        case "/denied": return .answer(text(401, "who are you"))
        case "/none": return .answer(Response(status: 204))
        case "/large":
            return .answer(Response(status: 200, contentType: "application/octet-stream", bytes: TestHandler.large))
        case "/json":
            let bytes = Array("[\(String(repeating: "\"tollgate\",", count: 500))0]".utf8)
            return .answer(Response(status: 200, contentType: "application/json; charset=utf-8", bytes: bytes))
        case "/counted-stream":
            return .answer(stream(pieces: 10, of: 1000, length: 10_000, endsWith: .end))
        case "/stream":
            return .answer(stream(pieces: 10, of: 1000, length: nil, endsWith: .end))
        case "/long-stream":
            return .answer(stream(pieces: 2000, of: 10_000, length: nil, endsWith: .end))
        case "/short-stream":
            return .answer(stream(pieces: 9, of: 1000, length: 10_000, endsWith: .end))
        case "/failing-stream":
            return .answer(stream(pieces: 3, of: 1000, length: nil, endsWith: .failed))
        default: return .answer(text(404, "not here"))
        }
    }

    static let large: [UInt8] = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

    private func stream(pieces: Int, of size: Int, length: Int?, endsWith: ResponsePiece) -> Response {
        let stream = PieceStream(pieces: pieces, size: size, last: endsWith, handler: self)
        return Response(status: 200, body: .stream(stream, length: length))
    }

    func refusal(status: Int, reason: String, head: RequestHead?, from peer: Peer) -> Response {
        text(status, "refused: \(reason)")
    }

    func answered(_ head: RequestHead?, status: Int, bytes: Int, microseconds: Int, from peer: Peer) {
        log.withLock { $0.append(Logged(path: head?.path, status: status, bytes: bytes)) }
    }
}

func text(_ status: Int, _ text: String) -> Response {
    Response(status: status, contentType: "text/plain", bytes: Array(text.utf8))
}

/// Runs a step on a thread that is no loop's.
func onThread(_ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { argument in
            if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, Unmanaged.passRetained(Box(body)).toOpaque())
    pthread_detach(thread)
}

/// Steps that wait until a test says so.
final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [@Sendable () -> Void])>((false, []))

    func whenOpen(_ step: @escaping @Sendable () -> Void) {
        let runsNow = state.withLock { state in
            if !state.isOpen { state.waiting.append(step) }
            return state.isOpen
        }
        if runsNow { step() }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for step in waiting { step() }
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }
}

final class CountingSink: BodySink {
    private let responder: any Responder
    private let handler: TestHandler
    private let gate: Gate?
    private let count = Atomic<Int>(0)

    init(responder: any Responder, handler: TestHandler, gate: Gate?) {
        self.responder = responder
        self.handler = handler
        self.gate = gate
    }

    func receive(_ piece: [UInt8], resume: @escaping @Sendable () -> Void) {
        count.add(piece.count, ordering: .relaxed)
        handler.sinkBytes.add(piece.count, ordering: .relaxed)
        if let gate { gate.whenOpen(resume) } else if piece.count % 2 == 0 { onThread(resume) } else { resume() }
    }

    func finish() { responder.respond(text(200, "\(count.load(ordering: .relaxed))")) }

    func abort() { handler.sinksAborted.add(1, ordering: .relaxed) }
}

final class RefusingSink: BodySink {
    private let responder: any Responder

    init(responder: any Responder) { self.responder = responder }

    func receive(_ piece: [UInt8], resume: @escaping @Sendable () -> Void) { responder.respond(text(422, "no more")) }
    func finish() {}
    func abort() {}
}

/// Pieces that come at once and from another thread in turn.
final class PieceStream: ResponseStream {
    private let size: Int
    private let last: ResponsePiece
    private let left: Atomic<Int>
    private let handler: TestHandler

    init(pieces: Int, size: Int, last: ResponsePiece, handler: TestHandler) {
        self.size = size
        self.last = last
        self.handler = handler
        left = Atomic(pieces)
    }

    func next(_ give: @escaping @Sendable (ResponsePiece) -> Void) {
        let number = left.subtract(1, ordering: .relaxed).oldValue
        let piece =
            number > 0 ? ResponsePiece.bytes([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)) : last
        if number % 2 == 0 { give(piece) } else { onThread { give(piece) } }
    }

    func cancel() { handler.streamsCancelled.add(1, ordering: .relaxed) }
}
