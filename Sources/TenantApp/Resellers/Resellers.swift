package import CallKit
import HTTPCore
package import RateLimiter
import SQLite
package import TenantRegistry

/// What a list of resellers asks for (O3). `prefix`: of id, address, name or company, folded.
package struct ResellerFilter: Sendable {
    package var state: ResellerState?
    package var email: String?
    package var prefix: String?

    package init() {}
}

/// How its operator looks at a reseller (O8): it changes nothing by itself.
package enum Standing: String, Sendable, CaseIterable, AnswerValue {
    case good
    /// A review of its live book is open.
    case underReview = "under_review"
}

/// A reseller's profile: its place in its life, its terms, its limit.
package struct Reseller: Sendable {
    package let id: Int64
    package let publicID: String
    package var email: String
    package var name: String
    package var company: String?
    package var state: ResellerState
    package var defaultDiscountRate: Percent
    package var creditLimit: Money
    package var limit: Policy
    package var apiAccess: Bool
    package var lowBalanceThreshold: Money?
    package let createdAt: Timestamp
    package let approvedAt: Timestamp?
    package let approvedBy: Int64?
    package let suspendedAt: Timestamp?
    package let terminatedAt: Timestamp?
    package var revision: Int64
    /// It applied by itself (W12).
    package let isApplicant: Bool
    package let standing: Standing

    /// The limit of a reseller for which no other is set (W7).
    package static let limitDefault = Policy(requests: 1_000, windowSeconds: 60, burst: 1_000)!

    static let columns = Columns<Reseller>(
        "id", "public_id", "email", "name", "company", "state", "default_discount_rate", "credit_limit",
        "limit_requests", "limit_window", "limit_burst", "api_access", "low_balance_threshold", "created_at",
        "approved_at", "approved_by", "suspended_at", "terminated_at", "revision", "is_applicant",
        """
        EXISTS (SELECT 1 FROM account_review v
            WHERE v.reseller_id = reseller.id AND v.book = 0 AND v.closed_at IS NULL)
        """)
    fileprivate static let byID = Statement("SELECT \(columns) FROM reseller WHERE id = ?1")
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM reseller WHERE public_id = ?1")
    static let all = Statement("SELECT \(columns) FROM reseller ORDER BY id")
    fileprivate static let counts = Statement("SELECT state, count(*) FROM reseller GROUP BY state")
    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        email = try row.text()
        name = try row.text()
        company = try row.optionalText()
        state = try row.value()
        defaultDiscountRate = try row.percent()
        creditLimit = try row.money()
        limit = try row.policy()
        apiAccess = try row.bool()
        lowBalanceThreshold = try row.optionalMoney()
        createdAt = try row.time()
        approvedAt = try row.optionalTime()
        approvedBy = try row.optionalInt()
        suspendedAt = try row.optionalTime()
        terminatedAt = try row.optionalTime()
        revision = try row.int()
        isApplicant = try row.bool()
        standing = try row.bool() ? .underReview : .good
    }

    package var projection: ResellerProjection {
        ResellerProjection(
            resellerID: id, publicID: publicID, state: state, apiAccess: apiAccess, limit: limit,
            isWaiting: state == .pending && isApplicant)
    }
}

extension TenantReader {
    /// The reseller that a path names, or 404: for the operator, who sees all of the tenant.
    package func knownReseller(_ publicID: String) throws -> Reseller {
        guard let reseller = try reseller(publicID: publicID) else { throw Refusal.notFound(.reseller) }
        return reseller
    }

    /// The same, where it is not terminated: no terms, prices or stock of it change any more (W1).
    package func standingReseller(_ publicID: String) throws -> Reseller {
        let reseller = try knownReseller(publicID)
        guard reseller.state != .terminated else { throw Refusal.conflict(.resellerTerminated) }
        return reseller
    }

    /// The id of the reseller that a filter names; nil where there is no filter.
    package func resellerID(filter publicID: String?) throws -> Int64? {
        try publicID.map { try knownReseller($0).id }
    }

    package func reseller(email: String) throws -> Reseller? {
        try connection.row(
            dynamic: "SELECT \(Reseller.columns) FROM reseller WHERE email = ?1",
            [.text(EmailAddress.canonical(email) ?? email)],
            read: Reseller.init)
    }

