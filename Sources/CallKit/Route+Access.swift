package import HTTPCore
package import TenantRegistry

/// Who may call a route, by the caller's key and its reseller's place in its life (W1). Judged on the loop and again
/// inside each operation's transaction.
extension Route {
    /// `resellerState`: nil for the owner and operators, who have no reseller.
    package func judge(key: KeyProjection, resellerState: ResellerState?, apiAccess: Bool) throws(Refusal) {
        if let resellerState { try judge(resellerState, key, apiAccess: apiAccess) }
        switch access {
        case .open: break
        // A tenant's key is none of the provider's.
        case .provider, .providerReader: throw .unknownCredential
        case .administrator:
            guard key.role.isAdministrator else { throw notFor(key) }
            guard isOpenToSupport || !key.role.isSupport else { throw .forbidden(.supportReads) }
        case .owner:
            if key.role.isAdministrator { try judgeBook(of: key) }
            guard key.role.isOwner else {
                throw .forbidden(.ownerOnly)
            }
        case .reseller(let scopes), .openOrReseller(let scopes):
            guard !key.role.isAdministrator else { throw notFor(key) }
            guard key.scopes.isSuperset(of: scopes.bits) else {
                throw .forbidden(.scopeMissing(scopes))
            }
        case .resellerWithAny(let scopes):
            guard !key.role.isAdministrator else { throw notFor(key) }
            guard !key.scopes.isDisjoint(with: scopes.bits) else {
                throw .forbidden(.scopesMissing(scopes))
            }
        case .resellerSession:
            guard key.role == .resellerSession else {
                throw .forbidden(.sessionOnly)
            }
        }
        if access != .open { try judgeBook(of: key) }
    }

    /// A provider's key, by what its role opens (P8); nil over the control socket.
    package func judge(provider key: ProviderKeyRecord?) throws(Refusal) {
        guard access == .provider, let key, key.role != .admin else { return }
        throw .forbidden(.adminKeyOnly)
    }

    private func judgeBook(of key: KeyProjection) throws(Refusal) {
        guard moves != .live || key.book == .live else { throw .forbidden(.liveOnly) }
    }

    /// `?mode=` of a call that changes something: it may name the book that the call moves, and no other (X7). Whatever
    /// a route does with it otherwise, a call that names the test book never moves the live one.
    package func judge(modeIn head: RequestHead, of book: Book) throws(Refusal) {
        guard moves != .nothing, head.queryRange != nil, let query = try? Query(parsing: head.query) else { return }
        let named = query.pairs.filter { $0.name == Parameter.mode.name }
        if named.count > 1 { throw .badQuery(.repeated(Parameter.mode.name)) }
        for pair in named {
            guard let wanted = Book(name: pair.value) else {
                throw .field("/\(pair.name)", "choice", "must be one of live, test")
            }
            let isNamed = book == .live && parameters.contains { $0.name == pair.name }
            guard wanted == book || isNamed else { throw .forbidden(.liveOnly) }
        }
    }

    /// Whether knowing its path is all that it takes: what stands for a parameter of an open route opens something by
    /// itself, and logs leave it out.
    static func isNamedBySecret(_ access: Access, _ pattern: String) -> Bool {
        access == .open && pattern.contains("{")
    }

    private func judge(_ state: ResellerState, _ key: KeyProjection, apiAccess: Bool) throws(Refusal) {
        let isPerson = key.role == .resellerSession
        let isOpen = isPerson && openIn.contains(state)
        switch state {
        case .terminated: throw .unknownCredential
        case .pending:
            // Whether the tenant lets it try is in its file, and judged there (W12).
            guard isOpen || !isPerson && key.book == .test else { throw .forbidden(.resellerPending) }
            if !apiAccess && !isPerson { throw .forbidden(.apiAccessOff) }
        case .suspended:
            if !isOpen {
                throw .forbidden(.resellerSuspended)
            }
        case .active:
            if !apiAccess && !isPerson {
                throw .forbidden(.apiAccessOff)
            }
        }
    }

    private func notFor(_ key: KeyProjection) -> Refusal {
        .forbidden(.wrongRole(key.role))
    }
}

extension Book {
    /// A key of this book may change rows of that one: live keys reach both, test keys the test book alone.
    package func judgeWrite(to other: Book) throws(Refusal) {
        guard self == .live || other == .test else { throw .forbidden(.liveOnly) }
    }

    /// A read by id that asks for this book is of a row of that one: the same rule.
    package func judgeRead(of other: Book) throws(Refusal) {
        guard self == .live || other == .test else {
            throw .forbidden(.liveOnly.saying("live_only: this is not in the test book."))
        }
    }
}
