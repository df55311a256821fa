package import HTTPCore
package import TenantRegistry

/// A surface of a tenant: an API or pages at its address. The domain behind all is one.
package protocol Dialect: Surface {
    /// What keys may be used for on its routes; none where it asks for none.
    static var scopes: NamedScopes { get }
    /// The most bytes of a body that may carry the credential where the head does not: such a body is read before the
    /// call is authenticated. Nil: credentials stand in heads alone.
    var credentialBodyBytesMax: Int? { get }
    /// The credential that a body carries; nil where it carries none. Throws where it cannot be read.
    func credential(inBody body: [UInt8]) throws(Refusal) -> [UInt8]?
    /// Where a payment service reports to, below the tenant's base URL; nil where it has no address of its own for it.
    var paymentCallbackPath: String? { get }
    /// What an Idempotency-Key stands for beside the method: target and body, without a credential in them. So many
    /// bytes of the path are the tenant's address, and no part of it.
    func fingerprinted(_ head: RequestHead, below addressBytes: Int, _ body: [UInt8]) -> IdempotencyClaim.Said
}

extension HeaderName {
    package static let apiKey: HeaderName = "x-api-key"
}

extension Dialect {
    package static var scopes: NamedScopes { [] }
    package var isAlwaysThere: Bool { false }
    package var credentialBodyBytesMax: Int? { nil }
    package var paymentCallbackPath: String? { nil }
    package func credential(inBody body: [UInt8]) throws(Refusal) -> [UInt8]? { nil }

    package func fingerprinted(
        _ head: RequestHead, below addressBytes: Int, _ body: [UInt8]
    ) -> IdempotencyClaim.Said {
        (head.target(after: addressBytes), body)
    }
}

/// What a tenant shows to whoever has its address, whatever its blueprint says: pages, pictures and callbacks. No key
/// opens it, and no description has it. Its refusals are problems (RFC 9457) where it has no page for them.
package protocol OpenDialect: Dialect {}

extension OpenDialect {
    package var isAlwaysThere: Bool { true }
    package var isDescribed: Bool { false }

    package func credential(in head: RequestHead) -> Range<Int>? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }
}
