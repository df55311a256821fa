import CallKit
import Cryptography
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// An export of a tenant that has traded, shared by the tests; each tampers with a copy of its own.
enum Traded {
    struct Export {
        let folder: TestFolder
        let path: String
        let head: AuditHead
        let publicKey: [UInt8]
        /// A head that was handed out before the last rows were written.
        let earlierHead: AuditHead
    }

    static let shared = Result { try make() }

    private static func make() throws -> Export {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let shop = try Shop.open(node)
        try shop.trade()
        let earlier = try node.head(of: shop.record)
        // Reads, so that there is a block; then a write behind it.
        for number in 0..<100 {
            var read = AuditRecord(
                at: node.clock.now(), action: "GET /api/partner/v1/products", status: number % 3 == 0 ? 429 : 200,
                requestID: RequestID(high: 1, low: UInt64(number)))
            read.resellerID = shop.resellerIDs[0]
            #expect(shop.record.readLog.append(read))
        }
        node.clock.advance(seconds: 60)
        try shop.topUp(shop.resellerIDs[0], units: 5)
        let path = try folder.copy(try node.export(shop.record), to: "export.sqlite")
        // Without it what each harm breaks shows by itself.
        try ExportSeal.remove(from: path)
        return Export(
            folder: folder, path: path, head: try node.head(of: shop.record),
            publicKey: shop.record.signingKey.publicKey, earlierHead: earlier)
    }
}

/// A copy of the export to do harm to.
struct Copy {
    let folder: TestFolder
    let path: String

    init() throws {
        let export = try Traded.shared.get()
        folder = try TestFolder()
        path = try folder.copy(export.path, to: "copy.sqlite")
    }

    func tamper(_ sql: String, restoringTriggers: Bool = true) throws {
        try DataFolder.tamper(path, sql, restoringTriggers: restoringTriggers)
    }

    /// Makes the chain's hashes agree again from a row on, as somebody without the signing key can.
    func rehash(from first: Int64) throws {
        let connection = try Connection(path: path, flags: [.readWrite])
        defer { connection.close() }
        let tenant = try #require(
            try connection.row("SELECT tenant_id FROM meta") { try TenantID(bytes: $0.blob()) } ?? nil)
        try connection.execute("DROP TRIGGER audit_is_append_only_update")
        var previous =
            try connection.row("SELECT hash FROM audit WHERE seq = ?1", .integer(first - 1)) {
                try Digest(bytes: $0.blob())
            }
            ?? .zero
        let lines = try connection.rows(
            dynamic: "SELECT \(ChainLine.columns) FROM audit WHERE seq >= ?1 ORDER BY seq", [.integer(first)],
            read: ChainLine.init)
        for line in lines {
            let hash = try #require(line.hash(after: previous ?? .zero, tenant: tenant))
            try connection.run(
                "UPDATE audit SET hash = ?2 WHERE seq = ?1", .integer(line.sequence), .blob(hash.bytes))
            previous = hash
        }
        try connection.execute(
            """
            CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
                BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
            """)
    }

    func verify(expecting heads: [AuditHead] = [], all: Bool = false) throws -> VerificationReport {
        try Verifier(path: path, expectedHeads: heads, checksAllSignatures: all).run()
    }
}
