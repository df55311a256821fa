package import CallKit
package import Cryptography
package import HTTPCore
package import TenantRegistry

/// A file that is taken all or none, every error with its place (O4, O9).
///
/// It is read off the lane, `chunkRows` rows at a time; each chunk is looked up and staged in a step of its own, judged
/// as a write is. Only when the last row is staged without an error does one write make them all count.
///
/// One step runs at a time, each started by the one before it: whichever thread runs the step owns what the import
/// holds. That is why the classes that do this are `@unchecked Sendable`.
package protocol StagedImport: AnyObject, Sendable {
    associatedtype Row: Sendable
    associatedtype Staged: Sendable

    var progress: ImportProgress { get set }

    /// The next rows, at most `rowsMax`; faults of others join `errors`. False where what follows cannot be
    /// read at all. `isAtEnd` once there are no more.
    func read(_ rowsMax: Int, errors: inout [FieldError], into rows: inout [Row]) -> Bool
    var isAtEnd: Bool { get }
    /// The rows as they would count. On the lane, perhaps twice: it changes nothing but what it is given.
    func resolve(
        _ rows: [Row], _ names: inout ImportedNames, _ tenant: TenantReader, errors: inout [FieldError]
    ) throws -> [Staged]
    /// What was staged, in order: what stands twice in the file joins `errors`.
    func note(_ staged: [Staged], errors: inout [FieldError])

    func stage(_ rows: [Staged], _ tenant: TenantTransaction) throws
    /// Clears up to `rowsMax` staged rows; false once there are no more.
    func discard(rowsMax: Int, _ tenant: TenantTransaction) throws -> Bool
    /// The one write that makes what is staged count.
    func apply() throws(Refusal) -> Work
}

/// How far an import is: errors so far, and names that were looked up.
package struct ImportProgress: Sendable {
    package static let chunkRows = 500
    package static let errorsMax = 100

    var errors: [FieldError] = []
    var names = ImportedNames()

    package init() {}

    /// The refusal, where there is anything wrong.
    func judge() throws(Refusal) {
        if !errors.isEmpty { throw .invalid(Array(errors.byPlace.prefix(Self.errorsMax))) }
    }
}

extension StagedImport {
    package func run(_ steps: Steps) async throws -> Work {
        do {
            while try await stagesNext(steps) {}
            try progress.judge()
            return try apply()
        } catch {
            // What cannot be cleared now, housekeeping clears.
            while (try? await steps.stage { try self.discard(rowsMax: TenantTransaction.housekeepingRowsMax, $0) })
                == true
            {}
            throw error
        }
    }

    /// Reads and stages a chunk; false at the end of the file.
    private func stagesNext(_ steps: Steps) async throws -> Bool {
        let chunk = try await steps.background {
            var rows: [Row] = []
            let isReadable = self.read(ImportProgress.chunkRows, errors: &self.progress.errors, into: &rows)
            if !isReadable || self.progress.errors.count >= ImportProgress.errorsMax { try self.progress.judge() }
            return rows
        }
        if chunk.isEmpty && isAtEnd { return false }
        let (known, isSound) = (progress.names, progress.errors.isEmpty)
        let (names, staged, errors) = try await steps.stage { tenant in
            var names = known
            var errors: [FieldError] = []
            let staged = try self.resolve(chunk, &names, tenant, errors: &errors)
            // With an error found nothing will be applied: the rest is only read for its errors.
            if isSound && errors.isEmpty { try self.stage(staged, tenant) }
            return (names, staged, errors)
        }
        progress.names = names
        progress.errors += errors
        note(staged, errors: &progress.errors)
        return true
    }
}

/// Resellers and products by the names that a file has for them. Neither is ever deleted, so what was found stays true;
/// whether a reseller is terminated is judged again where the rows count.
package struct ImportedNames: Sendable {
    private var resellers: [String: Int64] = [:]
    private var terminated: [Int64: Bool] = [:]
    private var products: [String: Int64] = [:]

    /// By public id or e-mail address.
    mutating func reseller(_ name: String, _ tenant: TenantReader) throws -> Int64? {
        if let known = resellers[name] { return known }
        let found = name.contains("@") ? try tenant.reseller(email: name) : try tenant.reseller(publicID: name)
        resellers[name] = found?.id
        return found?.id
    }

    mutating func isTerminated(_ resellerID: Int64, _ tenant: TenantReader) throws -> Bool {
        if let known = terminated[resellerID] { return known }
        let found = try tenant.reseller(id: resellerID)?.state == .terminated
        terminated[resellerID] = found
        return found
    }

    mutating func product(_ sku: String, _ tenant: TenantReader) throws -> Int64? {
        if let known = products[sku] { return known }
        let found = try tenant.product(sku: sku)?.id
        products[sku] = found
        return found
    }
}

/// Names the staged rows of one import. The time is what clearing up goes by; the rest keeps two imports of one
/// millisecond apart.
package enum ImportID {
    package static func new(at now: Timestamp, _ random: any RandomSource) -> Int64 {
        now.milliseconds << 10 | Int64(random.below(1 << 10))
    }

    /// Rows of an import that began before this belong to nobody any more.
    package static func abandonedBefore(_ now: Timestamp) -> Int64 { now.adding(days: -1).milliseconds << 10 }
}
