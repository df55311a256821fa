import CallKit
import HTTPCore
import SQLite

/// Compares one `VouchedTable` with what the chain says of it. Both name rows in ascending order.
struct VouchedRows {
    let table: VouchedTable
    private let invariant: Finding.Invariant
    private var last: Int64 = 0

    init(_ table: VouchedTable) {
        self.table = table
        invariant =
            switch table {
            case .licence, .licenceAssignment, .licenceWithdrawal, .codeBatch, .activationCode, .codeRedemption: .stock
            case .creditEvent, .creditDifference: .credit
            case .payment: .payments
            case .repricing, .refund: .orders
            }
    }

    /// One of each table that the file's schema has.
    static func all(of file: VerifiedFile) -> [VouchedRows] {
        VouchedTable.allCases.filter { file.version >= $0.version }.map { VouchedRows($0) }
    }

    mutating func take(_ detail: JSON, _ sequence: Int64, _ file: inout VerifiedFile) throws {
        guard let member = detail[table.member] else { return }
        guard case .string(let text) = member, let (ids, digest) = Self.parse(text) else {
            file.report.add(
                invariant, "audit", sequence, "What the row says of \(table.rawValue) rows cannot be read.")
            return
        }
        guard ids.lowerBound > last else {
            file.report.add(
                invariant, "audit", sequence,
                "The row vouches for \(table.rawValue) \(ids.lowerBound), which an earlier row has vouched for already."
            )
            return
        }
        if ids.lowerBound > last + 1 { try reportUnvouched(last + 1...ids.lowerBound - 1, &file) }
        last = ids.upperBound
        if try table.digest(file.connection, ids).hex != digest {
            let rows = ids.lowerBound == ids.upperBound ? "The row is" : "The rows to \(ids.upperBound) are"
            file.report.add(
                invariant, table.rawValue, ids.lowerBound,
                "\(rows) not as audit row \(sequence) says: changed, or missing.")
        }
    }

    mutating func finish(_ file: inout VerifiedFile) throws {
        if last < .max { try reportUnvouched(last + 1...(.max), &file) }
    }

    private static func parse(_ text: String) -> (ClosedRange<Int64>, Substring)? {
        let parts = text.split(separator: " ")
        let ends = parts.first?.split(separator: "-") ?? []
        guard parts.count == 2, ends.count == 2, let first = Int64(ends[0]), let last = Int64(ends[1]), first > 0,
            first <= last
        else { return nil }
        return (first...last, parts[1])
    }

    private func reportUnvouched(_ gap: ClosedRange<Int64>, _ file: inout VerifiedFile) throws {
        let source = try table.source(file.connection)
        let ids = try file.connection.rows(
            dynamic: "SELECT id FROM \(source) WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
            [.integer(gap.lowerBound), .integer(gap.upperBound), .int(VerificationReport.findingsMax)]
        ) { try $0.int() }
        for id in ids {
            file.report.add(
                invariant, table.rawValue, id,
                "No audit row vouches for this row: it was added, or its audit row is gone.")
        }
    }
}
