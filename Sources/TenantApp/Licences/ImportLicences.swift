import CallKit
import HTTPCore
import TenantRegistry

/// Takes licences into stock, all or none, every error with its place (O9). `@unchecked Sendable`: as `StagedImport`.
final class ImportLicences: StagedImport, @unchecked Sendable {
    private var file: LicenceFile
    private let book: Book
    private let importID: Int64
    private let now: Timestamp
    private var placeByKey: [String: Int] = [:]
    /// Those that are past their time already: they may be history, and are told.
    private var expiredCount: Int64 = 0
    var progress = ImportProgress()

    init(_ file: LicenceFile, book: Book, importID: Int64, now: Timestamp) {
        self.file = file
        self.book = book
        self.importID = importID
        self.now = now
    }

    var isAtEnd: Bool { file.isAtEnd }

    func read(_ rowsMax: Int, errors: inout [FieldError], into rows: inout [LicenceFile.Row]) -> Bool {
        let isReadable = file.next(rowsMax, errors: &errors, into: &rows)
        rows.removeAll { row in
            guard let first = placeByKey.updateValue(row.place, forKey: row.key) else { return false }
            let detail = "\(file.pointer(first, nil)) has the same key"
            errors.append(FieldError(pointer: file.pointer(row.place, "key"), code: "duplicate", detail: detail))
            return true
        }
        expiredCount += Int64(rows.count { $0.expiresAt <= now })
        return isReadable
    }

    func resolve(
        _ rows: [LicenceFile.Row], _ names: inout ImportedNames, _ tenant: TenantReader, errors: inout [FieldError]
    ) throws -> [StagedLicence] {
        var staged: [StagedLicence] = []
        for row in rows {
            func fail(_ column: String, _ code: String, _ detail: String) {
                errors.append(FieldError(pointer: file.pointer(row.place, column), code: code, detail: detail))
            }
            let (reseller, product) = (try names.reseller(row.reseller, tenant), try names.product(row.product, tenant))
            if reseller == nil { fail("reseller", "unknown", "there is no such reseller") }
            if let reseller, try names.isTerminated(reseller, tenant) {
                fail("reseller", "reseller_terminated", "is terminated, and is given no licences any more")
            }
            if product == nil { fail("product", "unknown", "there is no such product") }
            if try tenant.licence(key: row.key, resellerID: nil, book: book) != nil {
                fail("key", "duplicate", "is in stock already")
            }
            guard let reseller, let product else { continue }
            staged.append(
                StagedLicence(
                    place: row.place, resellerID: reseller, productID: product, key: row.key, expiresAt: row.expiresAt))
        }
        return staged
    }

    /// What stands twice was found as it was read.
    func note(_ staged: [StagedLicence], errors: inout [FieldError]) {}

    func stage(_ rows: [StagedLicence], _ tenant: TenantTransaction) throws {
        try tenant.stage(rows, importID: importID)
    }

    func discard(rowsMax: Int, _ tenant: TenantTransaction) throws -> Bool {
        try tenant.discardStagedLicences(importID: importID, rowsMax: rowsMax)
    }

    func apply() throws(Refusal) -> Work {
        guard !placeByKey.isEmpty else { throw .field("", "required", "must hold at least one licence") }
        let (importID, count, expired, book) = (importID, Int64(placeByKey.count), expiredCount, book)
        return .write { tenant, detail in
            // Another import, or a restore, has come in between.
            guard try tenant.applyStagedLicences(importID: importID, count: count, book: book, detail: &detail) else {
                throw Refusal.unavailable(.importInterrupted)
            }
            return .json(201) { json in
                json.field("ok", true)
                json.field("imported", count)
                json.field("expired", expired)
            }
        }
    }
}
