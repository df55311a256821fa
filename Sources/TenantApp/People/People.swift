import CallKit
import SQLite
package import TenantRegistry

/// The tenant's own people among its accounts: owners, operators and support (O13). An account with a reseller is
/// none of them.
extension Account {
    fileprivate static let person = Statement(
        "SELECT \(columns) FROM account WHERE public_id = ?1 AND reseller_id IS NULL")
    fileprivate static let people = Statement(
        """
        SELECT \(columns) FROM account
        WHERE reseller_id IS NULL AND id > ?1 AND (?2 IS NULL OR role = ?2) AND (?3 IS NULL OR state = ?3)
            AND (?5 IS NULL OR email = ?5)
        ORDER BY id LIMIT ?4
        """)
}

extension TenantReader {
    package func knownPerson(_ publicID: String) throws -> Account {
        guard let person = try connection.row(Account.person, .text(publicID), read: Account.init) else {
            throw Refusal.notFound(.person)
        }
        return person
    }

    /// Oldest first.
    package func people(
        role: AccountRole?, state: AccountState?, email: String?, after id: Int64, limit: Int
    ) throws -> [Account] {
        try connection.rows(
            Account.people, .integer(id), .optional(role?.rawValue), .optional(state?.rawValue), .int(limit),
            .optional(email?.lowercased()), read: Account.init)
    }
}

extension TenantTransaction {
    package func setPerson(_ id: Int64, name: String, role: AccountRole, state: AccountState) throws {
        try connection.run(
            "UPDATE account SET name = ?2, role = ?3, state = ?4 WHERE id = ?1", .integer(id), .text(name),
            .integer(role.rawValue), .text(state.rawValue))
    }
}
