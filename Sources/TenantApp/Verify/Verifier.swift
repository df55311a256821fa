import CallKit
import Foundation
import SQLite
package import TenantRegistry

/// Why a file cannot be verified at all.
package enum VerificationError: Error, Sendable, CustomStringConvertible {
    case unreadable(String)
    case notATenantFile(String)
    case newerSchema(found: Int32, known: Int32)
    /// There is a journal beside it: what the file alone holds is not the whole.
    case notWhole(String)
    /// The file's content crashed the examination, or took more time or memory than it may.
    case notExamined(String)
    /// What a process said that verified for this one.
    case told(String)

    package var description: String {
        switch self {
        case .unreadable(let reason): "the file cannot be read: \(reason)"
        case .notATenantFile(let reason): "this is no Tollgate tenant file: \(reason)"
        case .newerSchema(let found, let known):
            "the file has schema \(found), this program knows \(known): use a newer program"
        case .notExamined(let reason): "the file could not be examined: \(reason)"
        case .told(let text): text
        case .notWhole(let name): "\(name) lies beside the file, so the file alone is not whole: verify an export"
        }
    }
}

/// Proves what must hold in a tenant's file, with no server (docs/audit.md): the audit chain and its signatures, the
/// ledger against the chain, orders, units, stored answers, the outbox, and the file itself.
///
/// Invariant: it trusts nothing in the file and writes nothing; memory stays bounded by resellers and products, not by
/// rows, so files may be larger than memory. One thread at a time; not for a file that a gateway has open.
package struct Verifier {
    package let path: String
    /// `Audit-Head`s that were handed out: each must stand in the chain as it is.
    package let expectedHeads: [AuditHead]
    /// The tenant's published key; nil takes the file's own word for it.
    package let publicKey: [UInt8]?
    /// Checks the signature of every signed row rather than the last one's and those of expected heads.
    package let checksAllSignatures: Bool
    /// A file that was changed since it was signed is not sound, whatever else it says.
    package let judgesSeal: Bool

    package init(
        path: String, expectedHeads: [AuditHead] = [], publicKey: [UInt8]? = nil, checksAllSignatures: Bool = false,
        judgesSeal: Bool = true
    ) {
        self.judgesSeal = judgesSeal
        self.path = path
        self.expectedHeads = expectedHeads
        self.publicKey = publicKey
        self.checksAllSignatures = checksAllSignatures
    }

    /// Throws `VerificationError` where there is nothing to verify; what is wrong with a tenant's file is in the
    /// report.
    package func run() throws -> VerificationReport {
        let connection = try open()
        defer { connection.close() }
        var file = try VerifiedFile(connection)
        checkSeal(&file)
        let checks: [(String, (inout VerifiedFile) throws -> Void)] = [
            ("file", StructureCheck.run), ("bounds", BoundsCheck.run),
            ("audit", { try ChainCheck.run(&$0, expecting: expectedHeads, publicKey, all: checksAllSignatures) }),
            ("ledger", LedgerCheck.run), ("totals", DayTotalCheck.run), ("orders", OrderCheck.run),
            ("renewals", RenewalCheck.run), ("units", UnitCheck.run), ("refunds", RefundCheck.run),
            ("holding", QuantityCheck.run),
            ("idempotency", IdempotencyCheck.run), ("outbox", OutboxCheck.run), ("ports", PortCheck.run),
            ("stock", StockCheck.run), ("codes", CodeCheck.run), ("payments", PaymentCheck.run),
            ("rows", RowCheck.run), ("constraints", ConstraintCheck.run),
        ]
        for (name, check) in checks where !file.hasForeignViews {
            do {
                try check(&file)
            } catch let error as SQLiteError {
                // A damaged page, or a table or column that is gone: the rest may still tell more.
                file.report.add(.structure, name, nil, "The check stopped: SQLite says \(error.message).")
            } catch let corrupt as CorruptRow {
                file.report.add(corrupt)
            }
        }
        return file.report
    }

    private func checkSeal(_ file: inout VerifiedFile) {
        let state = ExportSeal.state(of: path, tenant: file.tenantID, publicKey: publicKey ?? file.auditPublicKey)
        file.report.seal = state
        if state == .changed, judgesSeal {
            file.report.add(
                .signature, "file", nil,
                "The file was changed since it was signed, or another key than the tenant's signed it.")
        }
    }

    private func open() throws -> Connection {
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw VerificationError.unreadable("there is no such file, or it may not be read")
        }
        // Opening a pipe would wait for whoever writes to it.
        guard DataDirectory.isRegularFile(path) else { throw VerificationError.unreadable("it is no file") }
        for suffix in ["-wal", "-journal"] where (DataDirectory.size(of: path + suffix) ?? 0) > 0 {
            throw VerificationError.notWhole((path + suffix as NSString).lastPathComponent)
        }
        do {
            let connection = try Connection(path: path, flags: .immutable)
            try connection.configureForeign()
            // Sorting spills to disk rather than into memory.
            try connection.execute("PRAGMA temp_store=FILE")
            return connection
        } catch {
            throw VerificationError.notATenantFile("SQLite says \(error.message)")
        }
    }
}

