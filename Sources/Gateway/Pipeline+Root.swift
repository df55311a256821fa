import CallKit
import HTTPCore
import TenantRegistry

/// What is served at the root beside surfaces: health, metrics (G7), descriptions; and the links that are built.
extension Pipeline {
    func root(_ path: String, _ head: RequestHead, _ peer: Peer, _ requestID: RequestID) -> HeadVerdict {
        let trace = RequestTrace(head: head, peer: peer, requestID: requestID, started: fleet.monotonic.nanoseconds())
        switch path {
        case "/healthz": return plain(200, "ok\n", trace)
        case "/readyz":
            return isDraining.load(ordering: .acquiring)
                ? plain(503, "draining\n", trace) : plain(200, "ready\n", trace)
        case "/metrics" where router.servesNode(to: peer):
            return .later { [self] responder in
                let submitted = fleet.observing.submit { [self] in
                    responder.respond(text(200, metrics.text(fleet: fleet, server: server), trace))
                }
                if !submitted { responder.respond(refuse(.busy, nil, trace)) }
            }
        default: return .answer(refuse(.notFound(.path), nil, trace))
        }
    }

    private func plain(_ status: Int, _ body: String, _ trace: RequestTrace) -> HeadVerdict {
        .answer(text(status, body, trace))
    }

    private func text(_ status: Int, _ body: String, _ trace: RequestTrace) -> Response {
        var response = Response(
            status: status, contentType: "text/plain; version=0.0.4; charset=utf-8", bytes: Array(body.utf8))
        stamp(&response, trace, tenant: nil)
        return response
    }

    /// An API's description at an address of no tenant (X7).
    func describe(_ description: LazyDescription, _ trace: RequestTrace) -> HeadVerdict {
        let scheme = trace.peer.isEncrypted ? "https" : "http"
        let base = configuration.publicURL ?? "\(scheme)://\(trace.head?.value(of: .host) ?? "localhost")"
        var response = Response(
            status: 200, contentType: "application/json", bytes: description.bytes(baseURL: base))
        stamp(&response, trace, tenant: nil)
        return .answer(response)
    }

    // MARK: Links

    /// The node's base URL as this caller can use it: the configured public URL, or the address that was called.
    private func baseURL(_ head: RequestHead, _ peer: Peer) -> String {
        if let base = configuration.publicURL { return base }
        let host = peer.role == .control ? authority : head.value(of: .host) ?? "localhost"
        let scheme =
            peer.isEncrypted || (peer.role == .control && configuration.certificatePath != nil) ? "https" : "http"
        return "\(scheme)://\(host)"
    }

    /// The tenant's, at the address that was called; the node's for the provider's calls.
    func baseURL(of routed: Routed, tenant: TenantRecord?) -> String {
        guard let tenant else { return baseURL(routed.head, routed.peer) }
        if configuration.publicURL == nil, routed.addressPrefix.isEmpty, routed.addressed != nil {
            // The tenant's own host name.
            return "\(routed.peer.isEncrypted ? "https" : "http")://\(routed.head.value(of: .host) ?? "localhost")"
        }
        return "\(baseURL(routed.head, routed.peer))/t/\(tenant.slug)"
    }
}
