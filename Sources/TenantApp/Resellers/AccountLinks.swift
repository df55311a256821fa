import CallKit
package import Cryptography
package import SQLite
package import TenantRegistry

/// What a link to a password carries; only its hash is stored.
package struct LinkToken: Sendable {
    package let text: String
    package let hash: Digest

    /// 43 base 62 digits are 256 bits.
    package static let digits = 43

    package init(random: any RandomSource) {
        text = Base62.random(Self.digits, from: random)
        hash = SHA256.hash(text)
    }
}

/// Links by which somebody sets a password, once (O3, O13).
package enum AccountLink: Int64, Sendable {
    case invitation = 0
    case passwordReset = 1

    package var seconds: Int64 {
        switch self {
        case .invitation: 14 * 86_400
        case .passwordReset: 86_400
        }
    }

    /// Where its page is, below the tenant's address.
    package var basePath: String {
        switch self {
        case .invitation: "/invite"
        case .passwordReset: "/reset-password"
        }
    }

    /// Its address, below a tenant's own.
    package func url(_ token: LinkToken, below base: String) -> String { "\(base)\(basePath)/\(token.text)" }
}

extension Account {
    fileprivate static let linked = Statement(
        """
        SELECT \(columns.of("a")) FROM account_link l JOIN account a ON a.id = l.account_id
        WHERE l.token_hash = ?1 AND l.kind = ?2 AND (l.used_at IS NOT NULL) = ?4 AND l.expires_at > ?3
            AND a.state = 'active'
        """)
}

extension TenantReader {
    /// The account that a link is for; nil where it is unknown, used, past its time or of somebody disabled. `isUsed`:
    /// of a link that has been used, or ended unused.
    package func account(linkedBy tokenHash: Digest, _ kind: AccountLink, isUsed: Bool = false) throws -> Account? {
        try connection.row(
            Account.linked, .blob(tokenHash.bytes), .integer(kind.rawValue), .time(now), .bool(isUsed),
            read: Account.init)
    }
}

extension TenantTransaction {
    /// Returns its end. A link of the same kind that the account had opens nothing any more.
    @discardableResult
    package func insertLink(_ kind: AccountLink, account: Int64, tokenHash: Digest) throws -> Timestamp {
        let end = now.adding(seconds: kind.seconds)
        try connection.run(
            """
            INSERT INTO account_link (account_id, kind, token_hash, expires_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (account_id, kind) DO UPDATE
            SET token_hash = excluded.token_hash, expires_at = excluded.expires_at, used_at = NULL
            """,
            .integer(account), .integer(kind.rawValue), .blob(tokenHash.bytes), .time(end))
        return end
    }

    /// Those of the account that are open.
    package func endLinks(account: Int64) throws {
        try connection.run(
            "UPDATE account_link SET used_at = ?2 WHERE account_id = ?1 AND used_at IS NULL", .integer(account),
            .time(now))
    }

    /// Those that were used or ended since, or gave way to another: a restore makes none good a second time (P5).
    /// `replaced` is the file that goes.
    package func endLinks(since replaced: Connection) throws {
        // A restore is often the answer to a damaged file: then nobody knows any more which of them are good.
        let open = Set(try whole { try Self.openLinks(in: replaced) } ?? [])
        for hash in try Self.openLinks(in: connection) where !open.contains(hash) {
            try connection.run(
                "UPDATE account_link SET used_at = ?2 WHERE token_hash = ?1", .blob(hash.bytes), .time(now))
        }
    }

    private static func openLinks(in connection: Connection) throws -> [Digest] {
        try connection.rows("SELECT token_hash FROM account_link WHERE used_at IS NULL") { try $0.digest() }
    }
}
