package import HTTPCore

/// Where a dialect's callers put their credential.
package enum CredentialPlace: Sendable, Equatable {
    /// `Authorization: Bearer …`.
    case bearer
    case header(String)
    case query(String)
}

/// An API as its description needs it: made of a dialect's route table, or of the provider's.
package struct APIDescription: Sendable {
    package struct Operation: Sendable {
        package var method: Method
        package var pattern: String
        package var summary: String
        package var isOpen: Bool
        /// Who may call it, for people.
        package var access: String
        package var takesBody: Bool
        package var idempotency: Route.Idempotency
        package var isSigned: Bool

        package init(
            method: Method, pattern: String, summary: String, isOpen: Bool, access: String, takesBody: Bool,
            idempotency: Route.Idempotency = .ignored, isSigned: Bool = false
        ) {
            self.method = method
            self.pattern = pattern
            self.summary = summary
            self.isOpen = isOpen
            self.access = access
            self.takesBody = takesBody
            self.idempotency = idempotency
            self.isSigned = isSigned
        }
    }

    package var title: String
    package var basePath: String
    package var credentials: [CredentialPlace]
    package var errorContentType: String
    /// A refusal as callers see it: its members are the envelope's schema.
    package var errorExample: JSON
    package var operations: [Operation]

    package init(
        title: String, basePath: String, credentials: [CredentialPlace], errorContentType: String, errorExample: JSON,
        operations: [Operation]
    ) {
        self.title = title
        self.basePath = basePath
        self.credentials = credentials
        self.errorContentType = errorContentType
        self.errorExample = errorExample
        self.operations = operations
    }

    package init(_ dialect: some Dialect) {
        let response = dialect.render(.notFound("thing"), requestID: .none)
        var example = JSON.null
        if case .bytes(let bytes) = response.body { example = (try? JSON.parse(bytes)) ?? .null }
        self.init(
            title: dialect.title, basePath: dialect.basePath, credentials: dialect.credentials,
            errorContentType: dialect.errorContentType.description, errorExample: example,
            operations: dialect.routes.map(Operation.init))
    }
}

extension APIDescription.Operation {
    init(_ route: Route) {
        var takesBody = true
        if case .none = route.body { takesBody = false }
        let access =
            switch route.access {
            case .open: "Open: no credential."
            case .administrator: "The owner or an operator."
            case .owner: "The owner."
            case .reseller(let scopes):
                scopes.isEmpty
                    ? "Any key of a reseller."
                    : "A reseller's key with the scope \(scopes.names.joined(separator: ", "))."
            case .resellerSession: "A reseller's person signed in."
            case .openOrReseller: "Open; a reseller's credential counts where there is one."
            }
        self.init(
            method: route.method, pattern: route.pattern, summary: route.summary, isOpen: route.access.isOpen,
            access: access, takesBody: takesBody, idempotency: route.idempotency, isSigned: route.isSigned)
    }
}
