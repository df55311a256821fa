import CallKit
import HTTPCore
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
    }

    var surface: any Surface { endpoint.surface }
    /// Nil for the node's surfaces.
    var dialect: (any Dialect)? { endpoint.dialect }
    var route: Route { endpoint.route }
    var action: String { endpoint.action }
}

/// One route of one surface. A class, since each stage of each request hands it on and it never changes.
final class ServedRoute: Sendable {
    let surface: any Surface
    /// The surface where it is a tenant's.
    let dialect: (any Dialect)?
    let route: Route
    /// The route's name in the audit log and in usage: method, base path, pattern.
    let action: String
    /// Base path and pattern: what logs say in place of a path, whose own text may be a secret (G7).
    let path: String
    /// Names that its query may have; nil where it may hold anything.
    private let parameterNames: [String]?
    /// Whether a body that says anything is refused.
    let takesNoBody: Bool
    fileprivate let segments: [Substring]

    fileprivate init(_ route: Route, of surface: any Surface) {
        let path = surface.basePath + route.pattern
        self.surface = surface
        dialect = surface as? any Dialect
        self.route = route
        self.path = path
        action = "\(route.method.rawValue) \(path)"
        parameterNames = route.parameterNames(in: surface)
        // What stands in a body of GET or DELETE means nothing to anybody (RFC 9110, §9.3).
        let mayHaveBody = route.method == .post || route.method == .put || route.method == .patch
        takesNoBody = surface.refusesUnknownMembers && route.takes == nil && mayHaveBody
        segments = path.split(separator: "/", omittingEmptySubsequences: false)
    }

    /// The call's query; nil where nobody has judged it.
    func query(of head: RequestHead) throws(Refusal) -> Query? {
        guard let parameterNames else { return nil }
        return head.queryRange == nil ? Query.none : try head.readQuery(knowing: parameterNames)
    }

    fileprivate var isLiteral: Bool { !segments.contains { $0.contains("{") } }
}

enum RoutingResult {
    case route(Routed)
    /// What methods a path takes: asked for by OPTIONS.
    case options(allowed: String, surface: any Surface)
    /// No surface's path, at no tenant's address.
    case root(path: String)
    case refused(Refusal, surface: (any Surface)?)
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
    /// Served at the root whatever host is asked for, as the node's surfaces are (P2).
    static let rootPaths: Set<String> = ["/healthz", "/readyz", "/metrics"]

    /// What the stages know of a request before it has a route.
    fileprivate struct Request {
        let head: RequestHead
        let peer: Peer
        let requestID: RequestID
        let started: UInt64
        let now: Timestamp
    }

    private struct NodeSurface: Sendable {
        let prefix: String
        /// Stands for every path below the surface that is not there.
        let nowhere: ServedRoute
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
        precondition(node.allSatisfy { !($0 is any Dialect) && $0.routes.allSatisfy(\.access.isProviders) })
        self.node = node.map { surface in
            let nowhere = Route(.get, "", "", access: .providerReader) { _ in throw Refusal.notFound(.path) }
            return NodeSurface(prefix: surface.basePath + "/", nowhere: ServedRoute(nowhere, of: surface))
        }
    }

    /// Whether what concerns the whole node is served on this peer's listener.
    func servesNode(to peer: Peer) -> Bool { peer.role != .everyone || !separatesAdmin }

    func route(
        _ head: RequestHead, from peer: Peer, requestID: RequestID, started: UInt64, now: Timestamp
    ) -> RoutingResult {
        let request = Request(head: head, peer: peer, requestID: requestID, started: started, now: now)
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
            path = head.string(end..<bytes.endIndex)
            // A host that names one tenant is no way to another (G1).
            if named != nil { return .refused(.notFound(.path), surface: dialect(below: path)) }
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
        switch dialectRoutes.find(head.method, path) {
        case .route(let endpoint, let parameters):
            return .route(
                Routed(
                    request, endpoint: endpoint, parameters: parameters, addressed: addressed,
                    isUnknownAddress: isUnknown, addressPrefix: prefix))
        case .noMethod(let refusal, let surface): return .refused(refusal, surface: surface)
        case .options(let allowed, let surface): return .options(allowed: allowed, surface: surface)
        case .noPath where isRoot: return routeOfNode(request, path)
        case .noPath: return .refused(.notFound(.path), surface: dialect(below: path))
        }
    }

