package import HTTPCore

/// Where a dialect's callers put their credential.
package enum CredentialPlace: Sendable, Equatable {
    /// `Authorization: Bearer …`.
    case bearer
    case header(String)
    case query(String)

    /// The header field that it stands in; nil in a query.
    package var field: String? {
        switch self {
        case .bearer: "Authorization"
        case .header(let name): name
        case .query: nil
        }
    }

    /// What a description calls it.
    var name: String {
        switch self {
        case .bearer: "bearer"
        case .header(let name), .query(let name): name
        }
    }
}

/// An API as its description needs it: made of a surface's route table.
package struct APIDescription: Sendable {
    package struct Operation: Sendable {
        package enum Credential: Sendable {
            case none
            case optional
            case required
        }

        package var method: Method
        package var pattern: String
        package var summary: String
        /// Who may call it, for people.
        package var access: String
        package var credential: Credential
        package var parameters: [Parameter]
        package var takes: Schema?
        package var gives: Success?
        /// Statuses of the refusals that can occur, as `Refusal` has them.
        package var refuses: Set<Int>
        package var idempotency = Route.Idempotency.ignored
        package var isSigned = false
        package var isTagged = false
        var example: RecordedExamples.Exchange?

        package init(
            method: Method, pattern: String, summary: String, access: String, credential: Credential,
            parameters: [Parameter],
            takes: Schema?, gives: Success?, refuses: Set<Int>
        ) {
            self.method = method
            self.pattern = pattern
            self.summary = summary
            self.access = access
            self.credential = credential
            self.parameters = parameters
            self.takes = takes
            self.gives = gives
            self.refuses = refuses
            if takes != nil || !parameters.isEmpty { self.refuses.insert(422) }
            if pattern.contains("{") { self.refuses.insert(404) }
            if credential != .none { self.refuses.insert(401) }
            self.refuses.formUnion(Self.refusedAnywhere)
        }

        /// What the HTTP engine, the limits and the node's own troubles refuse, whatever the route.
        private static let refusedAnywhere: Set<Int> = [
            400, 408, 413, 414, 415, 417, 429, 431, 500, 501, 503, 505,
        ]
    }

    /// What the HTTP engine refuses before it knows whose call it is: as a problem, whatever the API's envelope.
    static let refusedUnread: Set<Int> = [414, 431, 505]
    /// What it may refuse so, and an API in its envelope.
    private static let refusedEitherWay: Set<Int> = [400, 408, 501]

    package var title: String
    package var basePath: String
    package var credentials: [CredentialPlace]
    package var errorContentType: String
    package var errorSchema: Schema
    /// How a refusal of this status is answered on the wire.
    package var status: @Sendable (Int) -> Int
    package var operations: [Operation]
    package var events: [DescribedEvent] = []
    /// Of a refusal with this status on the wire.
    var refusalExample: @Sendable (Int) -> JSON? = { _ in nil }

    package init(
        title: String, basePath: String, credentials: [CredentialPlace], errorContentType: String, errorSchema: Schema,
        status: @escaping @Sendable (Int) -> Int, operations: [Operation]
    ) {
        self.title = title
        self.basePath = basePath
        self.credentials = credentials
        self.errorContentType = errorContentType
        self.errorSchema = errorSchema
        self.status = status
        self.operations = operations
    }

    var speaksProblems: Bool { errorContentType == Problem.contentType }

    /// How refusals of this status look: media types, each with the name of its schema.
    func envelopes(of status: Int) -> [(mediaType: String, schema: String)] {
        let own = [(errorContentType, "Error")]
        if speaksProblems { return own }
        let problem = [(Problem.contentType, "Problem")]
        if isOfEngine(status) { return problem }
        return Self.refusedEitherWay.contains(status) ? own + problem : own
    }

    /// Whether the engine alone answers with this status: the API has another one for what it stands for, or none.
    private func isOfEngine(_ status: Int) -> Bool {
        Self.refusedUnread.contains(status) || Self.refusedEitherWay.contains(status) && self.status(status) != status
    }

    /// What refusals of these statuses are on the wire: as the API says them and, where the engine may refuse the call
    /// before it knows whose it is, as the engine does.
    func wireStatuses(of refuses: some Sequence<Int>) -> [Int] {
        var found: Set<Int> = []
        for refusal in refuses {
            found.insert(status(refusal))
            if Self.refusedEitherWay.contains(refusal) { found.insert(refusal) }
        }
        return found.sorted()
    }

    package init(_ surface: some Surface) {
        let recorded = RecordedExamples(of: surface.name)
        self.init(
            title: surface.title, basePath: surface.basePath, credentials: surface.credentials,
            errorContentType: surface.errorContentType.description, errorSchema: surface.errorSchema,
            status: {
                Self.refusedUnread.contains($0) ? $0 : surface.render(.sample($0), requestID: .none).status
            },
            operations: surface.routes.map { route in
                var operation = Operation(route, isAlwaysThere: surface.isAlwaysThere)
                if surface.refusesUnknownMembers { operation.takes = operation.takes?.closedThroughout }
                operation.example = recorded.exchange(route.method, route.pattern)
                return operation
            })
        events = surface.events
        let described = self
        refusalExample = {
            surface.refusalExample($0, in: recorded, isProblem: !described.speaksProblems && described.isOfEngine($0))
        }
    }
}