/// The file under verification: its connection, who it says it is, and the report so far.
struct VerifiedFile {
    let connection: Connection
    let tenantID: TenantID
    let incarnation: Int64
    let version: Int32
    let currency: Currency
    let currencyCode: String
    let auditPublicKey: [UInt8]
    let lineage: Lineage
    /// The latest moment that the audit log tells of: the file's own present, by which ages are judged.
    var endsAt = Timestamp(milliseconds: 0)
    /// How far what a call did may lie from its record, which says when the call came: far more than any call takes.
    static let callDays: Int64 = 1
    /// Nothing in the file was done later.
    var latest: Timestamp { endsAt.adding(days: Self.callDays) }
    /// A view under a table's name could answer anything, for ever: then nothing more is asked.
    var hasForeignViews = false
    var report: VerificationReport

    init(_ connection: Connection) throws {
        self.connection = connection
        let known = TenantSchema.app.migrations.last?.version ?? 0
        let meta: (tenant: [UInt8], incarnation: Int64, currency: String, key: [UInt8])?
        let ancestors: String?
        do {
            guard try connection.applicationID == CoreSchema.applicationID else {
                throw VerificationError.notATenantFile("its application_id is not Tollgate's")
            }
            version = try connection.userVersion
            guard version > 0 else { throw VerificationError.notATenantFile("it has no schema version") }
            guard version <= known else { throw VerificationError.newerSchema(found: version, known: known) }
            let isTable = try connection.exists(
                "SELECT 1 FROM sqlite_schema WHERE name = 'meta' AND type = 'table' AND rootpage > 0")
            guard isTable else { throw VerificationError.notATenantFile("it has no meta table") }
            meta = try connection.row(
                "SELECT tenant_id, incarnation, currency, audit_public_key FROM meta WHERE id = 1"
            ) { try ($0.blob(), $0.int(), $0.text(), $0.blob()) }
            // Files of earlier schemas were never forked.
            let hasLineage = try connection.exists("SELECT 1 FROM pragma_table_info('meta') WHERE name = 'lineage'")
            ancestors =
                hasLineage ? try connection.row("SELECT lineage FROM meta") { try $0.optionalText() } ?? nil : nil
        } catch let error as SQLiteError {
            throw VerificationError.notATenantFile("SQLite says \(error.message)")
        } catch let corrupt as CorruptRow {
            throw VerificationError.notATenantFile("\(corrupt)")
        }
        guard let meta, let tenantID = TenantID(bytes: meta.tenant) else {
            throw VerificationError.notATenantFile("it does not say whose it is")
        }
        self.tenantID = tenantID
        incarnation = meta.incarnation
        auditPublicKey = meta.key
        currencyCode = meta.currency
        currency = Currency(meta.currency) ?? .usDollar
        report = VerificationReport(tenantID: tenantID, incarnation: incarnation, schemaVersion: version)
        lineage = Lineage(text: ancestors) ?? .none
        if Lineage(text: ancestors) == nil {
            report.add(.structure, "meta", 1, "Its lineage cannot be read.")
        }
        if Currency(meta.currency) == nil {
            report.add(.structure, "meta", 1, "Its currency \(meta.currency) is none that ISO 4217 knows.")
        }
    }

    /// `25.00 EUR`.
    func amount(_ micros: Int64) -> String {
        "\(Money(micros: micros).decimal(minorUnitDigits: currency.minorUnitDigits)) \(currencyCode)"
    }
}

/// Follows the ids of one table as another source names them, in ascending order, so that what it leaves out and what
/// it names twice show without keeping any of them.
struct AscendingIDs {
    enum Step {
        case next
        /// Ids in this range were left out, where there are any.
        case after(gap: ClosedRange<Int64>)
        case notAscending
    }

    private(set) var last: Int64 = 0

    mutating func follow(_ id: Int64) -> Step {
        guard id > last else { return .notAscending }
        defer { last = id }
        return id == last + 1 ? .next : .after(gap: last + 1...id - 1)
    }
}
