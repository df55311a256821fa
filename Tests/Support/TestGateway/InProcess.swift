package import HTTPCore
import HTTPServer
import TestTenants

/// The gateway without sockets: bytes go through the server's own parser, heads and bodies to the handler, as the event
/// loop hands them over.
package final class InProcess: Client {
    private let handler: any RequestHandler
    private let peer: Peer

    package init(
        _ handler: any RequestHandler,
        peer: Peer = Peer(address: .loopback, role: .everyone, isEncrypted: false)
    ) {
        self.handler = handler
        self.peer = peer
    }

    package func send(_ request: TestRequest) async throws -> TestResponse {
        try await begin(request, bodyBytes: .max).finish()
    }

    package func begin(_ request: TestRequest, bodyBytes: Int) async throws -> any HeldRequest {
        let held = InProcessRequest(request, handler, peer)
        try await held.begin(bodyBytes: bodyBytes)
        return held
    }
}

/// `@unchecked Sendable`: one task drives it, a step after the other; the answer comes by its own hand-over.
private final class InProcessRequest: HeldRequest, @unchecked Sendable {
    private enum Destination {
        case nowhere
        case buffer(then: @Sendable ([UInt8], any Responder) -> Response?)
        case sink(any BodySink)
    }

    private enum Event {
        case head(FramedHead)
        case body([UInt8])
        case end
        case refused(FramingFault)
    }

    private let request: TestRequest
    private let handler: any RequestHandler
    private let responder: InProcessResponder
    private var parser = RequestParser()
    private var unread: [UInt8] = []
    private var unsent: [UInt8]
    private var head: RequestHead?
    private var destination = Destination.nowhere
    private var bytesMax = 0
    private var call: (any AcceptedCall)?
    private var received: [UInt8] = []
    private var receivedBytes = 0

    init(_ request: TestRequest, _ handler: any RequestHandler, _ peer: Peer) {
        self.request = request
        self.handler = handler
        responder = InProcessResponder(peer)
        unsent = request.bodyBytes
    }

    var isAnswered: Bool { responder.answer.isThere }

    func begin(bodyBytes: Int) async throws {
        try await feed(request.headBytes())
        try await send(bodyBytes)
    }

    func finish() async throws -> TestResponse {
        try await send(.max)
        let response = try await responder.answer.value()
        let body = try await collect(response.body)
        handler.answered(head, status: response.status, bytes: body.count, microseconds: 0, from: responder.peer)
        return TestResponse(
            status: response.status, head: String(decoding: response.headers.bytes, as: UTF8.self), body: body)
    }

    func abandon() async throws {
        if !isAnswered { call?.left(received: receivedBytes) }
        if case .sink(let sink) = destination { sink.abort() }
        destination = .nowhere
    }

    // MARK: The body, as the loop takes it

    private func send(_ count: Int) async throws {
        let bytes = Array(unsent.prefix(count))
        unsent.removeFirst(bytes.count)
        for piece in request.pieces(of: bytes) where !isAnswered || isStreaming { try await feed(piece) }
    }

    /// A sink is fed to the end, though it may have answered.
    private var isStreaming: Bool { if case .sink = destination { true } else { false } }

    private func feed(_ bytes: [UInt8]) async throws {
        unread += bytes
        for event in events() { try await take(event) }
    }

    private func events() -> [Event] {
        var found: [Event] = []
        var cursor = 0
        let bytes = unread
        bytes.withUnsafeBufferPointer { bytes in
            while true {
                switch parser.next(bytes, &cursor) {
                case .needMore: return
                case .head(let framed):
                    found.append(.head(framed))
                    if !framed.hasBody { return }
                case .body(let range): found.append(.body(Array(bytes[range])))
                case .end: return found.append(.end)
                case .refused(let fault): return found.append(.refused(fault))
                }
            }
        }
        unread.removeFirst(cursor)
        return found
    }

    private func take(_ event: Event) async throws {
        switch event {
        case .head(let framed): judge(framed)
        case .body(let piece): try await take(piece)
        case .end: finishBody()
        case .refused(let fault): refuse(fault)
        }
    }

