package import CallKit
package import TenantRegistry

/// The owner makes a person of its tenant, who sets a password through an invitation's link (O13).
package struct AddPerson: Sendable {
    package let email: String
    package let name: String
    package let role: PersonRole
    package let token: LinkToken

    package init(email: String, name: String, role: PersonRole, token: LinkToken) {
        self.email = email
        self.name = name
        self.role = role
        self.token = token
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Account {
        guard try tenant.account(email: email) == nil else { throw Refusal.conflict(.emailTaken) }
        let id = try tenant.insertAccount(
            email: email, name: name, role: role.account, resellerID: nil, passwordHash: nil)
        try tenant.insertLink(.invitation, account: id, tokenHash: token.hash)
        guard let person = try tenant.account(id: id) else { throw Refusal.defect }
        detail.note("person", person.publicID)
        detail.note("role", role.rawValue)
        return person
    }
}
