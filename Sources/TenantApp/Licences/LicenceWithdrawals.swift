package import CallKit
import SQLite
package import TenantRegistry

/// A licence that was taken out of stock (O9), as it was; `successor`: whose it is now, where it went to somebody else.
package struct LicenceWithdrawal: Sendable {
    package let id: Int64
    package let key: String
    package let sku: String
    package let reseller: String
    package let expiresAt: Timestamp
    package let createdAt: Timestamp
    package let at: Timestamp
    package let account: String?
    package let successorReseller: String?
    package let successorSKU: String?

    static let columns = Columns<LicenceWithdrawal>(
        "w.id", "w.key", "p.sku", "r.public_id", "w.expires_at", "w.created_at", "w.at", "a.email",
        "coalesce(nr.public_id, mr.public_id) AS new_reseller", "coalesce(np.sku, mp.sku) AS new_sku")
    // What took its place may have been taken out since: then it is among these itself.
    static let tables = """
        licence_withdrawal w CROSS JOIN product p ON p.id = w.product_id CROSS JOIN reseller r ON r.id = w.reseller_id \
        LEFT JOIN account a ON a.id = w.account_id \
        LEFT JOIN licence nl ON nl.id = w.successor_id LEFT JOIN reseller nr ON nr.id = nl.reseller_id \
        LEFT JOIN product np ON np.id = nl.product_id \
        LEFT JOIN licence_withdrawal ml ON ml.licence_id = w.successor_id \
        LEFT JOIN reseller mr ON mr.id = ml.reseller_id LEFT JOIN product mp ON mp.id = ml.product_id
        """

    init(_ row: inout RowReader) throws {
        id = try row.int()
        key = try row.text()
        sku = try row.text()
        reseller = try row.text()
        expiresAt = try row.time()
        createdAt = try row.time()
        at = try row.time()
        account = try row.optionalText()
        successorReseller = try row.optionalText()
        successorSKU = try row.optionalText()
    }
}

/// A free licence on its way out, and what takes its place.
package struct WithdrawnLicence: Sendable {
    package let licence: Licence
    /// Nil: nothing does.
    package let successor: (resellerID: Int64, productID: Int64)?
}

extension TenantReader {
    /// Newest first, before withdrawal `id`.
    package func licenceWithdrawals(book: Book, before id: Int64, limit: Int) throws -> [LicenceWithdrawal] {
        try connection.rows(
            dynamic: """
                SELECT \(LicenceWithdrawal.columns) FROM \(LicenceWithdrawal.tables)
                WHERE w.book = ?1 AND w.id < ?2 ORDER BY w.id DESC LIMIT ?3
                """,
            [.book(book), .integer(id), .int(limit)], read: LicenceWithdrawal.init)
    }

    package func productID(ofLicence id: Int64) throws -> Int64? {
        try connection.row("SELECT product_id FROM licence WHERE id = ?1", .integer(id)) { try $0.int() }
    }
}

extension TenantTransaction {
    /// Takes them out of stock, and takes in what is to be in their places. The detail vouches for both.
    package func withdraw(
        _ licences: [WithdrawnLicence], book: Book, keyID: Int64, accountID: Int64, detail: inout AuditDetail
    ) throws {
        guard !licences.isEmpty else { return }
        let before = try lastLicenceID()
        var last = before
        var first: Int64?
        for withdrawn in licences {
            let licence = withdrawn.licence
            if withdrawn.successor != nil { last += 1 }
            try connection.run(
                """
                INSERT INTO licence_withdrawal (licence_id, book, reseller_id, product_id, key, expires_at, created_at,
                    at, key_id, account_id, successor_id)
                SELECT id, book, reseller_id, product_id, key, expires_at, created_at, ?2, ?3, ?4, ?5
                FROM licence WHERE id = ?1
                """,
                .integer(licence.id), .time(now), .integer(keyID), .integer(accountID),
                .optional(withdrawn.successor == nil ? nil : last))
            first = first ?? connection.lastInsertedRowID
            try connection.run("DELETE FROM licence WHERE id = ?1", .integer(licence.id))
            guard let (resellerID, productID) = withdrawn.successor else { continue }
            try connection.run(
                """
                INSERT INTO licence (id, book, reseller_id, product_id, key, expires_at, created_at, lot)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                """,
                .integer(last), .book(book), .integer(resellerID), .integer(productID), .text(licence.key),
                .time(licence.expiresAt), .time(now), .integer(Int64(bitPattern: store.random.uint64())))
        }
        guard let first else { throw Refusal.defect }
        let end = first + Int64(licences.count) - 1
        try detail.vouch(for: first...end, of: .licenceWithdrawal, connection)
        if last > before { try detail.vouch(for: before + 1...last, of: .licence, connection) }
    }
}
