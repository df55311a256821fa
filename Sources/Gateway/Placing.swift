import CallKit
import Cryptography
import HTTPClient
import HTTPCore
import RateLimiter
import TenantApp
import TenantRegistry

/// The stage between Route and Authenticate, in a cluster alone: a call for a tenant that is at another node is passed
/// on to it, unjudged. Whoever serves the tenant judges it, so that keys, limits and revocation are what they are on
/// one node (N1, N5).
extension Pipeline {
    /// Who a request is for, as far as its head tells.
    private enum Addressee {
        case tenant(TenantRecord)
        case node(NodeName)
        /// Whatever is said to it can be said here.
        case anyNode
        /// What it names is not known here, and may be new.
        case unknown
        /// The credential that would tell stands in the body.
        case inBody(any Dialect, bytesMax: Int)
    }

    /// Whether this node has asked what others did before the request came.
    private enum Look {
        case notYet
        /// What is unknown now is unknown everywhere.
        case caughtUp
        /// The log could not be read.
        case failed
    }

    /// A domain may be new, and whoever calls it means its tenant alone (G1): where it is not known here, the others
    /// are asked first. So they are where another node passes the call on: that one may take the domain for one of a
    /// tenant that had it before, and is here.
    func place(_ request: Router.Request, _ neighbours: Neighbours) -> HeadVerdict {
        if router.mayBeNewDomain(request) {
            if neighbours.placement.isServing { return catchUp(request, neighbours) }
            if request.hop == nil { return .answer(refuseWithoutLog(request)) }
        }
        return place(request, neighbours, .notYet)
    }

    private func place(_ request: Router.Request, _ neighbours: Neighbours, _ look: Look) -> HeadVerdict {
        // Nobody's credential decides under a name that may be a tenant's.
        if look == .failed, request.hop == nil, router.mayBeNewDomain(request) {
            return .answer(refuseWithoutLog(request))
        }
        return judge(request) { place($0, neighbours, look) }
    }

    private func place(_ routed: Routed, _ neighbours: Neighbours, _ look: Look) -> HeadVerdict {
        // The provider's calls are few, and see what was done at any node before them: keys that were revoked there,
        // sessions that were ended there, tenants as they were changed there.
        if look == .notYet, routed.dialect == nil, neighbours.placement.isServing {
            return catchUp(Router.Request(routed), neighbours, isStrangers: !isProviders(routed))
        }
        if look != .caughtUp, isJudgedByRegistry(routed) { return .answer(refuseWithoutLog(routed)) }
        switch addressee(of: routed) {
        case .anyNode: return serve(routed)
        case .tenant(let record): return place(routed, at: .tenant(record), neighbours)
        case .node(let name):
            // One that is not there is refused like any unknown path's.
            if neighbours.node(name) == nil { return serve(routed) }
            return place(routed, at: .node(name), neighbours)
        case .unknown:
            return switch look {
            case .notYet: catchUp(Router.Request(routed), neighbours)
            case .caughtUp: serve(routed)
            case .failed: .answer(refuseWithoutLog(routed))
            }
        case .inBody(let dialect, let bytesMax): return placeByBody(routed, dialect, bytesMax: bytesMax, neighbours)
        }
    }

    /// The request is judged once everything is known here that was committed before it came. `isStrangers`: it named
    /// what is not known, or showed nothing that is, and shares a look with others like it.
    private func catchUp(
        _ request: Router.Request, _ neighbours: Neighbours, isStrangers: Bool = true
    ) -> HeadVerdict {
        .undecided { [self] decide in
            let then: @Sendable (Bool) -> Void = { [self] succeeded in
                decide { [self] in place(request, neighbours, succeeded ? .caughtUp : .failed) }
            }
            if isStrangers {
                neighbours.strangers.catchUp(then: then)
            } else {
                neighbours.placement.catchUp(then: then)
            }
        }
    }

    private func place(_ routed: Routed, at destination: Destination, _ neighbours: Neighbours) -> HeadVerdict {
        if isHere(destination, neighbours) { return serve(routed) }
        if isWithoutLease(destination, neighbours) { return .answer(refuseWithoutLog(routed)) }
        if let hop = routed.hop { return .answer(notMine(hop, neighbours)) }
        return forward(routed, to: destination, neighbours)
    }

