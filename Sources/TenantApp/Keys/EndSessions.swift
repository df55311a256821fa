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
