package import CallKit
package import Cryptography
import SQLite
package import TenantRegistry

/// A credit event as it was recorded. Append-only (C4).
package struct CreditEvent: Sendable {
    package let id: Int64
    package let publicID: String
    package let book: Book
    package let keyID: Int64
    package let resellerID: Int64
    package let kind: CreditKind
    package let amount: Money
    package let externalRef: String
    /// JSON; nil for none.
    package let meta: String?
    package let content: Digest
    package let at: Timestamp

    static let columns = Columns<CreditEvent>(
        "id", "public_id", "book", "key_id", "reseller_id", "kind", "amount", "external_ref", "meta", "content",
        "at")
    fileprivate static let byReference = Statement(
        "SELECT \(columns) FROM credit_event WHERE key_id = ?1 AND book = ?2 AND external_ref = ?3")
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM credit_event WHERE public_id = ?1")
    fileprivate static let ofReseller = Statement(
        """
        SELECT \(columns) FROM credit_event
        WHERE reseller_id = ?1 AND book = ?2 AND (external_ref, id) > (?3, ?4) AND id <= ?5
        ORDER BY external_ref, id LIMIT ?6
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        book = try row.value()
        keyID = try row.int()
        resellerID = try row.int()
        kind = try row.value()
        amount = try row.money()
        externalRef = try row.text()
        meta = try row.optionalText()
        content = try row.digest()
        at = try row.time()
    }
}

/// What the operator's list is filtered by.
package struct CreditEventFilter: Sendable {
    package var resellerID: Int64?
    /// With `resellerID` only.
    package var externalRef: String?
    package let book: Book

    package init(book: Book) { self.book = book }
}

extension TenantReader {
    package func creditEvent(keyID: Int64, book: Book, externalRef: String) throws -> CreditEvent? {
        try connection.row(
            CreditEvent.byReference, .integer(keyID), .book(book), .text(externalRef), read: CreditEvent.init)
    }

    package func creditEvent(publicID: String) throws -> CreditEvent? {
        try connection.row(CreditEvent.byPublicID, .text(publicID), read: CreditEvent.init)
    }

    /// Newest first, before event `id`.
    package func creditEvents(_ filter: CreditEventFilter, before id: Int64, limit: Int) throws -> [CreditEvent] {
        var values: [SQLValue] = [.book(filter.book), .integer(id), .int(limit)]
        var clause = "book = ?1 AND id < ?2"
        if let resellerID = filter.resellerID {
            values.append(.integer(resellerID))
            clause += " AND reseller_id = ?4"
            if let ref = filter.externalRef {
                values.append(.text(ref))
                clause += " AND external_ref = ?5"
            }
        }
        return try connection.rows(
            dynamic: "SELECT \(CreditEvent.columns) FROM credit_event WHERE \(clause) ORDER BY id DESC LIMIT ?3",
            values,
            read: CreditEvent.init)
    }

    package func lastCreditEventID() throws -> Int64 {
        try connection.row("SELECT coalesce(max(id), 0) FROM credit_event") { try $0.int() } ?? 0
    }

    /// A reseller's events in the order of their references, from behind the place given, up to event `last`.
    package func creditEventsByRef(
        resellerID: Int64, book: Book, after place: (ref: String, id: Int64), upTo last: Int64, limit: Int
    ) throws -> [CreditEvent] {
        try connection.rows(
            CreditEvent.ofReseller, .integer(resellerID), .book(book), .text(place.ref), .integer(place.id),
            .integer(last), .int(limit),
            read: CreditEvent.init)
    }

    package func creditDifferences(ofEvent id: Int64, limit: Int) throws -> [CreditDifference] {
        try connection.rows(
            CreditDifference.ofEvent, .integer(id), .int(limit), read: CreditDifference.init)
    }
}

/// What a reseller said later of an event that it had reported otherwise.
package struct CreditDifference: Sendable {
    package let kind: CreditKind
    package let amount: Money
    package let meta: String?
    package let at: Timestamp

    static let columns = Columns<CreditDifference>("id", "kind", "amount", "meta", "at")
    fileprivate static let ofEvent = Statement(
        "SELECT \(columns) FROM credit_difference WHERE event_id = ?1 ORDER BY id LIMIT ?2")

    init(_ row: inout RowReader) throws {
        row.skip()
        kind = try row.value()
        amount = try row.money()
        meta = try row.optionalText()
        at = try row.time()
    }
}

extension TenantTransaction {
    /// Returns the event's public id. The reference must be new to the key: look first. The detail vouches for it.
    package func insertCreditEvent(
        _ report: CreditReport, keyID: Int64, resellerID: Int64, book: Book, detail: inout AuditDetail
    ) throws -> String {
        let publicID = newPublicID("ev")
        try connection.run(
            """
            INSERT INTO credit_event (public_id, book, key_id, reseller_id, kind, amount, external_ref, meta, content, at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """,
            .text(publicID), .book(book), .integer(keyID), .integer(resellerID), .text(report.kind.rawValue),
            .money(report.amount), .text(report.externalRef), .optional(report.metaText), .blob(report.content.bytes),
            .time(now))
        let id = connection.lastInsertedRowID
        try detail.vouch(for: id...id, of: .creditEvent, connection)
        return publicID
    }

    /// Records another content for a known reference; false where this one is recorded already.
    package func insertCreditDifference(_ report: CreditReport, event: Int64, detail: inout AuditDetail) throws -> Bool
    {
        let content = report.content.bytes
        guard
            try !connection.exists(
                "SELECT 1 FROM credit_difference WHERE event_id = ?1 AND content = ?2", .integer(event), .blob(content))
        else { return false }
        try connection.run(
            "INSERT INTO credit_difference (event_id, kind, amount, meta, content, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            .integer(event), .text(report.kind.rawValue), .money(report.amount), .optional(report.metaText),
            .blob(content), .time(now))
        let id = connection.lastInsertedRowID
        try detail.vouch(for: id...id, of: .creditDifference, connection)
        return true
    }
}
