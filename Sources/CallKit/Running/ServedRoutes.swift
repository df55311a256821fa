package import HTTPCore

/// One route of one surface. A class, since each stage of each request hands it on and it never changes.
package final class ServedRoute: Sendable {
    package let surface: any Surface
    /// The surface where it is a tenant's.
    package let dialect: (any Dialect)?
    package let route: Route
    /// The route's name in the audit log and in usage: method, base path, pattern.
    package let action: String
    /// Base path and pattern: what logs say in place of a path, whose own text may be a secret (G7).
    package let path: String
    /// Names that its query may have; nil where it may hold anything.
    private let parameterNames: [String]?
    /// Of those that may hold anything: what stands once all the same.
    private let namesReadOnce: [String]
    /// Whether a body that says anything is refused.
    package let takesNoBody: Bool
    fileprivate let segments: [Substring]

    package init(_ route: Route, of surface: any Surface) {
        let path = surface.basePath + route.pattern
        self.surface = surface
        dialect = surface as? any Dialect
        self.route = route
        self.path = path
        action = "\(route.method.rawValue) \(path)"
        parameterNames = route.parameterNames(in: surface)
        namesReadOnce = route.namesReadOnce(in: surface)
        // A body of GET means nothing to anybody (RFC 9110, §9.3.1). One of DELETE may say when, or how much.
        takesNoBody = surface.refusesUnknownMembers && route.takes == nil && route.method != .get
        segments = path.split(separator: "/", omittingEmptySubsequences: false)
    }

    /// The call's query; nil where nobody has judged it.
    package func query(of head: RequestHead) throws(Refusal) -> Query? {
        guard let parameterNames else {
            return namesReadOnce.isEmpty ? nil : try head.readQuery(onceEach: namesReadOnce)
        }
        return head.queryRange == nil ? Query.none : try head.readQuery(knowing: parameterNames)
    }

    fileprivate var isLiteral: Bool { !segments.contains { $0.contains("{") } }
}

/// The routes of some surfaces by their paths. Immutable: any thread.
package struct RouteTable: Sendable {
    private let literal: [String: [ServedRoute]]
    private let patterned: [ServedRoute]
    /// Of the surfaces those that are tenants'.
    package let dialects: [any Dialect]

    package enum Finding: Sendable {
        case route(ServedRoute, [String])
        /// The path is there, with other methods.
        case noMethod(Refusal, any Surface)
        case options(allowed: String, any Surface)
        case noPath
    }

    package init(_ surfaces: [any Surface]) {
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
        dialects = surfaces.compactMap { $0 as? any Dialect }
        self.literal = literal
        self.patterned = patterned
    }

    package func find(_ method: Method, _ path: String) -> Finding {
        guard let (endpoints, parameters) = endpoints(for: path) else { return .noPath }
        if let endpoint = endpoints.first(where: { $0.route.answers(method) }) { return .route(endpoint, parameters) }
        if method == .other {
            return .noMethod(.unknownMethod, endpoints[0].surface)
        }
        let methods = endpoints.map { $0.route.answers(.head) ? "GET, HEAD" : $0.route.method.rawValue }
        let allowed = (methods + ["OPTIONS"]).joined(separator: ", ")
        if method == .options { return .options(allowed: allowed, endpoints[0].surface) }
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
