import CallKit
import Cryptography
import HTTPCore
import RateLimiter
import TenantApp
import TenantRegistry

/// One call of the provider: authenticated by a provider key or by the control socket.
struct ProviderCall: Sendable {
    let head: RequestHead
    let parameters: [String]
    let body: [UInt8]
    let requestID: RequestID
    let now: Timestamp
    let caller: ProviderCaller
    let baseURL: @Sendable (TenantRecord) -> String

    func fields() throws(Refusal) -> FieldReader {
        do {
            return FieldReader(body.isEmpty ? .object([]) : try JSON.parse(body))
        } catch {
            throw .unparseable("The body is not valid JSON: \(error).")
        }
    }

    func query() throws(Refusal) -> Query {
        do {
            return try Query(parsing: head.query)
        } catch {
            throw .unparseable("The query cannot be read: \(error).")
        }
    }
}

/// Who calls the provider's API, to be judged again where the call has its effect: a key that was rotated since opens
/// nothing any more (G3). A value: any thread.
struct ProviderCaller: Sendable {
    let fleet: Fleet
    /// Nil for the control socket, which only the data folder's owner can open.
    let secretHash: Digest?

    /// For effects in the registry.
    var judge: Registry.Judge {
        { [self] in
            if let secretHash, !fleet.isProviderKey(secretHash) {
                throw RegistryRefusal.notAllowed(Refusal.unknownCredential)
            }
        }
    }

    /// For effects in a tenant's file.
    var warrant: Warrant {
        Warrant { [self] _ in
            if let secretHash, !fleet.isProviderKey(secretHash) { throw Refusal.unknownCredential }
        }
    }
}

/// An operation of the provider's API. Some answer later: what they do spans the registry and a tenant's lane.
struct ProviderRoute: Sendable {
    typealias Reply = @Sendable (Result<LateAnswer, any Error>) -> Void

    enum Body: Sendable {
        case whole
        /// Streamed to a file in the data folder, whose path the handler is given.
        case file
    }

    let method: Method
    let pattern: String
    let summary: String
    let body: Body
    /// As of `Route`: what describes the operation.
    let parameters: [Parameter]
    let takes: Schema?
    let gives: Success?
    let refuses: Set<Int>
    let handle: @Sendable (ProviderAPI, ProviderCall, _ filePath: String?, @escaping Reply) throws -> Void

    init(
        _ method: Method, _ pattern: String, _ summary: String, body: Body = .whole,
        parameters: [Parameter] = [], takes: Schema? = nil, gives: Success? = nil, refuses: Set<Int> = [],
        handle: @escaping @Sendable (ProviderAPI, ProviderCall, String?, @escaping Reply) throws -> Void
    ) {
        self.method = method
        self.pattern = pattern
        self.summary = summary
        self.body = body
        self.parameters = parameters
        self.takes = takes
        self.gives = gives
        self.refuses = refuses
        self.handle = handle
    }
}

/// Provisioning tenants (P): the provider's API at `/provider/v1`, native JSON, problem documents.
final class ProviderAPI: Sendable {
    static let basePath = "/provider/v1"
    /// All of the provider's calls together: a bound against a script gone wild, and the headers that answers carry.
    static let policy = Policy(requests: 60_000, windowSeconds: 60, burst: 60_000)!

    let fleet: Fleet
    let blueprints: Blueprints
    let scrypt: Scrypt
    /// Told after a tenant's domains changed, so that TLS serves their certificates.
    let domainsChanged: @Sendable () -> Void
    private let bucket: Bucket
    let routes: [ProviderRoute] = tenantRoutes + stateRoutes + copyRoutes + nodeRoutes

    /// OpenAPI 3.1, made of the route table above.
    let description = LazyDescription {
        APIDescription(
            title: "Provider", basePath: basePath, credentials: [.bearer], errorContentType: "application/problem+json",
            errorSchema: Problem.schema, status: { $0 },
            operations: (tenantRoutes + stateRoutes + copyRoutes + nodeRoutes).map { route in
                APIDescription.Operation(
                    method: route.method, pattern: route.pattern, summary: route.summary, access: "The provider.",
                    credential: .required, parameters: route.parameters, takes: route.takes, gives: route.gives,
                    refuses: route.refuses)
            })
    }

    init(fleet: Fleet, blueprints: Blueprints, scrypt: Scrypt, domainsChanged: @escaping @Sendable () -> Void) {
        self.fleet = fleet
        self.blueprints = blueprints
        self.scrypt = scrypt
        self.domainsChanged = domainsChanged
        bucket = Bucket(Self.policy, now: fleet.monotonic.nanoseconds())
    }

    /// Finds the route; throws 404 or 405.
    func route(_ method: Method, _ path: String) throws(Refusal) -> (ProviderRoute, [String]) {
        let wanted = method == .head ? .get : method
        let segments = path.dropFirst(Self.basePath.count).split(separator: "/", omittingEmptySubsequences: false)
        var allowed: [String] = []
        for route in routes {
            let pattern = route.pattern.split(separator: "/", omittingEmptySubsequences: false)
            guard pattern.count == segments.count else { continue }
            var parameters: [String] = []
            let matches = zip(pattern, segments).allSatisfy { pattern, segment in
                guard pattern.hasPrefix("{") else { return pattern == segment }
                guard !segment.isEmpty, let value = try? percentDecoded(String(segment)) else { return false }
                parameters.append(value)
                return true
            }
            guard matches else { continue }
            if route.method == wanted { return (route, parameters) }
            allowed.append(route.method.rawValue)
        }
        if !allowed.isEmpty, method == .other {
            throw .transport(status: 501, reason: "This method is not known.")
        }
        throw allowed.isEmpty ? .notFound(.path) : .methodNotAllowed(allowed: allowed.joined(separator: ", "))
    }

    /// A provider key, or the control socket, which only the data folder's owner can open.
    func authenticate(_ head: RequestHead, from peer: Peer) throws(Refusal) -> ProviderCaller {
        if peer.role == .control { return ProviderCaller(fleet: fleet, secretHash: nil) }
        let dialect = WholesaleOrders()
        guard let place = dialect.bearer(in: head), APIKeyFormat.isWellFormed(head.bytes[place]) else {
            throw .unknownCredential
        }
        let hash = head.bytes[place].withUnsafeBytes { SHA256.hash($0) }
        guard fleet.isProviderKey(hash) else { throw .unknownCredential }
        return ProviderCaller(fleet: fleet, secretHash: hash)
    }

    func admit(now: UInt64) -> Decision { bucket.take(now: now) }

    func tenant(_ slug: String) throws(Refusal) -> TenantRecord {
        guard let record = fleet.roster.tenant(slug: slug), record.profile.state != .creating else {
            throw .notFound(.tenant)
        }
        return record
    }

    /// `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`
    static func isSlug(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isAlphanumeric(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39 }
        guard 1...63 ~= bytes.count, let first = bytes.first, let last = bytes.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last) && bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2D }
    }
}
