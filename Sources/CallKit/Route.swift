package import HTTPCore
package import RateLimiter
package import TenantRegistry

/// One operation of a dialect on the wire: where it is, who may call it, what it takes. The table that serves requests
/// and describes them.
package struct Route: Sendable {
    package enum Access: Sendable, Equatable {
        /// No credential. Limited per address.
        case open
        /// The owner or an operator.
        case administrator
        /// The owner alone.
        case owner
        /// A reseller's key with these scopes, or its person signed in.
        case reseller(Scopes)
        /// A reseller's person signed in; a key will not do.
        case resellerSession
        /// No credential, or a reseller's, which then counts: what is shown may be the reseller's own.
        case openOrReseller(Scopes)

        /// Whether a call needs no credential.
        package var isOpen: Bool {
            switch self {
            case .open, .openOrReseller: true
            case .administrator, .owner, .reseller, .resellerSession: false
            }
        }
    }

    package enum Idempotency: Sendable {
        case ignored
        case accepted
        /// 400 without the header (CONTRACT G4).
        case required
    }

    package enum Body: Sendable {
        case none
        /// Read whole, at most so many bytes.
        case whole(bytesMax: Int)
        /// Taken piece by piece, as long as the tenant's quota of bytes: the handler gives `Work.streamed`.
        case streamed
    }

    /// An order is 1 MiB at most, as every body that no row names otherwise (CONTRACT G6).
    package static let bodyBytesMax = 1 << 20
    package static let importBytesMax = 64 << 20
    package static let idempotencyKeyCharactersMax = 255

    package let method: Method
    /// Below the dialect's base, say `/orders/{id}`.
    package let pattern: String
    package let access: Access
    package let body: Body
    package let idempotency: Idempotency
    package let isSigned: Bool
    /// Open routes that make accounts: 20 per 15 minutes and address (CONTRACT A2).
    package let isRationedByAddress: Bool
    /// A reseller's person may call it before the reseller is approved.
    package let isForPending: Bool
    /// A limit of the route's own for each reseller; nil for most.
    package let routeClass: RouteClass?
    /// The kind under which the answer is kept ready for the loops; nil for most.
    package let cacheKind: UInt8?
    package let summary: String
    /// What its path and query hold; path parameters left out are any text.
    package let parameters: [Parameter]
    /// Its body; nil where it reads none.
    package let takes: Schema?
    package let gives: Success?
    /// Statuses of refusals that do not follow from the rest: 402 and above, as `Refusal` has them.
    package let refuses: Set<Int>
    /// What it gives where that is the API's description, which is no tenant's: served without a tenant's address too.
    package internal(set) var description: LazyDescription?
    package let handle: @Sendable (Call) throws -> Work

    package init(
        _ method: Method, _ pattern: String, _ summary: String, access: Access, body: Body? = nil,
        idempotency: Idempotency = .ignored, isSigned: Bool = false, isRationedByAddress: Bool = false,
        isForPending: Bool = false, routeClass: RouteClass? = nil, cacheKind: UInt8? = nil,
        parameters: [Parameter] = [], takes: Schema? = nil, gives: Success? = nil, refuses: Set<Int> = [],
        handle: @escaping @Sendable (Call) throws -> Work
    ) {
        self.method = method
        self.pattern = pattern
        self.summary = summary
        self.access = access
        let takesBody = method == .post || method == .put || method == .patch
        self.body = body ?? (takesBody ? .whole(bytesMax: Self.bodyBytesMax) : .none)
        self.idempotency = idempotency
        self.isSigned = isSigned
        self.isRationedByAddress = isRationedByAddress
        self.isForPending = isForPending
        self.routeClass = routeClass
        self.cacheKind = cacheKind
        self.parameters = parameters
        self.takes = takes
        self.gives = gives
        self.refuses = refuses
        self.handle = handle
    }
}

