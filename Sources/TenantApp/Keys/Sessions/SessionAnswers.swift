package import CallKit
package import TenantRegistry

/// Sessions on the wire, for the operator's API and the resellers' own (O13). None is ever shown with its secret.
package enum SessionAnswers {
    /// A session as a list shows it.
    package struct Listed: Sendable {
        package let key: APIKey
        /// It is the one that asks.
        package let isCurrent: Bool
    }

    /// What is asked about, found in the file; the second part of a path names one session.
    package typealias Finding = @Sendable (TenantReader) throws -> SessionOwner

    /// Sessions in force, newest first, as `render` shows them.
    package static func list(
        _ call: Call, of owner: @escaping Finding,
        _ render: @escaping @Sendable (TenantReader, [Listed], Paging) throws -> Answer
    ) throws -> Work {
        let page = try Paging(call)
        return .read { tenant in
            let rows = try tenant.sessions(
                of: try owner(tenant), sparingOwner: sparesOwner(call), before: page.before, limit: page.fetch)
            return try render(tenant, rows.map { Listed(key: $0, isCurrent: $0.id == call.keyID) }, page)
        }
    }

    /// Ends one session. Again: the same answer.
    package static func end(
        _ call: Call, _ publicID: String, of owner: @escaping Finding, answer: Answer = .noContent
    ) -> Work {
        .write { tenant, detail in
            guard let key = try tenant.key(publicID: publicID), key.role.isSession,
                try isOf(try owner(tenant), key)
            else { throw Refusal.notFound(.session) }
            try KeyAnswers.guardOwnerKey(key, call)
            if key.revokedAt == nil { try tenant.revokeKey(key.id) } else { try tenant.tellRevoked(key) }
            detail.resellerID = key.resellerID
            detail.note("session", key.publicID)
            return answer
        }
    }

    /// Ends all of them but the one that asks; `answer` is told how many.
    package static func endOthers(
        _ call: Call, of owner: @escaping Finding, answer: @escaping @Sendable (_ ended: Int, Currency) -> Answer
    ) -> Work {
        @Sendable func ending(_ tenant: TenantReader) throws -> EndSessions {
            EndSessions(try owner(tenant), sparingOwner: sparesOwner(call), but: call.keyID)
        }
        return .flow { steps in
            let ended = try await EndSessions.untilFew(steps, ending)
            return .write { tenant, detail in
                let rest = try ending(tenant).run(tenant, limit: .max, &detail)
                return answer(ended + rest, tenant.currency)
            }
        }
    }

    private static func isOf(_ owner: SessionOwner, _ key: APIKey) throws -> Bool {
        switch owner {
        case .account(let id): key.accountID == id
        case .reseller(let id): key.resellerID == id
        case .everybody: true
        }
    }

    /// The owner's sessions are the owner's, as its keys are.
    private static func sparesOwner(_ call: Call) -> Bool { !call.known.role.isOwner }
}

extension Call {
    /// The caller's own.
    var ownSessions: SessionAnswers.Finding {
        let account = accountID
        return { _ in .account(account) }
    }
}
