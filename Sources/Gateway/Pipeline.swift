import CallKit
import Cryptography
import HTTPCore
import HTTPServer
import Provider
import RateLimiter
import Synchronization
import TenantApp
import TenantRegistry

/// The way of every request, in this order:
///
/// `route → authenticate → admit → body → lane → answer and audit`
///
/// Each stage takes the value that the one before returned (`Routed`, `Authenticated`, `Admitted`), and `CallRun` takes
/// the last, so none can be skipped by accident. Runs on the connection's loop up to the lane; must not block there.
final class Pipeline: RequestHandler, Sendable {
    let fleet: Fleet
    let router: Router
    let authentication: Authentication
    let admission: Admission
    let services: Services
    let blueprints: Blueprints
    let configuration: Configuration
    let metrics: GatewayMetrics
    let log: RequestLog
    let isDraining = Atomic<Bool>(false)
    let imports: ImportLine
    private let requestIDs: RequestIDs
    private let attached = Mutex<(metrics: ServerMetrics?, authority: String)>((nil, "127.0.0.1"))
    /// What works by itself; nil where nothing does.
    private let working = Mutex<(scheduler: Scheduler?, webhooks: WebhookSender?, provisioning: ProvisioningCaller?)>(
        (nil, nil, nil))
    var scheduler: Scheduler? { working.withLock { $0.scheduler } }
    var webhooks: WebhookSender? { working.withLock { $0.webhooks } }
    var provisioning: ProvisioningCaller? { working.withLock { $0.provisioning } }
    func attach(_ scheduler: Scheduler) { working.withLock { $0.scheduler = scheduler } }
    func attach(_ webhooks: WebhookSender) { working.withLock { $0.webhooks = webhooks } }
    func attach(_ provisioning: ProvisioningCaller) { working.withLock { $0.provisioning = provisioning } }

    var server: ServerMetrics? { attached.withLock { $0.metrics } }

    /// What callers of the control socket, who used no address, are given in links.
    var authority: String { attached.withLock { $0.authority } }

    /// The server's counters, which exist before it serves.
    func attach(_ metrics: ServerMetrics) { attached.withLock { $0.metrics = metrics } }

    /// Where the server listens, once it has bound its ports.
    func attach(authority: String) { attached.withLock { $0.authority = authority } }

    init(
        fleet: Fleet, dialects: [any Dialect], provider: ProviderAPI, blueprints: Blueprints,
        configuration: Configuration, services: Services, metrics: GatewayMetrics, log: RequestLog
    ) {
        self.fleet = fleet
        self.blueprints = blueprints
        self.configuration = configuration
        self.services = services
        self.metrics = metrics
        self.log = log
        router = Router(
            dialects: dialects, node: [provider], roster: fleet.roster, hosts: configuration.hosts,
            separatesAdmin: configuration.separatesAdmin)
        authentication = Authentication(fleet: fleet)
        let monotonicNow = fleet.monotonic.nanoseconds()
        admission = Admission(
            process: configuration.processLimit.map { Bucket($0, now: monotonicNow) },
            provider: Bucket(ProviderAPI.policy, now: monotonicNow),
            strangers: StrangersAdmission(budgets: fleet.budgets))
        imports = ImportLine(fleet.budgets)
        requestIDs = RequestIDs(random: fleet.random)
    }

    func received(_ head: RequestHead, from peer: Peer) -> HeadVerdict {
        let requestID = requestIDs.next()
        let started = fleet.monotonic.nanoseconds()
        let now = fleet.clock.now()
        switch router.route(head, from: peer, requestID: requestID, started: started, now: now) {
        case .root(let path):
            return root(path, head, peer, requestID)
        case .options(let allowed, _):
            let trace = RequestTrace(head: head, peer: peer, requestID: requestID, started: started)
            return .answer(options(allowed, trace))
        case .refused(let refusal, let surface):
            return .answer(
                refuse(refusal, surface, RequestTrace(head: head, peer: peer, requestID: requestID, started: started)))
        case .route(let routed):
            return serve(routed)
        }
    }