/// An API on the wire: routes, where a credential stands, and how refusals look. The domain behind all is one.
package protocol Dialect: Sendable {
    /// As blueprints name it, say `wholesale_orders`.
    var name: String { get }
    /// Below the tenant's base URL, say `/api/partner/v1`.
    var basePath: String { get }
    var routes: [Route] { get }
    /// Where the head carries the credential; nil where it carries none.
    func credential(in head: RequestHead) -> Range<Int>?
    /// The most bytes of a body that may carry the credential where the head does not: such a body is read before the call is
    /// authenticated. Nil: credentials stand in heads alone.
    var credentialBodyBytesMax: Int? { get }
    /// The credential that a body carries; nil where it carries none.
    func credential(inBody body: [UInt8]) -> [UInt8]?
    /// What an Idempotency-Key stands for beside the method: target and body, without a credential in them.
    func fingerprinted(_ head: RequestHead, _ body: [UInt8]) -> (target: String, body: [UInt8])
    /// Every tenant has it, whatever its blueprint says.
    var isAlwaysThere: Bool { get }
    /// For people, at the head of its description.
    var title: String { get }
    /// Where callers put their credential, for its description.
    var credentials: [CredentialPlace] { get }
    /// Whether it is an API that describes itself at `/openapi.json` (CONTRACT X7); pages are not.
    var isDescribed: Bool { get }
    /// The media type of refusals.
    var errorContentType: StaticString { get }
    /// What a refusal's body looks like.
    var errorSchema: Schema { get }
    /// A refusal in this dialect's envelope.
    func render(_ refusal: Refusal, requestID: RequestID) -> Response
    /// The same for this call, where the head says what the caller reads; nil where there is no head.
    func render(_ refusal: Refusal, requestID: RequestID, for head: RequestHead?) -> Response
}

extension Dialect {
    package var isAlwaysThere: Bool { false }
    package var title: String { name.replacing("_", with: " ").capitalized }
    package var credentials: [CredentialPlace] { [.bearer] }
    package var isDescribed: Bool { true }
    package var errorContentType: StaticString { "application/problem+json" }
    package var errorSchema: Schema { Problem.schema }
    package var credentialBodyBytesMax: Int? { nil }
    package func credential(inBody body: [UInt8]) -> [UInt8]? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID, for head: RequestHead?) -> Response {
        render(refusal, requestID: requestID)
    }

    package func fingerprinted(_ head: RequestHead, _ body: [UInt8]) -> (target: String, body: [UInt8]) {
        (head.target, body)
    }

    /// `Authorization: Bearer <key>`, the scheme in any case.
    package func bearer(in head: RequestHead) -> Range<Int>? {
        guard let value = head.range(of: .authorization), value.count > 7 else { return nil }
        let scheme = head.bytes[value.prefix(7)].map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        guard scheme.elementsEqual("bearer ".utf8) else { return nil }
        var start = value.lowerBound + 7
        while start < value.upperBound && head.bytes[start] == 0x20 { start += 1 }
        return start..<value.upperBound
    }
}

/// RFC 9457 problem documents: how the native APIs (P, O, W) refuse.
package enum Problem {
    package static func response(_ refusal: Refusal, requestID: RequestID) -> Response {
        let body = JSONWriter.object { json in
            json.field("type", "urn:tollgate:problem:\(refusal.code)")
            json.field("title", title(refusal.status))
            json.field("status", refusal.status)
            json.field("detail", refusal.detail)
            json.field("code", refusal.code)
            json.field("request_id", requestID.text)
            switch refusal {
            case .invalid(let errors):
                json.array("errors") { json in
                    for error in errors {
                        json.object { json in
                            json.field("pointer", error.pointer)
                            json.field("code", error.code)
                            json.field("detail", error.detail)
                        }
                    }
                }
            case .insufficientBalance(let required, let available, let currency):
                json.field("required", required.decimal(minorUnitDigits: currency.minorUnitDigits))
                json.field("available", available.decimal(minorUnitDigits: currency.minorUnitDigits))
                json.field("currency", currency.code)
            default: break
            }
        }
        var response = Response(status: refusal.status, contentType: "application/problem+json", bytes: body)
        if let seconds = refusal.retryAfterSeconds { response.headers.add("Retry-After", seconds) }
        if case .methodNotAllowed(let allowed) = refusal { response.headers.add("Allow", allowed) }
        if refusal.status == 401 { response.headers.add("WWW-Authenticate", "Bearer") }
        return response
    }

    package static let schema: Schema = [
        "type": .string, "title": .string, "status": .integer, "detail": .string, "code": .string,
        "request_id": .string,
        // 422: what is wrong with which field.
        "errors": .array(of: ["pointer": .string, "code": .string, "detail": .string]).omittable,
        // 402 where a balance does not cover it.
        "required": .decimal.omittable, "available": .decimal.omittable, "currency": .string.omittable,
    ]

    package static func title(_ status: Int) -> String {
        switch status {
        case 400: "Bad request"
        case 401: "Unauthorized"
        case 402: "Payment required"
        case 403: "Forbidden"
        case 404: "Not found"
        case 405: "Method not allowed"
        case 408: "Request timeout"
        case 409: "Conflict"
        case 413: "Content too large"
        case 414: "URI too long"
        case 417: "Expectation failed"
        case 422: "Unprocessable content"
        case 429: "Too many requests"
        case 431: "Request header fields too large"
        case 500: "Internal error"
        case 501: "Not implemented"
        case 503: "Service unavailable"
        case 505: "HTTP version not supported"
        default: "Error"
        }
    }
}
