import CallKit
import HTTPClient
import HTTPCore
import RateLimiter
import Synchronization
import TenantRegistry

/// One call on its way through this node to the one that its tenant is at, until the client has an answer.
///
/// It is sent again where it certainly had no effect, or where a repeat has none: a read, or a call whose answer is
/// stored under its Idempotency-Key. Otherwise the caller is told that nobody knows what became of it.
///
/// Invariant: the client is answered once. Any thread: a turn follows the one before.
final class ForwardedCall: PeerCaller {
    private struct State {
        var header = ""
        var node: NodeName?
        var hasWantedBody = false
        /// Another node had it and did not answer.
        var mayHaveActed = false
        /// What the call names has been asked for anew.
        var isReaddressed = false
        /// Where the answer goes: at once, or once the client's body is on its way.
        var responder: (any Responder)?
        /// An answer that came while the client's connection was being told that the body is wanted.
        var kept: Response?
        var bounces = 0
        var malformed = 0
        var pause = Neighbours.pauseMilliseconds
        var sentAt: UInt64 = 0
    }

    /// How the client is answered, and what of its body there is.
    enum Client: Sendable {
        /// The body was read.
        case whole([UInt8], any Responder)
        /// Nothing of the body is read before the other node wants it.
        case pieces(length: Int?, Decide)
    }

    private let pipeline: Pipeline
    private let neighbours: Neighbours
    private let routed: Routed
    private let destination: Destination
    private let client: Client
    /// Room that is given back with the call.
    private let held: [any Sendable]
    /// What is done where the tenant turns out to be at this node; nil: the call is judged as if it had just come.
    private let atHome: (@Sendable () -> Void)?
    private let startedAt: UInt64
    private let state = Mutex(State())

    init(
        _ pipeline: Pipeline, _ neighbours: Neighbours, _ routed: Routed, for destination: Destination,
        _ client: Client, holding held: [any Sendable], orHere atHome: (@Sendable () -> Void)? = nil
    ) {
        self.atHome = atHome
        (self.pipeline, self.neighbours, self.routed) = (pipeline, neighbours, routed)
        (self.destination, self.client, self.held) = (destination, client, held)
        startedAt = pipeline.fleet.monotonic.nanoseconds()
        if case .whole(_, let responder) = client { state.withLock { $0.responder = responder } }
    }

    // MARK: Where to

    /// Goes to where the tenant is, as far as this node knows.
    func start() {
        switch destination {
        case .tenant(let record): start(at: neighbours.placement.place(of: record.id))
        case .node(let name): go(to: name, neighbours.node(name)?.address)
        }
    }

    func start(at place: TenantPlace) {
        switch place {
        case .here: serveHere()
        case .at(let name, let address): go(to: name, address)
        case .nowhere where !neighbours.placement.isServing: refuse(.unavailable(.logUnavailable))
        case .nowhere: waitAndLook(orElse: unreached)
        }
    }

    private func go(to name: NodeName, _ address: String?) {
        guard name != neighbours.placement.name else { return serveHere() }
        guard let node = neighbours.node(name), let place = PeerAddress(address ?? node.address) else {
            return waitAndLook(orElse: unreached)
        }
        let count = (routed.hop?.count ?? 0) + 1
        guard count <= Hop.countMax else { return refuse(.unavailable(.tenantMoving)) }
        let peer = Peer(
            address: pipeline.clientAddress(routed), role: routed.peer.role,
            isEncrypted: pipeline.isSecure(routed.head, routed.peer))
        let (length, body): (ForwardedHead.Length, PeerRequest.Body) =
            switch client {
            case .whole(let bytes, _):
                (routed.head.announcesLength || !bytes.isEmpty ? .whole(bytes.count) : .none, .whole(bytes))
            case .pieces(let length, _): (.pieces(length: length), .pieces(isChunked: length == nil))
            }
        let request = PeerRequest(
            to: place, group: destination.group, body: body, isHead: routed.head.method == .head,
            head: { [self] binding in
                let header = neighbours.key.header(
                    routed.head, routed.requestID, peer, count: count, to: node, over: binding,
                    nonce: pipeline.fleet.random.uint64())
                state.withLock { $0.header = header }
                return ForwardedHead.render(routed.head, hop: header, length)
            }, isWorthWaiting: { [neighbours] in neighbours.isAlive(name) })
        state.withLock { state in
            state.node = name
            state.sentAt = pipeline.fleet.monotonic.nanoseconds()
        }
        // It may fail at once.
        _ = neighbours.client.send(request, for: self)
    }

