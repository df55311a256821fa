import CallKit
import HTTPCore
import TenantRegistry

/// The call that a browser or a program made, where what runs is one that it made in turn.
final class OutermostCall: Sendable {
    let run: CallRun
    init(_ run: CallRun) { self.run = run }
}

/// A call whose tenant went to another node while it waited (N4).
extension CallRun {
    /// A call is begun again at this node so often.
    private static let turnsMax = 2

    /// Sends the call to where its tenant is now, as it came, or begins it again where that is here. False where it
    /// cannot be: its body has been used up, or a part of it was done.
    func follow() -> Bool {
        guard let neighbours = pipeline.neighbours, !mayHaveActed, incoming == nil else { return false }
        let whole = outermost?.run ?? self
        guard whole.incoming == nil, let record = whole.subject else { return false }
        neighbours.placement.look(record.id) { place in
            let call = ForwardedCall(
                whole.pipeline, neighbours, whole.routed, for: .tenant(record), .whole(whole.body, whole.responder),
                holding: whole.admitted.held, orHere: { whole.beginAgain() })
            call.start(at: place)
        }
        return true
    }

    private func beginAgain() {
        guard turns < Self.turnsMax else { return fail(Refusal.unavailable(.tenantMoving)) }
        var again = self
        again.turns += 1
        again.start()
    }

    /// The tenant whose file the call is about.
    private var subject: TenantRecord? {
        if let tenant = admitted.tenant { return tenant }
        guard routed.route.pattern.contains("{slug}"), let slug = routed.parameters.first else { return nil }
        return pipeline.fleet.roster.tenant(slug: slug)
    }
}
