import CallKit
import HTTPCore
import RateLimiter
import Synchronization
import TenantRegistry

/// Taken before a body is read and held until its call is over, so that jobs that wait count too (G6).
extension SharedRoom: BodyRoom {}

/// An admitted call whose body comes in: what the server refuses of it is told, counted and recorded as what its
/// handler refuses, and so is a client that leaves (G2, O6).
///
/// Invariant: the call has one line, though the server may refuse the body while the handler does. Any thread.
final class IncomingCall: AcceptedCall {
    let admitted: Admitted
    private let pipeline: Pipeline
    private let isTold = Atomic<Bool>(false)

    init(_ pipeline: Pipeline, _ admitted: Admitted) {
        self.pipeline = pipeline
        self.admitted = admitted
    }

    func refusal(status: Int, reason: String, received: Int) -> Response {
        let refusal = Refusal.ofServer(status: status, reason: reason)
        return pipeline.refuseAdmitted(refusal, admitted, bytesIn: received, isCounted: tell())
    }

    func left(received: Int) {
        if tell() { pipeline.noteLeft(admitted, bytesIn: received) }
    }

    /// True for whoever is the first to say how the call ended: its line is theirs to write.
    func tell() -> Bool { !isTold.exchange(true, ordering: .relaxed) }

    /// The call as its handler has it, which holds this too until it is over.
    func holding(_ place: any Sendable) -> Admitted {
        var admitted = admitted
        admitted.held.append(place)
        return admitted
    }
}

/// How a body comes in, out of whose room, and what a trusted proxy may forward (G6).
extension Pipeline {
    /// A small body takes none: it may be an order, or carry a key, a code, a password, a signature, and those who send
    /// much keep none of them out. What all connections hold of such bodies is little.
    func bodyRoom(of payer: Payer) -> SharedRoom {
        SharedRoom(fleet.budgets.bodies, payer, freeUnits: Self.smallBodyBytes)
    }

    private static let smallBodyBytes = 1 << 10

    /// A body that cannot be read shows no key: like a wrong one it is counted against the address.
    func refuseUnread(_ refusal: Refusal, _ routed: Routed, _ body: [UInt8]) -> Response {
        if let overrun = missed(routed, at: routed.addressed) {
            return refuse(overrun, routed.surface, RequestTrace(routed))
        }
        return refuse(routed.head.refusal(refusal, ofBody: body), routed.surface, RequestTrace(routed))
    }

    func readWhole(_ admitted: Admitted, bytesMax: Int) -> HeadVerdict {
        // Whoever has shown no key sends little (G6).
        let bytesMax = admitted.authenticated.isStrangers ? min(bytesMax, Route.openBodyBytesMax) : bytesMax
        let room = bodyRoom(of: admitted.payer)
        let incoming = IncomingCall(self, admitted)
        return .readBody(bytesMax: bytesMax, room: room, call: incoming) { [self] body, responder in
            CallRun(pipeline: self, admitted: incoming.holding(room), body: body, responder: responder).start()
            return nil
        }
    }

    /// More than is held in memory as it comes.
    func spool(_ admitted: Admitted, bytesMax: Int) -> HeadVerdict {
        let room = SharedRoom(fleet.budgets.scratch, admitted.payer)
        if let announced = admitted.routed.head.announcedBytes, announced <= bytesMax, !room.grow(to: announced) {
            return .answer(refuseAdmitted(.unavailable(.scratchFull), admitted))
        }
        let piece = SharedRoom(fleet.budgets.bodies, admitted.payer)
        let incoming = IncomingCall(self, admitted)
        return .streamBody(bytesMax: bytesMax, room: piece, call: incoming) { [self] responder in
            let admitted = incoming.holding(piece)
            let run: SpooledBody.Run = { body, turn in
                var admitted = admitted
                admitted.held.append(turn)
                CallRun(pipeline: self, admitted: admitted, body: body, responder: responder).start()
            }
            return SpooledBody(admitted.payer, fleet, imports, room, run: run) { refusal in
                CallRun(pipeline: self, admitted: admitted, body: [], responder: responder).fail(refusal)
            }
        }
    }

    /// An admitted call that is refused for its head or its body alone: one by a link or a signature has opened
    /// nothing, so that it is a guess of the address, whatever it is refused for (G6).
    func refuseAdmitted(
        _ refusal: Refusal, _ admitted: Admitted, bytesIn: Int = 0, isCounted: Bool = true
    ) -> Response {
        let (routed, trace) = (admitted.routed, RequestTrace(admitted.routed))
        let isGuess = isCounted && admitted.isCapability && !refusal.isForLackOfRoom
        let overrun = isGuess ? missed(admitted) : nil
        var response =
            overrun.map { refuse($0, routed.surface, trace) } ?? refuse(refusal, routed.surface, trace)
        response.headers.add(admitted.limitHeaders)
        if isCounted { count(response.status, of: admitted, bytesIn: bytesIn, bytesOut: response.bodyBytes) }
        return response
    }

    /// An admitted call whose client went in the middle of its body.
    func noteLeft(_ admitted: Admitted, bytesIn: Int) {
        if admitted.isCapability { _ = missed(admitted) }
        count(RecordedStream.clientLeftStatus, of: admitted, bytesIn: bytesIn, bytesOut: 0)
    }

    /// Its line is owed: nobody waits for room for it.
    private func count(_ status: Int, of admitted: Admitted, bytesIn: Int, bytesOut: Int) {
        admitted.tenant?.traffic.count(status: status, at: admitted.routed.now)
        record(admitted.authenticated, status, bytesIn: bytesIn, bytesOut: bytesOut, isOwed: true)
    }

    enum Forwarding {
        case direct
        case place(SharedRoom)
        case crowded
    }

    /// A trusted proxy's connections are everybody's: each address that it forwards has a bound of its own instead.
    func forwardedPlace(_ routed: Routed, _ address: IPAddress) -> Forwarding {
        guard !configuration.trustedProxies.isEmpty, address != routed.peer.address else { return .direct }
        let payer = Payer(kind: .stranger, tenant: 0, member: address.meteredNumber)
        return fleet.budgets.forwarded.place(for: payer).map { .place($0) } ?? .crowded
    }
}
