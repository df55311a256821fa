import CallKit
import SQLite
package import TenantRegistry

/// A product on its way in.
package struct StagedProduct: Sendable {
    package let line: Int
    package let sku: String
    package let product: ProductRow

    fileprivate static let columns =
        "import_id, line, sku, name, fulfilment, hidden, days, retail_price, wholesale_price, \(ListPrices.columns)"

    fileprivate func values(_ importID: Int64) -> [SQLValue] {
        [
            .integer(importID), .int(line), .text(sku), .optional(product.name),
            .optional(product.fulfilment?.rawValue), .bool(product.isHidden), .optional(product.days),
            .optional(product.retailPrice), .optional(product.wholesalePrice),
        ] + product.list.values
    }
}

extension TenantReader {
    /// Names the catalogue as it stands: another one after any change of it, and after a restore.
    package func catalogueHash() throws -> String {
        bookHash(of: "products", try connection.row("SELECT n FROM product_revision") { try $0.int() } ?? 0)
    }
}

extension TenantTransaction {
    package func stage(_ rows: [StagedProduct], importID: Int64) throws {
        for row in rows {
            let values = row.values(importID)
            let places = (1...values.count).map { "?\($0)" }.joined(separator: ", ")
            try connection.run(
                dynamic: "INSERT INTO product_staging (\(StagedProduct.columns)) VALUES (\(places))", values)
        }
    }

    package func stagedProducts(importID: Int64) throws -> Int64 {
        try connection.row("SELECT count(*) FROM product_staging WHERE import_id = ?1", .integer(importID)) {
            try $0.int()
        } ?? 0
    }

    /// Makes the staged rows the catalogue's, all in this transaction: of a product that is there the columns that the
    /// file has, and a product that says the same already is not written. Returns how many are new.
    package func applyStagedProducts(importID: Int64, columns: [ProductColumn]) throws -> Int64 {
        let names = columns.map(\.rawValue)
        let changes = names.map { "\($0) = s.\($0)" }.joined(separator: ", ")
        let (old, new) = (names.map { "product.\($0)" }, names.map { "s.\($0)" })
        try connection.run(
            dynamic: """
                UPDATE product SET \(changes), updated_at = ?2 FROM product_staging s
                WHERE s.import_id = ?1 AND s.sku = product.sku
                    AND (\(old.joined(separator: ", "))) IS NOT (\(new.joined(separator: ", ")))
                """,
            [.integer(importID), .time(now)])
        let all = ProductColumn.allCases.map(\.rawValue).joined(separator: ", ")
        try connection.run(
            dynamic: """
                INSERT INTO product (sku, \(all), created_at, updated_at)
                SELECT sku, \(all), ?2, ?2 FROM product_staging s WHERE import_id = ?1
                    AND NOT EXISTS (SELECT 1 FROM product p WHERE p.sku = s.sku)
                ORDER BY line
                """,
            [.integer(importID), .time(now)])
        let added = Int64(connection.changes)
        try connection.run("DELETE FROM product_staging WHERE import_id = ?1", .integer(importID))
        forgetAnswers(resellerID: nil)
        return added
    }

    /// Clears up to `rowsMax` rows of an import that came to nothing; false once there are no more.
    package func discardStagedProducts(importID: Int64, rowsMax: Int) throws -> Bool {
        try connection.run(
            """
            DELETE FROM product_staging WHERE import_id = ?1 AND line IN
                (SELECT line FROM product_staging WHERE import_id = ?1 LIMIT ?2)
            """,
            .integer(importID), .int(rowsMax))
        return try stagedProducts(importID: importID) > 0
    }
}
