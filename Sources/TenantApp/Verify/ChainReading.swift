import CallKit
import SQLite
package import TenantRegistry

/// A row of the log with its proof: whether it matches its hash, and the chain from it to the next signed head does
/// (G5).
package struct ProvenRow: Sendable {
    /// What a row tells of: one call, many, or rows of other tables.
    package enum Kind: String, Sendable, CaseIterable {
        case call, calls, rows
    }

    package let sequence: Int64
    package let kind: Kind
    package let hash: String
    /// The head that the tenant's key signed next, and that the row is in; nil where there is none.
    package let head: AuditHead?
    /// What is wrong; nothing where it is sound.
    package let findings: [String]
    /// One, or those of a block.
    package let entries: [AuditEntry]

    package var isSound: Bool { findings.isEmpty && head != nil }
}

extension TenantReader {
    /// So many rows are read in one lane job.
    static let chainRowsMax = 500
    /// A batch signs its last row, and has no more rows than that.
    private static let rowsToSignatureMax = 4_096

    /// Rows of the chain from `first` to `last`, `limit` at the most.
    func chainLines(from first: Int64, to last: Int64 = .max, limit: Int = chainRowsMax) throws -> [ChainLine] {
        try connection.rows(
            dynamic: "SELECT \(ChainLine.columns) FROM audit WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3",
            [.integer(first), .integer(last), .int(limit)], read: ChainLine.init)
    }

    /// A row, the one before it, and those up to the next signature: what its proof is made of. None where there is no
    /// such row, or it tells of no call.
    func chainLines(proving sequence: Int64) throws -> [ChainLine] {
        let signed = try connection.row(
            """
            SELECT seq FROM (SELECT seq, signature FROM audit WHERE seq >= ?1 ORDER BY seq LIMIT ?2)
            WHERE signature IS NOT NULL LIMIT 1
            """,
            .integer(sequence), .int(Self.rowsToSignatureMax)
        ) { try $0.int() }
        return try chainLines(from: sequence - 1, to: signed ?? sequence, limit: Self.rowsToSignatureMax + 1)
    }

    /// The same of the first of these rows, and of those that follow as far as one job reads: at least of one.
    func chainLines(provingFirstOf sequences: [Int64]) throws -> [(sequence: Int64, lines: [ChainLine])] {
        var (found, count): ([(sequence: Int64, lines: [ChainLine])], Int) = ([], 0)
        for sequence in sequences where count < Self.chainRowsMax {
            let lines = try chainLines(proving: sequence)
            found.append((sequence, lines))
            count += lines.count
        }
        return found
    }

    /// The rows about the moment at which a call came, as far as rows of other calls may stand between: the numbers of
    /// those that tell of this request by themselves, and of the blocks among which it may be.
    func auditRows(of request: RequestID, near at: Timestamp) throws -> (rows: [Int64], blocks: [Int64]) {
        let place = try auditRow(since: at)
        let span = [SQLValue.integer(place - Self.auditDisorderRows), .integer(place + Self.auditDisorderRows)]
        let rows = try connection.rows(
            dynamic: "SELECT seq FROM audit WHERE seq BETWEEN ?1 AND ?2 AND kind = 0 AND request_id = ?3 ORDER BY seq",
            span + [.blob(request.bytes)]
        ) { try $0.int() }
        let blocks = try connection.rows(
            dynamic: """
                SELECT seq FROM audit WHERE seq BETWEEN ?1 AND ?2 AND kind = 1 AND at <= ?3 AND last_at >= ?3 ORDER BY seq
                """,
            span + [.time(at)]
        ) { try $0.int() }
        return (rows, blocks)
    }
}

/// Proves rows of the log. Pure: any thread.
enum RowProof {
    /// `lines`: of `chainLines(proving:)`. Nil where the row is not among them.
    static func of(_ sequence: Int64, _ lines: [ChainLine], of owner: ChainOwner) -> ProvenRow? {
        guard let index = lines.firstIndex(where: { $0.sequence == sequence }) else { return nil }
        let before = index > 0 ? lines[index - 1] : nil
        var walk = ChainWalk(of: owner, behind: before)
        var report = VerificationReport(tenantID: owner.tenant, incarnation: 0, schemaVersion: 0)
        for line in lines[index...] { walk.take(line, &report) }
        let last = lines[lines.count - 1]
        walk.finish(incarnation: last.incarnation, &report)
        return ProvenRow(
            sequence: sequence, kind: kind(of: lines[index]), hash: lines[index].storedHash?.hex ?? "",
            head: last.signature == nil ? nil : report.head, findings: report.findings.map(\.text),
            entries: entries(of: lines[index]))
    }

    private static func kind(of line: ChainLine) -> ProvenRow.Kind {
        switch line.content {
        case .record, .unknown: .call
        case .block: .calls
        case .rows: .rows
        }
    }

    private static func entries(of line: ChainLine) -> [AuditEntry] {
        let records: [AuditRecord] =
            switch line.content {
            case .record(let record): [record]
            case .block(let block): AuditPacking.records(of: block.payload) ?? []
            case .rows, .unknown: []
            }
        return records.enumerated().map { index, record in
            AuditEntry(place: AuditPlace(sequence: line.sequence, index: index), record: record)
        }
    }
}
