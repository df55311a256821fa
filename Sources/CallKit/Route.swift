package import HTTPCore
package import RateLimiter
package import TenantRegistry

/// One operation of a surface on the wire: where it is, who may call it, what it takes. The table that serves requests
/// and describes them.
///
/// A class, since every stage of a call hands it on: a struct of its size is copied member by member.
package final class Route: Sendable {
    package enum Access: Sendable, Equatable {
        /// No credential. Limited per address.
        case open
        /// The owner, an operator or, where the route is open to it, support.
        case administrator
        /// The owner alone.
        case owner
        /// A reseller's key with these scopes, or its person signed in.
        case reseller(NamedScopes)
        /// A reseller's key with one of these scopes, or its person signed in.
        case resellerWithAny(NamedScopes)
        /// A reseller's person signed in; a key will not do.
        case resellerSession
        /// No credential, or a reseller's, which then counts: what is shown may be the reseller's own.
        case openOrReseller(NamedScopes)
        /// The provider, by a key of role `admin` or over the control socket: of the node's own surface, and of no
        /// dialect.
        case provider
        /// The same, by a key of role `read` too: what changes nothing and hands nothing out (P8).
        case providerReader

        /// Whether a call needs no credential.
        package var isOpen: Bool {
            switch self {
            case .open, .openOrReseller: true
            case .administrator, .owner, .reseller, .resellerWithAny, .resellerSession, .provider, .providerReader:
                false
            }
        }

        /// Whether it is of the node's own surface.
        package var isProviders: Bool { self == .provider || self == .providerReader }
    }

    /// What a call changes, by the two books (X7). A key of mode `test` changes the test book alone.
    package enum Moves: Sendable {
        /// Nothing: the one kind of route that HEAD may ask too.
        case nothing
        /// Rows of one book: the key's, or the one that a live key names by the route's `mode`.
        case oneBook
        /// What both books share, what the live one alone has, and what a key of mode `test` is not let do (O1).
        case live
    }

    package enum Idempotency: Sendable {
        case ignored
        case accepted
        /// 400 without the header (G4).
        case required
    }

    package enum Body: Sendable {
        case none
        /// Read whole, at most `bytesMax`.
        case whole(bytesMax: Int)
        /// Taken piece by piece, at most `bytesMax`: the handler gives `Work.streamed`.
        case pieces(bytesMax: @Sendable (Call) -> Int64)

        /// Taken piece by piece, as long as the tenant's quota of bytes.
        package static let streamed = Body.pieces { $0.tenant.profile.quotas.bytesMax }
    }

    /// From which of the strangers' budgets an open route's calls are taken, where nobody shows a key.
    package enum OpenCalls: Sendable {
        /// What everybody at the address and the tenant shares.
        case shared
        /// Each such route has its own: making accounts (A2, W11).
        case applications
        case signIns
        /// A link that is right is its tenant's; one that is wrong is a guess of the address.
        case capability
        /// The same by a signature alone: what links have used up keeps no payment service out.
        case signed
        /// Whoever's session still opens is no stranger, whatever the address has done: it is taken from the session's
        /// own. Without one it is `shared`.
        case signOuts
    }

    /// An order is 1 MiB at most, as every body that no row names otherwise (G6).
    package static let bodyBytesMax = 1 << 20
    /// What a stranger may send (G6).
    package static let openBodyBytesMax = 16 << 10
    package static let importBytesMax = 64 << 20

    package let method: Method
    /// Below the surface's base, say `/orders/{id}`.
    package let pattern: String
    package let access: Access
    package let moves: Moves
    package let body: Body
    package let idempotency: Idempotency
    /// The secrets that sign its calls (W5); nil where calls are not signed.
    package let signedBy: SignedCall.Secrets?
    package let openCalls: OpenCalls
    /// States, beside active, in which a reseller's signed-in person may call it. A GET that changes nothing is open to
    /// a suspended person.
    package let openIn: Set<ResellerState>
    /// Whether a reseller may call it that has filled its share of the file (G6), and anybody where the tenant's quota
    /// of bytes is reached (P2): what takes away, ends something, gives back, puts a new secret in place of one, or
    /// signs in to do so. Each DELETE is, unless it says otherwise.
    package let needsNoRoom: Bool
    /// Of those: whether it cannot be repeated for ever, since undoing it needs room or another sign-in. What can be
    /// has half of a reseller's share beyond it. Each DELETE that needs no room is.
    package let endsForGood: Bool
    /// Whether support may call it, of the routes that administrators may (O13): a GET, unless it says otherwise.
    package let isOpenToSupport: Bool
    /// A limit of the route's own for each reseller; nil for most.
    package let routeClass: RouteClass?
    /// The kind under which the answer is kept ready for the loops; nil for most.
    package let cacheKind: CacheKind?
    /// Whether its answer is named by an ETag, and not sent again to who has it: lists of prices.
    package let isTagged: Bool
    /// Whether what its address names never changes: whoever has got it may keep it, and anybody's cache too.
    package let keepsForEver: Bool
    /// Whether a page repeats it by itself as long as somebody looks: of a session's reads that were answered, one a
    /// minute is recorded and counts (O6).
    package let isWatched: Bool
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
    package let description: LazyDescription?
    /// What is shown in place of a refusal: a page's form, with what was typed. Nil, or where it gives
    /// nil: the surface's own way.
    package let showing: (@Sendable (Call, Refusal) -> Work?)?
    package let handle: @Sendable (Call) throws -> Work

    package init(
        _ method: Method, _ pattern: String, _ summary: String, access: Access, moves: Moves? = nil, body: Body? = nil,
        idempotency: Idempotency = .ignored, signedBy: SignedCall.Secrets? = nil, openCalls: OpenCalls? = nil,
        openIn: Set<ResellerState> = [], needsNoRoom: Bool? = nil, endsForGood: Bool? = nil,
        isOpenToSupport: Bool? = nil,
        routeClass: RouteClass? = nil, cacheKind: CacheKind? = nil, isTagged: Bool = false, keepsForEver: Bool = false,
        isWatched: Bool = false, ignoresUnknownParameters: Bool = false, parameters: [Parameter] = [],
        takes: Schema? = nil, gives: Success? = nil, refuses: Set<Int> = [], description: LazyDescription? = nil,
        showing: (@Sendable (Call, Refusal) -> Work?)? = nil,
        handle: @escaping @Sendable (Call) throws -> Work
    ) {
        self.method = method
        self.pattern = pattern
        self.summary = summary
        self.access = access
        self.moves = moves ?? (method == .get ? .nothing : .live)
        let takesBody = method == .post || method == .put || method == .patch
        let bytesMax = access.isOpen ? Self.openBodyBytesMax : Self.bodyBytesMax
        self.body = body ?? (takesBody ? .whole(bytesMax: bytesMax) : .none)
        self.idempotency = idempotency
        self.signedBy = signedBy
        let isNamedBySecret = Self.isNamedBySecret(access, pattern)
        // What anybody may keep is no secret.
        self.openCalls = openCalls ?? (isNamedBySecret && !keepsForEver ? .capability : .shared)
        self.openIn = method == .get && self.moves == .nothing ? openIn.union([.suspended]) : openIn
        self.needsNoRoom = needsNoRoom ?? (endsForGood ?? (method == .delete))
        self.endsForGood = endsForGood ?? (method == .delete && self.needsNoRoom)
        self.isOpenToSupport = isOpenToSupport ?? (method == .get && self.moves == .nothing)
        self.routeClass = routeClass
        self.cacheKind = cacheKind
        self.isTagged = isTagged || cacheKind != nil
        self.keepsForEver = keepsForEver
        self.isWatched = isWatched
        self.ignoresUnknownParameters = ignoresUnknownParameters
        self.parameters = parameters
        self.takes = takes
        self.gives = gives
        self.refuses = refuses
        self.description = description
        self.showing = showing
        self.handle = handle
    }

    /// Whether an Idempotency-Key means anything to it.
    package var takesIdempotencyKey: Bool { if case .ignored = idempotency { false } else { true } }

    /// HEAD asks what GET would answer, and is not there where a GET acts.
    package func answers(_ method: Method) -> Bool {
        method == .head ? self.method == .get && moves == .nothing : self.method == method
    }
}
