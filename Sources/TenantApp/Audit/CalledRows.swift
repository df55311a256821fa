import SQLite
package import TenantRegistry

/// A row of the audit log, for those who ask when calls came and nothing else.
package enum CalledRow: Sendable {
    case call(at: Timestamp, keyID: Int64, status: Int, count: Int)
    /// A block that has not been opened.
    case block(payload: [UInt8])

    static let columns = Columns<CalledRow>("seq", "kind", "payload", "at", "last_at", "key_id", "status", "count")
    fileprivate static let stretch = Statement(
        """
        SELECT \(columns) FROM audit WHERE seq BETWEEN ?1 AND ?2 AND kind <> \(AuditChain.Kind.rows.rawValue)
        ORDER BY seq DESC
        """)
    fileprivate static let blocks = Statement(
        """
        SELECT seq FROM audit WHERE seq BETWEEN ?1 AND ?2 AND kind = \(AuditChain.Kind.block.rawValue)
        ORDER BY seq DESC LIMIT ?3
        """)

    /// With when the last of its calls came.
    fileprivate static func read(_ row: inout RowReader) throws -> (CalledRow, lastAt: Timestamp) {
        row.skip()
        switch try row.int(as: AuditChain.Kind.init(rawValue:)) {
        case .record:
            row.skip()
            let (at, lastAt, keyID) = (try row.time(), try row.time(), try row.int())
            return (.call(at: at, keyID: keyID, status: Int(try row.int()), count: Int(try row.int())), lastAt)
        case .block:
            let payload = try row.blob()
            row.skip()
            let lastAt = try row.time()
            row.skip(3)
            return (.block(payload: payload), lastAt)
        case .rows: throw row.corrupt()
        }
    }
}

/// A stretch of the log, newest first, and where the next one begins.
package struct CalledStretch: Sendable {
    package let rows: [CalledRow]
    /// The highest row of the next stretch; nil where the log begins, or what is older than was asked for.
    package let next: Int64?
}

extension TenantReader {
    /// So many blocks are read in one lane job: with `auditScanRowsMax` rows well under a lane's 5 ms.
    private static let calledBlocksMax = 32

    /// The rows from `sequence` down, for calls from `from` on.
    package func calledStretch(from sequence: Int64, since from: Timestamp) throws -> CalledStretch {
        let newest = try connection.row("SELECT coalesce(max(seq), 0) FROM audit") { try $0.int() } ?? 0
        let top = min(sequence, newest)
        guard top > 0 else { return CalledStretch(rows: [], next: nil) }
        var floor = max(1, top - Self.auditScanRowsMax + 1)
        let blocks = try connection.rows(
            CalledRow.blocks, .integer(floor), .integer(top), .int(Self.calledBlocksMax)
        ) { try $0.int() }
        if blocks.count == Self.calledBlocksMax, let lowest = blocks.last { floor = lowest }
        let rows = try connection.rows(CalledRow.stretch, .integer(floor), .integer(top), read: CalledRow.read)
        // Rows are in the order of commits, which is nearly that of calls.
        let isPast = rows.map(\.lastAt).max().map { $0 < from.adding(days: -Self.auditDisorderDays) } ?? false
        return CalledStretch(rows: rows.map(\.0), next: floor == 1 || isPast ? nil : floor - 1)
    }

    /// When the latest call came that stands in row `sequence` or below it; nil where none does.
    package func latestCall(upTo sequence: Int64) throws -> Timestamp? {
        try connection.row(
            "SELECT max(last_at) FROM audit WHERE seq BETWEEN ?1 AND ?2",
            .integer(sequence - Self.auditDisorderRows), .integer(sequence)
        ) { try $0.optionalTime() } ?? nil
    }

    /// When the log begins.
    package func firstCall() throws -> Timestamp? {
        try connection.row("SELECT at FROM audit ORDER BY seq LIMIT 1") { try $0.time() }
    }

    /// The keys and sessions of one reseller, by their ids; or its keys alone.
    package func callers(
        ofReseller id: Int64, _ callers: UsageFilter.Callers = .all
    ) throws -> [Int64: String] {
        let rows = try connection.rows(
            "SELECT id, public_id FROM api_key WHERE reseller_id = ?1 AND (?2 OR role < ?3)", .integer(id),
            .bool(callers == .all), .integer(KeyRole.ownerSession.rawValue)
        ) { (id: try $0.int(), name: try $0.text()) }
        return Dictionary(rows.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    }
}
