import CallKit
import SQLite
package import TenantRegistry

/// Where one record stands in the audit log: its row's sequence number, and its place in the row's block (0 in a row of
/// its own). Newer is greater.
package struct AuditPlace: Sendable, Hashable, Comparable {
    package let sequence: Int64
    package let index: Int

    package init(sequence: Int64, index: Int) {
        self.sequence = sequence
        self.index = index
    }

    package static func < (left: AuditPlace, right: AuditPlace) -> Bool {
        (left.sequence, left.index) < (right.sequence, right.index)
    }

    /// Not a record, but all rows from this one down: where a search goes on that has shown all it found above.
    package static func below(_ sequence: Int64) -> AuditPlace { AuditPlace(sequence: sequence, index: belowIndex) }
    package var isBelow: Bool { index == Self.belowIndex }
    private static let belowIndex = Int(Int32.max)
}

/// The order in which the log is told: newest first by when a call came, then by its place. Rows are in the order of
/// commits, and a block joins them after calls that came later.
package struct AuditOrder: Sendable, Comparable {
    package let at: Timestamp
    package let place: AuditPlace

    package static func < (left: AuditOrder, right: AuditOrder) -> Bool {
        left.at == right.at ? left.place < right.place : left.at < right.at
    }
}

/// What a search of the audit log asks for (O6). `from` counts, `to` does not.
package struct AuditFilter: Sendable {
    package var from: Timestamp?
    package var to: Timestamp?
    package var keyID: Int64?
    package var resellerID: Int64?
    package var status: Int?
    package var accountID: Int64?
    package var action: String?
    package var requestID: RequestID?
    /// Texts that all stand in a write's detail, say an order's public id in quotes; three at most.
    package var mentions: [String] = []
    /// The calls of these keys alone, where it is given: a reseller's own.
    package var keyIDs: Set<Int64>?
    /// Calls that changed something.
    package var changesAlone = false
    /// Of those what operators changed: successful writes of their API.
    package var operatorsAlone = false
    /// Without those by which people come and go.
    package var withoutSessions = false

    package init() {}

    package func matches(_ record: AuditRecord) -> Bool {
        if let from, record.at < from { return false }
        if let to, record.at >= to { return false }
        if let keyID, record.keyID != keyID { return false }
        if let resellerID, record.resellerID != resellerID { return false }
        if let status, record.status != status { return false }
        if let accountID, record.accountID != accountID { return false }
        if let action, record.action != action { return false }
        if let requestID, record.requestID != requestID { return false }
        if !mentions.allSatisfy({ record.detail.contains($0) }) { return false }
        if let keyIDs, !keyIDs.contains(record.keyID) { return false }
        let isChange = record.status < 400 && !record.action.hasPrefix(Self.reading)
        if changesAlone || operatorsAlone, !isChange { return false }
        if operatorsAlone, !record.action.contains(Self.operating) { return false }
        if withoutSessions, Self.comings.contains(where: { record.action.hasSuffix($0) }) { return false }
        return true
    }

    /// Nothing that a block holds is found by it: blocks are of calls that wrote nothing.
    var passesBlocks: Bool { !mentions.isEmpty || changesAlone || operatorsAlone }

    private static let reading = "GET "
    private static let operating = " /api/admin/"
    /// How the actions end by which somebody signs in or out, by whichever API and on pages.
    private static let comings = ["/session", "/sign-in", "/sign-out", "/login", "/login/signin"]
    fileprivate static let isOfComings = comings.map { "action LIKE '%\($0)'" }.joined(separator: " OR ")

    /// What `Migration0032` has an index of; the same text in every query that uses it. Another text is another index,
    /// by a migration of its own.
    static let operatorIndex = "audit_by_operator"
    static let byOperator =
        "kind = 0 AND status < 400 AND substr(action, 1, 4) <> 'GET ' AND instr(action, ' /api/admin/') > 0"

    fileprivate var values: [SQLValue] {
        func mention(_ index: Int) -> SQLValue { .optional(mentions.dropFirst(index).first) }
        return [
            .optional(from), .optional(to), .optional(keyID), .optional(resellerID),
            .optional(status.map { Int64($0) }),
            .integer(TenantReader.auditDisorderDays * Timestamp.millisecondsPerDay), .int(TenantReader.auditRowsMax),
            .optional(accountID), .optional(action), requestID.map { .blob($0.bytes) } ?? .null, mention(0),
            .bool(passesBlocks), .bool(changesAlone), mention(1), mention(2), .bool(withoutSessions),
        ]
    }
}