    /// The tenant has come to this node: the call goes on as if it had never left.
    private func serveHere() {
        if let atHome { return atHome() }
        switch client {
        case .whole(let body, let responder): pipeline.serveHere(routed, body, responder)
        case .pieces(_, let decide):
            decide { [pipeline, routed] in pipeline.serve(routed) }
        }
    }

    /// Nothing was done.
    private var unreached: Refusal {
        if case .tenant = destination { return .unavailable(.tenantMoving) }
        return .unavailable(.nodeUnreachable)
    }

    private var isPatient: Bool {
        let waited = pipeline.fleet.monotonic.nanoseconds() - startedAt
        return waited < Neighbours.patienceMilliseconds * 1_000_000
    }

    /// Asks the log where the tenant is now, a little later.
    private func waitAndLook(orElse refusal: Refusal) {
        guard isPatient else { return refuse(refusal) }
        let pause = state.withLock { state in
            defer { state.pause = min(state.pause * 2, Neighbours.pauseMillisecondsMax) }
            return state.pause
        }
        neighbours.client.after(milliseconds: pause) { [self] in look() }
    }

    private func look() {
        guard case .tenant(let record) = destination else { return start() }
        guard readdresses() else { return look(for: record) }
        neighbours.placement.catchUp { [self] succeeded in
            if !succeeded || pipeline.isStill(for: record, routed, body: body) { return look(for: record) }
            beginAgain()
        }
    }

    private func look(for record: TenantRecord) {
        neighbours.placement.look(record.id) { [self] in start(at: $0) }
    }

    /// Once, before the log is asked where the tenant is: what the call names may be another tenant's by now. Not where
    /// something may have been done for this one.
    private func readdresses() -> Bool {
        state.withLock { state in
            defer { state.isReaddressed = true }
            return atHome == nil && !state.isReaddressed && !state.mayHaveActed && !state.hasWantedBody
        }
    }

    /// As far as it has been read.
    private var body: [UInt8] { if case .whole(let bytes, _) = client { bytes } else { [] } }

    /// The call names another tenant now, or none.
    private func beginAgain() {
        switch client {
        case .whole(let body, let responder): pipeline.placeAgain(routed, neighbours, body, responder)
        case .pieces(_, let decide):
            decide { [pipeline, neighbours, routed] in pipeline.placeAgain(routed, neighbours) }
        }
    }

    // MARK: PeerCaller

    func wantsBody(_ exchange: PeerExchange) {
        guard case .pieces(_, let decide) = client else { return }
        state.withLock { $0.hasWantedBody = true }
        let body = ForwardedBody(exchange, holding: held)
        decide { [self] in
            if let kept = state.withLock({ $0.kept }) { return .answer(kept) }
            return .streamBody(bytesMax: .max) { [self] responder in
                let kept = state.withLock { state in
                    state.responder = responder
                    return state.kept
                }
                body.begin()
                if let kept { responder.respond(kept) }
                return body
            }
        }
    }

