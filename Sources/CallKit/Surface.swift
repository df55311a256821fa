package import HTTPCore
package import TenantRegistry

/// A part of the gateway on the wire: its paths, where its callers put their credential, and how its refusals look. One
/// router serves them all, each on the same way.
package protocol Surface: Sendable {
    /// As blueprints name a dialect, say `wholesale_orders`.
    var name: String { get }
    /// Below the base URL, the tenant's or the node's, say `/api/partner/v1`.
    var basePath: String { get }
    var routes: [Route] { get }
    /// What it tells its callers of, for its description.
    var events: [DescribedEvent] { get }
    /// It is there whatever a tenant's blueprint says.
    var isAlwaysThere: Bool { get }
    /// Where the head carries the credential; nil where it carries none.
    func credential(in head: RequestHead) -> Range<Int>?
    /// What the credential is hashed behind: pages' sessions, so that they open no API and no key opens a page. Nil
    /// for all others.
    var credentialDomain: StaticString? { get }
    /// What its forms are judged by before they have an effect; nil for APIs, which no browser calls by itself.
    var formGate: FormGate? { get }
    /// Where callers put their credential, for its description.
    var credentials: [CredentialPlace] { get }
    /// For people, at the head of its description.
    var title: String { get }
    /// Whether it is an API that describes itself at `/openapi.json` (X7); pages are not.
    var isDescribed: Bool { get }
    /// Whether a query may hold what no route of it describes, and nobody reads. APIs are told.
    var ignoresUnknownParameters: Bool { get }
    /// Whether a body may not: native APIs, whose clients are written for them.
    var refusesUnknownMembers: Bool { get }
    /// The media type of refusals.
    var errorContentType: StaticString { get }
    /// What a refusal's body looks like.
    var errorSchema: Schema { get }
    /// A refusal in this surface's envelope.
    func render(_ refusal: Refusal, requestID: RequestID) -> Response
    /// The same for this call, where the head says what the caller reads; nil where there is no head. `tenant`: whose
    /// address was called, where it serves now. No file is read for it.
    func render(_ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?) -> Response
}

extension Surface {
    package var isAlwaysThere: Bool { true }
    package var events: [DescribedEvent] { [] }
    package var credentials: [CredentialPlace] { [.bearer] }
    package var credentialDomain: StaticString? { nil }
    package var formGate: FormGate? { credentialDomain == nil ? nil : .session }
    package var title: String { name.replacing("_", with: " ").capitalized }
    package var isDescribed: Bool { true }
    package var ignoresUnknownParameters: Bool { !isDescribed }
    package var refusesUnknownMembers: Bool { false }
    package var errorContentType: StaticString { "application/problem+json" }
    package var errorSchema: Schema { Problem.schema }

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        render(refusal, requestID: requestID)
    }
}

extension RequestHead {
    /// The place of the key in `Authorization: Bearer <key>`, the scheme in any case; nil where there is none.
    package var bearer: Range<Int>? {
        guard let value = range(of: .authorization), value.count > 7 else { return nil }
        let scheme = bytes[value.prefix(7)].map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        guard scheme.elementsEqual("bearer ".utf8) else { return nil }
        var start = value.lowerBound + 7
        while start < value.upperBound && bytes[start] == 0x20 { start += 1 }
        return start..<value.upperBound
    }
}