/// A row of the audit log as the file has it.
package enum AuditRow: Sendable {
    case record(Int64, AuditRecord)
    /// A block that has not been opened.
    case block(Int64, payload: [UInt8])

    package var sequence: Int64 {
        switch self {
        case .record(let sequence, _), .block(let sequence, _): sequence
        }
    }

    static let columns = Columns<AuditRow>(
        "seq", "kind", "payload", "at", "book", "key_id", "account_id", "reseller_id", "action", "status", "latency_us",
        "request_id", "bytes_in", "bytes_out", "count", "detail")
    fileprivate static let stretch = search(
        of: "audit",
        where: """
            kind <> \(AuditChain.Kind.rows.rawValue) AND iif(kind = 1,
                NOT ?14 AND last_at >= coalesce(?3, last_at) - ?8 AND at < coalesce(?4, at) + ?8, \(isFound))
            """)
    fileprivate static let operatorStretch = search(
        of: "audit INDEXED BY \(AuditFilter.operatorIndex)", where: "\(AuditFilter.byOperator) AND \(isFound)")
    /// The lowest of the next so many rows of operators' changes.
    fileprivate static let operatorFloor = Statement(
        """
        SELECT seq FROM audit INDEXED BY \(AuditFilter.operatorIndex)
        WHERE seq <= ?1 AND \(AuditFilter.byOperator) ORDER BY seq DESC LIMIT 1 OFFSET ?2
        """)
    /// Of a record. Where no text is looked for in its detail, the second and the third are not either.
    private static let isFound = """
        at >= coalesce(?3, at) AND (?4 IS NULL OR at < ?4) AND (?5 IS NULL OR key_id = ?5)
            AND (?6 IS NULL OR reseller_id = ?6) AND (?7 IS NULL OR status = ?7)
            AND (?10 IS NULL OR account_id = ?10) AND (?11 IS NULL OR action = ?11)
            AND (NOT ?18 OR NOT (\(AuditFilter.isOfComings)))
            AND (?12 IS NULL OR request_id = ?12) AND (NOT ?15 OR status < 400 AND substr(action, 1, 4) <> 'GET ')
            AND (?13 IS NULL OR instr(detail, ?13) > 0
                AND (?16 IS NULL OR instr(detail, ?16) > 0) AND (?17 IS NULL OR instr(detail, ?17) > 0))
        """

    private static func search(of rows: String, where condition: String) -> Statement {
        Statement(
            "SELECT \(columns) FROM \(rows) WHERE seq BETWEEN ?1 AND ?2 AND \(condition) ORDER BY seq DESC LIMIT ?9")
    }

    fileprivate static let one = Statement("SELECT \(columns) FROM audit WHERE seq = ?1")

    init(_ row: inout RowReader) throws {
        let sequence = try row.int()
        switch try row.int(as: AuditChain.Kind.init(rawValue:)) {
        case .record:
            row.skip()
            self = .record(sequence, try AuditRecord(&row))
        case .block:
            self = .block(sequence, payload: try row.blob())
            row.skip(13)
        // They tell of rows, not of calls, and no search asks for them.
        case .rows: throw row.corrupt()
        }
    }
}

