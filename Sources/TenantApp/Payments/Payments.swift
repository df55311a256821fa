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

    fileprivate static let select = """
        SELECT p.id, p.public_id, p.order_id, p.book, p.reseller_id, r.public_id, p.key_id, p.driver, p.amount, p.created_at,
            p.expires_at, p.provider_reference, p.payment_url, p.state, p.failure, p.posting_id, p.decided_at
        FROM payment p CROSS JOIN reseller r ON r.id = p.reseller_id
        """

    fileprivate init(_ row: inout RowReader) {
        id = row.int(0)
        publicID = row.text(1)
        orderID = row.text(2)
        book = Book(rawValue: row.int(3)) ?? .live
        resellerID = row.int(4)
        resellerPublicID = row.text(5)
        keyID = row.int(6)
        driver = PaymentDriverKind(rawValue: row.text(7)) ?? .http
        amount = row.money(8)
        createdAt = row.time(9)
        expiresAt = row.time(10)
        providerReference = row.optionalText(11)
        paymentURL = row.optionalText(12)
        state = PaymentState(rawValue: row.text(13)) ?? .failed
        failure = row.optionalText(14)
        postingID = row.optionalInt(15)
        decidedAt = row.optionalTime(16)
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
        try connection.row(
            dynamic: "\(Payment.select) WHERE p.order_id = ?1", [.text(orderID)], read: Payment.init)
    }

    package func payment(publicID: String) throws -> Payment? {
        try connection.row(
            dynamic: "\(Payment.select) WHERE p.public_id = ?1", [.text(publicID)], read: Payment.init)
    }

    package func knownPayment(id: Int64) throws -> Payment {
        let payment = try connection.row(
            dynamic: "\(Payment.select) WHERE p.id = ?1", [.integer(id)], read: Payment.init)
        guard let payment else { throw Refusal.notFound("payment") }
        return payment
    }

    /// The last one that was begun with this Idempotency-Key and has no page yet: its call was cut off, or still runs.
    package func unfinishedPayment(resellerID: Int64, book: Book, idempotencyKey: String) throws -> Payment? {
        try connection.row(
            dynamic: """
                \(Payment.select)
                WHERE p.reseller_id = ?1 AND p.book = ?2 AND p.idempotency_key = ?3 AND p.payment_url IS NULL
                    AND p.state = 'pending'
                ORDER BY p.id DESC LIMIT 1
                """,
            [.integer(resellerID), .book(book), .text(idempotencyKey)], read: Payment.init)
    }

    /// Newest first, before payment `id`. States are those that are shown: what nobody decided in time is expired.
    package func payments(_ filter: PaymentFilter, before id: Int64, limit: Int) throws -> [Payment] {
        try connection.rows(
            dynamic: """
                \(Payment.select)
                WHERE p.book = ?1 AND p.id < ?2 AND (?4 IS NULL OR p.reseller_id = ?4) AND (?5 IS NULL OR ?5 =
                    CASE WHEN p.state = 'pending' AND p.expires_at <= ?6 THEN 'expired' ELSE p.state END)
                ORDER BY p.id DESC LIMIT ?3
                """,
            [
                .book(filter.book), .integer(id), .int(limit), .optional(filter.resellerID),
                .optional(filter.state?.rawValue), .time(now),
            ], read: Payment.init)
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
    package func insertPayment(_ new: NewPayment, trail: inout Trail) throws -> Payment {
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
        try trail.vouch(for: id...id, of: .payment, connection)
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