    private func isHere(_ destination: Destination, _ neighbours: Neighbours) -> Bool {
        switch destination {
        case .node(let name): return name == neighbours.placement.name
        case .tenant(let record):
            switch neighbours.placement.place(of: record.id) {
            case .here: return true
            case .at: return false
            case .nowhere:
                // One that is being made or erased is at no node; what is said of it can be said here.
                return record.profile.isUnfinished
            }
        }
    }

    /// Whether the tenant is this node's, as far as it knows, and the lease does not run: another may have it.
    private func isWithoutLease(_ destination: Destination, _ neighbours: Neighbours) -> Bool {
        guard case .tenant(let record) = destination, !neighbours.placement.isServing else { return false }
        let owner = neighbours.placement.owner(of: record.id)
        return owner == nil || owner == neighbours.placement.name
    }

    /// Whether what it may do hangs on keys and sessions that another node may just have ended (N5). The control socket
    /// is the data folder's owner's, whatever others did; pages that ask who is there give nothing away.
    private func isJudgedByRegistry(_ routed: Routed) -> Bool {
        guard routed.dialect == nil, routed.peer.role != .control else { return false }
        switch routed.route.openCalls {
        case .signIns, .signOuts: return true
        case .shared, .applications, .capability, .signed: return routed.route.access.isProviders
        }
    }

    private func refuseWithoutLog(_ routed: Routed) -> Response {
        refuse(.unavailable(.logUnavailable), routed.surface, RequestTrace(routed))
    }

    /// The same under a name of which nobody can say whose it is.
    private func refuseWithoutLog(_ request: Router.Request) -> Response {
        let surface: (any Surface)? =
            switch router.route(request) {
            case .route(let routed): routed.surface
            case .options(_, let surface): surface
            case .refused(_, let surface, _): surface
            case .root: nil
            }
        return refuse(.unavailable(.logUnavailable), surface, RequestTrace(request))
    }

    // MARK: Whose it is

    private func addressee(of routed: Routed) -> Addressee {
        guard let dialect = routed.dialect else { return addresseeOfNode(routed) }
        if let tenant = routed.addressed { return .tenant(tenant) }
        if routed.isUnknownAddress { return .unknown }
        if routed.route.description != nil { return .anyNode }
        let place = credentialPlace(of: routed)
        if let place { return addressee(by: routed.head.bytes[place], of: routed) }
        if let bytesMax = dialect.credentialBodyBytesMax, !routed.route.access.isOpen {
            return .inBody(dialect, bytesMax: bytesMax)
        }
        return .anyNode
    }

    private func addressee(by credential: ArraySlice<UInt8>, of routed: Routed) -> Addressee {
        guard APIKeyFormat.isWellFormed(credential) || APIKeyFormat.isHex64(credential) else { return .anyNode }
        let domain = routed.surface.credentialDomain
        let hash = domain.map { SHA256.hash(credential, behind: $0) } ?? credential.withUnsafeBytes { SHA256.hash($0) }
        guard let key = fleet.roster.key(hash: hash, at: routed.now) else { return .unknown }
        return .tenant(key.tenant)
    }

    /// The provider's calls are for the tenant, or the node, that their path names.
    private func addresseeOfNode(_ routed: Routed) -> Addressee {
        let names = routed.route.pattern.split(separator: "/").filter { $0.hasPrefix("{") }
        guard let name = names.first, let value = routed.parameters.first else {
            return isKnownProvider(routed) ? .anyNode : .unknown
        }
        switch name {
        case "{slug}": return fleet.roster.tenant(slug: value).map { .tenant($0) } ?? .unknown
        case "{node}": return NodeName(value).map { .node($0) } ?? .anyNode
        default: return isKnownProvider(routed) ? .anyNode : .unknown
        }
    }

    /// Whether a provider's key, where there is one, is known here; one that is not may be new.
    private func isKnownProvider(_ routed: Routed) -> Bool {
        guard routed.peer.role != .control, routed.surface.credentialDomain == nil,
            let place = routed.surface.credential(in: routed.head)
        else { return true }
        guard APIKeyFormat.isWellFormed(routed.head.bytes[place]) else { return true }
        return isProviderKey(at: place, routed)
    }

