package import CallKit
package import HTTPCore
package import TenantRegistry

/// A place of the price book.
package struct PricePlace: Hashable, Sendable {
    let resellerID: Int64
    let productID: Int64
}

/// Takes a whole price book as CSV: all rows or none, every error with its line (O4). `@unchecked Sendable`: as
/// `StagedImport`.
package final class ImportPrices: ComparedImport, @unchecked Sendable {
    /// What the rows of a file, with the columns that it has, would mean.
    package typealias Effect = @Sendable (Steps, [PricePlace: PriceRow], [PriceColumn]) async throws -> JSON

    private var file: PriceBookFile
    private let importID: Int64
    private let author: PriceAuthor
    package let meant: String?
    private var lines: [PricePlace: Int] = [:]
    /// What a trial tells besides; nil where nobody asked.
    private let effect: Effect?
    /// What the file says, where that is asked.
    private var named: [PricePlace: PriceRow] = [:]
    package var progress = ImportProgress()

    package init(
        _ body: [UInt8], importID: Int64, by author: PriceAuthor, onto meant: String? = nil,
        effect: Effect? = nil
    ) {
        self.effect = effect
        file = PriceBookFile(body)
        self.importID = importID
        self.author = author
        self.meant = meant
    }

    package static func hash(_ tenant: TenantReader) throws -> String { try tenant.priceBookHash() }

    package var isAtEnd: Bool { file.isAtEnd }

    package func read(_ rowsMax: Int, errors: inout [FieldError], into rows: inout [PriceBookFile.Row]) -> Bool {
        file.next(rowsMax, errors: &errors, into: &rows)
    }

    package func resolve(
        _ rows: [PriceBookFile.Row], _ names: inout ImportedNames, _ tenant: TenantReader, errors: inout [FieldError]
    ) throws -> [StagedPrice] {
        var staged: [StagedPrice] = []
        for row in rows {
            let (reseller, product) = (try names.reseller(row.reseller, tenant), try names.product(row.sku, tenant))
            if reseller == nil {
                errors.append(
                    .inLine(row.line, PriceBookFile.resellerColumn, "unknown", "there is no such reseller"))
            }
            if product == nil {
                errors.append(.inLine(row.line, PriceBookFile.skuColumn, "unknown", "there is no such product"))
            }
            guard let reseller, let product else { continue }
            if try names.isTerminated(reseller, tenant) {
                let old = try tenant.priceRow(resellerID: reseller, productID: product)
                // A whole book that was exported comes in again as it is.
                if old.map({ row.price.taking(file.priceColumns, onto: $0) != $0 }) ?? true {
                    errors.append(
                        .inLine(
                            row.line, PriceBookFile.resellerColumn, "reseller_terminated",
                            "is terminated, and is given no prices any more"))
                }
            }
            staged.append(StagedPrice(line: row.line, resellerID: reseller, productID: product, price: row.price))
        }
        return staged
    }

    package func compare(_ staged: [StagedPrice], _ tenant: TenantReader) throws -> [ComparedRow] {
        let columns = Set(file.priceColumns.map(\.rawValue))
        let digits = tenant.currency.minorUnitDigits
        return try staged.compactMap { row in
            guard
                let (reseller, product) = try tenant.priceRowNames(
                    resellerID: row.resellerID, productID: row.productID)
            else { return nil }
            let old = try tenant.priceRow(resellerID: row.resellerID, productID: row.productID)
            let names = [
                JSONMember(name: PriceBookFile.resellerColumn, value: .string(reseller)),
                JSONMember(name: PriceBookFile.skuColumn, value: .string(product.sku)),
            ]
            return ComparedRow(
                line: row.line, names: names, old: old?.members(digits), new: row.price.members(digits),
                columns: columns, warnings: row.price.warnings(old, product, line: row.line, file.priceColumns, digits))
        }
    }

    package func consequences(_ steps: Steps) async throws -> [JSONMember] {
        guard let effect else { return [] }
        return [JSONMember(name: "effect", value: try await effect(steps, named, file.priceColumns))]
    }

    package func note(_ staged: [StagedPrice], errors: inout [FieldError]) {
        for row in staged {
            let place = PricePlace(resellerID: row.resellerID, productID: row.productID)
            if effect != nil { named[place] = row.price }
            guard let first = lines[place] else {
                lines[place] = row.line
                continue
            }
            let detail = "line \(first) has the same reseller and product"
            errors.append(.inLine(row.line, PriceBookFile.skuColumn, "duplicate", detail))
        }
    }

    package func stage(_ rows: [StagedPrice], _ tenant: TenantTransaction) throws {
        try tenant.stage(rows, importID: importID)
    }

    package func discard(rowsMax: Int, _ tenant: TenantTransaction) throws -> Bool {
        try tenant.discardStaged(importID: importID, rowsMax: rowsMax)
    }

    package func apply() -> Work {
        let (importID, count, columns, author) = (importID, Int64(lines.count), file.priceColumns, author)
        return .write { tenant, detail in
            try self.judgeHash(tenant)
            // A restore in between takes staged rows away with everything else.
            guard try tenant.stagedRows(importID: importID) == count else {
                throw Refusal.unavailable(.importInterrupted)
            }
            try tenant.applyStaged(importID: importID, columns: columns, by: author)
            detail.note("price_rows", String(count))
            return .json { json in
                json.field("ok", true)
                json.field("rows", count)
            }
        }
    }
}

extension PriceRow {
    /// A reseller that pays more than anybody is asked for is most often a slip of the keyboard, and so is a price that
    /// nobody can pay exactly; hours are added up before they are rounded. Of what differs from the row that is there.
    fileprivate func warnings(
        _ old: PriceRow?, _ product: Product, line: Int, _ columns: [PriceColumn], _ digits: Int
    ) -> [FieldError] {
        let (list, was) = (product.list, old)
        let pairs: [(PriceColumn, Money?, Money?, Money?)] = [
            (.monthly, terms.monthly, was?.terms.monthly, list.terms.monthly),
            (.quarterly, terms.quarterly, was?.terms.quarterly, list.terms.quarterly),
            (.semiAnnual, terms.semiAnnual, was?.terms.semiAnnual, list.terms.semiAnnual),
            (.annual, terms.annual, was?.terms.annual, list.terms.annual),
            (.hourly, terms.hourly, was?.terms.hourly, list.terms.hourly),
            (.setupFee, setupFee, was?.setupFee, list.setupFee), (.once, once, was?.once, product.retailPrice),
        ]
        return pairs.flatMap { column, price, old, most -> [FieldError] in
            guard columns.contains(column), let price, price != old else { return [] }
            var warnings: [FieldError] = []
            if let most, price > most {
                let noun = column == .once ? "retail price" : "list price"
                let detail = "is more than the \(noun), \(most.decimal(minorUnitDigits: digits))"
                warnings.append(.inLine(line, column.rawValue, "above_list", detail))
            }
            if column != .hourly, !price.isWhole(inMinorUnitDigits: digits) {
                let most = digits == 0 ? "the currency has none" : "the currency has \(digits)"
                let detail = "has more digits after the point than can be paid, \(most): what is charged is rounded"
                warnings.append(.inLine(line, column.rawValue, "too_precise", detail))
            }
            return warnings
        }
    }
}
