package import CallKit
import SQLite
package import TenantRegistry

/// Why a reseller's account is looked at (A6, C3, O8).
package enum ReviewCause: String, Sendable, CaseIterable, AnswerValue {
    /// A reference reported again with another content; the subject is the event.
    case creditDifference = "credit_difference"
    /// The reseller's ledger does not agree with what it reported; the subject is the reconciliation.
    case reconciliation
    /// A payment service's report does not fit its payment; the subject is the payment.
    case payment
}

/// An account review: open until an operator closes it with a note.
package struct AccountReview: Sendable {
    package let id: Int64
    package let publicID: String
    package let book: Book
    package let resellerID: Int64
    package let resellerPublicID: String
    package let cause: ReviewCause
    package let subject: String
    package let openedAt: Timestamp
    package let closedAt: Timestamp?
    package let closedBy: String?
    package let note: String?

    package enum State: String, Sendable, CaseIterable {
        case open
        case closed
    }

    static let columns = Columns<AccountReview>(
        "v.id", "v.public_id", "v.book", "v.reseller_id", "r.public_id", "v.cause", "v.subject", "v.opened_at",
        "v.closed_at", "a.email", "v.note")
    static let tables = """
        account_review v CROSS JOIN reseller r ON r.id = v.reseller_id LEFT JOIN account a ON a.id = v.closed_by
        """
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM \(tables) WHERE v.public_id = ?1")
    fileprivate static let page = Statement(
        """
        SELECT \(columns) FROM \(tables)
        WHERE v.book = ?1 AND v.id < ?2 AND (?4 IS NULL OR v.reseller_id = ?4)
            AND (?5 IS NULL OR (v.closed_at IS NULL) = ?5)
        ORDER BY v.id DESC LIMIT ?3
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        book = try row.value()
        resellerID = try row.int()
        resellerPublicID = try row.text()
        cause = try row.value()
        subject = try row.text()
        openedAt = try row.time()
        closedAt = try row.optionalTime()
        closedBy = try row.optionalText()
        note = try row.optionalText()
    }
}

extension TenantReader {
    package func review(publicID: String) throws -> AccountReview? {
        try connection.row(AccountReview.byPublicID, .text(publicID), read: AccountReview.init)
    }

    /// Newest first, before review `id`.
    package func reviews(
        resellerID: Int64?, book: Book, state: AccountReview.State?, before id: Int64, limit: Int
    ) throws -> [AccountReview] {
        try connection.rows(
            AccountReview.page, .book(book), .integer(id), .int(limit), .optional(resellerID),
            state.map { .bool($0 == .open) } ?? .null, read: AccountReview.init)
    }
}

extension TenantTransaction {
    /// Opens a review, or finds the one that is open on the same subject. Returns its public id.
    @discardableResult
    package func openReview(
        _ cause: ReviewCause, subject: String, resellerID: Int64, book: Book, detail: inout AuditDetail
    ) throws -> String {
        let open = try connection.row(
            "SELECT public_id FROM account_review WHERE subject = ?1 AND closed_at IS NULL", .text(subject)
        ) { try $0.text() }
        if let open { return open }
        let publicID = newPublicID("rev")
        try connection.run(
            """
            INSERT INTO account_review (public_id, book, reseller_id, cause, subject, opened_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """,
            .text(publicID), .book(book), .integer(resellerID), .text(cause.rawValue), .text(subject), .time(now))
        memory.resellers[resellerID] = nil
        detail.note("review", publicID)
        return publicID
    }

    package func closeReview(_ review: AccountReview, note: String, by account: Int64) throws {
        memory.resellers[review.resellerID] = nil
        try connection.run(
            "UPDATE account_review SET closed_at = ?2, closed_by = ?3, note = ?4 WHERE id = ?1", .integer(review.id),
            .time(now), .integer(account), .text(note))
    }
}
