package import CallKit
package import HTTPCore
package import TenantRegistry

/// Takes products as CSV: all rows or none, every error with its line (O4). `@unchecked Sendable`: as `StagedImport`.
package final class ImportProducts: ComparedImport, @unchecked Sendable {
    private var file: ProductFile
    private let importID: Int64
    package let meant: String?
    private var lines: [String: Int] = [:]
    package var progress = ImportProgress()

    package init(_ body: [UInt8], importID: Int64, onto meant: String?) {
        file = ProductFile(body)
        self.importID = importID
        self.meant = meant
    }

    package static func hash(_ tenant: TenantReader) throws -> String { try tenant.catalogueHash() }

    package var isAtEnd: Bool { file.isAtEnd }

    package func read(_ rowsMax: Int, errors: inout [FieldError], into rows: inout [ProductFile.Row]) -> Bool {
        file.next(rowsMax, errors: &errors, into: &rows)
    }

    package func resolve(
        _ rows: [ProductFile.Row], _ names: inout ImportedNames, _ tenant: TenantReader, errors: inout [FieldError]
    ) throws -> [StagedProduct] {
        let columns = file.productColumns
        var staged: [StagedProduct] = []
        for row in rows {
            let isNew = try names.product(row.sku, tenant) == nil
            let before = errors.count
            for (column, isMissing) in [
                (ProductColumn.name, row.product.name == nil), (.fulfilment, row.product.fulfilment == nil),
            ] where isMissing && (isNew || columns.contains(column)) {
                let detail = isNew ? "a new product needs it" : "must not be empty"
                errors.append(.inLine(row.line, column.rawValue, "required", detail))
            }
            if errors.count == before {
                staged.append(StagedProduct(line: row.line, sku: row.sku, product: row.product))
            }
        }
        return staged
    }

    package func compare(_ staged: [StagedProduct], _ tenant: TenantReader) throws -> [ComparedRow] {
        let columns = Set(file.productColumns.map(\.rawValue))
        let digits = tenant.currency.minorUnitDigits
        return try staged.map { row in
            ComparedRow(
                line: row.line, names: [JSONMember(name: ProductFile.skuColumn, value: .string(row.sku))],
                old: try tenant.product(sku: row.sku).map { ProductRow($0).members(digits) },
                new: row.product.members(digits), columns: columns)
        }
    }

    package func note(_ staged: [StagedProduct], errors: inout [FieldError]) {
        for row in staged {
            guard let first = lines[row.sku] else {
                lines[row.sku] = row.line
                continue
            }
            let detail = "line \(first) has the same product"
            errors.append(.inLine(row.line, ProductFile.skuColumn, "duplicate", detail))
        }
    }

    package func stage(_ rows: [StagedProduct], _ tenant: TenantTransaction) throws {
        try tenant.stage(rows, importID: importID)
    }

    package func discard(rowsMax: Int, _ tenant: TenantTransaction) throws -> Bool {
        try tenant.discardStagedProducts(importID: importID, rowsMax: rowsMax)
    }

    package func apply() -> Work {
        let (importID, count, columns) = (importID, Int64(lines.count), file.productColumns)
        return .write { tenant, detail in
            try self.judgeHash(tenant)
            // A restore in between takes staged rows away with everything else.
            guard try tenant.stagedProducts(importID: importID) == count else {
                throw Refusal.unavailable(.importInterrupted)
            }
            let added = try tenant.applyStagedProducts(importID: importID, columns: columns)
            detail.note("products", String(count))
            return .json { json in
                json.field("ok", true)
                json.field("rows", count)
                json.field("new", added)
            }
        }
    }
}
