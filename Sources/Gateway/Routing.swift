import CallKit
import HTTPCore
import PageKit
import Provider
import TenantRegistry

/// Where a request goes: which tenant's address it used, which surface's route, with which parameters. A class that
/// never changes, since each later stage carries it on.
final class Routed: Sendable {
    let head: RequestHead
    let peer: Peer
    let requestID: RequestID
    let started: UInt64
    let now: Timestamp
    let endpoint: ServedRoute
    let parameters: [String]
    /// The tenant that the address names; nil where the key alone will.
    let addressed: TenantRecord?
    /// There is no such tenant: every key is unknown under its address.
    let isUnknownAddress: Bool
    /// `/t/{slug}` where the address has it.
    let addressPrefix: String
    /// The methods of the path, for callers who may know and ask for them.
    let allowed: String?
    /// Why nothing is served here, for callers who may know: those of the node. Nil where there is a route.
    let refusal: Refusal?
    /// What the node that passed the request on said of it; nil where it came by itself.
    let hop: Hop?

    fileprivate init(
        _ request: Router.Request, endpoint: ServedRoute, parameters: [String], addressed: TenantRecord? = nil,
        isUnknownAddress: Bool = false, addressPrefix: String = "", refusal: Refusal? = nil, allowed: String? = nil
    ) {
        head = request.head
        peer = request.peer
        requestID = request.requestID
        started = request.started
        now = request.now
        self.endpoint = endpoint
        self.parameters = parameters
        self.addressed = addressed
        self.isUnknownAddress = isUnknownAddress
        self.addressPrefix = addressPrefix
        self.refusal = refusal
        self.allowed = allowed
        hop = request.hop
    }

    /// The same request at a route that stands in for its own.
    init(_ request: Routed, at endpoint: ServedRoute) {
        head = request.head
        peer = request.peer
        requestID = request.requestID
        started = request.started
        now = request.now
        self.endpoint = endpoint
        parameters = []
        addressed = request.addressed
        isUnknownAddress = request.isUnknownAddress
        addressPrefix = request.addressPrefix
        refusal = nil
        allowed = nil
        hop = request.hop
    }

    /// The route that a call made by this one has, at the same address.
    fileprivate init(within outer: Routed, head: RequestHead, endpoint: ServedRoute, parameters: [String]) {
        self.head = head
        peer = outer.peer
        requestID = outer.requestID
        started = outer.started
        now = outer.now
        self.endpoint = endpoint
        self.parameters = parameters
        addressed = outer.addressed
        isUnknownAddress = outer.isUnknownAddress
        addressPrefix = outer.addressPrefix
        refusal = nil
        allowed = nil
        hop = outer.hop
    }

    var surface: any Surface { endpoint.surface }
    /// Nil for the node's surfaces.
    var dialect: (any Dialect)? { endpoint.dialect }
    var route: Route { endpoint.route }
    var action: String { endpoint.action }
}

enum RoutingResult {
    case route(Routed)
    /// What methods a path takes: asked for by OPTIONS.
    case options(allowed: String, surface: any Surface)
    /// No surface's path, at no tenant's address.
    case root(path: String)
    /// `tenant`: whose address it is, where it is one.
    case refused(Refusal, surface: (any Surface)?, tenant: TenantRecord?)
}

/// The tables of all surfaces' routes, made from their own lists, and the ways to a tenant. Immutable: any thread.
final class Router: Sendable {
    private let dialects: [any Dialect]
    private let dialectRoutes: RouteTable
    private let node: [NodeSurface]
    private let nodeRoutes: RouteTable
    private let roster: Roster
    private let hosts: NodeHosts
    private let separatesAdmin: Bool
    /// Served at the root whatever host is asked for, as the node's surfaces are (P2): also what all pages load.
    static let rootPaths = Set(["/healthz", "/readyz", "/metrics"]).union(Assets.byPath.keys)

    /// What the stages know of a request before it has a route.
    struct Request {
        let head: RequestHead
        let peer: Peer
        let requestID: RequestID
        let started: UInt64
        let now: Timestamp
        let hop: Hop?
    }

    private struct NodeSurface: Sendable {
        let path: String
        /// Pages are at no tenant's host: what one tenant's pages may do in a browser ends there.
        let isPages: Bool
        /// Stands for every path below the surface that is not there.
        let nowhere: ServedRoute

        func has(_ path: String) -> Bool {
            guard path.hasPrefix(self.path) else { return false }
            return path.dropFirst(self.path.count).first.map { $0 == "/" } ?? isPages
        }
    }

    /// `dialects` are served at tenants' addresses, `node` at the root alone. Handlers rely on whose calls come to
    /// them: routes of the one kind among the other are a defect.
    init(dialects: [any Dialect], node: [any Surface], roster: Roster, hosts: NodeHosts, separatesAdmin: Bool) {
        self.dialects = dialects
        self.roster = roster
        self.separatesAdmin = separatesAdmin
        self.hosts = hosts
        dialectRoutes = RouteTable(dialects)
        nodeRoutes = RouteTable(node)
        precondition(dialects.allSatisfy { $0.routes.allSatisfy { !$0.access.isProviders } })
        precondition(node.allSatisfy { !($0 is any Dialect) && $0.routes.allSatisfy(Self.mayBeOfNode) })
        self.node = node.map { surface in
            let nowhere = Route(.get, "", "", access: .providerReader) { _ in throw Refusal.notFound(.path) }
            return NodeSurface(
                path: surface.basePath, isPages: surface.formGate != nil, nowhere: ServedRoute(nowhere, of: surface))
        }
    }

    /// Its own, or the way in to it.
    private static func mayBeOfNode(_ route: Route) -> Bool { route.access.isProviders || route.access == .open }