extension AuditRecord {
    /// When, in which book, by whom; what and how it ended; the request, its bytes, the count and the detail.
    init(_ row: inout RowReader) throws {
        let (at, book, keyID) = (try row.time(), try row.value(of: Book.self), try row.int())
        let (accountID, resellerID, action) = (try row.int(), try row.int(), try row.text())
        let (status, latency, requestID) = (try row.int(), try row.int(), try row.requestID())
        self.init(
            at: at, action: action, status: Int(status), requestID: requestID, latencyMicroseconds: Int(latency),
            bytesIn: Int(try row.int()), bytesOut: Int(try row.int()))
        self.book = book
        self.keyID = keyID
        self.accountID = accountID
        self.resellerID = resellerID
        count = Int(try row.int())
        detail = try row.text()
    }
}

/// A stretch of the log: the rows in it that may match, newest first, and where the next stretch begins.
package struct AuditStretch: Sendable {
    package let rows: [AuditRow]
    /// The highest row of the next stretch; nil where nothing older can match.
    package let next: Int64?
    /// When the latest call came that stands below this stretch; nil where none does.
    package let latestBelow: Timestamp?
}

extension TenantReader {
    /// So many rows are looked at in one lane job, and so many given back: well under a lane's 5 ms.
    package static let auditScanRowsMax: Int64 = 750
    package static let auditRowsMax = 64
    /// So many rows below another one a call may stand that came later: those that were committed while a block
    /// gathered.
    package static let auditDisorderRows: Int64 = 1_000
    /// The log is in the order of commits. A record joins it within its call's length and a block's wait, so a stretch
    /// whose newest record is older than the search by this much ends the search.
    package static let auditDisorderDays: Int64 = 1

    /// The rows from `sequence` down.
    package func auditStretch(from sequence: Int64, _ filter: AuditFilter) throws -> AuditStretch {
        let newest = try connection.row("SELECT coalesce(max(seq), 0) FROM audit") { try $0.int() } ?? 0
        let top = min(sequence, newest)
        guard top > 0 else { return AuditStretch(rows: [], next: nil, latestBelow: nil) }
        let floor = try floor(below: top, filter)
        let rows = try rows(top, floor, filter)
        let reached = rows.count == Self.auditRowsMax ? rows[rows.count - 1].sequence : floor
        if reached <= 1 { return AuditStretch(rows: rows, next: nil, latestBelow: nil) }
        if reached == floor, let from = filter.from {
            let last = try connection.row(
                "SELECT max(last_at) FROM audit WHERE seq BETWEEN ?1 AND ?2", .integer(floor),
                .integer(min(top, floor + Self.auditScanRowsMax - 1))
            ) { try $0.optionalTime() }
            if let last = last ?? nil, last < from.adding(days: -Self.auditDisorderDays) {
                return AuditStretch(rows: rows, next: nil, latestBelow: nil)
            }
        }
        let below = try connection.row(
            "SELECT max(last_at) FROM audit WHERE seq BETWEEN ?1 AND ?2", .integer(reached - Self.auditDisorderRows),
            .integer(reached - 1)
        ) { try $0.optionalTime() }
        return AuditStretch(rows: rows, next: reached - 1, latestBelow: below ?? nil)
    }

    /// The first row that was committed at `at` or later, as far as rows' own times tell: those above it are at most
    /// `auditDisorderDays` older. One more than the newest where none was.
    package func auditRow(since at: Timestamp) throws -> Int64 {
        let newest = try connection.row("SELECT coalesce(max(seq), 0) FROM audit") { try $0.int() } ?? 0
        var (low, high) = (Int64(0), newest + 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            let last = try connection.row("SELECT last_at FROM audit WHERE seq = ?1", .integer(middle)) {
                try $0.time()
            }
            if let last, last < at { low = middle } else { high = middle }
        }
        return high
    }

    /// So many rows are passed over in one lane job, by their times alone.
    package static let auditPassedRowsMax: Int64 = 5_000

