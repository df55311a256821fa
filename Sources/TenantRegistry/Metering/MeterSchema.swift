import SQLite

/// What the meter asks of a tenant's file (P9), given by TenantApp.
package struct MeterSchema: Sendable {
    /// How much of each quota is used. On the tenant's lane. `countsRows`: of those too that count rows, which is long
    /// where there are many.
    package let quotas: @Sendable (TenantReader, _ countsRows: Bool) throws -> [QuotaUse]
    /// What a record of the audit log sold, by its detail.
    package let sale: @Sendable (_ detail: String) -> MeteredSale
    /// What lies in it until somebody minds it. On the tenant's lane.
    package let backlog: @Sendable (TenantReader) throws -> Backlog

    package init(
        quotas: @escaping @Sendable (TenantReader, _ countsRows: Bool) throws -> [QuotaUse],
        sale: @escaping @Sendable (_ detail: String) -> MeteredSale,
        backlog: @escaping @Sendable (TenantReader) throws -> Backlog
    ) {
        self.quotas = quotas
        self.sale = sale
        self.backlog = backlog
    }

    package static let nothing = MeterSchema(
        quotas: { _, _ in [] }, sale: { _ in MeteredSale() }, backlog: { _ in Backlog() })
}

/// Counts rows of the audit chain as their commits would have counted them: what a crash left uncounted. On the
/// tenant's lane.
struct MeteredRows {
    let connection: Connection
    let schema: MeterSchema

    /// Rows that one look counts: others wait for the lane.
    private static let rowsMax = 500

    private static let stretch = Statement(
        """
        SELECT seq, kind, payload, at, book, key_id, status, count, detail FROM audit
        WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3
        """)

    /// What the first rows of `rows` tell, and the row behind them; nil where these were all.
    func count(_ rows: ClosedRange<Int64>) throws -> (tallies: MeterTallies, next: Int64?) {
        var tallies = MeterTallies()
        var (read, last) = (0, rows.upperBound)
        try connection.forEach(
            Self.stretch, .integer(rows.lowerBound), .integer(rows.upperBound), .int(Self.rowsMax)
        ) { row in
            last = try row.int()
            read += 1
            switch try row.int(as: AuditChain.Kind.init(rawValue:)) {
            case .record:
                row.skip()
                try count(&row, &tallies)
            case .block:
                for record in AuditPacking.records(of: try row.blob()) ?? [] { tallies.count(record) }
                row.skip(6)
            case .rows: row.skip(7)
            }
            return true
        }
        return (tallies, read == Self.rowsMax && last < rows.upperBound ? last + 1 : nil)
    }

    private func count(_ row: inout RowReader, _ tallies: inout MeterTallies) throws {
        let (at, book, keyID) = (try row.time(), try row.value(of: Book.self), try row.int())
        var record = AuditRecord(at: at, action: "", status: Int(try row.int()), requestID: .none)
        record.keyID = keyID
        record.count = Int(try row.int())
        tallies.count(record)
        let detail = try row.text()
        if book == .live, !detail.isEmpty { tallies.add(schema.sale(detail), at: at) }
    }
}