    func answered(_ answer: PeerAnswer) {
        let (header, node, sentAt) = state.withLock { ($0.header, $0.node, $0.sentAt) }
        let proof = answer.value(of: HopKey.answerFieldLowercase)
        guard let word = neighbours.key.word(proof, status: answer.status, toHeader: header) else {
            Self.drop(answer)
            return end(.malformed)
        }
        switch word {
        case .answer:
            let nanoseconds = pipeline.fleet.monotonic.nanoseconds() - sentAt
            neighbours.metrics.count(.answered, at: node, microseconds: nanoseconds / 1_000)
            deliver(response(answer))
        case .notMine:
            Self.drop(answer)
            neighbours.metrics.count(.notMine, at: node)
            let bounces = state.withLock { state in
                state.bounces += 1
                return state.bounces
            }
            guard bounces <= Neighbours.bouncesMax else { return refuse(.unavailable(.tenantMoving)) }
            if bounces == 1 { look() } else { waitAndLook(orElse: unreached) }
        }
    }

    func failed(_ failure: PeerFailure) { end(failure) }

    private func end(_ failure: PeerFailure) {
        let (node, hasWantedBody, malformed) = state.withLock { state in
            if failure == .malformed { state.malformed += 1 }
            if failure == .lost || failure == .malformed { state.mayHaveActed = true }
            return (state.node, state.hasWantedBody, state.malformed)
        }
        neighbours.metrics.count(failure == .notSent ? .notSent : failure == .busy ? .busy : .lost, at: node)
        switch failure {
        case .busy: refuse(.busy)
        // What has been read of the body is gone.
        case .notSent where hasWantedBody: refuse(unreached)
        case .notSent: waitAndLook(orElse: unreached)
        case .lost, .malformed:
            guard !hasWantedBody, isRepeatable else { return refuse(.unavailable(.outcomeUnknown)) }
            // What it cannot say it says each time.
            guard malformed < 2 else { return refuse(unreached) }
            waitAndLook(orElse: .unavailable(.outcomeUnknown))
        }
    }

    /// Whether the same call twice does no more than once.
    private var isRepeatable: Bool {
        if routed.route.moves == .nothing { return true }
        return routed.route.takesIdempotencyKey && IdempotencyKey.of(routed.head) != nil
    }

    // MARK: The client

    private static func drop(_ answer: PeerAnswer) {
        if case .stream(let stream, _) = answer.body { stream.cancel() }
    }

    private func response(_ answer: PeerAnswer) -> Response {
        var lines: [UInt8] = []
        for field in answer.fields where field.name.lowercased() != HopKey.answerFieldLowercase {
            lines += Array("\(field.name): \(field.value)\r\n".utf8)
        }
        return Response(status: answer.status, headers: ResponseHeaders(rendered: lines), body: answer.body)
    }

    private func deliver(_ response: Response) {
        var response = response
        pipeline.passOn(&response, routed, from: state.withLock { $0.node })
        answer(response)
    }

    private func refuse(_ refusal: Refusal) {
        answer(pipeline.refuse(refusal, routed.surface, RequestTrace(routed)))
    }

    private func answer(_ response: Response) {
        let (responder, isKept) = state.withLock { state in
            if state.responder == nil && state.hasWantedBody { state.kept = response }
            return (state.responder, state.hasWantedBody)
        }
        if let responder { return responder.respond(response) }
        if !isKept, case .pieces(_, let decide) = client { decide { .answer(response) } }
    }
}

/// A client's body on its way to another node, a piece at a time. Where the client has gone before its first, the other
/// node is told.
final class ForwardedBody: BodySink {
    private let exchange: PeerExchange
    private let held: [any Sendable]
    private let hasBegun = Atomic<Bool>(false)

    init(_ exchange: PeerExchange, holding held: [any Sendable]) { (self.exchange, self.held) = (exchange, held) }

    deinit { if !hasBegun.load(ordering: .acquiring) { exchange.cancel() } }

    func begin() { hasBegun.store(true, ordering: .releasing) }

    func receive(_ piece: [UInt8], resume: @escaping @Sendable () -> Void) { exchange.send(piece, taken: resume) }
    func finish() { exchange.finishBody() }
    func abort() { exchange.cancel() }
}