    package func reseller(id: Int64) throws -> Reseller? {
        if let known = memory.resellers[id] { return known }
        let read = try connection.row(Reseller.byID, .integer(id), read: Reseller.init)
        if let read { memory.resellers.remember(read, for: id) }
        return read
    }

    package func reseller(publicID: String) throws -> Reseller? {
        try connection.row(Reseller.byPublicID, .text(publicID), read: Reseller.init)
    }

    package func resellers(_ filter: ResellerFilter, after id: Int64, limit: Int) throws -> [Reseller] {
        var (conditions, values): ([String], [SQLValue]) = (["id > ?1"], [.integer(id), .int(limit)])
        func value(_ value: SQLValue) -> String {
            values.append(value)
            return "?\(values.count)"
        }
        if let state = filter.state { conditions.append("state = \(value(.integer(state.rawValue)))") }
        if let email = filter.email { conditions.append("email = \(value(.text(email)))") }
        if let prefix = filter.prefix {
            let found = EmailAddress.beginnings(prefix).flatMap { beginning -> [String] in
                let (from, to) = (value(.text(beginning)), value(.text(beginning.behindAll)))
                return Self.searched.map { "SELECT id FROM reseller WHERE \($0) >= \(from) AND \($0) < \(to)" }
            }
            conditions.append("id IN (\(found.joined(separator: " UNION ALL ")))")
        }
        return try connection.rows(
            dynamic: """
                SELECT \(Reseller.columns) FROM reseller WHERE \(conditions.joined(separator: " AND "))
                ORDER BY id LIMIT ?2
                """, values, read: Reseller.init)
    }

    /// What a prefix is looked for in: each an index of its own.
    private static let searched = ["public_id", "email", "name_folded", "company_folded"]

    /// What operators note of it; the reseller never sees it.
    package func notes(ofReseller id: Int64) throws -> String? {
        try connection.row("SELECT notes FROM reseller WHERE id = ?1", .integer(id)) { try $0.optionalText() } ?? nil
    }

    /// Throws where the tier has no room for one more. What was terminated has given its place back, and applications
    /// take none before they are approved (P2).
    package func judgeResellerQuota() throws {
        guard let most = store.record?.profile.quotas.resellersMax else { return }
        guard try standingResellers() < most else { throw Refusal.quotaExceeded("resellers") }
    }

    /// Those that have a place in the quota.
    package func standingResellers() throws -> Int64 {
        try connection.row(
            "SELECT count(*) FROM reseller WHERE state = 1 OR state = 2 OR (state = 0 AND is_applicant = 0)"
        ) { try $0.int() } ?? 0
    }

    /// How many there are in each state.
    package func resellerCounts() throws -> [ResellerState: Int64] {
        var counts: [ResellerState: Int64] = [:]
        try connection.forEach(Reseller.counts) { row in
            counts[try row.value()] = try row.int()
            return true
        }
        return counts
    }

    /// Applications that wait for the operator and have not lapsed.
    func applicationsWaiting() throws -> Int {
        let count = try connection.row(
            "SELECT count(*) FROM reseller WHERE state = 0 AND is_applicant = 1 AND created_at > ?1",
            .time(lapsedBefore)
        ) { try $0.int() }
        return Int(count ?? 0)
    }

    func isApplication(_ id: Int64) throws -> Bool {
        try connection.row("SELECT is_applicant FROM reseller WHERE id = ?1", .integer(id)) { try $0.bool() } ?? false
    }

    func isLapsedApplication(_ id: Int64) throws -> Bool {
        try connection.row(
            "SELECT 1 FROM reseller WHERE id = ?1 AND state = 0 AND is_applicant = 1 AND created_at <= ?2",
            .integer(id), .time(lapsedBefore)
        ) { try $0.int() } != nil
    }

    var lapsedBefore: Timestamp { now.adding(days: -ResellerApplication.daysMax) }
}

