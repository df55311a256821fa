import CallKit
package import RateLimiter
import SQLite
package import TenantRegistry

/// One change of a key's own limit or of a reseller's (O2); append-only, and vouched for by the chain.
package struct LimitChange: Sendable {
    /// Whose limit it is.
    package enum Subject: Sendable {
        case key(Int64)
        case reseller(Int64)

        fileprivate var values: [SQLValue] {
            switch self {
            case .key(let id): [.integer(id), .null]
            case .reseller(let id): [.null, .integer(id)]
            }
        }
    }

    /// Who changed it, by which call.
    package struct Author: Sendable {
        package let keyID: Int64
        package let accountID: Int64
        package let requestID: RequestID

        package init(keyID: Int64, accountID: Int64, requestID: RequestID) {
            (self.keyID, self.accountID, self.requestID) = (keyID, accountID, requestID)
        }
    }

    package let id: Int64
    package let at: Timestamp
    package let requestID: RequestID
    /// The key and the account that changed it.
    package let keyPublicID: String?
    package let account: String?
    /// Nil where there was no limit, or is none since.
    package let old: Policy?
    package let new: Policy?

    static let columns = Columns<LimitChange>(
        "h.id", "h.at", "h.request_id", "k.public_id", "a.email", "h.old_requests", "h.old_window", "h.old_burst",
        "h.new_requests", "h.new_window", "h.new_burst")
    static let tables = """
        limit_change h LEFT JOIN api_key k ON k.id = h.by_key_id LEFT JOIN account a ON a.id = h.by_account_id
        """
    private static func page(_ subject: String) -> Statement {
        Statement(
            """
            SELECT \(columns) FROM \(tables) WHERE h.\(subject) = ?1 AND h.id < ?2 ORDER BY h.id DESC LIMIT ?3
            """)
    }
    fileprivate static let ofKey = page("key_id")
    fileprivate static let ofReseller = page("reseller_id")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        at = try row.time()
        requestID = try row.requestID()
        keyPublicID = try row.optionalText()
        account = try row.optionalText()
        old = try row.optionalPolicy()
        new = try row.optionalPolicy()
    }
}

extension TenantReader {
    /// Newest first, before change `id`.
    package func limitChanges(of subject: LimitChange.Subject, before id: Int64, limit: Int) throws -> [LimitChange] {
        switch subject {
        case .key(let key):
            try connection.rows(
                LimitChange.ofKey, .integer(key), .integer(id), .int(limit), read: LimitChange.init)
        case .reseller(let reseller):
            try connection.rows(
                LimitChange.ofReseller, .integer(reseller), .integer(id), .int(limit), read: LimitChange.init)
        }
    }
}

extension TenantTransaction {
    /// A row of the history, where the two differ.
    func noteLimitChange(
        of subject: LimitChange.Subject, from old: Policy?, to new: Policy?, by author: LimitChange.Author
    ) throws {
        guard old != new else { return }
        try connection.run(
            dynamic: """
                INSERT INTO limit_change (key_id, reseller_id, at, by_key_id, by_account_id, request_id, old_requests,
                    old_window, old_burst, new_requests, new_window, new_burst)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                """,
            subject.values
                + [.time(now), .integer(author.keyID), .integer(author.accountID), .blob(author.requestID.bytes)]
                + Self.values(old) + Self.values(new))
    }

    private static func values(_ policy: Policy?) -> [SQLValue] {
        [policy?.requests, policy?.windowSeconds, policy?.burst].map { .optional($0.map { Int64($0) }) }
    }
}
