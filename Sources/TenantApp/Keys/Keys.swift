import CallKit
package import Cryptography
package import RateLimiter
package import SQLite
package import TenantRegistry

/// All that is kept of a key to be shown: how it begins and, for some shapes, how it ends.
package struct KeyDisplay: Sendable, Equatable {
    package let prefix: String
    package let suffix: String?

    package init(prefix: String, suffix: String?) {
        self.prefix = prefix
        self.suffix = suffix
    }

    /// `a1b2...9f0e`.
    package var mask: String { "\(prefix)...\(suffix ?? "")" }
}

/// A key's record. Its secrets are rows of their own: a rotation adds a hash, everything else stays.
package struct APIKey: Sendable {
    package let id: Int64
    package let publicID: String
    package let accountID: Int64
    package let resellerID: Int64?
    package let role: KeyRole
    package let book: Book
    package let scopes: Scopes
    package let name: String?
    package let display: KeyDisplay
    package let expiresAt: Timestamp?
    package let limit: Policy?
    package let epoch: Int64
    package let createdAt: Timestamp
    package let createdBy: Int64
    package let revokedAt: Timestamp?

    static let columns = Columns<APIKey>(
        "id", "public_id", "account_id", "reseller_id", "role", "book", "scopes", "name", "display_prefix",
        "display_suffix", "expires_at", "limit_requests", "limit_window", "limit_burst", "epoch", "created_at",
        "created_by", "revoked_at")
    fileprivate static let byID = Statement("SELECT \(columns) FROM api_key WHERE id = ?1")
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM api_key WHERE public_id = ?1")
    fileprivate static let unrevoked = Statement("SELECT \(columns) FROM api_key WHERE revoked_at IS NULL ORDER BY id")
    fileprivate static let ofPerson = Statement(
        """
        SELECT \(columns) FROM api_key
        WHERE account_id = ?1 AND reseller_id IS NULL AND revoked_at IS NULL ORDER BY id
        """)
    fileprivate static let newest = Statement(
        """
        SELECT \(columns) FROM api_key
        WHERE reseller_id = ?1 AND book = ?2 AND role = ?3 AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > ?4) AND scopes & ?6 <> 0
        ORDER BY id DESC LIMIT ?5
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        accountID = try row.int()
        resellerID = try row.optionalInt()
        role = try row.value()
        book = try row.value()
        scopes = Scopes(rawValue: try row.int())
        name = try row.optionalText()
        display = KeyDisplay(prefix: try row.text(), suffix: try row.optionalText())
        expiresAt = try row.optionalTime()
        limit = try row.optionalPolicy()
        epoch = try row.int()
        createdAt = try row.time()
        createdBy = try row.int()
        revokedAt = try row.optionalTime()
    }
}

extension APIKey {
    /// The row `k` of a key that opens something: neither revoked, nor past its end, nor of a terminated reseller or a
    /// disabled person. `now`: the parameter that has the time. `closed`: of which resellers `r` it is left out.
    static func isInForce(at now: String, closed: String = "r.state = 3") -> String {
        """
        k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > \(now))
            AND (k.reseller_id IS NULL OR NOT EXISTS (
                SELECT 1 FROM reseller r WHERE r.id = k.reseller_id AND (\(closed))))
            AND (k.reseller_id IS NOT NULL OR NOT EXISTS (
                SELECT 1 FROM account a WHERE a.id = k.account_id AND a.state = 'disabled'))
        """
    }
}

/// Whether a key opens anything, as lists tell them apart.
package enum KeyState: String, Sendable, CaseIterable {
    case active
    /// Revoked, past its end, of a terminated reseller or of a disabled person.
    case ended

    static let parameter = Parameter.query("state", .choice(KeyState.self))
}

/// What a key is good for, as the operator's API says it.
enum KeyCondition: String, Sendable, CaseIterable, AnswerValue {
    case active
    case revoked
    case expired
    /// Its reseller is.
    case terminated
    /// Its person is.
    case disabled
}

/// What an operation's own transaction says of the key that called it: judged again there (G3).
package struct KeyStanding: Sendable {
    package let role: KeyRole
    /// The key itself, or whose it is.
    package let isRevoked: Bool
    package let expiresAt: Timestamp?
    package let resellerState: ResellerState?
    package let apiAccess: Bool

    /// The key's role, whether it is revoked, and its end; its reseller's id, state and access, NULL where it has none.
    fileprivate init(_ row: inout RowReader) throws {
        role = try row.value()
        isRevoked = try row.bool()
        expiresAt = try row.optionalTime()
        let isResellers = try row.optionalInt() != nil
        resellerState = try row.optionalValue()
        apiAccess = isResellers ? try row.bool() : false
    }
}

/// A key about to be written.
package struct NewKey: Sendable {
    package var accountID: Int64
    package var resellerID: Int64?
    package var role: KeyRole
    package var book: Book = .live
    package var scopes: Scopes
    package var name: String?
    package var display: KeyDisplay
    package var expiresAt: Timestamp?
    package var limit: Policy?
    package var createdBy: Int64

    package init(
        accountID: Int64, resellerID: Int64?, role: KeyRole, scopes: Scopes, display: KeyDisplay, createdBy: Int64
    ) {
        self.accountID = accountID
        self.resellerID = resellerID
        self.role = role
        self.scopes = scopes
        self.display = display
        self.createdBy = createdBy
    }
}

extension TenantReader {
    /// A key, not a session.
    package func knownKey(_ publicID: String) throws -> APIKey {
        guard let key = try key(publicID: publicID), !key.role.isSession else { throw Refusal.notFound(.key) }
        return key
    }

    package func key(id: Int64) throws -> APIKey? {
        try connection.row(APIKey.byID, .integer(id), read: APIKey.init)
    }

    package func key(publicID: String) throws -> APIKey? {
        try connection.row(APIKey.byPublicID, .text(publicID), read: APIKey.init)
    }

    /// When the secret before the key's present one ends, where it still opens it.
    func endOfPreviousSecret(ofKey id: Int64) throws -> Timestamp? {
        try connection.row(
            "SELECT max(expires_at) FROM api_key_secret WHERE key_id = ?1 AND expires_at > ?2", .integer(id), .time(now)
        ) { try $0.optionalTime() } ?? nil
    }

    /// Keys of one reseller, not sessions, newest last; in one state or in any.
    package func keys(
        resellerID: Int64, state: KeyState? = nil, after id: Int64, limit: Int
    ) throws -> [APIKey] {
        try keys(("reseller_id = ?5", resellerID), state, after: id, limit: limit)
    }

    /// Those of one of the tenant's people, not its sessions.
    package func keys(
        ofPerson account: Int64, state: KeyState? = nil, after id: Int64, limit: Int
    ) throws -> [APIKey] {
        try keys(("account_id = ?5 AND reseller_id IS NULL", account), state, after: id, limit: limit)
    }

    /// `owner`: a rule by the id that stands beside it.
    private func keys(
        _ owner: (rule: String, id: Int64), _ state: KeyState?, after id: Int64, limit: Int
    ) throws -> [APIKey] {
        let values: [SQLValue] = [
            .integer(id), .integer(KeyRole.ownerSession.rawValue), .int(limit), .time(now), .integer(owner.id),
        ]
        var filter = "id > ?1 AND role < ?2 AND \(owner.rule)"
        switch state {
        case .active: filter += " AND \(APIKey.isInForce(at: "?4"))"
        case .ended: filter += " AND NOT (\(APIKey.isInForce(at: "?4")))"
        case nil: filter += " AND ?4 IS NOT NULL"
        }
        return try connection.rows(
            dynamic: "SELECT \(APIKey.columns) FROM api_key k WHERE \(filter) ORDER BY id LIMIT ?3", values,
            read: APIKey.init)
    }

    /// The keys of a reseller that are in force in one book and have one of these scopes, not sessions, newest first.
    package func keysInForce(resellerID: Int64, book: Book, scopes: Scopes, limit: Int) throws -> [APIKey] {
        try connection.rows(
            APIKey.newest, .integer(resellerID), .book(book), .integer(KeyRole.reseller.rawValue), .time(now),
            .int(limit), .integer(scopes.rawValue), read: APIKey.init)
    }

    /// Throws where tenant or reseller have no room for one more key. What opens nothing, revoked, ended, of a
    /// terminated reseller or of a disabled person, has no place (P2). Those who applied and wait have a bound of their
    /// own, and take no place of the tenant's: anybody may apply (W12).
    package func judgeKeyQuota(resellerID: Int64?) throws {
        let isWaiting = try resellerID.map { try isApplication($0) && reseller(id: $0)?.state == .pending } ?? false
        if !isWaiting, let most = store.record?.profile.quotas.keysMax {
            guard try keysInForce(resellerID: nil) < most else { throw Refusal.quotaExceeded("keys") }
        }
        guard let resellerID else { return }
        let (budgets, budget) = (store.budgets, isWaiting ? Budget.keysPending : .keysReseller)
        guard try keysInForce(resellerID: resellerID) < budgets.figures[budget] else {
            budgets.spent.count(budget)
            throw Refusal.shareExceeded("keys")
        }
    }

    /// Throws where keys that open again are more than the tenant has room for (P2). `before`: how many were in force.
    func judgeKeyQuota(since before: Int64) throws {
        guard let most = store.record?.profile.quotas.keysMax else { return }
        let inForce = try keysInForce(resellerID: nil)
        if inForce > before, inForce > most { throw Refusal.quotaExceeded("keys") }
    }

    /// Throws where a secret of the key would open nothing, by the reasons for which none is minted (O1).
    func judgeInForce(_ key: APIKey) throws {
        switch try condition(of: key) {
        case .active: break
        case .revoked: throw Refusal.conflict(.keyRevoked)
        case .expired: throw Refusal.conflict(.keyExpired(key.expiresAt ?? now))
        case .terminated: throw Refusal.conflict(.resellerTerminated)
        case .disabled: throw Refusal.conflict(.personDisabled)
        }
    }

    /// Anything but `active` opens nothing, as `APIKey.isInForce` has it.
    func condition(of key: APIKey) throws -> KeyCondition {
        if key.revokedAt != nil { return .revoked }
        if let end = key.expiresAt, now >= end { return .expired }
        guard let resellerID = key.resellerID else {
            return try account(id: key.accountID)?.state == .disabled ? .disabled : .active
        }
        return try reseller(id: resellerID)?.state == .terminated ? .terminated : .active
    }

    /// Of one reseller, or of all that have a place in the quota: those who applied and wait have none.
    package func keysInForce(resellerID: Int64?) throws -> Int64 {
        let isCounted =
            resellerID == nil
            ? APIKey.isInForce(at: "?2", closed: "r.state = 3 OR r.state = 0 AND r.is_applicant = 1")
            : "k.reseller_id = ?3 AND \(APIKey.isInForce(at: "?2"))"
        return try connection.row(
            dynamic: "SELECT count(*) FROM api_key k WHERE k.role < ?1 AND \(isCounted)",
            [.integer(KeyRole.ownerSession.rawValue), .time(now)] + (resellerID.map { [.integer($0)] } ?? [])
        ) { try $0.int() } ?? 0
    }

    /// Nil where the secret opens nothing any more: rotated out, or past its end.
    package func standing(ofSecret hash: Digest) throws -> KeyStanding? {
        let now = now
        if let known = memory.standings[hash], known.epoch == store.projectionEpoch {
            return known.secretExpiresAt.map { $0 > now } ?? true ? known.standing : nil
        }
        let read = try connection.row(
            """
            SELECT s.expires_at, k.role, k.revoked_at IS NOT NULL OR a.state = 'disabled', k.expires_at,
                r.id, r.state, r.api_access
            FROM api_key_secret s JOIN api_key k ON k.id = s.key_id JOIN account a ON a.id = k.account_id
                LEFT JOIN reseller r ON r.id = k.reseller_id
            WHERE s.hash = ?1 AND (s.expires_at IS NULL OR s.expires_at > ?2)
            """,
            .blob(hash.bytes), .time(now)
        ) { row in
            let secretExpiresAt = try row.optionalTime()
            let standing = try KeyStanding(&row)
            return (epoch: store.projectionEpoch, secretExpiresAt: secretExpiresAt, standing: standing)
        }
        guard let read else { return nil }
        memory.standings.remember(read, for: hash)
        return read.standing
    }

    package func projection(of key: APIKey) throws -> KeyProjection {
        let secrets = try connection.rows(
            "SELECT hash, expires_at FROM api_key_secret WHERE key_id = ?1", .integer(key.id)
        ) { try KeyProjection.Secret(hash: $0.digest(), expiresAt: $0.optionalTime()) }
        // A reseller's key is judged by its reseller.
        let person = key.resellerID == nil ? try account(id: key.accountID) : nil
        let isRevoked = key.revokedAt != nil || person?.state == .disabled
        return KeyProjection(
            keyID: key.id, publicID: key.publicID, role: key.role, book: key.book, scopes: key.scopes,
            resellerID: key.resellerID ?? 0, accountID: key.accountID, isRevoked: isRevoked,
            expiresAt: key.expiresAt, limit: key.limit, epoch: key.epoch, secrets: secrets)
    }

    /// The owner, and every key and reseller that can be read, for the registry (`TenantSchema.readProjections`). A key
    /// opens nothing while its own row or its reseller's cannot be read; `corrupt` is told of those.
    package func allProjections(corrupt: (CorruptRow) -> Void) throws -> [ProjectionChange] {
        var changes: [ProjectionChange] = []
        var resellers: Set<Int64> = []
        try connection.forEach(Reseller.all) { row in
            do {
                let reseller = try Reseller(&row)
                resellers.insert(reseller.id)
                changes.append(.reseller(reseller.projection))
            } catch let fault as CorruptRow {
                corrupt(fault)
            }
            return true
        }
        try connection.forEach(APIKey.unrevoked) { row in
            do {
                let key = try APIKey(&row)
                if let id = key.resellerID, !resellers.contains(id) { return true }
                changes.append(.key(try projection(of: key)))
            } catch let fault as CorruptRow {
                corrupt(fault)
            }
            return true
        }
        if let email = try ownerEmail() { changes.append(.owner(email: email)) }
        return changes
    }
}

extension TenantTransaction {
    /// Writes a key with its first secret's hash and has the registry follow. The hash is reserved there already.
    @discardableResult
    package func insertKey(_ new: NewKey, secretHash: Digest) throws -> APIKey {
        try connection.run(
            """
            INSERT INTO api_key (public_id, account_id, reseller_id, role, book, scopes, name, display_prefix, expires_at,
                limit_requests, limit_window, limit_burst, created_at, created_by, display_suffix)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
            """,
            .text(newPublicID("key")), .integer(new.accountID), .optional(new.resellerID), .integer(new.role.rawValue),
            .book(new.book), .integer(new.scopes.rawValue), .optional(new.name), .text(new.display.prefix),
            .optional(new.expiresAt), .optional(new.limit.map { Int64($0.requests) }),
            .optional(new.limit.map { Int64($0.windowSeconds) }), .optional(new.limit.map { Int64($0.burst) }),
            .time(now), .integer(new.createdBy), .optional(new.display.suffix))
        let id = connection.lastInsertedRowID
        // A session's token ends with it, so that housekeeping finds it by its end.
        try insertSecret(secretHash, key: id, expiresAt: new.role.isSession ? new.expiresAt : nil)
        return try projectKey(id)
    }

    private func insertSecret(_ hash: Digest, key: Int64, expiresAt: Timestamp? = nil) throws {
        try connection.run(
            "INSERT INTO api_key_secret (hash, key_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
            .blob(hash.bytes), .integer(key), .time(now), .optional(expiresAt))
    }

    /// Another secret for the key. The present one ends after `overlapSeconds` (0: now); one that a rotation before
    /// has given an end dies at once, so that two are the most that ever open the key (O1). A session keeps its end.
    package func rotateKey(_ id: Int64, to secret: MintedSecret, overlapSeconds: Int64) throws -> APIKey {
        let end = try key(id: id).flatMap { $0.role.isSession ? $0.expiresAt : nil }
        if overlapSeconds == 0 || end != nil {
            try connection.run("DELETE FROM api_key_secret WHERE key_id = ?1", .integer(id))
        } else {
            try connection.run(
                "DELETE FROM api_key_secret WHERE key_id = ?1 AND expires_at IS NOT NULL", .integer(id))
            try connection.run(
                "UPDATE api_key_secret SET expires_at = ?2 WHERE key_id = ?1", .integer(id),
                .time(now.adding(seconds: overlapSeconds)))
        }
        try insertSecret(secret.hash, key: id, expiresAt: end)
        try connection.run(
            "UPDATE api_key SET display_prefix = ?2, display_suffix = ?3, epoch = epoch + 1 WHERE id = ?1",
            .integer(id), .text(secret.display.prefix), .optional(secret.display.suffix))
        return try projectKey(id)
    }

    /// When the session ends; one without an end, as registration once gave, gets one that many seconds from now.
    package func endSessionLater(_ id: Int64, in seconds: Int64) throws -> Timestamp {
        guard let session = try key(id: id), session.role.isSession else { throw Refusal.notFound(.session) }
        if let end = session.expiresAt { return end }
        let end = now.adding(seconds: seconds)
        try connection.run("UPDATE api_key SET expires_at = ?2 WHERE id = ?1", .integer(id), .time(end))
        return end
    }

    package func revokeKey(_ id: Int64) throws {
        try connection.run(
            "UPDATE api_key SET revoked_at = coalesce(revoked_at, ?2), epoch = epoch + 1 WHERE id = ?1", .integer(id),
            .time(now))
        try projectKey(id)
    }

    /// One that is revoked already: who asks again may have heard that other nodes were not told of it (N5).
    package func tellRevoked(_ key: APIKey) throws { try project(.key(try projection(of: key))) }

    /// All of one reseller, and its sessions.
    func revokeKeys(resellerID: Int64) throws {
        let keys = try connection.rows(
            "SELECT id FROM api_key WHERE reseller_id = ?1 AND revoked_at IS NULL", .integer(resellerID)
        ) { try $0.int() }
        for key in keys { try revokeKey(key) }
    }

    /// Keys and sessions of one of the tenant's people say what they are judged by now, after its role or its state has
    /// changed (G3, O13).
    package func followPerson(_ account: Account) throws {
        let keys = try connection.rows(
            APIKey.ofPerson, .integer(account.id), read: APIKey.init)
        for key in keys {
            let role = key.role.role(of: account.role)
            if role != key.role {
                try connection.run(
                    "UPDATE api_key SET role = ?2, epoch = epoch + 1 WHERE id = ?1", .integer(key.id),
                    .integer(role.rawValue))
            }
            try projectKey(key.id)
        }
    }

    package func setKeyLimit(_ id: Int64, to limit: Policy?) throws {
        try connection.run(
            """
            UPDATE api_key SET limit_requests = ?2, limit_window = ?3, limit_burst = ?4, epoch = epoch + 1 WHERE id = ?1
            """,
            .integer(id), .optional(limit.map { Int64($0.requests) }),
            .optional(limit.map { Int64($0.windowSeconds) }), .optional(limit.map { Int64($0.burst) }))
        try projectKey(id)
    }

    @discardableResult
    private func projectKey(_ id: Int64) throws -> APIKey {
        guard let key = try key(id: id) else { throw Refusal.notFound(.key) }
        try project(.key(try projection(of: key)))
        return key
    }
}
