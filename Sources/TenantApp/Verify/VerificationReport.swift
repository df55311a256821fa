import CallKit
import HTTPCore
import SQLite
package import TenantRegistry

/// One thing that is wrong with a file: which rule it breaks, where, and what that means in a sentence.
package struct Finding: Sendable, Equatable {
    package enum Invariant: String, Sendable, CaseIterable {
        case structure, chain, signature, ledger, orders, quantity, idempotency, outbox, stock, credit,
            payments, rows
    }

    package let invariant: Invariant
    package let table: String
    /// The row's id, or its sequence number in the audit log; nil where the finding is about no single row.
    package let row: Int64?
    package let text: String

    /// `orders 12`, or the table alone.
    package var place: String { row.map { "\(table) \($0)" } ?? table }
}

/// What `Verifier` read and what it found. A value: any thread.
package struct VerificationReport: Sendable {
    /// So many findings are kept; the rest are counted.
    package static let findingsMax = 1_000
    /// So many findings stand in the text.
    package static let findingsInTextMax = 50

    package struct Counts: Sendable, Equatable {
        package var auditRows = 0
        package var recordsInBlocks = 0
        package var signaturesChecked = 0
        package var postings = 0
        package var entries = 0
        package var orders = 0
        package var services = 0
        package var storedAnswers = 0
        package var events = 0
        package var deliveries = 0
        package var licences = 0
        package var creditEvents = 0
        package var payments = 0
        package var codes = 0
        package var vouchedRows = 0
    }

    package let tenantID: TenantID
    package let incarnation: Int64
    package let schemaVersion: Int32
    /// Where the chain ends; nil where it is empty.
    package internal(set) var head: AuditHead?
    package internal(set) var counts = Counts()
    /// Whether the export is as its tenant signed it.
    package internal(set) var seal = ExportSeal.State.unsigned
    /// In the order in which they were found, `findingsMax` at most.
    package private(set) var findings: [Finding] = []
    package private(set) var findingCount = 0

    init(tenantID: TenantID, incarnation: Int64, schemaVersion: Int32) {
        self.tenantID = tenantID
        self.incarnation = incarnation
        self.schemaVersion = schemaVersion
    }

    package var isSound: Bool { findingCount == 0 }

    mutating func add(_ invariant: Finding.Invariant, _ table: String, _ row: Int64?, _ text: String) {
        findingCount += 1
        guard findings.count < Self.findingsMax else { return }
        findings.append(Finding(invariant: invariant, table: table, row: row, text: text))
    }

    /// A row that cannot be read.
    mutating func add(_ corrupt: CorruptRow) {
        let key = corrupt.rowID == nil && !corrupt.key.isEmpty ? " of \(corrupt.key)" : ""
        add(
            .structure, corrupt.table, corrupt.rowID,
            "Its column \(corrupt.column)\(key) cannot be read: \(corrupt.fault).")
    }

    private var countedThings: [(name: StaticString, title: String, count: Int)] {
        [
            ("audit_rows", "audit rows", counts.auditRows),
            ("records_in_blocks", "records in blocks", counts.recordsInBlocks),
            ("signatures_checked", "signatures checked", counts.signaturesChecked),
            ("postings", "postings", counts.postings), ("entries", "entries", counts.entries),
            ("orders", "orders", counts.orders), ("services", "services", counts.services),
            ("stored_answers", "stored answers", counts.storedAnswers), ("events", "events", counts.events),
            ("deliveries", "deliveries", counts.deliveries), ("licences", "licences", counts.licences),
            ("credit_events", "credit events", counts.creditEvents), ("codes", "codes", counts.codes),
            ("payments", "payments", counts.payments), ("vouched_rows", "vouched rows", counts.vouchedRows),
        ]
    }

    /// Lines for people: whose file it is, what is in it, then `sound` or what is wrong.
    package var text: String {
        var lines = [
            "tenant \(tenantID.text), incarnation \(incarnation), schema \(schemaVersion)",
            "head \(head?.text ?? "none: the audit log is empty")",
            "export \(seal.text)",
            countedThings.map { "\($0.count) \($0.title)" }.joined(separator: ", "),
        ]
        if isSound {
            lines.append("sound")
        } else {
            lines.append("NOT sound: \(findingCount) \(findingCount == 1 ? "finding" : "findings")")
            for finding in findings.prefix(Self.findingsInTextMax) {
                lines.append("\(finding.invariant.rawValue): \(finding.place): \(finding.text)")
            }
            if findingCount > Self.findingsInTextMax {
                lines.append("and \(findingCount - Self.findingsInTextMax) more")
            }
        }
        return lines.joined(separator: "\n")
    }

    /// The same as one JSON object.
    package var json: [UInt8] {
        JSONWriter.object { json in
            json.field("tenant_id", tenantID.text)
            json.field("incarnation", incarnation)
            json.field("schema_version", Int64(schemaVersion))
            json.field("head", head?.text)
            json.field("export", seal.text)
            json.object("counts") { json in
                for thing in countedThings { json.field(thing.name, thing.count) }
            }
            json.field("sound", isSound)
            json.field("finding_count", findingCount)
            json.array("findings") { json in
                for finding in findings {
                    json.object { json in
                        json.field("invariant", finding.invariant.rawValue)
                        json.field("table", finding.table)
                        json.field("row", finding.row)
                        json.field("text", finding.text)
                    }
                }
            }
        }
    }
}