    private func judge(_ framed: FramedHead) {
        head = framed.head
        if framed.expectation == .unknown {
            return refuse(FramingFault(status: 417, reason: "expectation not supported"))
        }
        follow(handler.received(framed.head, from: responder.peer), framed)
    }

    private func follow(_ verdict: HeadVerdict, _ framed: FramedHead) {
        switch verdict {
        case .answer(let response): responder.respond(response)
        case .later(let start): start(responder)
        case .readBody(let bytesMax, let room, let call, let then):
            (self.bytesMax, self.call) = (bytesMax, call)
            guard fits(framed), hasRoom(framed, room) else { return }
            destination = .buffer(then: then)
            if !framed.hasBody { finishBody() }
        case .streamBody(let bytesMax, _, let call, let start):
            (self.bytesMax, self.call) = (bytesMax, call)
            guard fits(framed) else { return }
            destination = .sink(start(responder))
            if !framed.hasBody { finishBody() }
        // Whom a request is for is asked over sockets alone.
        case .undecided: preconditionFailure("a gateway in process has no neighbours")
        }
    }

    /// What a body of no known length takes is the engine's own.
    private func hasRoom(_ framed: FramedHead, _ room: (any BodyRoom)?) -> Bool {
        guard case .length(let length) = framed.framing, let room, !room.grow(to: length) else { return true }
        refuse(FramingFault(status: 503, reason: "no room for more bodies"))
        return false
    }

    private func fits(_ framed: FramedHead) -> Bool {
        guard case .length(let length) = framed.framing, length > bytesMax else { return true }
        refuseTooLarge()
        return false
    }

    private func take(_ piece: [UInt8]) async throws {
        if case .nowhere = destination { return }
        receivedBytes += piece.count
        guard receivedBytes <= bytesMax else { return refuseTooLarge() }
        if case .sink(let sink) = destination {
            try await handedOver { taken in sink.receive(piece) { taken.resume(returning: ()) } }
        } else {
            received += piece
        }
    }

    private func finishBody() {
        let destination = destination
        self.destination = .nowhere
        switch destination {
        case .nowhere: break
        case .buffer(let then): if let response = then(received, responder) { responder.respond(response) }
        case .sink(let sink): sink.finish()
        }
    }

    private func refuseTooLarge() { refuse(FramingFault(status: 413, reason: "body too large")) }

    private func refuse(_ fault: FramingFault) {
        if case .sink(let sink) = destination { sink.abort() }
        destination = .nowhere
        if isAnswered { return }
        responder.respond(
            call?.refusal(status: fault.status, reason: fault.reason, received: receivedBytes)
                ?? handler.refusal(status: fault.status, reason: fault.reason, head: head, from: responder.peer))
    }

    // MARK: The answer

    private func collect(_ body: ResponseBody) async throws -> [UInt8] {
        let isHead = head?.method == .head
        switch body {
        case .none: return []
        case .bytes(let bytes): return isHead ? [] : bytes
        case .stream(let stream, _):
            if isHead {
                stream.cancel()
                return []
            }
            var bytes: [UInt8] = []
            while let piece = try await Self.piece(of: stream) { bytes += piece }
            return bytes
        }
    }

    private static func piece(of stream: any ResponseStream) async throws -> [UInt8]? {
        try await handedOver { done in
            stream.next { piece in
                switch piece {
                case .bytes(let bytes): done.resume(returning: bytes)
                case .end: done.resume(returning: nil)
                case .failed: done.resume(throwing: AnswerCut())
                }
            }
        }
    }
}

/// The answer ended before its end.
package struct AnswerCut: Error {}

/// Takes the one answer of a request; a second one ends the tests.
private final class InProcessResponder: Responder {
    let peer: Peer
    let answer = Handover<Response>()

    init(_ peer: Peer) { self.peer = peer }

    func respond(_ response: Response) { answer.resume(returning: response) }
}
