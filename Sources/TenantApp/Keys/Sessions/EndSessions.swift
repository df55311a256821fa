package import CallKit
package import TenantRegistry

/// Ends sessions, all but one: no call passes on one of them after the answer (G3, O13).
package struct EndSessions: Sendable {
    package let owner: SessionOwner
    /// An operator ends none of the owner's.
    package let sparingOwner: Bool
    /// The session that goes on; 0 for none.
    package let but: Int64

    /// So many in one transaction: others' calls wait for it.
    package static let rowsMax = 200

    package init(_ owner: SessionOwner, sparingOwner: Bool, but: Int64) {
        self.owner = owner
        self.sparingOwner = sparingOwner
        self.but = but
    }

    /// Ends them in slices until one transaction may end the rest: for a work that takes several steps. Returns how
    /// many were ended so far.
    package static func untilFew(
        _ steps: Steps, _ ending: @escaping @Sendable (TenantReader) throws -> EndSessions
    ) async throws -> Int {
        var ended = 0
        while try await steps.read({ tenant in
            let ending = try ending(tenant)
            return try tenant.sessionCount(of: ending.owner, sparingOwner: ending.sparingOwner)
        }) > rowsMax {
            ended += try await steps.write { tenant, detail in
                try ending(tenant).run(tenant, limit: rowsMax, &detail)
            }
        }
        return ended
    }

    /// How many were ended: `limit` of them at most, the newest first.
    package func run(_ tenant: TenantTransaction, limit: Int, _ detail: inout AuditDetail) throws -> Int {
        let open = try tenant.sessions(of: owner, sparingOwner: sparingOwner, before: .max, limit: limit)
        let ended = open.filter { $0.id != but }
        for session in ended { try tenant.revokeKey(session.id) }
        if case .reseller(let id) = owner { detail.resellerID = id }
        detail.note("sessions_ended", String(ended.count))
        return ended.count
    }
}
