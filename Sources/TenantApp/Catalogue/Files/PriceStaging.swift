import CallKit
import SQLite
package import TenantRegistry

/// A price row on its way in, its reseller and product known.
package struct StagedPrice: Sendable {
    package let line: Int
    package let resellerID: Int64
    package let productID: Int64
    package let price: PriceRow

    package init(line: Int, resellerID: Int64, productID: Int64, price: PriceRow) {
        self.line = line
        self.resellerID = resellerID
        self.productID = productID
        self.price = price
    }
}

/// A row of a whole book, for its export.
package struct PriceBookRow: Sendable {
    package let resellerID: Int64
    package let resellerPublicID: String
    package let productID: Int64
    package let sku: String
    package let price: PriceRow

    static let columns = Columns<PriceBookRow>(
        "w.reseller_id", "r.public_id", "w.product_id", "p.sku", PriceRow.columns.of("w"))
    static func tables(in book: Book) -> String {
        """
        \(book.prices) w CROSS JOIN reseller r ON r.id = w.reseller_id CROSS JOIN product p ON p.id = w.product_id
        """
    }
    static let all = BookStatements { "SELECT \(columns) FROM \(tables(in: $0))" }
    fileprivate static let page = Statement(
        """
        SELECT \(columns) FROM \(tables(in: .live))
        WHERE (w.reseller_id, w.product_id) > (?1, ?2) ORDER BY w.reseller_id, w.product_id LIMIT ?3
        """)

    init(_ row: inout RowReader) throws {
        resellerID = try row.int()
        resellerPublicID = try row.text()
        productID = try row.int()
        sku = try row.text()
        price = try PriceRow(&row)
    }
}

extension TenantReader {
    /// Whose row it is, or may be, and of what.
    func priceRowNames(resellerID: Int64, productID: Int64) throws -> (reseller: String, product: Product)? {
        guard let reseller = try reseller(id: resellerID), let product = try product(id: productID) else { return nil }
        return (reseller.publicID, product)
    }

    /// All price rows of the live book, by reseller and product, behind the given ones.
    package func priceBook(afterReseller reseller: Int64, product: Int64, limit: Int) throws -> [PriceBookRow] {
        try connection.rows(
            PriceBookRow.page, .integer(reseller), .integer(product), .int(limit), read: PriceBookRow.init)
    }
}

extension TenantTransaction {
    package func stage(_ rows: [StagedPrice], importID: Int64) throws {
        for row in rows {
            try connection.run(
                dynamic: """
                    INSERT INTO price_staging (import_id, line, reseller_id, product_id, \(PriceRow.columns))
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                    """,
                [.integer(importID), .int(row.line), .integer(row.resellerID), .integer(row.productID)]
                    + row.price.values)
        }
    }

    package func stagedRows(importID: Int64) throws -> Int64 {
        try connection.row("SELECT count(*) FROM price_staging WHERE import_id = ?1", .integer(importID)) {
            try $0.int()
        }
            ?? 0
    }

    /// Makes the staged rows the book's, all in this transaction: the one operation that is as long as what it applies,
    /// because half a price book must never be seen.
    /// `columns`: those that the import has; of a row that is there already the others stay as they are. A row that
    /// says the same already is not written, and has no place in the history. A terminated reseller is given no other
    /// prices (W1).
    package func applyStaged(importID: Int64, columns: [PriceColumn], by author: PriceAuthor) throws {
        try judgeStaged(importID: importID, columns: columns)
        try noteStagedChanges(importID: importID, columns: columns, by: author)
        let changes = columns.map { "\($0.rawValue) = excluded.\($0.rawValue)" }.joined(separator: ", ")
        let (old, new) = (columns.map { "price.\($0.rawValue)" }, columns.map { "excluded.\($0.rawValue)" })
        try connection.run(
            dynamic: """
                INSERT INTO price (reseller_id, product_id, \(PriceRow.columns), updated_at)
                SELECT reseller_id, product_id, \(PriceRow.columns), ?2
                FROM price_staging WHERE import_id = ?1
                ON CONFLICT DO UPDATE SET \(changes), updated_at = excluded.updated_at
                WHERE (\(old.joined(separator: ", "))) IS NOT (\(new.joined(separator: ", ")))
                """,
            [.integer(importID), .time(now)])
        try connection.run("DELETE FROM price_staging WHERE import_id = ?1", .integer(importID))
        forgetAnswers(resellerID: nil)
    }

    private func judgeStaged(importID: Int64, columns: [PriceColumn]) throws {
        let (old, new) = (columns.map { "w.\($0.rawValue)" }, columns.map { "s.\($0.rawValue)" })
        let isTooLate = try connection.row(
            dynamic: """
                SELECT 1 FROM price_staging s JOIN reseller r ON r.id = s.reseller_id
                LEFT JOIN price w ON w.reseller_id = s.reseller_id AND w.product_id = s.product_id
                WHERE s.import_id = ?1 AND r.state = 3 AND (w.reseller_id IS NULL
                    OR (\(old.joined(separator: ", "))) IS NOT (\(new.joined(separator: ", ")))) LIMIT 1
                """,
            [.integer(importID)]
        ) { _ in true }
        if isTooLate == true { throw Refusal.conflict(.resellerTerminated) }
    }

    private func noteStagedChanges(importID: Int64, columns: [PriceColumn], by author: PriceAuthor) throws {
        let names = columns.map(\.rawValue)
        let new = PriceColumn.allCases.map(\.rawValue).map { name in
            names.contains(name) ? "s.\(name)" : "iif(w.reseller_id IS NULL, s.\(name), w.\(name))"
        }.joined(separator: ", ")
        let old = PriceRow.columns.of("w")
        try connection.run(
            dynamic: """
                INSERT INTO price_change (\(PriceChange.written))
                SELECT s.reseller_id, s.product_id, ?2, ?3, ?4, ?5, ?6, \(old), \(new)
                FROM price_staging s
                LEFT JOIN price w ON w.reseller_id = s.reseller_id AND w.product_id = s.product_id
                WHERE s.import_id = ?1 AND (w.reseller_id IS NULL OR (\(old)) IS NOT (\(new)))
                ORDER BY s.line
                """,
            [.integer(importID), .time(now)] + author.values)
    }

    /// Clears up to `rowsMax` rows of an import that came to nothing; false once there are no more.
    package func discardStaged(importID: Int64, rowsMax: Int) throws -> Bool {
        try connection.run(
            """
            DELETE FROM price_staging WHERE import_id = ?1 AND line IN
                (SELECT line FROM price_staging WHERE import_id = ?1 LIMIT ?2)
            """,
            .integer(importID), .int(rowsMax))
        return try stagedRows(importID: importID) > 0
    }
}
