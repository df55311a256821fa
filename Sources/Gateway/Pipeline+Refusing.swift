import CallKit
import HTTPCore
import Synchronization
import TenantRegistry

/// Refusals of callers who are known, and of those who are not: what they count against, and the limits they are told.
extension Pipeline {
    /// A known key that may not do this: 403, or 429 where its limit is used up.
    func refuseKnown(_ refusal: Refusal, _ known: Authenticated) -> Response {
        var refusal = refusal
        let limits: ResponseHeaders
        do {
            limits = try admission.admit(
                known, address: clientAddress(known.routed), now: fleet.monotonic.nanoseconds()
            ).limitHeaders
        } catch {
            refusal = error.refusal
            limits = error.headers
        }
        var response = refuse(refusal, known.routed.surface, RequestTrace(known.routed))
        response.headers.add(limits)
        known.tenant?.traffic.count(status: response.status, at: known.routed.now)
        record(known, response.status, bytesIn: 0, bytesOut: response.bodyBytes, isOwed: true)
        return response
    }

    /// A known key at what serves nobody: it is told its limits, and they stay as they are (G2).
    func refuseUncounted(_ refusal: Refusal, _ known: Authenticated) -> Response {
        var response = refuse(refusal, known.routed.surface, RequestTrace(known.routed))
        response.headers.add(admission.limitHeaders(of: known, now: fleet.monotonic.nanoseconds()))
        return response
    }

    /// A failed credential counts against the address; past its bound the address gets 429 for failures.
    func refuseUnauthenticated(_ refusal: Refusal, _ routed: Routed) -> Response {
        if refusal == .unknownCredential, let overrun = missed(routed, at: routed.addressed) {
            return refuse(overrun, routed.surface, RequestTrace(routed))
        }
        return refuse(refusal, routed.surface, RequestTrace(routed))
    }

    func refuse(_ overrun: Overrun, _ surface: (any Surface)?, _ trace: RequestTrace) -> Response {
        var response = refuse(overrun.refusal, surface, trace)
        response.headers.add(overrun.headers)
        return response
    }

    /// A link or signature of an open call opened nothing.
    func missed(_ admitted: Admitted) -> Overrun? { missed(admitted.routed, at: admitted.tenant) }

    func missed(_ routed: Routed, at tenant: TenantRecord?) -> Overrun? {
        metrics.failedCredentials.add(1, ordering: .relaxed)
        return admission.strangers.missed(
            at: tenant, address: clientAddress(routed), now: fleet.monotonic.nanoseconds())
    }

    /// A link or signature of an open call was right.
    func paid(_ admitted: Admitted) {
        guard let tenant = admitted.tenant else { return }
        admission.strangers.paid(admitted.routed, of: tenant, now: fleet.monotonic.nanoseconds())
    }
}
