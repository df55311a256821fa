import CallKit
import SQLite
package import TenantRegistry

/// What an account may sign in as.
package enum AccountRole: Int64, Sendable, CaseIterable {
    case owner = 0
    case `operator` = 1
    case reseller = 2
    /// Reads for others (O13).
    case support = 3
}

package enum AccountState: String, Sendable, CaseIterable {
    case active
    /// Neither signs in nor calls, by whatever key (O13).
    case disabled
}

/// Somebody who can sign in, and to whom calls are attributed.
package struct Account: Sendable {
    package let id: Int64
    package let publicID: String
    package let email: String
    package let name: String
    package let role: AccountRole
    package let state: AccountState
    package let resellerID: Int64?
    package let passwordHash: String?
    package let createdAt: Timestamp

    static let columns = Columns<Account>(
        "id", "public_id", "email", "name", "role", "state", "reseller_id", "password_hash", "created_at")
    fileprivate static let byEmail = Statement("SELECT \(columns) FROM account WHERE email = ?1")
    fileprivate static let byID = Statement("SELECT \(columns) FROM account WHERE id = ?1")
    fileprivate static let ofReseller = Statement(
        "SELECT \(columns) FROM account WHERE reseller_id = ?1 ORDER BY id LIMIT 1")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        email = try row.text()
        name = try row.text()
        role = try row.value()
        state = try row.value()
        resellerID = try row.optionalInt()
        passwordHash = try row.optionalText()
        createdAt = try row.time()
    }
}

extension TenantReader {
    /// The account of the tenant's owner: the first that is active, where there are several.
    package func ownerAccount() throws -> Int64? {
        try connection.row(
            "SELECT id FROM account WHERE reseller_id IS NULL AND role = 0 AND state = 'active' ORDER BY id LIMIT 1"
        ) { try $0.int() }
    }

    /// The address of that account: the one that the provider knows (P10).
    package func ownerEmail() throws -> String? {
        try connection.row(
            """
            SELECT email FROM account WHERE reseller_id IS NULL AND role = 0 AND state = 'active' ORDER BY id LIMIT 1
            """
        ) { try $0.text() }
    }

    /// By e-mail address, case-folded.
    package func account(email: String) throws -> Account? {
        try connection.row(Account.byEmail, .text(email.lowercased()), read: Account.init)
    }

    /// The one that is there, as it was kept before its spelling was today's: nobody takes an address over by applying
    /// for the same one.
    package func account(spelt emails: [String]) throws -> Account? {
        for email in emails.reversed() {
            if let account = try connection.row(Account.byEmail, .text(email), read: Account.init) { return account }
        }
        return nil
    }

    package func account(id: Int64) throws -> Account? {
        try connection.row(Account.byID, .integer(id), read: Account.init)
    }

    /// The account of a reseller's person.
    package func account(resellerID: Int64) throws -> Account? {
        try connection.row(Account.ofReseller, .integer(resellerID), read: Account.init)
    }

    /// The same of a reseller that is there, which has one.
    func account(of reseller: Reseller) throws -> Account {
        guard let account = try account(resellerID: reseller.id) else { throw Refusal.defect }
        return account
    }
}

extension TenantTransaction {
    /// Returns the account's id. The e-mail address must be free: look first.
    @discardableResult
    package func insertAccount(
        email: String, name: String, role: AccountRole, resellerID: Int64?, passwordHash: String?
    ) throws -> Int64 {
        try connection.run(
            """
            INSERT INTO account (email, name, role, reseller_id, password_hash, created_at, public_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """,
            .text(email.lowercased()), .text(name), .integer(role.rawValue), .optional(resellerID),
            .optional(passwordHash), .time(now), .text(newPublicID("per")))
        return connection.lastInsertedRowID
    }

    package func setPasswordHash(_ hash: String?, account: Int64) throws {
        try connection.run("UPDATE account SET password_hash = ?2 WHERE id = ?1", .integer(account), .optional(hash))
    }

    /// The address must be free: look first.
    func setProfile(email: String, name: String, account: Int64) throws {
        try connection.run(
            "UPDATE account SET email = ?2, name = ?3 WHERE id = ?1", .integer(account), .text(email), .text(name))
    }
}
