package import CallKit
import HTTPCore
import RateLimiter
package import TenantRegistry

/// Takes a whole price book as CSV: all rows or none, every error with its line (O4).
///
/// The file is read off the lane, `chunkRows` rows at a time; each chunk is looked up and staged in a lane job of its
/// own. Only when the last row is staged without an error does one write make them the book's.
///
/// `@unchecked Sendable`: one step runs at a time, each started by the one before it; whichever thread runs the step
/// owns everything here.
package final class ImportPrices: @unchecked Sendable {
    package static let chunkRows = 500
    package static let errorsMax = 100

    package typealias Done = @Sendable (Result<Work, any Error>) -> Void

    private struct Pair: Hashable {
        let resellerID: Int64
        let productID: Int64
    }

    private var file: PriceBookFile
    private let tenant: TenantRecord
    private let fleet: Fleet
    private let payer: Payer
    private let done: Done
    private let importID: Int64
    private var errors: [FieldError] = []
    private var lines: [Pair: Int] = [:]
    private var names = Names()

    /// What has been looked up so far. Resellers and products are never deleted, so it stays true.
    private struct Names: Sendable {
        var resellers: [String: Int64] = [:]
        var products: [String: Int64] = [:]
    }

    private struct Staged: Sendable {
        let names: Names
        let rows: [StagedPrice]
        let errors: [FieldError]
    }

    /// `done` is called once, from any thread.
    package init(_ body: [UInt8], call: Call, done: @escaping Done) {
        file = PriceBookFile(body)
        self.done = done
        tenant = call.tenant
        fleet = call.services.fleet
        payer = call.payer
        // The time is what clearing up goes by; the rest keeps two imports of one millisecond apart.
        importID = call.now.milliseconds << 10 | Int64(call.services.random.below(1 << 10))
    }

    package static func abandonedBefore(_ now: Timestamp) -> Int64 { now.adding(days: -1).milliseconds << 10 }

    package func start() {
        if fleet.refusesWrites { return done(.failure(LaneFailure.storageFull)) }
        hop { self.step() }
    }

    private func hop(_ body: @escaping @Sendable () -> Void) {
        if !fleet.background.submit(of: payer, body) { end(.failure(LaneFailure.tooManyWaiting)) }
    }

    // MARK: Steps

    /// Reads the next chunk and stages it; at the end of the file, applies it all.
    private func step() {
        var chunk: [PriceBookFile.Row] = []
        let isReadable = file.next(Self.chunkRows, errors: &errors, into: &chunk)
        if !isReadable || errors.count >= Self.errorsMax { return fail() }
        if chunk.isEmpty && file.isAtEnd { return finish() }
        stage(chunk)
    }

    private func stage(_ chunk: [PriceBookFile.Row]) {
        let (importID, known, isSound) = (importID, names, errors.isEmpty)
        tenant.lane.submit(
            LaneJob(
                writes: true,
                perform: { store in
                    let staged = try Self.resolve(chunk, known, store.reader)
                    // With an error found nothing will be applied: the rest is only read for its errors.
                    if isSound && staged.errors.isEmpty { try store.transaction.stage(staged.rows, importID: importID) }
                    return { _ in self.hop { self.staged(staged) } }
                },
                fail: { failure in self.end(.failure(failure)) }))
    }

    private static func resolve(
        _ chunk: [PriceBookFile.Row], _ known: Names, _ tenant: TenantReader
    ) throws -> Staged {
        var names = known
        var rows: [StagedPrice] = []
        var errors: [FieldError] = []
        for row in chunk {
            if names.resellers[row.reseller] == nil {
                let reseller =
                    row.reseller.contains("@")
                    ? try tenant.reseller(email: row.reseller) : try tenant.reseller(publicID: row.reseller)
                names.resellers[row.reseller] = reseller?.id
            }
            if names.products[row.sku] == nil { names.products[row.sku] = try tenant.product(sku: row.sku)?.id }
            let (reseller, product) = (names.resellers[row.reseller], names.products[row.sku])
            if reseller == nil {
                errors.append(
                    FieldError.inLine(row.line, PriceBookFile.resellerColumn, "unknown", "there is no such reseller"))
            }
            if product == nil {
                errors.append(
                    FieldError.inLine(row.line, PriceBookFile.skuColumn, "unknown", "there is no such product"))
            }
            guard let reseller, let product else { continue }
            rows.append(StagedPrice(line: row.line, resellerID: reseller, productID: product, price: row.price))
        }
        return Staged(names: names, rows: rows, errors: errors)
    }

    private func staged(_ staged: Staged) {
        names = staged.names
        errors += staged.errors
        for row in staged.rows {
            let pair = Pair(resellerID: row.resellerID, productID: row.productID)
            if let first = lines[pair] {
                errors.append(
                    FieldError.inLine(
                        row.line, PriceBookFile.skuColumn, "duplicate",
                        "line \(first) has the same reseller and product"))
            } else {
                lines[pair] = row.line
            }
        }
        step()
    }

    // MARK: The end

    private func finish() {
        guard errors.isEmpty else { return fail() }
        let (importID, count, columns) = (importID, Int64(lines.count), file.priceColumns)
        done(
            .success(
                .write { tenant, detail in
                    // A restore in between takes staged rows away with everything else.
                    guard try tenant.stagedRows(importID: importID) == count else {
                        throw Refusal.unavailable(.importInterrupted)
                    }
                    try tenant.applyStaged(importID: importID, columns: columns)
                    detail.note("price_rows", String(count))
                    return .json { json in
                        json.field("ok", true)
                        json.field("rows", count)
                    }
                }))
    }

    private func fail() {
        end(.failure(Refusal.invalid(Array(errors.byPlace.prefix(Self.errorsMax)))))
    }

    /// Clears what was staged, piece by piece, then answers. What cannot be cleared now, housekeeping clears.
    private func end(_ result: Result<Work, any Error>) {
        let (importID, done) = (importID, done)
        if lines.isEmpty { return done(result) }
        tenant.lane.submit(
            LaneJob(
                writes: true,
                perform: { store in
                    let goesOn = try store.transaction.discardStaged(
                        importID: importID, rowsMax: TenantTransaction.housekeepingRowsMax)
                    return { _ in if goesOn { self.end(result) } else { done(result) } }
                },
                fail: { _ in done(result) }))
    }
}
