package import HTTPCore
package import RateLimiter
package import TenantRegistry

/// One operation of a surface on the wire: where it is, who may call it, what it takes. The table that serves requests
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
        case reseller(NamedScopes)
        /// A reseller's person signed in; a key will not do.
        case resellerSession
        /// No credential, or a reseller's, which then counts: what is shown may be the reseller's own.
        case openOrReseller(NamedScopes)
        /// The provider, by its key or over the control socket: of the node's own surface, and of no dialect.
        case provider

        /// Whether a call needs no credential.
        package var isOpen: Bool {
            switch self {
            case .open, .openOrReseller: true
            case .administrator, .owner, .reseller, .resellerSession, .provider: false
            }
        }
    }

    package enum Idempotency: Sendable {
        case ignored
        case accepted
        /// 400 without the header (G4).
        case required
    }

    package enum Body: Sendable {
        case none
        /// Read whole, at most so many bytes.
        case whole(bytesMax: Int)
        /// Taken piece by piece, at most so many bytes: the handler gives `Work.streamed`.
        case pieces(bytesMax: @Sendable (Call) -> Int64)

        /// Taken piece by piece, as long as the tenant's quota of bytes.
        package static let streamed = Body.pieces { $0.tenant.profile.quotas.bytesMax }
    }

    /// An order is 1 MiB at most, as every body that no row names otherwise (G6).
    package static let bodyBytesMax = 1 << 20
    package static let importBytesMax = 64 << 20

    package let method: Method
    /// Below the surface's base, say `/orders/{id}`.
    package let pattern: String
    package let access: Access
    package let body: Body
    package let idempotency: Idempotency
    /// The secrets that sign its calls (W5); nil where calls are not signed.
    package let signedBy: SignedCall.Secrets?
    /// Open routes that make accounts: 20 per 15 minutes and address (A2).
    package let isRationedByAddress: Bool
    /// States, beside active, in which a reseller's signed-in person may call it. Reads are open to a suspended person.
    package let openIn: Set<ResellerState>
    /// A limit of the route's own for each reseller; nil for most.
    package let routeClass: RouteClass?
    /// The kind under which the answer is kept ready for the loops; nil for most.
    package let cacheKind: CacheKind?
    /// Whether its answer is named by an ETag, and not sent again to who has it: lists of prices.
    package let isTagged: Bool
    package let summary: String
    /// Whether its query may hold anything: services that call back have parameters of their own.
    package let ignoresUnknownParameters: Bool
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
        idempotency: Idempotency = .ignored, signedBy: SignedCall.Secrets? = nil, isRationedByAddress: Bool = false,
        openIn: Set<ResellerState> = [], routeClass: RouteClass? = nil, cacheKind: CacheKind? = nil,
        isTagged: Bool = false,
        ignoresUnknownParameters: Bool = false, parameters: [Parameter] = [], takes: Schema? = nil,
        gives: Success? = nil, refuses: Set<Int> = [],
        handle: @escaping @Sendable (Call) throws -> Work
    ) {
        self.method = method
        self.pattern = pattern
        self.summary = summary
        self.access = access
        let takesBody = method == .post || method == .put || method == .patch
        self.body = body ?? (takesBody ? .whole(bytesMax: Self.bodyBytesMax) : .none)
        self.idempotency = idempotency
        self.signedBy = signedBy
        self.isRationedByAddress = isRationedByAddress
        self.openIn = method == .get ? openIn.union([.suspended]) : openIn
        self.routeClass = routeClass
        self.cacheKind = cacheKind
        self.isTagged = isTagged || cacheKind != nil
        self.ignoresUnknownParameters = ignoresUnknownParameters
        self.parameters = parameters
        self.takes = takes
        self.gives = gives
        self.refuses = refuses
        self.handle = handle
    }
}
