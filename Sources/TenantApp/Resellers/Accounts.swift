import CallKit
package import Cryptography
import SQLite
package import TenantRegistry

/// What an account may sign in as.
package enum AccountRole: Int64, Sendable {
    case owner = 0
    case `operator` = 1
    case reseller = 2
}

/// Somebody who can sign in, and to whom calls are attributed.
package struct Account: Sendable {
    package let id: Int64
    package let email: String
    package let name: String
    package let role: AccountRole
    package let resellerID: Int64?
    package let passwordHash: String?

    static let columns = Columns<Account>("id", "email", "name", "role", "reseller_id", "password_hash")
    fileprivate static let byEmail = Statement("SELECT \(columns) FROM account WHERE email = ?1")
    fileprivate static let byID = Statement("SELECT \(columns) FROM account WHERE id = ?1")
    fileprivate static let ofReseller = Statement(
        "SELECT \(columns) FROM account WHERE reseller_id = ?1 ORDER BY id LIMIT 1")
    fileprivate static let invited = Statement(
        """
        SELECT \(columns.of("a")) FROM invitation i JOIN account a ON a.id = i.account_id
        WHERE i.token_hash = ?1 AND i.used_at IS NULL AND i.expires_at > ?2
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        email = try row.text()
        name = try row.text()
        role = try row.value()
        resellerID = try row.optionalInt()
        passwordHash = try row.optionalText()
    }
}

extension TenantReader {
    /// The account of the tenant's owner.
    package func ownerAccount() throws -> Int64? {
        try connection.row("SELECT id FROM account WHERE role = 0 ORDER BY id LIMIT 1") { try $0.int() }
    }

    /// By e-mail address, case-folded.
    package func account(email: String) throws -> Account? {
        try connection.row(Account.byEmail, .text(email.lowercased()), read: Account.init)
    }

    /// The first that is there.
    package func account(spelt emails: [String]) throws -> Account? {
        for email in emails {
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

    /// The account that an invitation is for; nil where it is unknown, used or past its time.
    package func invitedAccount(tokenHash: Digest) throws -> Account? {
        try connection.row(Account.invited, .blob(tokenHash.bytes), .time(now), read: Account.init)
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
            INSERT INTO account (email, name, role, reseller_id, password_hash, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """,
            .text(email.lowercased()), .text(name), .integer(role.rawValue), .optional(resellerID),
            .optional(passwordHash), .time(now))
        return connection.lastInsertedRowID
    }

    package func setPasswordHash(_ hash: String, account: Int64) throws {
        try connection.run("UPDATE account SET password_hash = ?2 WHERE id = ?1", .integer(account), .text(hash))
    }

    /// The address must be free: look first.
    func setProfile(email: String, name: String, account: Int64) throws {
        try connection.run(
            "UPDATE account SET email = ?2, name = ?3 WHERE id = ?1", .integer(account), .text(email), .text(name))
    }

    /// How long an invitation link works.
    package static let invitationDays: Int64 = 14

    /// Returns its end.
    @discardableResult
    package func insertInvitation(account: Int64, tokenHash: Digest) throws -> Timestamp {
        let end = now.adding(days: Self.invitationDays)
        try connection.run(
            "INSERT INTO invitation (token_hash, account_id, expires_at) VALUES (?1, ?2, ?3)", .blob(tokenHash.bytes),
            .integer(account), .time(end))
        return end
    }

    /// No link that the account was sent before opens anything.
    package func endInvitations(account: Int64) throws {
        try connection.run(
            "UPDATE invitation SET expires_at = ?2 WHERE account_id = ?1 AND used_at IS NULL AND expires_at > ?2",
            .integer(account), .time(now))
    }

    package func useInvitation(tokenHash: Digest) throws {
        try connection.run(
            "UPDATE invitation SET used_at = ?2 WHERE token_hash = ?1", .blob(tokenHash.bytes), .time(now))
    }
}
