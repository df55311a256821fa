import CallKit
import HTTPCore
import RateLimiter
import TenantRegistry

/// Takes licences into stock, all or none, every error with its place (O9).
///
/// The file is read off the lane, `chunkRows` at a time; each chunk is looked up, compared with the stock and staged in
/// a lane job of its own. Only when the last row is staged without an error does one write make them stock.
///
/// `@unchecked Sendable`: one step runs at a time, each started by the one before it; whichever thread runs the step
/// owns everything here.
package final class ImportLicences: @unchecked Sendable {
    package static let chunkRows = 500
    package static let errorsMax = 100

    typealias Done = @Sendable (Result<Work, any Error>) -> Void

    private var file: LicenceFile
    private let book: Book
    private let tenant: TenantRecord
    private let fleet: Fleet
    private let payer: Payer
    private let done: Done
    private let importID: Int64
    private var errors: [FieldError] = []
    private var placeByKey: [String: Int] = [:]
    /// Those that are past their time already: they may be history, and are told.
    private var expiredCount: Int64 = 0
    private let now: Timestamp
    private var names = Names()

    /// What has been looked up so far. Resellers and products are never deleted, so it stays true.
    private struct Names: Sendable {
        var resellers: [String: Int64] = [:]
        var products: [String: Int64] = [:]
    }

    private struct Staged: Sendable {
        let names: Names
        let errors: [FieldError]
    }

    /// `done` is called once, from any thread.
    init(_ call: Call, _ file: LicenceFile, book: Book, done: @escaping Done) {
        self.file = file
        self.book = book
        self.done = done
        tenant = call.tenant
        now = call.now
        fleet = call.services.fleet
        payer = call.payer
        // The time is what clearing up goes by; the rest keeps two imports of one millisecond apart.
        importID = call.now.milliseconds << 10 | Int64(call.services.random.below(1 << 10))
    }

    func start() {
        hop { self.step() }
    }

    private func hop(_ body: @escaping @Sendable () -> Void) {
        if !fleet.background.submit(of: payer, body) { end(.failure(LaneFailure.tooManyWaiting)) }
    }

    // MARK: Steps

    /// Reads the next chunk and stages it; at the end of the file, applies it all.
    private func step() {
        var chunk: [LicenceFile.Row] = []
        let isReadable = file.next(Self.chunkRows, errors: &errors, into: &chunk)
        chunk.removeAll { row in
            guard let first = placeByKey.updateValue(row.place, forKey: row.key) else { return false }
            fail(row.place, "key", "duplicate", "\(file.pointer(first, nil)) has the same key")
            return true
        }
        expiredCount += Int64(chunk.count { $0.expiresAt <= now })
        if !isReadable || errors.count >= Self.errorsMax { return fail() }
        if chunk.isEmpty && file.isAtEnd { return finish() }
        stage(chunk)
    }

    private func stage(_ chunk: [LicenceFile.Row]) {
        let (importID, known, isSound, book, file) = (importID, names, errors.isEmpty, book, file)
        tenant.lane.submit(
            LaneJob(
                writes: true,
                perform: { store in
                    var staged: [StagedLicence] = []
                    let found = try Self.resolve(chunk, known, book, store.reader, file, &staged)
                    // With an error found nothing will be applied: the rest is only read for its errors.
                    if isSound && found.errors.isEmpty { try store.transaction.stage(staged, importID: importID) }
                    return { _ in
                        self.hop {
                            self.names = found.names
                            self.errors += found.errors
                            self.step()
                        }
                    }
                },
                fail: { failure in self.end(.failure(failure)) }))
    }

    private static func resolve(
        _ chunk: [LicenceFile.Row], _ known: Names, _ book: Book, _ tenant: TenantReader, _ file: LicenceFile,
        _ staged: inout [StagedLicence]
    ) throws -> Staged {
        var names = known
        var errors: [FieldError] = []
        for row in chunk {
            func fail(_ column: String, _ code: String, _ detail: String) {
                errors.append(FieldError(pointer: file.pointer(row.place, column), code: code, detail: detail))
            }
            if names.resellers[row.reseller] == nil {
                let reseller =
                    row.reseller.contains("@")
                    ? try tenant.reseller(email: row.reseller) : try tenant.reseller(publicID: row.reseller)
                names.resellers[row.reseller] = reseller?.id
            }
            if names.products[row.product] == nil {
                names.products[row.product] = try tenant.product(sku: row.product)?.id
            }
            let (reseller, product) = (names.resellers[row.reseller], names.products[row.product])
            if reseller == nil { fail("reseller", "unknown", "there is no such reseller") }
            if product == nil { fail("product", "unknown", "there is no such product") }
            if try tenant.licence(key: row.key, resellerID: nil, book: book) != nil {
                fail("key", "duplicate", "is in stock already")
            }
            guard let reseller, let product else { continue }
            staged.append(
                StagedLicence(
                    place: row.place, resellerID: reseller, productID: product, key: row.key, expiresAt: row.expiresAt))
        }
        return Staged(names: names, errors: errors)
    }

    // MARK: The end

    private func finish() {
        guard errors.isEmpty else { return fail() }
        guard !placeByKey.isEmpty else {
            errors.append(FieldError(pointer: "", code: "required", detail: "must hold at least one licence"))
            return fail()
        }
        let (importID, count, expired, book) = (importID, Int64(placeByKey.count), expiredCount, book)
        done(
            .success(
                .write { tenant, detail in
                    // Another import, or a restore, has come in between.
                    guard
                        try tenant.applyStagedLicences(
                            importID: importID, count: count, book: book, detail: &detail)
                    else {
                        throw Refusal.unavailable(.importInterrupted)
                    }
                    return .json(201) { json in
                        json.field("ok", true)
                        json.field("imported", count)
                        if expired > 0 { json.field("expired", expired) }
                    }
                }))
    }

    private func fail(_ place: Int, _ column: String, _ code: String, _ detail: String) {
        errors.append(FieldError(pointer: file.pointer(place, column), code: code, detail: detail))
    }

    private func fail() {
        end(.failure(Refusal.invalid(Array(errors.byPlace.prefix(Self.errorsMax)))))
    }

    /// Clears what was staged, piece by piece, then answers. What cannot be cleared now, housekeeping clears.
    private func end(_ result: Result<Work, any Error>) {
        let (importID, done) = (importID, done)
        tenant.lane.submit(
            LaneJob(
                writes: true,
                perform: { store in
                    let goesOn = try store.transaction.discardStagedLicences(
                        importID: importID, rowsMax: TenantTransaction.housekeepingRowsMax)
                    return { _ in if goesOn { self.end(result) } else { done(result) } }
                },
                fail: { _ in done(result) }))
    }
}
