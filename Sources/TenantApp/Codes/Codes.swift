package import CallKit
import SQLite
package import TenantRegistry

/// One code as its reseller sees it (A5).
package struct ActivationCode: Sendable {
    package let id: Int64
    package let code: String
    package let book: Book
    package let resellerID: Int64
    package let number: Int64
    package let sku: String
    package let planName: String
    package let days: Int64
    package let createdAt: Timestamp
    package let redemption: CodeRedemption?
    /// It is redeemed once, and nothing else is told of it.
    package var revision: Int64

    static let columns = Columns<ActivationCode>(
        "c.id", "c.code", "c.book", "c.reseller_id", "c.number", "p.sku", "p.name", "b.days", "b.created_at", "r.at",
        "r.begins_at", "r.ends_at", "r.subscriber_id", "s.email")
    static let joins = """
        CROSS JOIN code_batch b ON b.id = c.batch_id CROSS JOIN product p ON p.id = b.product_id \
        LEFT JOIN code_redemption r ON r.code_id = c.id LEFT JOIN subscriber s ON s.id = r.subscriber_id
        """
    fileprivate static let byCode = Statement("SELECT \(columns) FROM activation_code c \(joins) WHERE c.code = ?1")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        code = try row.text()
        book = try row.value()
        resellerID = try row.int()
        number = try row.int()
        sku = try row.text()
        planName = try row.text()
        days = try row.int()
        createdAt = try row.time()
        redemption = try CodeRedemption(&row)
        revision = redemption == nil ? 0 : 1
    }
}

/// That a code was redeemed, by whom, and for which stretch.
package struct CodeRedemption: Sendable {
    package let at: Timestamp
    package let begins: Timestamp
    package let ends: Timestamp
    package let subscriberID: Int64
    package let email: String

    /// Five columns of outer joins; nil where the code was not redeemed.
    fileprivate init?(_ row: inout RowReader) throws {
        guard !row.isNextNull else {
            row.skip(5)
            return nil
        }
        at = try row.time()
        begins = try row.time()
        ends = try row.time()
        subscriberID = try row.int()
        email = try row.text()
    }
}

package enum CodeStatus: String, Sendable, CaseIterable, AnswerValue {
    case available
    case redeemed
}

extension TenantReader {
    /// 32 lower-case hexadecimal digits; anything else is no code and costs no look-up.
    package static let codeCharacters = 32

    package func activationCode(_ code: String) throws -> ActivationCode? {
        guard code.utf8.count == Self.codeCharacters,
            code.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 })
        else { return nil }
        return try connection.row(ActivationCode.byCode, .text(code), read: ActivationCode.init)
    }

    /// A reseller's codes from number `last` down, past the first `skip`; one look into an index.
    package func activationCodes(
        resellerID: Int64, book: Book, status: CodeStatus?, from last: Int64, skip: Int64, limit: Int
    ) throws -> [ActivationCode] {
        let filter =
            switch status {
            case .available: "AND c.redeemed_at IS NULL"
            case .redeemed: "AND c.redeemed_at IS NOT NULL"
            case nil: ""
            }
        return try connection.rows(
            dynamic: """
                SELECT \(ActivationCode.columns) FROM (
                    SELECT c.* FROM activation_code c
                    WHERE c.reseller_id = ?1 AND c.book = ?2 AND c.number <= ?3 \(filter)
                    ORDER BY c.number DESC LIMIT ?4 OFFSET ?5) c \(ActivationCode.joins)
                ORDER BY c.number DESC
                """,
            [.integer(resellerID), .book(book), .integer(last), .int(limit), .integer(skip)],
            read: ActivationCode.init)
    }
}

/// A purchase of codes about to be written.
package struct NewCodeBatch: Sendable {
    package var publicID: String
    package var book: Book
    package var resellerID: Int64
    package var plan: Plan
    package var quantity: Int64
    package var total: Money
    package var posting: Int64
    package var keyID: Int64
}

extension TenantTransaction {
    /// Writes a purchase and its codes; the detail vouches for all of them.
    package func insertCodes(_ batch: NewCodeBatch, codes: [String], detail: inout AuditDetail) throws {
        try connection.run(
            """
            INSERT INTO code_batch (public_id, book, reseller_id, product_id, days, quantity, unit_price, total,
                posting_id, key_id, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """,
            .text(batch.publicID), .book(batch.book), .integer(batch.resellerID), .integer(batch.plan.productID),
            .integer(batch.plan.days), .integer(batch.quantity), .money(batch.plan.wholesalePrice),
            .money(batch.total), .integer(batch.posting), .integer(batch.keyID), .time(now))
        let batchID = connection.lastInsertedRowID
        try detail.vouch(for: batchID...batchID, of: .codeBatch, connection)
        var first: Int64 = 0
        let numbers = try takeCodeNumbers(batch.quantity, resellerID: batch.resellerID, book: batch.book)
        for (number, code) in zip(numbers, codes) {
            try connection.run(
                """
                INSERT INTO activation_code (batch_id, book, reseller_id, number, code) VALUES (?1, ?2, ?3, ?4, ?5)
                """,
                .integer(batchID), .book(batch.book), .integer(batch.resellerID), .integer(number), .text(code))
            if first == 0 { first = connection.lastInsertedRowID }
        }
        try detail.vouch(for: first...connection.lastInsertedRowID, of: .activationCode, connection)
    }

    /// Once a code; look first. The detail vouches for it; the counts follow.
    package func redeem(
        _ code: ActivationCode, by subscriber: Subscriber, for stretch: SubscriptionStretch, at now: Timestamp,
        detail: inout AuditDetail
    ) throws {
        try connection.run(
            """
            INSERT INTO code_redemption (code_id, subscriber_id, begins_at, ends_at, at) VALUES (?1, ?2, ?3, ?4, ?5)
            """,
            .integer(code.id), .integer(subscriber.id), .time(stretch.begins), .time(stretch.ends), .time(now))
        let redemption = connection.lastInsertedRowID
        try connection.run(
            "UPDATE activation_code SET redeemed_at = ?2 WHERE id = ?1", .integer(code.id), .time(now))
        try connection.run(
            "UPDATE subscriber SET ends_at = ?2 WHERE id = ?1", .integer(subscriber.id), .time(stretch.ends))
        try countRedeemed(code)
        try detail.vouch(for: redemption...redemption, of: .codeRedemption, connection)
    }
}