    private func serve(_ routed: Routed) -> HeadVerdict {
        if let description = routed.route.description, routed.addressed == nil, !routed.isUnknownAddress {
            let trace = RequestTrace(routed)
            let address = clientAddress(routed)
            if let overrun = admission.strangers.described(to: address, now: fleet.monotonic.nanoseconds()) {
                return .answer(refuse(overrun, routed.surface, trace))
            }
            do throws(Refusal) { _ = try routed.endpoint.query(of: routed.head) } catch {
                return .answer(refuse(error, routed.surface, trace))
            }
            return describe(description, trace)
        }
        let place = routed.surface.credential(in: routed.head)
        if place == nil, !routed.route.access.isOpen, let dialect = routed.dialect,
            let bytesMax = dialect.credentialBodyBytesMax
        {
            return readBodyFirst(routed, dialect, bytesMax: bytesMax)
        }
        switch judge(routed, credential: place.map { routed.head.bytes[$0] }) {
        case .refused(let response): return .answer(response)
        case .admitted(let admitted):
            return read(admitted)
        }
    }

    /// The body, as the route takes it, out of its payer's room.
    private func read(_ admitted: Admitted) -> HeadVerdict {
        let routed = admitted.routed
        if let refusal = routed.refusal {
            var response = refuse(refusal, routed.surface, RequestTrace(routed))
            response.headers.add(admitted.limitHeaders)
            return .answer(response)
        }
        if let allowed = routed.allowed {
            var response = options(allowed, RequestTrace(routed))
            response.headers.add(admitted.limitHeaders)
            return .answer(response)
        }
        if let ready = answerKeptReady(admitted) { return .answer(ready) }
        if routed.head.hasCodedBody { return .answer(refuseAdmitted(.codedBody, admitted)) }
        switch routed.route.body {
        case .whole(let bytesMax)
        where bytesMax > Route.bodyBytesMax && !routed.head.announces(atMost: Route.bodyBytesMax):
            return spool(admitted, bytesMax: bytesMax)
        case .whole(let bytesMax): return readWhole(admitted, bytesMax: bytesMax)
        case .pieces(let bytesMax):
            let bytesMax = Int(bytesMax(call(admitted, body: [])))
            let room = SharedRoom(fleet.budgets.bodies, admitted.payer)
            return .streamBody(bytesMax: bytesMax, room: room) { [self] responder in
                var admitted = admitted
                admitted.held.append(room)
                return StreamedBody(CallRun(pipeline: self, admitted: admitted, body: [], responder: responder))
            }
        case .none where routed.head.announcesBody: return readWhole(admitted, bytesMax: Route.bodyBytesMax)
        case .none:
            return .later { [self] responder in
                CallRun(pipeline: self, admitted: admitted, body: [], responder: responder).start()
            }
        }
    }

    /// RFC 9110, §9.3.7; no origin but one's own is let in, so nothing of CORS.
    private func options(_ allowed: String, _ trace: RequestTrace) -> Response {
        var response = Response(status: 204, body: .none)
        response.headers.add("Allow", allowed)
        stamp(&response, trace, tenant: nil)
        return response
    }

    /// The credential may stand in the body: only a small one is read for somebody who is not known yet (L1).
    private func readBodyFirst(_ routed: Routed, _ dialect: any Dialect, bytesMax: Int) -> HeadVerdict {
        if routed.head.hasCodedBody {
            return .answer(refuse(.codedBody, routed.surface, RequestTrace(routed)))
        }
        let address = clientAddress(routed)
        let payer = Payer(
            kind: .stranger, tenant: routed.addressed?.id.number ?? 0, member: address.meteredNumber)
        let room = SharedRoom(fleet.budgets.bodies, payer)
        return .readBody(bytesMax: bytesMax, room: room) { [self] body, responder in
            switch judge(routed, credential: dialect.credential(inBody: body)?[...]) {
            case .refused(let response): return response
            case .admitted(var admitted):
                admitted.held.append(room)
                CallRun(pipeline: self, admitted: admitted, body: body, responder: responder).start()
                return nil
            }
        }
    }

    private enum Judgement {
        case admitted(Admitted)
        case refused(Response)
    }

