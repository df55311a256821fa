import CallKit
import HTTPCore
import RateLimiter
import TenantApp
import TenantRegistry

/// A request that the limits let pass: the witness that its operation requires.
struct Admitted: Sendable {
    let authenticated: Authenticated
    /// `RateLimit-Policy`, `RateLimit` and the `X-RateLimit-*` trio, rendered; none on open calls.
    let limitHeaders: ResponseHeaders
    let payer: Payer
    /// Held until the call is over: places in what is shared.
    var held: [any Sendable] = []

    var routed: Routed { authenticated.routed }
    /// Nil for the provider's calls.
    var tenant: TenantRecord? { authenticated.tenant }
    var caller: Caller? { authenticated.caller }
    /// Whether it is a stranger's call by a link or a signature, which is the tenant's once that has opened something.
    var isCapability: Bool {
        guard caller == nil else { return false }
        return routed.route.openCalls == .capability || routed.route.openCalls == .signed
    }
}

/// A refusal by a limit, with the headers that say which.
struct Overrun: Error {
    let refusal: Refusal
    let headers: ResponseHeaders
}

/// Known callers: limits in the order key → reseller → route class → tenant → process; a refusal gives back what the
/// earlier levels took (0005). Strangers have budgets of their own and take nothing from these (G6). Resellers that
/// wait for approval take nothing from the tenant's limit and month: all of a tenant's have one budget together.
struct Admission: Sendable {
    let process: Bucket?
    /// All of the provider's calls together; no other limit is theirs.
    let provider: Bucket
    let strangers: StrangersAdmission

    func admit(_ request: Authenticated, address: IPAddress, now: UInt64) throws(Overrun) -> Admitted {
        let payer = Payer(request.realm, request.caller, at: address)
        if let session = request.session {
            try strangers.admit(session: session, of: request.tenant, now: now)
            return Admitted(authenticated: request, limitHeaders: ResponseHeaders(), payer: payer)
        }
        if case .entrance = request.realm {
            try strangers.admitToNode(request.routed, address: address, now: now)
            return Admitted(authenticated: request, limitHeaders: ResponseHeaders(), payer: payer)
        }
        guard let tenant = request.tenant else { return try admitProvider(request, payer, now: now) }
        guard let caller = request.caller else {
            let place = try strangers.admit(request.routed, of: tenant, payer, address: address, now: now)
            return Admitted(
                authenticated: request, limitHeaders: ResponseHeaders(), payer: payer,
                held: place.map { [$0] } ?? [])
        }
        let levels = levels(of: request, caller, tenant, now: now)
        let verdict = RequestLimits.admit(levels, cost: 1, now: now)
        if !verdict.admitted, let decision = verdict.decision, let level = verdict.level {
            throw Overrun(decision, name(level, request.routed.route))
        }
        if caller.isWaiting {
            let decision = strangers.budgets.take(.callsPending, AddressKey(of: tenant.id), now: now)
            guard decision.admitted else {
                levels.giveBack(cost: 1)
                throw Overrun(decision, "pending")
            }
        } else if !tenant.countRequest(at: request.routed.now) {
            levels.giveBack(cost: 1)
            throw Overrun(
                refusal: .quotaExceeded("requests in a month"), headers: headers(verdict, request.routed.route))
        }
        return Admitted(
            authenticated: request, limitHeaders: headers(verdict, request.routed.route), payer: payer)
    }

    /// What a known caller's limits stand at. Takes nothing.
    func limitHeaders(of request: Authenticated, now: UInt64) -> ResponseHeaders {
        guard let caller = request.caller, let tenant = request.tenant else { return ResponseHeaders() }
        let levels = levels(of: request, caller, tenant, now: now)
        return headers(RequestLimits.admit(levels, cost: 0, now: now), request.routed.route)
    }

    private func levels(
        of request: Authenticated, _ caller: Caller, _ tenant: TenantRecord, now: UInt64
    ) -> RequestLimits {
        RequestLimits(
            key: request.keyLimit, reseller: caller.key.reseller?.bucket,
            routeClass: request.routed.route.routeClass.flatMap { routeClass in
                caller.key.reseller?.routeClasses.bucket(of: routeClass, now: now)
            },
            tenant: caller.isWaiting ? nil : tenant.bucket, process: process)
    }

    private func admitProvider(
        _ request: Authenticated, _ payer: Payer, now: UInt64
    ) throws(Overrun) -> Admitted {
        let decision = provider.take(now: now)
        if !decision.admitted { throw Overrun(decision, "provider") }
        return Admitted(
            authenticated: request, limitHeaders: .limit(decision, "provider"), payer: payer)
    }

    /// None where nothing limits the call: an operator's of a tenant without a limit.
    private func headers(_ verdict: Verdict, _ route: Route) -> ResponseHeaders {
        guard let decision = verdict.decision, let level = verdict.level else { return ResponseHeaders() }
        return .limit(decision, name(level, route))
    }

    private func name(_ level: LimitScope, _ route: Route) -> StaticString {
        switch level {
        case .key: "key"
        case .reseller: "reseller"
        case .routeClass: route.routeClass?.name ?? "route"
        case .tenant: "tenant"
        case .process: "process"
        }
    }

}

extension Overrun {
    init(_ decision: Decision, _ name: StaticString) {
        self.init(
            refusal: .rateLimited(retryAfterSeconds: max(1, decision.retryAfterSeconds)),
            headers: .limit(decision, name))
    }
}

extension ResponseHeaders {
    /// The IETF draft's pair (draft-ietf-httpapi-ratelimit-headers) and the common trio; times in seconds from now.
    static func limit(_ decision: Decision, _ name: StaticString) -> ResponseHeaders {
        var headers = ResponseHeaders()
        let policy = decision.policy
        headers.add("RateLimit-Policy") { bytes in
            quote(name, &bytes)
            bytes.append(";q=")
            bytes.append(decimal: policy.requests)
            bytes.append(";w=")
            bytes.append(decimal: policy.windowSeconds)
        }
        headers.add("RateLimit") { bytes in
            quote(name, &bytes)
            bytes.append(";r=")
            bytes.append(decimal: decision.remaining)
            bytes.append(";t=")
            bytes.append(decimal: decision.resetSeconds)
        }
        headers.add("X-RateLimit-Limit", policy.requests)
        headers.add("X-RateLimit-Remaining", decision.remaining)
        headers.add("X-RateLimit-Reset", decision.resetSeconds)
        return headers
    }

    private static func quote(_ name: StaticString, _ bytes: inout [UInt8]) {
        bytes.append(0x22)
        bytes.append(name)
        bytes.append(0x22)
    }
}
