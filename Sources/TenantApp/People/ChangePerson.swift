package import CallKit
package import TenantRegistry

/// The owner changes what a person may do, or whether it may do anything (O13). No call of the person passes on its old
/// role or state after the answer (G3).
package struct ChangePerson: Sendable {
    package let personID: String
    /// Nil for what stays.
    package let name: String?
    package let role: PersonRole?
    package let state: AccountState?

    package init(personID: String, name: String?, role: PersonRole?, state: AccountState?) {
        self.personID = personID
        self.name = name
        self.role = role
        self.state = state
    }

    /// Throws where the change would be refused as things are.
    @discardableResult
    package func judge(_ tenant: TenantReader) throws -> Account {
        let person = try tenant.knownPerson(personID)
        let goes = role.map { $0 != .owner } ?? false || state == .disabled
        if person.role == .owner, person.state == .active, goes {
            guard try tenant.hasOwner(besideAccount: person.id) else { throw Refusal.conflict(.lastOwner) }
        }
        return person
    }

    /// Whether the person's sessions are touched, each of which is a row to be written.
    package var touchesSessions: Bool { role != nil || state != nil }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Account {
        let person = try judge(tenant)
        // A disabled person's keys take no place, and open again once it is active.
        let opensAgain = person.state == .disabled && state == .active
        let keys = opensAgain ? try tenant.keysInForce(resellerID: nil) : nil
        try tenant.setPerson(
            person.id, name: name ?? person.name, role: role?.account ?? person.role, state: state ?? person.state)
        guard let changed = try tenant.account(id: person.id) else { throw Refusal.defect }
        detail.note("person", person.publicID)
        if let role { detail.note("role", role.rawValue) }
        if let state { detail.note("state", state.rawValue) }
        if changed.state == .disabled {
            try tenant.endLinks(account: person.id)
            _ = try EndSessions(.account(person.id), sparingOwner: false, but: 0).run(tenant, limit: .max, &detail)
        }
        if changed.role != person.role || changed.state != person.state {
            if let keys { try tenant.judgeKeyQuota(since: keys) }
            try tenant.followPerson(changed)
            if person.role == .owner || changed.role == .owner { try tenant.projectOwner() }
        }
        return changed
    }
}