    /// The highest of the rows from `top` down that tells of a call before `end`; nil where none of the next ones does.
    package func auditRow(from top: Int64, before end: Timestamp) throws -> Int64? {
        try connection.row(
            "SELECT seq FROM audit WHERE seq BETWEEN ?1 AND ?2 AND at < ?3 ORDER BY seq DESC LIMIT 1",
            .integer(top - Self.auditPassedRowsMax + 1), .integer(top), .time(end)
        ) { try $0.int() }
    }

    /// Where a search goes on behind a record: the record's own order, and the highest row that may hold earlier ones.
    package func auditResumption(behind place: AuditPlace) throws -> (order: AuditOrder, row: Int64)? {
        let row = try connection.rows(AuditRow.one, .integer(place.sequence), read: AuditRow.init).first
        let record: AuditRecord? =
            switch row {
            case .record(_, let record): place.index == 0 ? record : nil
            case .block(_, let payload):
                AuditPacking.records(of: payload).flatMap { $0.indices.contains(place.index) ? $0[place.index] : nil }
            case nil: nil
            }
        guard let record else { return nil }
        let highest = try connection.row(
            "SELECT max(seq) FROM audit WHERE seq BETWEEN ?1 AND ?2 AND at <= ?3", .integer(place.sequence),
            .integer(place.sequence + Self.auditDisorderRows), .time(record.at)
        ) { try $0.optionalInt() }
        return (AuditOrder(at: record.at, place: place), (highest ?? nil) ?? place.sequence)
    }

    /// Of what operators changed a stretch has as many rows as of all that was done, however far apart they are.
    private func floor(below top: Int64, _ filter: AuditFilter) throws -> Int64 {
        guard filter.operatorsAlone else { return max(1, top - Self.auditScanRowsMax + 1) }
        return try connection.row(
            AuditRow.operatorFloor, .integer(top), .integer(Self.auditScanRowsMax - 1)
        ) { try $0.int() } ?? 1
    }

    private func rows(_ top: Int64, _ floor: Int64, _ filter: AuditFilter) throws -> [AuditRow] {
        try connection.rows(
            filter.operatorsAlone ? AuditRow.operatorStretch : AuditRow.stretch,
            values: [.integer(floor), .integer(top)] + filter.values, read: AuditRow.init)
    }
}

/// The names that ids of the log stand for.
package struct AuditNames: Sendable {
    package var keys: [Int64: String] = [:]
    package var resellers: [Int64: String] = [:]
    package var accounts: [Int64: String] = [:]

    package init() {}

    /// What of these records has no name yet.
    func missing(in entries: [AuditEntry]) -> (keys: Set<Int64>, resellers: Set<Int64>, accounts: Set<Int64>) {
        var wanted: (keys: Set<Int64>, resellers: Set<Int64>, accounts: Set<Int64>) = ([], [], [])
        for entry in entries {
            let record = entry.record
            if record.keyID != 0, keys[record.keyID] == nil { wanted.keys.insert(record.keyID) }
            if record.resellerID != 0, resellers[record.resellerID] == nil {
                wanted.resellers.insert(record.resellerID)
            }
            if record.accountID != 0, accounts[record.accountID] == nil { wanted.accounts.insert(record.accountID) }
        }
        return wanted
    }
}

extension TenantReader {
    /// Names for ids; one that the file does not know has none.
    func auditNames(
        keys: some Sequence<Int64>, resellers: some Sequence<Int64>, accounts: some Sequence<Int64>,
        adding names: inout AuditNames
    ) throws {
        for id in keys {
            names.keys[id] =
                try connection.row("SELECT public_id FROM api_key WHERE id = ?1", .integer(id)) { try $0.text() } ?? ""
        }
        for id in resellers {
            names.resellers[id] =
                try connection.row("SELECT public_id FROM reseller WHERE id = ?1", .integer(id)) { try $0.text() } ?? ""
        }
        for id in accounts {
            names.accounts[id] =
                try connection.row("SELECT email FROM account WHERE id = ?1", .integer(id)) { try $0.text() } ?? ""
        }
    }
}
