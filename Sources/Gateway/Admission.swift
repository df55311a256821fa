import CallKit
import HTTPCore
import RateLimiter
import TenantApp
import TenantRegistry

/// A request that the limits let pass: the witness that its operation requires.
struct Admitted: Sendable {
    let authenticated: Authenticated
    /// `RateLimit-Policy`, `RateLimit` and the `X-RateLimit-*` trio, rendered.
    let limitHeaders: ResponseHeaders

    var routed: Routed { authenticated.routed }
    /// Nil for the provider's calls.
    var tenant: TenantRecord? { authenticated.tenant }
    var caller: Caller? { authenticated.caller }
}

/// A refusal by a limit, with the headers that say which.
struct Overrun: Error {
    let refusal: Refusal
    let headers: ResponseHeaders
}

/// Limits in the order key → reseller → route class → tenant → process; a refusal gives back what the earlier levels
/// took (0005).
struct Admission: Sendable {
    let process: Bucket?
    /// All of the provider's calls together; no other limit is theirs.
    let provider: Bucket
    /// Applications to become a reseller and the like: 20 per 15 minutes and address (A2, W11).
    let applications = AddressMeter(Policy(requests: 20, windowSeconds: 900, burst: 20)!)
    let failures = AddressMeter(Authentication.failuresPolicy)

    func admit(_ request: Authenticated, address: IPAddress, now: UInt64) throws(Overrun) -> Admitted {
        guard let tenant = request.tenant else { return try admitProvider(request, now: now) }
        if request.caller == nil {
            // Whoever has tried too many passwords or keys tries no more of them.
            let decision = failures.look(AddressKey(address), now: now)
            if !decision.admitted { throw overrun(decision, "address") }
        }
        if request.routed.route.isRationedByAddress {
            let decision = applications.take(AddressKey(address), now: now)
            if !decision.admitted { throw overrun(decision, "address") }
        }
        let levels = RequestLimits(
            key: request.keyLimit, reseller: request.caller?.key.reseller?.bucket,
            routeClass: request.routed.route.routeClass.flatMap { routeClass in
                request.caller?.key.reseller?.routeClasses.bucket(of: routeClass, now: now)
            },
            tenant: tenant.bucket, process: process)
        let verdict = RequestLimits.admit(levels, cost: 1, now: now)
        if !verdict.admitted, let decision = verdict.decision, let level = verdict.level {
            throw overrun(decision, name(level, request.routed.route))
        }
        guard tenant.countRequest(at: request.routed.now) else {
            levels.giveBack(cost: 1)
            throw Overrun(
                refusal: .quotaExceeded("requests in a month"), headers: headers(verdict, request.routed.route))
        }
        return Admitted(authenticated: request, limitHeaders: headers(verdict, request.routed.route))
    }

    private func admitProvider(_ request: Authenticated, now: UInt64) throws(Overrun) -> Admitted {
        let decision = provider.take(now: now)
        if !decision.admitted { throw overrun(decision, "provider") }
        return Admitted(authenticated: request, limitHeaders: Self.headers(decision, "provider"))
    }

    /// Counts a failed credential; past its bound the address is refused for failing.
    func overrunByFailures(_ address: IPAddress, now: UInt64) -> Overrun? {
        let decision = failures.take(AddressKey(address), now: now)
        return decision.admitted ? nil : overrun(decision, "address")
    }

    /// None where nothing limits the call: an open route of a tenant without a limit.
    private func headers(_ verdict: Verdict, _ route: Route) -> ResponseHeaders {
        guard let decision = verdict.decision, let level = verdict.level else { return ResponseHeaders() }
        return Self.headers(decision, name(level, route))
    }

    private func overrun(_ decision: Decision, _ name: StaticString) -> Overrun {
        Overrun(
            refusal: .rateLimited(retryAfterSeconds: max(1, decision.retryAfterSeconds)),
            headers: Self.headers(decision, name))
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

    /// The IETF draft's pair (draft-ietf-httpapi-ratelimit-headers) and the common trio; times in seconds from now.
    private static func headers(_ decision: Decision, _ name: StaticString) -> ResponseHeaders {
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

extension AddressKey {
    /// IPv4 whole, IPv6 by /64 (G6).
    init(_ address: IPAddress) {
        let metered = address.meteringAddress
        self.init(high: metered.high, low: metered.low)
    }
}