extension APIDescription.Operation {
    /// `isAlwaysThere`: no tenant is without the route's surface.
    init(_ route: Route, isAlwaysThere: Bool) {
        let access =
            switch route.access {
            case .open: "Open: no credential."
            case .administrator:
                route.isOpenToSupport ? "The owner, an operator or support." : "The owner or an operator."
            case .owner: "The owner."
            case .reseller(let scopes):
                scopes.isEmpty
                    ? "Any key of a reseller."
                    : "A reseller's key with the scope \(scopes.names.joined(separator: ", "))."
            case .resellerWithAny(let scopes):
                "A reseller's key with one of the scopes \(scopes.names.joined(separator: ", "))."
            case .resellerSession: "A reseller's person signed in."
            case .openOrReseller: "Open; a reseller's credential counts where it opens something."
            case .provider: "The provider, by a key of the role admin."
            case .providerReader: "The provider."
            }
        let credential: Credential =
            switch route.access {
            case .open: .none
            case .openOrReseller: .optional
            case .administrator, .owner, .reseller, .resellerWithAny, .resellerSession, .provider, .providerReader:
                .required
            }
        self.init(
            method: route.method, pattern: route.pattern, summary: route.summary, access: access,
            credential: credential, parameters: route.parameters, takes: route.takes, gives: route.gives,
            // A tenant, a key or a reseller may be suspended, and a tenant's quotas be reached, wherever one calls it.
            refuses: Self.refusals(of: route))
        idempotency = route.idempotency
        isSigned = route.signedBy != nil
        isTagged = route.isTagged
        if case .ignored = idempotency {} else { refuses.insert(422) }
        // The address may name no tenant, or one that does not have this surface.
        if credential != .required || !isAlwaysThere { refuses.insert(404) }
    }

    private static func refusals(of route: Route) -> Set<Int> {
        switch route.access {
        case .providerReader: route.refuses
        case .provider: route.refuses.union([403])
        default: route.refuses.union([402, 403])
        }
    }
}

extension Refusal {
    /// Some refusal of this status, for descriptions of how refusals look.
    static func sample(_ status: Int) -> Refusal {
        switch status {
        case 400: .unparseable("The body is no JSON.")
        case 401: .unknownCredential
        case 402: .quotaExceeded("This month's requests are used up.")
        case 403: .forbidden(.ownerOnly)
        case 404: .notFound(.path)
        case 405: .methodNotAllowed(allowed: "GET")
        case 409: .conflict(.secretTaken)
        case 413: .tooLarge(bytesMax: 1 << 20)
        case 415: .codedBody
        case 422: .invalid([])
        case 429: .rateLimited(retryAfterSeconds: 1)
        case 500: .defect
        case 501: .unknownMethod
        case 503: .unavailable(.busy)
        default: .transport(status: status, reason: "\(Problem.title(status)).")
        }
    }
}
