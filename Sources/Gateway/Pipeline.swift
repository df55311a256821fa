import Archive
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
/// In a cluster `Placing` stands behind `route`: a call for a tenant of another node goes there.
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
    /// The cluster's other nodes; nil where there is none.
    let neighbours: Neighbours?
    let isDraining = Atomic<Bool>(false)
    let imports: ImportLine
    private let entrances: Entrances
    private let requestIDs: RequestIDs
    private let attached = Mutex<(metrics: ServerMetrics?, authority: String, certificates: TLSCertificates?)>(
        (nil, "127.0.0.1", nil))
    /// What works by itself; nil where nothing does.
    private struct Working {
        var scheduler: Scheduler?
        var webhooks: WebhookSender?
        var provisioning: ProvisioningCaller?
        var archive: NodeArchive?
    }

    private let working = Mutex(Working())
    var scheduler: Scheduler? { working.withLock { $0.scheduler } }
    var webhooks: WebhookSender? { working.withLock { $0.webhooks } }
    var provisioning: ProvisioningCaller? { working.withLock { $0.provisioning } }
    var archive: NodeArchive? { working.withLock { $0.archive } }
    func attach(_ archive: NodeArchive) { working.withLock { $0.archive = archive } }
    func attach(_ scheduler: Scheduler) { working.withLock { $0.scheduler = scheduler } }
    func attach(_ webhooks: WebhookSender) { working.withLock { $0.webhooks = webhooks } }
    func attach(_ provisioning: ProvisioningCaller) { working.withLock { $0.provisioning = provisioning } }

    var server: ServerMetrics? { attached.withLock { $0.metrics } }

    /// What links begin with for callers of the control socket, who used no address, and of a name that may be
    /// anybody's.
    var authority: String { attached.withLock { $0.authority } }

    /// The server's counters, which exist before it serves.
    func attach(_ metrics: ServerMetrics) { attached.withLock { $0.metrics = metrics } }

    /// The certificates that the node serves, where it speaks TLS.
    func attach(_ certificates: TLSCertificates) { attached.withLock { $0.certificates = certificates } }

    /// Whether the node's own certificate is for this host, in lower case.
    func isCertified(_ host: String) -> Bool {
        attached.withLock { $0.certificates }?.defaultNames(host) ?? false
    }

    /// Where the server listens, once it has bound its ports.
    func attach(authority: String) { attached.withLock { $0.authority = authority } }

    /// Where pages send whoever has not signed in.
    struct Entrances: Sendable {
        let tenants: Entrance
        let node: Entrance
    }

    /// `node`: surfaces that are no tenant's.
    init(
        fleet: Fleet, dialects: [any Dialect], node: [any Surface], entrances: Entrances, blueprints: Blueprints,
        configuration: Configuration, services: Services, metrics: GatewayMetrics, log: RequestLog,
        neighbours: Neighbours?
    ) {
        self.neighbours = neighbours
        self.entrances = entrances
        self.fleet = fleet
        self.blueprints = blueprints
        self.configuration = configuration
        self.services = services
        self.metrics = metrics
        self.log = log
        router = Router(
            dialects: dialects, node: node, roster: fleet.roster, hosts: configuration.hosts,
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
        guard let neighbours else { return received(head, peer, requestIDs.next(), nil) }
        switch neighbours.key.judge(head, over: peer.binding, own: neighbours.own) {
        case .none: return received(head, peer, requestIDs.next(), nil)
        case .hop(let hop) where hop.isPrivileged && !neighbours.opens(hop): return refuseStale(hop, neighbours)
        case .hop(let hop): return received(head, hop.peer, hop.requestID, hop)
        case .stale(let hop): return refuseStale(hop, neighbours)
        }
    }

    private func received(_ head: RequestHead, _ peer: Peer, _ requestID: RequestID, _ hop: Hop?) -> HeadVerdict {
        let request = Router.Request(
            head: head, peer: peer, requestID: requestID, started: fleet.monotonic.nanoseconds(),
            now: fleet.clock.now(), hop: hop)
        guard let neighbours else { return judge(request) { serve($0) } }
        return place(request, neighbours)
    }

    /// Answers what has no route; `serve` judges what has one.
    func judge(_ request: Router.Request, serve: (Routed) -> HeadVerdict) -> HeadVerdict {
        switch router.route(request) {
        case .root(let path): return root(path, request.head, request.peer, request.requestID)
        case .options(let allowed, _): return .answer(options(allowed, RequestTrace(request)))
        case .refused(let refusal, let surface, let tenant):
            var trace = RequestTrace(request)
            trace.addressed = tenant
            return .answer(refuse(refusal, surface, trace))
        case .route(let routed): return serve(routed)
        }
    }

    func serve(_ routed: Routed) -> HeadVerdict {
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
        if let gate = routed.surface.formGate, routed.route.moves != .nothing {
            do throws(Refusal) {
                try gate.judge(
                    routed.head, isSecure: isSecure(routed.head, routed.peer), publicURL: configuration.publicURL)
            } catch {
                return .answer(refuse(error, routed.surface, RequestTrace(routed)))
            }
        }
        let place = credentialPlace(of: routed)
        if place == nil, !routed.route.access.isOpen, let dialect = routed.dialect,
            let bytesMax = dialect.credentialBodyBytesMax
        {
            return readBodyFirst(routed, dialect, bytesMax: bytesMax)
        }
        switch judge(routed, credential: place.map { routed.head.bytes[$0] }) {
        case .refused(let response): return .answer(response)
        case .signedOut: return lead(routed)
        case .admitted(let admitted):
            return read(admitted)
        }
    }

    /// Where the head carries a credential.
    func credentialPlace(of routed: Routed) -> Range<Int>? {
        routed.surface.credentialDomain == nil && routed.route.openCalls != .signOuts
            ? routed.surface.credential(in: routed.head)
            : PageCookie.place(of: .session, in: routed.head, isSecure: isSecure(routed.head, routed.peer))
    }

    /// To where somebody signs in, from a page that only those who have may see.
    private func lead(_ routed: Routed) -> HeadVerdict {
        let entrance = routed.dialect == nil ? entrances.node : entrances.tenants
        let changes = routed.route.moves != .nothing
        guard !changes || routed.head.announces(atMost: entrance.bytesMax) else {
            return .answer(refuse(.unknownCredential, entrance.keeping.surface, RequestTrace(routed)))
        }
        switch judge(Routed(routed, at: changes ? entrance.keeping : entrance.instead), credential: nil) {
        case .refused(let response): return .answer(response)
        case .signedOut: return .answer(refuse(.unknownCredential, entrance.keeping.surface, RequestTrace(routed)))
        case .admitted(let admitted): return read(admitted)
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
            let incoming = IncomingCall(self, admitted)
            return .streamBody(bytesMax: bytesMax, room: room, call: incoming) { [self] responder in
                var run = CallRun(
                    pipeline: self, admitted: incoming.holding(room), body: [], responder: responder)
                run.incoming = incoming
                return StreamedBody(run)
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
        let room = bodyRoom(of: payer)
        return .readBody(bytesMax: bytesMax, room: room) { [self] body, responder in
            let credential: [UInt8]?
            do throws(Refusal) { credential = try dialect.credential(inBody: body) } catch {
                return refuseUnread(error, routed, body)
            }
            switch judge(routed, credential: credential?[...]) {
            case .refused(let response): return response
            case .signedOut: return refuse(.unknownCredential, routed.surface, RequestTrace(routed))
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
        /// No session, or one that is over, where a page asks for one.
        case signedOut
    }

    /// Authentication, then the limits.
    private func judge(_ routed: Routed, credential: ArraySlice<UInt8>?) -> Judgement {
        let authenticated: Authenticated
        do {
            authenticated = try authentication.authenticate(routed, credential: credential)
        } catch {
            if error.refusal == .unknownCredential, routed.surface.credentialDomain != nil { return .signedOut }
            guard let stranger = authentication.stranger(at: routed) else {
                if let known = error.known {
                    if error.isOfTenant { return .refused(refuseUncounted(error.refusal, known)) }
                    // No other key may do more where nothing is.
                    guard isThere(routed.surface, for: known.tenant) else {
                        return .refused(refuseUncounted(.notFound(.path), known))
                    }
                    return .refused(refuseKnown(error.refusal, known))
                }
                return .refused(refuseUnauthenticated(error.refusal, routed))
            }
            // A wrong guess is counted, whatever it is answered.
            if error.refusal == .unknownCredential, let overrun = missed(routed, at: routed.addressed) {
                return .refused(refuse(overrun, routed.surface, RequestTrace(routed)))
            }
            authenticated = stranger
        }
        guard isThere(routed.surface, for: authenticated.tenant) else {
            return .refused(refuseUncounted(.notFound(.path), authenticated))
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
            authenticated.tenant?.traffic.count(status: response.status, at: routed.now)
            record(authenticated, response.status, bytesIn: 0, bytesOut: response.bodyBytes, isOwed: true)
            return .refused(response)
        }
    }

    /// A dialect that the tenant's blueprint does not have is a path that is not there.
    private func isThere(_ surface: any Surface, for tenant: TenantRecord?) -> Bool {
        guard !surface.isAlwaysThere, let tenant else { return true }
        return blueprints.dialects(of: tenant).contains(surface.name)
    }

    /// A call that an admitted one makes: judged like any other, and let in by the limits that let that one in.
    func admit(_ inner: Routed, within outer: Admitted) throws(Refusal) -> Admitted {
        let authenticated = try outer.authenticated.calling(inner)
        guard isThere(inner.surface, for: authenticated.tenant) else { throw .notFound(.path) }
        return Admitted(
            authenticated: authenticated, limitHeaders: outer.limitHeaders, payer: outer.payer, held: outer.held)
    }

    /// What the route's handler is given.
    func call(_ admitted: Admitted, query: Query? = nil, body: [UInt8], isPassedOn: Bool = false) -> Call {
        let (routed, tenant) = (admitted.routed, admitted.tenant)
        return Call(
            head: routed.head, peer: routed.peer, clientAddress: clientAddress(routed),
            realm: admitted.authenticated.realm, caller: admitted.caller, parameters: routed.parameters, query: query,
            body: body, requestID: routed.requestID, now: routed.now,
            baseURL: self.baseURL(of: routed, tenant: tenant),
            isSecure: isSecure(routed.head, routed.peer), services: services, list: routed.action,
            refusesUnknownMembers: routed.surface.refusesUnknownMembers, isPassedOn: isPassedOn)
    }

    /// What every shop asks for all day, served on the loop from bytes that the last commit left.
    private func answerKeptReady(_ admitted: Admitted) -> Response? {
        guard let key = cacheKey(admitted), let tenant = admitted.tenant, let kept = tenant.answers[key],
            !fleet.isInDoubt(tenant)
        else { return nil }
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
        admitted.tenant?.traffic.count(status: response.status, at: admitted.routed.now)
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
        if let neighbours { neighbours.sign(&response, trace.hop) }
        note(response, trace, tenant: tenant, forwardedTo: nil)
    }

    /// Counts an answer and writes its line, where lines are written.
    func note(_ response: Response, _ trace: RequestTrace, tenant: TenantRecord?, forwardedTo node: NodeName?) {
        metrics.count(status: response.status)
        guard log.isOn else { return }
        log.write(
            trace, response, tenant: tenant,
            address: trace.head.map { clientAddress($0, trace.peer) } ?? trace.peer.address,
            now: fleet.clock.now(), nanoseconds: fleet.monotonic.nanoseconds(), forwardedTo: node)
    }

    func refuse(_ refusal: Refusal, _ surface: (any Surface)?, _ trace: RequestTrace) -> Response {
        metrics.countRefusal(refusal)
        var response =
            surface?.render(
                refusal, requestID: trace.requestID, for: trace.head, at: serving(trace.addressed))
            ?? ofNoSurface(refusal, trace)
        stamp(&response, trace, tenant: nil)
        return response
    }

    /// A path that is nobody's: a page for whoever came by a browser.
    private func ofNoSurface(_ refusal: Refusal, _ trace: RequestTrace) -> Response {
        guard trace.head?.asksForPage ?? false else { return Problem.response(refusal, requestID: trace.requestID) }
        return HTMLPage.refusal(
            refusal, title: Problem.title(refusal.status), for: trace.head, at: serving(trace.addressed),
            leadsHome: true)
    }

    /// The tenant that a refusal looks like: one whose pages are served, so that it tells nobody of any other.
    func serving(_ tenant: TenantRecord?) -> TenantRecord? {
        guard let tenant, fleet.isServedHere(tenant.id), case .open = tenant.access(at: fleet.clock.now()) else {
            return nil
        }
        return tenant
    }

    // MARK: RequestHandler's other calls

    func refusal(status: Int, reason: String, head: RequestHead?, from peer: Peer) -> Response {
        var hop: Hop?
        if let neighbours, let head,
            case .hop(let said) = neighbours.key.judge(head, over: peer.binding, own: neighbours.own)
        {
            hop = said
        }
        let peer = hop?.peer ?? peer
        let requestID = hop?.requestID ?? requestIDs.next()
        let now = fleet.monotonic.nanoseconds()
        var surface: (any Surface)?
        var trace = RequestTrace(head: head, peer: peer, requestID: requestID, started: now, hop: hop)
        if let head {
            let request = Router.Request(
                head: head, peer: peer, requestID: requestID, started: now, now: fleet.clock.now(), hop: hop)
            switch router.route(request) {
            case .route(let routed):
                surface = routed.surface
                trace = RequestTrace(routed)
            case .refused(_, let known, let tenant):
                surface = known
                trace.addressed = tenant
            case .options(_, let known): surface = known
            case .root(let path): trace.path = Router.rootPaths.contains(path) ? path : nil
            }
        }
        let refusal: Refusal =
            head == nil
            ? .transport(status: status, reason: reason) : .ofServer(status: status, reason: reason)
        return refuse(refusal, surface, trace)
    }

    func answered(_ head: RequestHead?, status: Int, bytes: Int, microseconds: Int, from peer: Peer) {
        metrics.latency.record(UInt64(max(0, microseconds)))
    }
}
