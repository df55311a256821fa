import CallKit
import HTTPCore
import TenantRegistry

/// Takes items of a product into stock, all or none, every error with its line (O4). What stands twice, in the file or
/// in stock, is told by its line, and its text by nobody. `@unchecked Sendable`: as `StagedImport`.
final class ImportStock: StagedImport, @unchecked Sendable {
    private var file: StockFile
    private let productID: Int64
    private let book: Book
    private let importID: Int64
    private var lineByFingerprint: [[UInt8]: Int] = [:]
    var progress = ImportProgress()

    init(_ file: StockFile, productID: Int64, book: Book, importID: Int64) {
        self.file = file
        self.productID = productID
        self.book = book
        self.importID = importID
    }

    var isAtEnd: Bool { file.isAtEnd }

    func read(_ rowsMax: Int, errors: inout [FieldError], into rows: inout [StockFile.Row]) -> Bool {
        file.next(rowsMax, errors: &errors, into: &rows)
    }

    func resolve(
        _ rows: [StockFile.Row], _ names: inout ImportedNames, _ tenant: TenantReader, errors: inout [FieldError]
    ) throws -> [StagedStockItem] {
        var staged: [StagedStockItem] = []
        for row in rows {
            let fingerprint = tenant.stockFingerprint(row.item, product: productID)
            if try tenant.hasStock(fingerprint: fingerprint, product: productID, book: book) {
                errors.append(
                    FieldError(
                        pointer: "/line/\(row.line)/item", code: "duplicate", detail: "has been in stock already"))
            }
            staged.append(StagedStockItem(place: row.line, text: row.item, fingerprint: fingerprint))
        }
        return staged
    }

    func note(_ staged: [StagedStockItem], errors: inout [FieldError]) {
        for row in staged {
            guard let first = lineByFingerprint.updateValue(row.place, forKey: row.fingerprint) else { continue }
            errors.append(
                FieldError(
                    pointer: "/line/\(row.place)/item", code: "duplicate", detail: "/line/\(first) has the same item"))
        }
    }

    func stage(_ rows: [StagedStockItem], _ tenant: TenantTransaction) throws {
        try tenant.stage(rows, importID: importID)
    }

    func discard(rowsMax: Int, _ tenant: TenantTransaction) throws -> Bool {
        try tenant.discardStagedStock(importID: importID, rowsMax: rowsMax)
    }

    func apply() throws(Refusal) -> Work {
        guard !lineByFingerprint.isEmpty else { throw .field("", "required", "must hold at least one item") }
        let (importID, count, productID, book) = (importID, Int64(lineByFingerprint.count), productID, book)
        return .write { tenant, detail in
            // Another import, or a restore, has come in between.
            guard try tenant.applyStagedStock(importID: importID, count: count, product: productID, book: book) else {
                throw Refusal.unavailable(.importInterrupted)
            }
            detail.note("imported", String(count))
            return .json(201) { json in
                json.field("ok", true)
                json.field("imported", count)
            }
        }
    }
}