extension TenantTransaction {
    /// Returns the new reseller. The e-mail address must be free: look at the accounts first.
    package func insertReseller(
        email: String, name: String, company: String?, state: ResellerState, approvedBy: Int64?,
        isApplicant: Bool = false
    ) throws -> Reseller {
        let limit = Reseller.limitDefault
        try connection.run(
            """
            INSERT INTO reseller (public_id, email, name, company, state, limit_requests, limit_window, limit_burst,
                created_at, approved_at, approved_by, name_folded, company_folded)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            """,
            .text(newPublicID("res")), .text(email.lowercased()), .text(name), .optional(company),
            .integer(state.rawValue), .int(limit.requests), .int(limit.windowSeconds), .int(limit.burst), .time(now),
            .optional(state == .active ? now : nil), .optional(approvedBy), .text(name.folded),
            .optional(company?.folded))
        let id = connection.lastInsertedRowID
        if isApplicant { try connection.run("UPDATE reseller SET is_applicant = 1 WHERE id = ?1", .integer(id)) }
        return try projectReseller(id)
    }

    /// An application that has lapsed is made again, under the name that it has now.
    func applyAgain(_ id: Int64, name: String, company: String?) throws -> Reseller {
        try connection.run("UPDATE reseller SET created_at = ?2 WHERE id = ?1", .integer(id), .time(now))
        memory.resellers[id] = nil
        guard var reseller = try reseller(id: id) else { throw Refusal.notFound(.reseller) }
        (reseller.name, reseller.company) = (name, company)
        return try saveProfile(of: reseller)
    }

    /// Saves who it is. Another address must be free: look at the accounts first.
    @discardableResult
    func saveProfile(of reseller: Reseller) throws -> Reseller {
        try connection.run(
            """
            UPDATE reseller SET email = ?2, name = ?3, company = ?4, name_folded = ?5, company_folded = ?6 WHERE id = ?1
            """,
            .integer(reseller.id), .text(reseller.email), .text(reseller.name), .optional(reseller.company),
            .text(reseller.name.folded), .optional(reseller.company?.folded))
        return try projectReseller(reseller.id)
    }

    /// Nil takes them away.
    func setNotes(_ notes: String?, reseller id: Int64) throws {
        try connection.run("UPDATE reseller SET notes = ?2 WHERE id = ?1", .integer(id), .optional(notes))
    }

    /// Saves what an operator has agreed with it.
    package func saveTerms(of reseller: Reseller) throws {
        try connection.run(
            """
            UPDATE reseller SET default_discount_rate = ?2, credit_limit = ?3, limit_requests = ?4, limit_window = ?5,
                limit_burst = ?6, api_access = ?7, low_balance_threshold = ?8
            WHERE id = ?1
            """,
            .integer(reseller.id), .integer(reseller.defaultDiscountRate.partsPerMillion),
            .money(reseller.creditLimit), .int(reseller.limit.requests), .int(reseller.limit.windowSeconds),
            .int(reseller.limit.burst), .bool(reseller.apiAccess), .optional(reseller.lowBalanceThreshold))
        try projectReseller(reseller.id)
    }

    /// Moves a reseller to a state that its life allows; who did it and when is recorded.
    package func setState(of reseller: Reseller, to state: ResellerState, by account: Int64) throws -> Reseller {
        let isApproval = reseller.state == .pending && state == .active
        try connection.run(
            """
            UPDATE reseller SET state = ?2,
                approved_at = iif(?3, ?4, approved_at), approved_by = iif(?3, ?5, approved_by),
                suspended_at = iif(?2 = 2, ?4, iif(?2 = 1, NULL, suspended_at)),
                terminated_at = iif(?2 = 3, ?4, terminated_at)
            WHERE id = ?1
            """,
            .integer(reseller.id), .integer(state.rawValue), .bool(isApproval), .time(now), .integer(account))
        return try projectReseller(reseller.id)
    }

    @discardableResult
    private func projectReseller(_ id: Int64) throws -> Reseller {
        memory.resellers[id] = nil
        guard let reseller = try reseller(id: id) else { throw Refusal.notFound(.reseller) }
        try project(.reseller(reseller.projection))
        return reseller
    }
}

extension String {
    /// Sorts behind every text that begins with this one: no text holds that character.
    var behindAll: String { self + "\u{10FFFF}" }
}