    /// Authentication, then the limits.
    private func judge(_ routed: Routed, credential: ArraySlice<UInt8>?) -> Judgement {
        let authenticated: Authenticated
        do {
            authenticated = try authentication.authenticate(routed, credential: credential)
        } catch {
            if let known = error.known { return .refused(refuseKnown(error.refusal, known)) }
            return .refused(refuseUnauthenticated(error.refusal, routed))
        }
        guard isThere(routed.surface, for: authenticated.tenant) else {
            return .refused(refuse(.notFound(.path), routed.surface, RequestTrace(routed)))
        }
        let address = clientAddress(routed)
        let forwarded = forwardedPlace(routed, address)
        if case .crowded = forwarded {
            return .refused(refuse(.unavailable(.crowdedAddress), routed.surface, RequestTrace(routed)))
        }
        do {
            var admitted = try admission.admit(authenticated, address: address, now: fleet.monotonic.nanoseconds())
            if case .place(let place) = forwarded { admitted.held.append(place) }
            return .admitted(admitted)
        } catch {
            let response = refuse(error, routed.surface, RequestTrace(routed))
            record(authenticated, response.status, bytesIn: 0, bytesOut: response.bodyBytes)
            return .refused(response)
        }
    }

    /// A dialect that the tenant's blueprint does not have is a path that is not there.
    private func isThere(_ surface: any Surface, for tenant: TenantRecord?) -> Bool {
        guard !surface.isAlwaysThere, let tenant else { return true }
        return blueprints.dialects(of: tenant).contains(surface.name)
    }

    /// What the route's handler is given.
    func call(_ admitted: Admitted, query: Query? = nil, body: [UInt8]) -> Call {
        let routed = admitted.routed
        return Call(
            head: routed.head, peer: routed.peer, clientAddress: clientAddress(routed),
            realm: admitted.authenticated.realm, caller: admitted.caller, parameters: routed.parameters, query: query,
            body: body, requestID: routed.requestID, now: routed.now,
            baseURL: baseURL(of: routed, tenant: admitted.tenant), services: services, list: routed.action,
            refusesUnknownMembers: routed.surface.refusesUnknownMembers)
    }

    /// What every shop asks for all day, served on the loop from bytes that the last commit left.
    private func answerKeptReady(_ admitted: Admitted) -> Response? {
        guard let key = cacheKey(admitted), let kept = admitted.tenant?.answers[key] else { return nil }
        let isKnown = admitted.routed.head.has(kept.tag)
        let status = isKnown ? 304 : 200
        guard record(admitted.authenticated, status, bytesIn: 0, bytesOut: isKnown ? 0 : kept.bytes.count) else {
            return nil
        }
        var response =
            isKnown
            ? Response(status: 304, body: .none)
            : Response(status: 200, contentType: "application/json", bytes: kept.bytes)
        response.headers.add("ETag", kept.tag.text)
        finish(&response, admitted)
        return response
    }

    func cacheKey(_ admitted: Admitted) -> AnswerCache.Key? {
        guard let kind = admitted.routed.route.cacheKind, admitted.routed.head.queryRange == nil else { return nil }
        // 0 is nobody's: what everybody sees who shows no key.
        return AnswerCache.Key(
            resellerID: admitted.caller?.projection.resellerID ?? 0, book: admitted.caller?.book ?? .live, kind: kind)
    }

    // MARK: Answers

    /// The headers that every answer of an authenticated call carries, and its line in the log.
    func finish(_ response: inout Response, _ admitted: Admitted) {
        response.headers.add(admitted.limitHeaders)
        let caching = response.status < 400 ? Caching(of: admitted.routed.route) : .none
        stamp(&response, RequestTrace(admitted.routed), tenant: admitted.tenant, caching)
    }

    func stamp(_ response: inout Response, _ trace: RequestTrace, tenant: TenantRecord?, _ caching: Caching = .none) {
        response.headers.add("Request-Id", trace.requestID.text)
        if let parent = trace.head?.traceparent { response.headers.add("Traceparent", parent) }
        response.headers.add(lines: caching.lines)
        if isSecure(trace.head, trace.peer) {
            // Of this name alone: names below it may be somebody else's.
            response.headers.add("Strict-Transport-Security", "max-age=31536000")
        }
        metrics.count(status: response.status)
        if log.isOn {
            log.write(
                trace, response, tenant: tenant,
                address: trace.head.map { clientAddress($0, trace.peer) } ?? trace.peer.address,
                now: fleet.clock.now(), nanoseconds: fleet.monotonic.nanoseconds())
        }
    }