    /// Whether it shows a provider's key that is known here, or comes by the control socket.
    private func isProviders(_ routed: Routed) -> Bool {
        if routed.peer.role == .control { return true }
        guard routed.surface.credentialDomain == nil, let place = routed.surface.credential(in: routed.head) else {
            return false
        }
        return isProviderKey(at: place, routed)
    }

    private func isProviderKey(at place: Range<Int>, _ routed: Routed) -> Bool {
        let hash = routed.head.bytes[place].withUnsafeBytes { SHA256.hash($0) }
        return fleet.providerKeys.key(hash, at: routed.now) != nil
    }

    private func addressee(inBody body: [UInt8], _ dialect: any Dialect, of routed: Routed) -> Addressee {
        (try? dialect.credential(inBody: body)).map { addressee(by: $0[...], of: routed) } ?? .anyNode
    }

    /// The body is read first, as it is for a caller of this node, and says where the call goes.
    private func placeByBody(
        _ routed: Routed, _ dialect: any Dialect, bytesMax: Int, _ neighbours: Neighbours
    ) -> HeadVerdict {
        if routed.head.hasCodedBody { return serve(routed) }
        let room = bodyRoom(of: forwardedPayer(routed, nil))
        return .readBody(bytesMax: bytesMax, room: room) { [self] body, responder in
            place(routed, dialect, body, responder, [room], neighbours, isCaughtUp: false)
            return nil
        }
    }

    private func place(
        _ routed: Routed, _ dialect: any Dialect, _ body: [UInt8], _ responder: any Responder,
        _ held: [any Sendable], _ neighbours: Neighbours, isCaughtUp: Bool
    ) {
        switch addressee(inBody: body, dialect, of: routed) {
        case .tenant(let record):
            let destination = Destination.tenant(record)
            if isHere(destination, neighbours) { return serveHere(routed, body, responder) }
            if isWithoutLease(destination, neighbours) { return responder.respond(refuseWithoutLog(routed)) }
            if let hop = routed.hop { return responder.respond(notMine(hop, neighbours)) }
            ForwardedCall(
                self, neighbours, routed, for: destination, .whole(body, responder), holding: held
            ).start()
        case .unknown where !isCaughtUp:
            neighbours.strangers.catchUp { [self] succeeded in
                guard succeeded else { return responder.respond(refuseWithoutLog(routed)) }
                place(routed, dialect, body, responder, held, neighbours, isCaughtUp: true)
            }
        default: serveHere(routed, body, responder)
        }
    }

    // MARK: Passing on

    private func forward(_ routed: Routed, to destination: Destination, _ neighbours: Neighbours) -> HeadVerdict {
        let address = clientAddress(routed)
        var held: [any Sendable] = []
        switch forwardedPlace(routed, address) {
        case .crowded: return .answer(refuse(.unavailable(.crowdedAddress), routed.surface, RequestTrace(routed)))
        case .place(let place): held.append(place)
        case .direct: break
        }
        let tenant: TenantRecord? = if case .tenant(let record) = destination { record } else { nil }
        let room = bodyRoom(of: forwardedPayer(routed, tenant))
        guard routed.head.announcesBody else {
            return .later { [self, held] responder in
                ForwardedCall(self, neighbours, routed, for: destination, .whole([], responder), holding: held).start()
            }
        }
        func readWhole(_ bytesMax: Int) -> HeadVerdict {
            .readBody(bytesMax: bytesMax, room: room) { [self, held] body, responder in
                ForwardedCall(
                    self, neighbours, routed, for: destination, .whole(body, responder), holding: held + [room]
                ).start()
                return nil
            }
        }
        if routed.head.announces(atMost: Neighbours.wholeBytesMax) { return readWhole(Neighbours.wholeBytesMax) }
        // What a stranger may send is short: who sends it slowly holds a connection to this node, none between nodes.
        if case .whole(let bytesMax) = routed.route.body, routed.route.access.isOpen,
            bytesMax <= Neighbours.wholeBytesMax
        {
            return readWhole(bytesMax)
        }
        guard room.grow(to: Neighbours.pieceBytes) else {
            return .answer(refuse(.busy, routed.surface, RequestTrace(routed)))
        }
        let length = routed.head.announcedBytes
        return .undecided { [self, held] decide in
            ForwardedCall(
                self, neighbours, routed, for: destination, .pieces(length: length, decide), holding: held + [room]
            ).start()
        }
    }

