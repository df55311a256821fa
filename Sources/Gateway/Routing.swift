import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// Where a request goes: which tenant's address it used, which dialect's route, with which parameters. A class that
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

    fileprivate init(
        _ head: RequestHead, from peer: Peer, requestID: RequestID, started: UInt64, now: Timestamp,
        endpoint: ServedRoute, parameters: [String], addressed: TenantRecord?, isUnknownAddress: Bool,
        addressPrefix: String
    ) {
        self.head = head
        self.peer = peer
        self.requestID = requestID
        self.started = started
        self.now = now
        self.endpoint = endpoint
        self.parameters = parameters
        self.addressed = addressed
        self.isUnknownAddress = isUnknownAddress
        self.addressPrefix = addressPrefix
    }

    var dialect: any Dialect { endpoint.dialect }
    var route: Route { endpoint.route }
    var action: String { endpoint.action }
}

/// One route of one dialect. A class, since each stage of each request hands it on and it never changes.
final class ServedRoute: Sendable {
    let dialect: any Dialect
    let route: Route
    /// The route's name in the audit log and in usage: method, base path, pattern.
    let action: String
    fileprivate let segments: [Substring]

    fileprivate init(_ route: Route, of dialect: any Dialect) {
        let path = dialect.basePath + route.pattern
        self.dialect = dialect
        self.route = route
        action = "\(route.method.rawValue) \(path)"
        segments = path.split(separator: "/", omittingEmptySubsequences: false)
    }

    fileprivate var isLiteral: Bool { !segments.contains { $0.hasPrefix("{") } }
}

enum RoutingResult {
    case route(Routed)
    /// Not a tenant's path.
    case root(path: String)
    case refused(Refusal, dialect: (any Dialect)?)
}

/// The table of all dialects' routes, made from their own lists, and the ways to a tenant. Immutable: any thread.
final class Router: Sendable {
    private let literal: [String: [ServedRoute]]
    private let patterned: [ServedRoute]
    private let dialects: [any Dialect]
    private let roster: Roster
    private let baseDomainSuffix: String?

    init(dialects: [any Dialect], roster: Roster, baseDomain: String?) {
        self.dialects = dialects
        self.roster = roster
        baseDomainSuffix = baseDomain.map { ".\($0)" }
        var literal: [String: [ServedRoute]] = [:]
        var patterned: [ServedRoute] = []
        for dialect in dialects {
            for route in dialect.servedRoutes {
                let endpoint = ServedRoute(route, of: dialect)
                if endpoint.isLiteral {
                    literal[dialect.basePath + route.pattern, default: []].append(endpoint)
                } else {
                    patterned.append(endpoint)
                }
            }
        }
        self.literal = literal
        self.patterned = patterned
    }

    func route(
        _ head: RequestHead, from peer: Peer, requestID: RequestID, started: UInt64, now: Timestamp
    ) -> RoutingResult {
        var path = head.path
        var addressed: TenantRecord?
        var isUnknown = false
        var prefix = ""
        if path.utf8.starts(with: "/t/".utf8) {
            let bytes = head.bytes[head.pathRange]
            let start = bytes.startIndex + 3
            let end = bytes[start...].firstIndex(of: 0x2F) ?? bytes.endIndex
            addressed = roster.tenant(slug: head.string(start..<end))
            isUnknown = addressed == nil
            prefix = head.string(bytes.startIndex..<end)
            path = head.string(end..<bytes.endIndex)
        } else if let tenant = tenant(ofHost: head) {
            switch tenant {
            case .known(let record): addressed = record
            case .unknown: isUnknown = true
            }
        }
        guard let (endpoints, parameters) = endpoints(for: path) else {
            if prefix.isEmpty && addressed == nil && !isUnknown { return .root(path: path) }
            return .refused(.notFound(.path), dialect: dialects.first { path.hasPrefix($0.basePath + "/") })
        }
        let method = head.method == .head ? .get : head.method
        guard let endpoint = endpoints.first(where: { $0.route.method == method }) else {
            if head.method == .other {
                return .refused(
                    .transport(status: 501, reason: "This method is not known."), dialect: endpoints[0].dialect)
            }
            let allowed = endpoints.map(\.route.method.rawValue).joined(separator: ", ")
            return .refused(.methodNotAllowed(allowed: allowed), dialect: endpoints[0].dialect)
        }
        return .route(
            Routed(
                head, from: peer, requestID: requestID, started: started, now: now, endpoint: endpoint,
                parameters: parameters, addressed: addressed, isUnknownAddress: isUnknown, addressPrefix: prefix))
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
            if pattern.hasPrefix("{") {
                guard !segment.isEmpty, let value = try? percentDecoded(String(segment)) else { return nil }
                values.append(value)
            } else if pattern != segment {
                return nil
            }
        }
        return values
    }

    private enum HostTenant {
        case known(TenantRecord)
        case unknown
    }

    /// A custom domain or `{slug}.{base domain}`; nil for a host that names no tenant.
    private func tenant(ofHost head: RequestHead) -> HostTenant? {
        guard let place = head.range(of: .host) else { return nil }
        var host = head.string(place).lowercased()
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") { host.removeSubrange(colon...) }
        if let record = roster.tenant(host: host) { return .known(record) }
        guard let suffix = baseDomainSuffix, host.hasSuffix(suffix) else { return nil }
        return roster.tenant(slug: String(host.dropLast(suffix.count))).map { .known($0) } ?? .unknown
    }
}
