import CallKit
import Cryptography
import SQLite
package import TenantRegistry

/// Looks at a file that is to take the place of a tenant's: whose it is, who signed it, its schema, its soundness, and
/// which keys it opens (P5). In the process that calls it; `ExaminationProcess` has one of its own for it.
package enum Examination {
    /// Throws `RestoreFailure`.
    package static func run(_ order: FileExamination) throws -> ExaminedFile {
        do {
            return try examine(order)
        } catch let failure as RestoreFailure {
            throw failure
        } catch {
            throw RestoreFailure.damaged(["\(error)"])
        }
    }

    private static func examine(_ order: FileExamination) throws -> ExaminedFile {
        try checkOwner(order)
        let state = ExportSeal.state(of: order.path, tenant: order.tenant, publicKey: order.publicKey)
        if !order.acceptsUnsigned {
            if state == .changed { throw RestoreFailure.changedSinceSigned }
            if state == .unsigned { throw RestoreFailure.unsigned }
        }
        let report = try Verifier(
            path: order.path, publicKey: order.publicKey, judgesSeal: !order.acceptsUnsigned
        ).run()
        guard report.isSound else {
            throw RestoreFailure.damaged(report.findings.map { "\($0.place): \($0.text)" })
        }
        let connection = try Connection(path: order.path, flags: .immutable)
        defer { connection.close() }
        try connection.configureForeign()
        let reader = TenantReader(connection: connection, tenantID: order.tenant)
        // A file that passed has no corrupt rows.
        let hashes = try reader.allProjections(corrupt: { _ in }).flatMap { change -> [Digest] in
            guard case .key(let key) = change else { return [] }
            return key.secrets.map(\.hash)
        }
        return ExaminedFile(state: state, keyHashes: hashes)
    }

    /// Whose it is and how it is made, before anything of it is believed.
    private static func checkOwner(_ order: FileExamination) throws {
        let connection: Connection
        do {
            connection = try Connection(path: order.path, flags: .immutable)
            try connection.configureForeign()
        } catch {
            throw RestoreFailure.notATenantFile("SQLite does not open it")
        }
        defer { connection.close() }
        guard try connection.applicationID == CoreSchema.applicationID else {
            throw RestoreFailure.notATenantFile("its application_id is not Tollgate's")
        }
        let version = try connection.userVersion
        let known = TenantSchema.app.migrations.last?.version ?? 0
        guard version <= known else { throw RestoreFailure.newerSchema }
        guard version > 0 else { throw RestoreFailure.notATenantFile("it has no schema version") }
        if let difference = try SchemaComparison.differences(of: connection, version: version).first {
            throw RestoreFailure.schemaDiffers(difference.name)
        }
        let meta = try connection.row("SELECT tenant_id, currency FROM meta WHERE id = 1") { row in
            try (tenant: row.blob(), currency: row.text())
        }
        guard meta?.tenant == order.tenant.bytes else { throw RestoreFailure.anotherTenant }
        guard meta?.currency == order.currency else {
            throw RestoreFailure.damaged(["its currency is \(meta?.currency ?? "none"), not \(order.currency)"])
        }
    }
}