    private func dialect(below path: String) -> (any Dialect)? {
        dialects.first { !$0.basePath.isEmpty && path.hasPrefix($0.basePath + "/") }
    }

    private func isPathOfNode(_ path: String) -> Bool {
        Self.rootPaths.contains(path) || node.contains { path.hasPrefix($0.prefix) }
    }

    /// A stranger learns nothing about the node's paths: whatever is asked for below them, the credential is judged
    /// first.
    private func routeOfNode(_ request: Request, _ path: String) -> RoutingResult {
        guard servesNode(to: request.peer), let surface = node.first(where: { path.hasPrefix($0.prefix) }) else {
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

/// The routes of some surfaces by their paths. Immutable: any thread.
private struct RouteTable: Sendable {
    private let literal: [String: [ServedRoute]]
    private let patterned: [ServedRoute]

    enum Finding {
        case route(ServedRoute, [String])
        /// The path is there, with other methods.
        case noMethod(Refusal, any Surface)
        case options(allowed: String, any Surface)
        case noPath
    }

    init(_ surfaces: [any Surface]) {
        var literal: [String: [ServedRoute]] = [:]
        var patterned: [ServedRoute] = []
        for surface in surfaces {
            for route in surface.servedRoutes {
                let endpoint = ServedRoute(route, of: surface)
                if endpoint.isLiteral {
                    literal[surface.basePath + route.pattern, default: []].append(endpoint)
                } else {
                    patterned.append(endpoint)
                }
            }
        }
        self.literal = literal
        self.patterned = patterned
    }

    func find(_ method: Method, _ path: String) -> Finding {
        guard let (endpoints, parameters) = endpoints(for: path) else { return .noPath }
        if let endpoint = endpoints.first(where: { $0.route.answers(method) }) { return .route(endpoint, parameters) }
        if method == .other {
            return .noMethod(.unknownMethod, endpoints[0].surface)
        }
        let allowed = endpoints.map { $0.route.answers(.head) ? "GET, HEAD" : $0.route.method.rawValue }
            .joined(separator: ", ")
        if method == .options {
            return .options(allowed: "\(allowed), OPTIONS", endpoints[0].surface)
        }
        return .noMethod(.methodNotAllowed(allowed: allowed), endpoints[0].surface)
    }

    private func endpoints(for path: String) -> ([ServedRoute], [String])? {
        if let endpoints = literal[path] { return (endpoints, []) }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        var found: [ServedRoute] = []
        var parameters: [String] = []
        for endpoint in patterned where endpoint.segments.count == segments.count {
            guard let values = match(endpoint, segments) else { continue }
            if found.isEmpty { parameters = values }
            found.append(endpoint)
        }
        return found.isEmpty ? nil : (found, parameters)
    }

    private func match(_ endpoint: ServedRoute, _ segments: [Substring]) -> [String]? {
        var values: [String] = []
        for (pattern, segment) in zip(endpoint.segments, segments) {
            // `{id}`, or `logo.{hash}`: what the segment begins with, then the parameter.
            if let brace = pattern.firstIndex(of: "{") {
                let start = pattern[..<brace]
                guard segment.hasPrefix(start), segment.count > start.count,
                    let value = try? percentDecoded(String(segment.dropFirst(start.count))).composed
                else { return nil }
                values.append(value)
            } else if pattern != segment {
                return nil
            }
        }
        return values
    }
}