    func refuse(_ refusal: Refusal, _ surface: (any Surface)?, _ trace: RequestTrace) -> Response {
        metrics.countRefusal(refusal)
        var response =
            surface?.render(refusal, requestID: trace.requestID, for: trace.head)
            ?? Self.ofNoSurface(refusal, trace)
        stamp(&response, trace, tenant: nil)
        return response
    }

    /// A path that is nobody's: a page for whoever came by a browser.
    private static func ofNoSurface(_ refusal: Refusal, _ trace: RequestTrace) -> Response {
        guard trace.head?.asksForPage ?? false else { return Problem.response(refusal, requestID: trace.requestID) }
        return HTMLPage.refusal(refusal, title: Problem.title(refusal.status))
    }

    /// A known key that may not do this: 403, or 429 where its limit is used up.
    private func refuseKnown(_ refusal: Refusal, _ known: Authenticated) -> Response {
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
        record(known, response.status, bytesIn: 0, bytesOut: response.bodyBytes)
        return response
    }

    /// An admitted call that is refused for its head alone.
    private func refuseAdmitted(_ refusal: Refusal, _ admitted: Admitted) -> Response {
        var response = refuse(refusal, admitted.routed.surface, RequestTrace(admitted.routed))
        response.headers.add(admitted.limitHeaders)
        record(admitted.authenticated, response.status, bytesIn: 0, bytesOut: response.bodyBytes)
        return response
    }

    /// A failed credential counts against the address; past its bound the address gets 429 for failures.
    private func refuseUnauthenticated(_ refusal: Refusal, _ routed: Routed) -> Response {
        if refusal == .unknownCredential {
            metrics.failedCredentials.add(1, ordering: .relaxed)
            if let overrun = admission.strangers.missed(
                at: routed.addressed, address: clientAddress(routed), now: fleet.monotonic.nanoseconds())
            {
                return refuse(overrun, routed.surface, RequestTrace(routed))
            }
        }
        return refuse(refusal, routed.surface, RequestTrace(routed))
    }

    func refuse(_ overrun: Overrun, _ surface: (any Surface)?, _ trace: RequestTrace) -> Response {
        var response = refuse(overrun.refusal, surface, trace)
        response.headers.add(overrun.headers)
        return response
    }

    /// A link or signature of an open call opened nothing.
    func missed(_ admitted: Admitted) -> Overrun? {
        metrics.failedCredentials.add(1, ordering: .relaxed)
        return admission.strangers.missed(
            at: admitted.tenant, address: clientAddress(admitted.routed), now: fleet.monotonic.nanoseconds())
    }

    /// A link or signature of an open call was right.
    func paid(_ admitted: Admitted) {
        guard let tenant = admitted.tenant else { return }
        admission.strangers.paid(admitted.routed, of: tenant, now: fleet.monotonic.nanoseconds())
    }

    func clientAddress(_ routed: Routed) -> IPAddress { clientAddress(routed.head, routed.peer) }

    func clientAddress(_ head: RequestHead, _ peer: Peer) -> IPAddress {
        guard !configuration.trustedProxies.isEmpty else { return peer.address }
        return IPAddress.client(
            peer: peer.address, forwardedFor: head.joinedValues(of: .forwardedFor),
            trusted: configuration.trustedProxies)
    }

    /// Whether the client speaks TLS: with us, or with a trusted proxy that says so.
    func isSecure(_ head: RequestHead?, _ peer: Peer) -> Bool {
        if peer.isEncrypted { return true }
        guard let head, configuration.trustedProxies.contains(where: { $0.contains(peer.address) }) else {
            return false
        }
        return head.value(of: .forwardedProtocol)?.lowercased() == "https"
    }

    // MARK: Audit of calls that wrote nothing

