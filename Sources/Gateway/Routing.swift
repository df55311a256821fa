import HTTPCore
import TenantApp
import TenantRegistry

/// The domain's refusals; the HTTP engine has framing refusals of its own under the same name.
typealias Refusal = TenantApp.Refusal

/// Where a request goes: which tenant's address it used, which dialect's route, with which parameters.
struct Routed: Sendable {
    let head: RequestHead
    let peer: Peer
    let requestID: RequestID
    let started: UInt64
    let now: Timestamp
    let dialect: any Dialect
    let route: Route
    /// The route's name in the audit log and in usage: method, base path, pattern.
    let action: String
    let parameters: [String]
    /// The tenant that the address names; nil where the key alone will.
    let addressed: TenantRecord?
    /// The address names a tenant that there is not: every key is unknown under it.
    let isUnknownAddress: Bool
    /// `/t/{slug}` where the address has it.
    let addressPrefix: String
}

enum RoutingResult {
    case route(Routed)
    /// Not a tenant's path.
    case root(path: String)
    case refused(Refusal, dialect: (any Dialect)?)
}

/// The table of all dialects' routes, made from their own lists, and the ways to a tenant. Immutable: any thread.
final class Router: Sendable {
    private struct Entry {
        let dialect: any Dialect
        let segments: [Substring]
        let route: Route
        let action: String
    }

    private let literal: [String: [Entry]]
    private let patterned: [Entry]
    private let dialects: [any Dialect]
    private let directory: Directory
    private let baseDomainSuffix: String?

    init(dialects: [any Dialect], directory: Directory, baseDomain: String?) {
        self.dialects = dialects
        self.directory = directory
        baseDomainSuffix = baseDomain.map { ".\($0)" }
        var literal: [String: [Entry]] = [:]
        var patterned: [Entry] = []
        for dialect in dialects {
            for route in dialect.servedRoutes {
                let path = dialect.basePath + route.pattern
                let segments = path.split(separator: "/", omittingEmptySubsequences: false)
                let entry = Entry(
                    dialect: dialect, segments: segments, route: route, action: "\(route.method.rawValue) \(path)")
                if !segments.contains(where: { $0.hasPrefix("{") }) {
                    literal[path, default: []].append(entry)
                } else {
                    patterned.append(entry)
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
            addressed = directory.tenant(slug: head.string(start..<end))
            isUnknown = addressed == nil
            prefix = head.string(bytes.startIndex..<end)
            path = head.string(end..<bytes.endIndex)
        } else if let tenant = tenant(ofHost: head) {
            switch tenant {
            case .known(let record): addressed = record
            case .unknown: isUnknown = true
            }
        }
        guard let (entries, parameters) = entries(for: path) else {
            if prefix.isEmpty && addressed == nil && !isUnknown { return .root(path: path) }
            return .refused(.notFound("path"), dialect: dialects.first { path.hasPrefix($0.basePath + "/") })
        }
        let method = head.method == .head ? .get : head.method
        guard let entry = entries.first(where: { $0.route.method == method }) else {
            if head.method == .other {
                return .refused(
                    .transport(status: 501, reason: "This method is not known."), dialect: entries[0].dialect)
            }
            let allowed = entries.map(\.route.method.rawValue).joined(separator: ", ")
            return .refused(.methodNotAllowed(allowed: allowed), dialect: entries[0].dialect)
        }
        return .route(
            Routed(
                head: head, peer: peer, requestID: requestID, started: started, now: now, dialect: entry.dialect,
                route: entry.route, action: entry.action, parameters: parameters, addressed: addressed,
                isUnknownAddress: isUnknown,
                addressPrefix: prefix))
    }

    private func entries(for path: String) -> ([Entry], [String])? {
        if let entries = literal[path] { return (entries, []) }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        var found: [Entry] = []
        var parameters: [String] = []
        for entry in patterned where entry.segments.count == segments.count {
            guard let values = match(entry, segments) else { continue }
            if found.isEmpty { parameters = values }
            found.append(entry)
        }
        return found.isEmpty ? nil : (found, parameters)
    }

    private func match(_ entry: Entry, _ segments: [Substring]) -> [String]? {
        var values: [String] = []
        for (pattern, segment) in zip(entry.segments, segments) {
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
        if let record = directory.tenant(host: host) { return .known(record) }
        guard let suffix = baseDomainSuffix, host.hasSuffix(suffix) else { return nil }
        return directory.tenant(slug: String(host.dropLast(suffix.count))).map { .known($0) } ?? .unknown
    }
}