    /// Nobody has shown this node a credential that it would judge.
    private func forwardedPayer(_ routed: Routed, _ tenant: TenantRecord?) -> Payer {
        Payer(kind: .stranger, tenant: tenant?.id.number ?? 0, member: clientAddress(routed).meteredNumber)
    }

    /// Another node took this one for the tenant's. Nothing was done.
    private func notMine(_ hop: Hop, _ neighbours: Neighbours) -> Response {
        neighbours.metrics.refusedAsNotMine.add(1, ordering: .relaxed)
        var response = Response(status: Self.misdirected)
        response.headers.add("Tollgate-Node", neighbours.placement.name.text)
        response.headers.add(
            HopKey.answerField, neighbours.key.proof(.notMine, status: response.status, to: hop))
        return response
    }

    private static let misdirected = 421

    /// A node's word about a request that is too old to be believed.
    func refuseStale(_ hop: Hop, _ neighbours: Neighbours) -> HeadVerdict { .answer(notMine(hop, neighbours)) }

    /// The answer of another node, on its way to the client.
    func passOn(_ response: inout Response, _ routed: Routed, from node: NodeName?) {
        if let hop = routed.hop, let neighbours {
            response.headers.add(
                HopKey.answerField, neighbours.key.proof(.answer, status: response.status, to: hop))
        }
        note(response, RequestTrace(routed), tenant: nil, forwardedTo: node)
    }

    // MARK: Another tenant's after all

    /// Whether a call that was to be passed on for this tenant is for it by what is known now: its domain may have been
    /// given to another tenant, its slug made anew. `body`: where it has been read.
    func isStill(for tenant: TenantRecord, _ routed: Routed, body: [UInt8]) -> Bool {
        guard case .route(let again) = router.route(Router.Request(routed)) else { return false }
        var found = addressee(of: again)
        if case .inBody(let dialect, _) = found { found = addressee(inBody: body, dialect, of: again) }
        guard case .tenant(let named) = found else { return false }
        return named === tenant
    }

    /// A call for which nothing was done, from its beginning. Known here is all that was done before it came.
    func placeAgain(_ routed: Routed, _ neighbours: Neighbours) -> HeadVerdict {
        place(Router.Request(routed), neighbours, .caughtUp)
    }

    /// The same where its body has been read.
    func placeAgain(_ routed: Routed, _ neighbours: Neighbours, _ body: [UInt8], _ responder: any Responder) {
        follow(placeAgain(routed, neighbours), routed, body, responder)
    }

    // MARK: Here after all

    /// Serves a call whose body has been read.
    func serveHere(_ routed: Routed, _ body: [UInt8], _ responder: any Responder) {
        follow(serve(routed), routed, body, responder)
    }

    private func follow(_ verdict: HeadVerdict, _ routed: Routed, _ body: [UInt8], _ responder: any Responder) {
        func refuseBody(_ refusal: Refusal, _ call: (any AcceptedCall)?) {
            responder.respond(
                call?.refusal(status: refusal.status, reason: refusal.detail, received: body.count)
                    ?? refuse(refusal, routed.surface, RequestTrace(routed)))
        }
        switch verdict {
        case .answer(let response): responder.respond(response)
        case .later(let start): start(responder)
        case .readBody(let bytesMax, let room, let call, let then):
            guard body.count <= bytesMax else { return refuseBody(.tooLarge(bytesMax: bytesMax), call) }
            guard room?.grow(to: body.count) ?? true else { return refuseBody(.busy, call) }
            if let response = then(body, responder) { responder.respond(response) }
        case .streamBody(let bytesMax, _, let call, let start):
            guard body.count <= bytesMax else { return refuseBody(.tooLarge(bytesMax: bytesMax), call) }
            let sink = start(responder)
            if body.isEmpty { sink.finish() } else { sink.receive(body) { sink.finish() } }
        case .undecided(let start):
            start { [self] verdict in follow(verdict(), routed, body, responder) }
        }
    }
}

extension RequestHead {
    var announcesLength: Bool { range(of: .contentLength) != nil }
}