    func auditRecord(
        _ request: Authenticated, _ status: Int, bytesIn: Int, bytesOut: Int
    ) -> AuditRecord {
        let routed = request.routed
        var record = AuditRecord(
            at: routed.now, action: routed.action, status: status,
            requestID: routed.requestID,
            latencyMicroseconds: Int((fleet.monotonic.nanoseconds() - routed.started) / 1_000), bytesIn: bytesIn,
            // An answer to HEAD has no body.
            bytesOut: routed.head.method == .head ? 0 : bytesOut)
        if let projection = request.caller?.projection {
            record.book = projection.book
            record.keyID = projection.keyID
            record.accountID = projection.accountID
            record.resellerID = projection.resellerID
            record.callerResellerID = projection.resellerID
            record.callerKeyID = projection.role.isSession ? 0 : projection.keyID
        }
        return record
    }

    /// False where the read log has no room: the call has to go through the lane, which makes some. The provider's
    /// calls are in no tenant's log.
    @discardableResult
    func record(
        _ request: Authenticated, _ status: Int, bytesIn: Int, bytesOut: Int, isOwed: Bool = false
    ) -> Bool {
        guard let tenant = request.tenant else { return true }
        let line = auditRecord(request, status, bytesIn: bytesIn, bytesOut: bytesOut)
        defer { tenant.touch() }
        return tenant.readLog.append(line, isOwed: isOwed)
    }

    // MARK: RequestHandler's other calls

    func refusal(status: Int, reason: String, head: RequestHead?, from peer: Peer) -> Response {
        let requestID = requestIDs.next()
        let now = fleet.monotonic.nanoseconds()
        var surface: (any Surface)?
        var trace = RequestTrace(head: head, peer: peer, requestID: requestID, started: now)
        if let head {
            let routing = router.route(head, from: peer, requestID: requestID, started: now, now: fleet.clock.now())
            switch routing {
            case .route(let routed):
                surface = routed.surface
                trace = RequestTrace(routed)
            case .refused(_, let known): surface = known
            case .options(_, let known): surface = known
            case .root(let path): trace.path = Router.rootPaths.contains(path) ? path : nil
            }
        }
        return refuse(.transport(status: status, reason: reason), surface, trace)
    }

    func answered(_ head: RequestHead?, status: Int, bytes: Int, microseconds: Int, from peer: Peer) {
        metrics.latency.record(UInt64(max(0, microseconds)))
    }
}

/// Where a request came from, for its answer's headers and the log.
struct RequestTrace: Sendable {
    let head: RequestHead?
    let peer: Peer
    let requestID: RequestID
    let started: UInt64
    /// The route's path with its parameters' names; nil where no route matched.
    var path: String?

    init(head: RequestHead?, peer: Peer, requestID: RequestID, started: UInt64) {
        self.head = head
        self.peer = peer
        self.requestID = requestID
        self.started = started
    }

    init(_ routed: Routed) {
        self.init(head: routed.head, peer: routed.peer, requestID: routed.requestID, started: routed.started)
        if routed.refusal == nil { path = routed.endpoint.path }
    }
}

/// Request ids: one random half for the process, one counted half scattered, so that none comes twice and none costs a
/// system call.
final class RequestIDs: Sendable {
    private let high: UInt64
    private let offset: UInt64
    private let counter = Atomic<UInt64>(0)

    init(random: any RandomSource) {
        high = random.uint64()
        offset = random.uint64()
    }

    func next() -> RequestID {
        let count = counter.add(1, ordering: .relaxed).newValue
        // An odd multiplier makes this a permutation of all 64-bit numbers.
        return RequestID(high: high, low: (count &+ offset) &* 0x9E37_79B9_7F4A_7C15)
    }
}

extension RequestHead {
    /// Nil for a body of no known length.
    var announcedBytes: Int? {
        if range(of: .transferEncoding) != nil { return nil }
        return value(of: .contentLength).map { Int($0) ?? .max } ?? 0
    }

    func announces(atMost bytes: Int) -> Bool { announcedBytes.map { $0 <= bytes } ?? false }

    /// Whether the body comes compressed or in another coding (RFC 9110 §8.4).
    var hasCodedBody: Bool {
        guard let coding = value(of: .contentEncoding) else { return false }
        return !coding.isEmpty && coding.lowercased() != "identity" && announcesBody
    }

    var announcesBody: Bool {
        if range(of: .transferEncoding) != nil { return true }
        guard let length = value(of: .contentLength) else { return false }
        return length != "0"
    }
}