    /// Whether what concerns the whole node is served on this peer's listener.
    func servesNode(to peer: Peer) -> Bool { peer.role != .everyone || !separatesAdmin }

    func route(_ request: Request) -> RoutingResult {
        let (head, peer) = (request.head, request.peer)
        var path = head.path
        // The admin listener is the node's, under whatever name it is reached: nothing there names a tenant (P2, G7).
        if peer.role == .admin { return routeOfNode(request, path) }
        var addressed: TenantRecord?
        var isUnknown = false
        var prefix = ""
        let isPrefixed = path.utf8.starts(with: "/t/".utf8)
        // Where no host names a tenant, none is looked up.
        let named = !isPrefixed || hosts.baseDomain != nil || roster.hasHosts ? tenant(ofHost: head) : nil
        if isPrefixed {
            let bytes = head.bytes[head.pathRange]
            let start = bytes.startIndex + 3
            let end = bytes[start...].firstIndex(of: 0x2F) ?? bytes.endIndex
            path = end == bytes.endIndex ? "/" : head.string(end..<bytes.endIndex)
            // A host that names one tenant is no way to another (G1).
            if named != nil { return .refused(.notFound(.path), surface: dialect(below: path), tenant: nil) }
            addressed = roster.tenant(slug: head.string(start..<end))
            isUnknown = addressed == nil
            prefix = head.string(bytes.startIndex..<end)
        } else if let named {
            switch named {
            case .known(let record): addressed = record
            case .unknown: isUnknown = true
            }
        }
        let isRoot = !isPrefixed && (named == nil || isPathOfNode(path))
        // Where no tenant is named, its first page is not meant.
        if isRoot, path == "/" { return routeOfNode(request, path) }
        switch dialectRoutes.find(head.method, path) {
        case .route(let endpoint, let parameters):
            return .route(
                Routed(
                    request, endpoint: endpoint, parameters: parameters, addressed: addressed,
                    isUnknownAddress: isUnknown, addressPrefix: prefix))
        case .noMethod(let refusal, let surface): return .refused(refusal, surface: surface, tenant: addressed)
        case .options(let allowed, let surface): return .options(allowed: allowed, surface: surface)
        case .noPath:
            let dialect = dialect(below: path)
            if isRoot, dialect == nil { return routeOfNode(request, path) }
            return .refused(.notFound(.path), surface: dialect, tenant: addressed)
        }
    }

    /// Where a call leads that `outer` makes: a page's of a tenant to its APIs, the console's to the provider's.
    func route(_ inner: InnerCall, within outer: Routed) throws(Refusal) -> Routed {
        let table = outer.dialect == nil ? nodeRoutes : dialectRoutes
        switch table.find(inner.method, inner.path) {
        case .route(let endpoint, let parameters):
            return Routed(
                within: outer, head: inner.head(below: outer.addressPrefix, of: outer.head), endpoint: endpoint,
                parameters: parameters)
        case .noMethod(let refusal, _): throw refusal
        case .options, .noPath: throw .notFound(.path)
        }
    }

    /// Whose a path is that no route has: the base path's own too.
    private func dialect(below path: String) -> (any Dialect)? {
        dialects.first { !$0.basePath.isEmpty && (path == $0.basePath || path.hasPrefix($0.basePath + "/")) }
    }

    private func isPathOfNode(_ path: String) -> Bool {
        Self.rootPaths.contains(path) || Assets.instead(of: path) != nil
            || node.contains { !$0.isPages && $0.has(path) }
    }

    /// A stranger learns nothing about the node's paths: whatever is asked for below them, the credential is judged
    /// first.
    private func routeOfNode(_ request: Request, _ path: String) -> RoutingResult {
        guard servesNode(to: request.peer), let surface = node.first(where: { $0.has(path) }) else {
            return .root(path: path)
        }
        let refusal: Refusal
        switch nodeRoutes.find(request.head.method, path) {
        case .route(let endpoint, let parameters):
            return .route(Routed(request, endpoint: endpoint, parameters: parameters))
        case .noMethod(let reason, _): refusal = reason
        case .options(let allowed, _):
            return .route(Routed(request, endpoint: surface.nowhere, parameters: [], allowed: allowed))
        case .noPath: refusal = .notFound(.path)
        }
        return .route(Routed(request, endpoint: surface.nowhere, parameters: [], refusal: refusal))
    }

    /// Whether the host that is called is a tenant's, or belongs to slugs.
    func isTenants(_ head: RequestHead) -> Bool { tenant(ofHost: head) != nil }

    /// Whether the host that is called may be a tenant's domain, is none that is known here, and matters: the node's
    /// own paths are served under any.
    func mayBeNewDomain(_ request: Request) -> Bool {
        guard request.peer.role == .everyone, let place = request.head.range(of: .host) else { return false }
        let host = HostName.folded(request.head.string(place))
        return roster.tenant(host: host) == nil && hosts.objection(to: host) == nil && !isPathOfNode(request.head.path)
    }

    private enum HostTenant {
        case known(TenantRecord)
        case unknown
    }

    /// A custom domain or `{slug}.{base domain}`; nil for a host that names no tenant.
    private func tenant(ofHost head: RequestHead) -> HostTenant? {
        guard let place = head.range(of: .host) else { return nil }
        let host = HostName.folded(head.string(place))
        if let slug = hosts.slug(ofHost: host) { return roster.tenant(slug: slug).map { .known($0) } ?? .unknown }
        guard let record = roster.tenant(host: host), hosts.objection(to: host) == nil else { return nil }
        return .known(record)
    }
}

extension Router.Request {
    init(_ routed: Routed) {
        self.init(
            head: routed.head, peer: routed.peer, requestID: routed.requestID, started: routed.started,
            now: routed.now, hop: routed.hop)
    }
}
