import CallKit
import HTTPCore
import RateLimiter
import TenantRegistry

/// Taken before a body is read and held until its call is over, so that jobs that wait count too (G6).
extension SharedRoom: BodyRoom {}

/// How a body comes in, out of whose room, and what a trusted proxy may forward (G6).
extension Pipeline {
    func readWhole(_ admitted: Admitted, bytesMax: Int) -> HeadVerdict {
        // Whoever has shown no key sends little (G6).
        let bytesMax = admitted.payer.isStranger ? min(bytesMax, Route.openBodyBytesMax) : bytesMax
        let room = SharedRoom(fleet.budgets.bodies, admitted.payer)
        return .readBody(bytesMax: bytesMax, room: room) { [self] body, responder in
            var admitted = admitted
            admitted.held.append(room)
            CallRun(pipeline: self, admitted: admitted, body: body, responder: responder).start()
            return nil
        }
    }

    /// More than is held in memory as it comes.
    func spool(_ admitted: Admitted, bytesMax: Int) -> HeadVerdict {
        let room = SharedRoom(fleet.budgets.scratch, admitted.payer)
        if let announced = admitted.routed.head.announcedBytes, announced <= bytesMax, !room.grow(to: announced) {
            var response = refuse(
                .unavailable(.scratchFull), admitted.routed.surface, RequestTrace(admitted.routed))
            response.headers.add(admitted.limitHeaders)
            return .answer(response)
        }
        let piece = SharedRoom(fleet.budgets.bodies, admitted.payer)
        return .streamBody(bytesMax: bytesMax, room: piece) { [self] responder in
            var admitted = admitted
            admitted.held.append(piece)
            let run: SpooledBody.Run = { [admitted] body, turn in
                var admitted = admitted
                admitted.held.append(turn)
                CallRun(pipeline: self, admitted: admitted, body: body, responder: responder).start()
            }
            return SpooledBody(admitted.payer, fleet, imports, room, run: run) { [admitted] refusal in
                CallRun(pipeline: self, admitted: admitted, body: [], responder: responder).fail(refusal)
            }
        }
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
