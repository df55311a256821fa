package import CallKit
import SQLite
package import TenantRegistry

/// One top-up's payment.
package struct Payment: Sendable {
    package let id: Int64
    package let publicID: String
    /// The capability by which callers read it: nowhere but in answers to its reseller and to the payment service.
    package let orderID: String
    package let book: Book
    package let resellerID: Int64
    package let resellerPublicID: String
    package let keyID: Int64
    package let driver: PaymentDriverKind
    package let amount: Money
    package let createdAt: Timestamp
    package let expiresAt: Timestamp
    package let providerReference: String?
    package let paymentURL: String?
    /// What was decided; see `state(at:)` for what is shown.
    package let state: PaymentState
    package let failure: String?
    package let postingID: Int64?
    package let decidedAt: Timestamp?

    /// A pending payment past its time is expired to whoever looks.
    package func state(at now: Timestamp) -> PaymentState {
        state == .pending && now >= expiresAt ? .expired : state
    }

    static let columns = Columns<Payment>(
        "p.id", "p.public_id", "p.order_id", "p.book", "p.reseller_id", "r.public_id", "p.key_id", "p.driver",
        "p.amount", "p.created_at", "p.expires_at", "p.provider_reference", "p.payment_url", "p.state", "p.failure",
        "p.posting_id", "p.decided_at")
    static let tables = "payment p CROSS JOIN reseller r ON r.id = p.reseller_id"
    fileprivate static let byOrderID = Statement("SELECT \(columns) FROM \(tables) WHERE p.order_id = ?1")
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM \(tables) WHERE p.public_id = ?1")
    fileprivate static let byID = Statement("SELECT \(columns) FROM \(tables) WHERE p.id = ?1")
    fileprivate static let unfinished = Statement(
        """
        SELECT \(columns) FROM \(tables)
        WHERE p.reseller_id = ?1 AND p.book = ?2 AND p.idempotency_key = ?3 AND p.payment_url IS NULL
            AND p.state IN ('pending', 'confirmed') AND p.created_at > ?4
        ORDER BY p.id DESC LIMIT 1
        """)
    fileprivate static let page = Statement(
        """
        SELECT \(columns) FROM \(tables)
        WHERE p.book = ?1 AND p.id < ?2 AND (?4 IS NULL OR p.reseller_id = ?4) AND (?5 IS NULL OR ?5 =
            CASE WHEN p.state = 'pending' AND p.expires_at <= ?6 THEN 'expired' ELSE p.state END)
        ORDER BY p.id DESC LIMIT ?3
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        orderID = try row.text()
        book = try row.value()
        resellerID = try row.int()
        resellerPublicID = try row.text()
        keyID = try row.int()
        driver = try row.value()
        amount = try row.money()
        createdAt = try row.time()
        expiresAt = try row.time()
        providerReference = try row.optionalText()
        paymentURL = try row.optionalText()
        state = try row.value()
        failure = try row.optionalText()
        postingID = try row.optionalInt()
        decidedAt = try row.optionalTime()
    }
}

/// Which payments a list shows.
package struct PaymentFilter: Sendable {
    package var book: Book
    package var resellerID: Int64?
    package var state: PaymentState?

    package init(book: Book) { self.book = book }
}

extension TenantReader {
    package func payment(orderID: String) throws -> Payment? {
        try connection.row(Payment.byOrderID, .text(orderID), read: Payment.init)
    }

    package func payment(publicID: String) throws -> Payment? {
        try connection.row(Payment.byPublicID, .text(publicID), read: Payment.init)
    }

    package func knownPayment(id: Int64) throws -> Payment {
        let payment = try connection.row(Payment.byID, .integer(id), read: Payment.init)
        guard let payment else { throw Refusal.notFound(.payment) }
        return payment
    }

    /// The last one that was begun with this Idempotency-Key and has no page yet: its call was cut off, or still runs.
    /// A key is known for as long as its answer would be (G4).
    package func unfinishedPayment(resellerID: Int64, book: Book, idempotencyKey: String) throws -> Payment? {
        try connection.row(
            Payment.unfinished, .integer(resellerID), .book(book), .text(idempotencyKey),
            .time(now.adding(days: -TenantReader.idempotencyDays)), read: Payment.init)
    }

    /// Newest first, before payment `id`. States are those that are shown: what nobody decided in time is expired.
    package func payments(_ filter: PaymentFilter, before id: Int64, limit: Int) throws -> [Payment] {
        try connection.rows(
            Payment.page, .book(filter.book), .integer(id), .int(limit), .optional(filter.resellerID),
            .optional(filter.state?.rawValue), .time(now), read: Payment.init)
    }
}

/// A payment about to be written.
package struct NewPayment: Sendable {
    package var orderID: String
    package var book: Book
    package var resellerID: Int64
    package var keyID: Int64
    package var driver: PaymentDriverKind
    package var amount: Money
    package var idempotencyKey: String?
}

extension TenantTransaction {
    package func insertPayment(_ new: NewPayment, detail: inout AuditDetail) throws -> Payment {
        let publicID = newPublicID("pay")
        try connection.run(
            """
            INSERT INTO payment (public_id, order_id, book, reseller_id, key_id, driver, amount, idempotency_key,
                created_at, expires_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """,
            .text(publicID), .text(new.orderID), .book(new.book), .integer(new.resellerID), .integer(new.keyID),
            .text(new.driver.rawValue), .money(new.amount), .optional(new.idempotencyKey), .time(now),
            .time(now.adding(seconds: PaymentTerms.seconds)))
        let id = connection.lastInsertedRowID
        try detail.vouch(for: id...id, of: .payment, connection)
        return try knownPayment(id: id)
    }

    package func setPage(of payment: Payment, url: String, reference: String) throws {
        try connection.run(
            "UPDATE payment SET payment_url = ?2, provider_reference = ?3 WHERE id = ?1", .integer(payment.id),
            .text(url), .text(reference))
    }

    /// Decides a pending payment; `posting` where it is confirmed.
    package func decide(
        _ payment: Payment, _ state: PaymentState, posting: Int64? = nil, failure: String? = nil
    ) throws {
        try connection.run(
            "UPDATE payment SET state = ?2, posting_id = ?3, failure = ?4, decided_at = ?5 WHERE id = ?1",
            .integer(payment.id), .text(state.rawValue), .optional(posting), .optional(failure), .time(now))
    }
}
