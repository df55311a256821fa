import CallKit
import HTML
import HTTPCore
import PageKit
import TenantRegistry

/// What is served at the root beside surfaces: health, metrics (G7), descriptions; and the links that are built.
extension Pipeline {
    func root(_ path: String, _ head: RequestHead, _ peer: Peer, _ requestID: RequestID) -> HeadVerdict {
        var trace = RequestTrace(head: head, peer: peer, requestID: requestID, started: fleet.monotonic.nanoseconds())
        if path == "/", head.asksForPage, head.method == .get || head.method == .head, router.servesNode(to: peer) {
            trace.path = path
            return .answer(toConsole(trace))
        }
        let ours = Assets.byPath[path]
        let asset = ours ?? Assets.instead(of: path)
        guard Router.rootPaths.contains(path) || asset != nil, path != "/metrics" || router.servesNode(to: peer) else {
            return .answer(refuse(.notFound(.path), nil, trace))
        }
        trace.path = asset?.path ?? path
        switch head.method {
        case .get, .head: break
        case .other: return .answer(refuse(.unknownMethod, nil, trace))
        default: return .answer(refuse(.methodNotAllowed(allowed: "GET, HEAD"), nil, trace))
        }
        if let asset { return .answer(file(asset, isOurs: ours != nil, trace)) }
        switch path {
        case "/healthz": return plain(200, "ok\n", trace)
        case "/readyz": return readiness(trace)
        default:
            return .later { [self, trace] responder in
                let submitted = fleet.observing.submit { [self] in
                    let page = metrics.text(
                        fleet: fleet, server: server, scheduler: scheduler, webhooks: webhooks,
                        provisioning: provisioning, archive: archive?.figures, forwarding: neighbours?.metrics)
                    responder.respond(text(200, page, trace))
                }
                if !submitted { responder.respond(refuse(.busy, nil, trace)) }
            }
        }
    }

    /// The node's own address, in a browser.
    private func toConsole(_ trace: RequestTrace) -> Response {
        var response = Response.seeOther(Link("/console"))
        stamp(&response, trace, tenant: nil)
        return response
    }

    /// A clock that nobody believes stops what is charged, not what is served.
    private func readiness(_ trace: RequestTrace) -> HeadVerdict {
        if isDraining.load(ordering: .acquiring) { return plain(503, "draining\n", trace) }
        if let cluster = fleet.cluster {
            if cluster.ownState == .draining { return plain(503, "the node gives its tenants away\n", trace) }
            if !cluster.isServing { return plain(503, "the nodes' log cannot be reached\n", trace) }
        }
        if scheduler?.isStalled ?? false { return plain(503, "the scheduler does not move\n", trace) }
        guard let leap = fleet.clockGuard.leapMilliseconds else { return plain(200, "ready\n", trace) }
        return plain(200, "ready; charging is paused: the clock leapt \(leap / 3_600_000) h ahead\n", trace)
    }

    private func plain(_ status: Int, _ body: String, _ trace: RequestTrace) -> HeadVerdict {
        .answer(text(status, body, trace))
    }

    private func text(_ status: Int, _ body: String, _ trace: RequestTrace) -> Response {
        var response = Response(
            status: status, contentType: "text/plain; version=0.0.4; charset=utf-8", bytes: Array(body.utf8))
        if status == 503 { response.headers.add("Retry-After", Self.readinessRetrySeconds) }
        stamp(&response, trace, tenant: nil)
        return response
    }

    /// When a balancer is to ask again that was told that the node is not ready.
    private static let readinessRetrySeconds = 1

    /// `isOurs`: it is what its address names, byte for byte.
    private func file(_ asset: Asset, isOurs: Bool, _ trace: RequestTrace) -> Response {
        var response = Response(status: 200, contentType: asset.contentType, bytes: asset.bytes)
        stamp(&response, trace, tenant: nil, isOurs ? .forEver : .none)
        return response
    }

    /// An API's description at an address of no tenant (X7).
    func describe(_ description: LazyDescription, _ trace: RequestTrace) -> HeadVerdict {
        let base = trace.head.map { baseURL($0, trace.peer) } ?? configuration.publicURL ?? "http://localhost"
        var response = Response(
            status: 200, contentType: "application/json", bytes: description.bytes(baseURL: base))
        stamp(&response, trace, tenant: nil)
        return .answer(response)
    }

    // MARK: Who called

    func clientAddress(_ routed: Routed) -> IPAddress { clientAddress(routed.head, routed.peer) }

    func clientAddress(_ head: RequestHead, _ peer: Peer) -> IPAddress {
        guard !configuration.trustedProxies.isEmpty else { return peer.address }
        return IPAddress.client(
            peer: peer.address, forwardedFor: head.joinedValues(of: .forwardedFor),
            trusted: configuration.trustedProxies)
    }

    /// Whether the client speaks TLS: with us, or with a trusted proxy that says so. Where several proxies each say
    /// theirs, one hop without TLS is enough for no.
    func isSecure(_ head: RequestHead?, _ peer: Peer) -> Bool {
        if peer.isEncrypted { return true }
        guard let head, isTrustedProxy(peer), let hops = head.joinedValues(of: .forwardedProtocol) else { return false }
        var schemes: [[Substring]] = hops.lowercased().split(separator: ",").map { hop in
            hop.split { $0 == " " || $0 == "\t" }
        }
        schemes.removeAll(where: \.isEmpty)
        return !schemes.isEmpty && schemes.allSatisfy { $0 == ["https"] }
    }

    func isTrustedProxy(_ peer: Peer) -> Bool {
        configuration.trustedProxies.contains { $0.contains(peer.address) }
    }

    // MARK: Links

    /// The node's base URL as this caller's clients can use it: the configured public URL, or the address that was
    /// called. Whoever came by the control socket, by the admin listener or by a name that may be anybody's is given
    /// the address that everyone has.
    private func baseURL(_ head: RequestHead, _ peer: Peer) -> String {
        if let base = configuration.publicURL { return base }
        if peer.role == .everyone, isNodes(head, peer) { return calledURL(head, peer) }
        return "\(configuration.certificatePath == nil ? "http" : "https")://\(authority)"
    }

    /// Whether links may begin with the host that was called, which the caller writes, and others open. An address, and
    /// a name of one label, is nobody's on the Internet. Of other names the node knows its base domain and those of its
    /// certificate; a trusted proxy knows what it serves.
    private func isNodes(_ head: RequestHead, _ peer: Peer) -> Bool {
        guard let called = head.value(of: .host), !router.isTenants(head) else { return false }
        let host = HostName.folded(called)
        return HostName.isSingle(host) || HostName.isAddress(host) || host == configuration.baseDomain
            || isTrustedProxy(peer) || isCertified(host)
    }

    private func calledURL(_ head: RequestHead, _ peer: Peer) -> String {
        "\(isSecure(head, peer) ? "https" : "http")://\(head.value(of: .host) ?? "localhost")"
    }

    /// The tenant's, at the address that was called; the node's for the provider's calls.
    func baseURL(of routed: Routed, tenant: TenantRecord?) -> String {
        guard let tenant else { return baseURL(routed.head, routed.peer) }
        if configuration.publicURL == nil, routed.addressPrefix.isEmpty, routed.addressed != nil {
            // The tenant's own host name.
            return calledURL(routed.head, routed.peer)
        }
        return "\(baseURL(routed.head, routed.peer))/t/\(tenant.slug)"
    }
}
