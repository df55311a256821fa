package import HTTPCore
package import TenantRegistry

/// An API on the wire: routes, where a credential stands, and how refusals look. The domain behind all is one.
package protocol Dialect: Sendable {
    /// What keys may be used for on its routes; none where it asks for none.
    static var scopes: NamedScopes { get }
    /// As blueprints name it, say `wholesale_orders`.
    var name: String { get }
    /// Below the tenant's base URL, say `/api/partner/v1`.
    var basePath: String { get }
    var routes: [Route] { get }
    /// Where the head carries the credential; nil where it carries none.
    func credential(in head: RequestHead) -> Range<Int>?
    /// The most bytes of a body that may carry the credential where the head does not: such a body is read before the
    /// call is authenticated. Nil: credentials stand in heads alone.
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
    /// Whether it is an API that describes itself at `/openapi.json` (X7); pages are not.
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

extension HeaderName {
    package static let apiKey: HeaderName = "x-api-key"
}

extension Dialect {
    package static var scopes: NamedScopes { [] }
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
