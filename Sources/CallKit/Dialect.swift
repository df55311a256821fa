package import HTTPCore

/// A surface of a tenant: an API or pages at its address. The domain behind all is one.
package protocol Dialect: Surface {
    /// What keys may be used for on its routes; none where it asks for none.
    static var scopes: NamedScopes { get }
    /// The most bytes of a body that may carry the credential where the head does not: such a body is read before the
    /// call is authenticated. Nil: credentials stand in heads alone.
    var credentialBodyBytesMax: Int? { get }
    /// The credential that a body carries; nil where it carries none.
    func credential(inBody body: [UInt8]) -> [UInt8]?
    /// What an Idempotency-Key stands for beside the method: target and body, without a credential in them.
    func fingerprinted(_ head: RequestHead, _ body: [UInt8]) -> (target: String, body: [UInt8])
}

extension HeaderName {
    package static let apiKey: HeaderName = "x-api-key"
}

extension Dialect {
    package static var scopes: NamedScopes { [] }
    package var isAlwaysThere: Bool { false }
    package var credentialBodyBytesMax: Int? { nil }
    package func credential(inBody body: [UInt8]) -> [UInt8]? { nil }

    package func fingerprinted(_ head: RequestHead, _ body: [UInt8]) -> (target: String, body: [UInt8]) {
        (head.target, body)
    }
}
