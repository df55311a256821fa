import CallKit
import Cryptography
import HTTPCore
import SQLite
import TenantRegistry

/// The audit chain: numbered without gaps, each row's hash right, signed at its end, and every expected head in it.
/// What its rows vouch for — postings, orders, licences, credit events — is compared with the tables as it goes by.
enum ChainCheck {
    static func run(
        _ file: inout VerifiedFile, expecting heads: [AuditHead], _ publicKey: [UInt8]?, all checksAll: Bool
    ) throws {
        if let publicKey, publicKey != file.auditPublicKey {
            file.report.add(.signature, "meta", 1, "The file names another public key than the tenant's.")
        }
        var walk = ChainWalk(
            of: ChainOwner(tenant: file.tenantID, key: publicKey ?? file.auditPublicKey, lineage: file.lineage),
            expected: heads, checksAll: checksAll)
        var postings = VouchedPostings()
        var orders = VouchedOrders()
        var tables = VouchedRows.all(of: file)
        var states = try VouchedStateWalk()
        try file.connection.forEach(
            dynamic: "SELECT \(ChainLine.columns) FROM audit ORDER BY seq"
        ) { row in
            let line = try ChainLine(&row)
            // A block of reads is written behind writes that came after them.
            file.endsAt = max(file.endsAt, line.at)
            walk.take(line, &file.report)
            postings.pass(line.at, &file)
            if case .rows(let block) = line.content { try states.take(block, line.sequence, &file) }
            if let record = line.record, !record.detail.isEmpty {
                guard let detail = try? JSON.parse(Array(record.detail.utf8)) else {
                    file.report.add(.chain, "audit", line.sequence, "What the row says of its write is no JSON.")
                    return true
                }
                try postings.take(detail, record.at, line.sequence, &file)
                try orders.take(detail, record, line.sequence, &file)
                for index in tables.indices { try tables[index].take(detail, line.sequence, &file) }
            }
            return true
        }
        walk.finish(incarnation: file.incarnation, &file.report)
        try postings.finish(&file)
        try orders.finish(&file)
        for index in tables.indices { try tables[index].finish(&file) }
        try states.finish(&file)
    }
}

/// Key, account, reseller, status, latency, bytes in and out of a row that is about many calls, or about rows.
private let numbersOfNoCall: [Int64] = [0, 0, 0, 0, 0, 0, 0]

/// One row of the audit table, read once.
struct ChainLine: Sendable {
    let sequence: Int64
    let incarnation: Int64
    let storedHash: Digest?
    let signature: [UInt8]?
    let at: Timestamp
    let action: String
    let content: Content
    /// Columns that the hash does not cover say what they say in every row of the kind.
    let isPlain: Bool

    enum Content: Sendable {
        case record(AuditRecord)
        case block(AuditBlock)
        case rows(AuditBlock)
        case unknown
    }

    var record: AuditRecord? {
        guard case .record(let record) = content else { return nil }
        return record
    }

    static let columns = Columns<ChainLine>(
        "seq", "incarnation", "hash", "signature", "kind", "at", "last_at", "book", "key_id", "account_id",
        "reseller_id", "action", "status", "latency_us", "request_id", "bytes_in", "bytes_out", "count", "detail",
        "payload")

    /// A row that no gateway can have written is read all the same: what is wrong with it is told in the chain's words.
    init(_ row: inout RowReader) throws {
        sequence = try row.int()
        incarnation = try row.int()
        storedHash = Digest(bytes: try row.blob())
        signature = try row.optionalBlob()
        let kind = AuditChain.Kind(rawValue: try row.int())
        let (firstAt, lastAt, book) = (try row.time(), try row.time(), Book(rawValue: try row.int()))
        let (keyID, accountID, resellerID) = (try row.int(), try row.int(), try row.int())
        let (action, status, latency) = (try row.text(), try row.int(), try row.int())
        let requestBytes = try row.blob()
        let requestID = RequestID(bytes: requestBytes)
        let (bytesIn, bytesOut, count) = (try row.int(), try row.int(), try row.int())
        let (detail, payload) = (try row.text(), try row.optionalBlob())
        self.action = action
        at = lastAt
        switch kind {
        case .record:
            isPlain = lastAt == firstAt && payload == nil
            guard let book, let requestID else {
                content = .unknown
                return
            }
            var record = AuditRecord(
                at: firstAt, action: action, status: Int(status), requestID: requestID,
                latencyMicroseconds: Int(latency), bytesIn: Int(bytesIn), bytesOut: Int(bytesOut))
            record.book = book
            record.keyID = keyID
            record.accountID = accountID
            record.resellerID = resellerID
            record.count = Int(count)
            record.detail = detail
            content = .record(record)
        case .block, .rows:
            let block = AuditBlock(firstAt: firstAt, lastAt: lastAt, count: Int(count), payload: payload ?? [])
            content = kind == .block ? .block(block) : .rows(block)
            isPlain =
                book == .live && [keyID, accountID, resellerID, status, latency, bytesIn, bytesOut] == numbersOfNoCall
                && action.isEmpty && detail.isEmpty && requestBytes.isEmpty
        case nil:
            content = .unknown
            isPlain = true
        }
    }

    func hash(after previous: Digest, tenant: TenantID) -> Digest? {
        switch content {
        case .record(let record):
            AuditChain.hash(
                record: record, after: previous, tenant: tenant, incarnation: incarnation, sequence: sequence)
        case .block(let block):
            AuditChain.hash(block: block, after: previous, tenant: tenant, incarnation: incarnation, sequence: sequence)
        case .rows(let block):
            AuditChain.hash(
                block: block, of: .rows, after: previous, tenant: tenant, incarnation: incarnation, sequence: sequence)
        case .unknown: nil
        }
    }
}

/// Under whose id and key the rows of a chain were written.
struct ChainOwner: Sendable {
    let tenant: TenantID
    let key: [UInt8]
    let lineage: Lineage

    func id(at sequence: Int64) -> TenantID { lineage.owner(of: sequence)?.tenant ?? tenant }
    func key(at sequence: Int64) -> [UInt8] { lineage.owner(of: sequence)?.publicKey ?? key }
}

extension TenantReader {
    /// Of the tenant that is served.
    func chainOwner() throws -> ChainOwner {
        let text = try connection.row("SELECT lineage FROM meta WHERE id = 1") { try $0.optionalText() }
        guard let lineage = Lineage(text: text ?? nil) else {
            throw TenantFileError.damaged("its lineage cannot be read")
        }
        return ChainOwner(tenant: tenantID, key: store.signingKey.publicKey, lineage: lineage)
    }
}

/// Walks the chain row by row. After a break it goes on from the stored hash, so that each break is told once.
struct ChainWalk: Sendable {
    private let owner: ChainOwner
    private var expected: [Int64: [AuditHead]]
    private let checksAll: Bool
    private var last: (sequence: Int64, incarnation: Int64, hash: Digest) = (0, 0, .zero)
    private var lastLine: ChainLine?
    private var restoredAt: Int64?

    /// `first`: the row before those that are walked; nil: from the first one on.
    init(
        of owner: ChainOwner, behind first: ChainLine? = nil, expected: [AuditHead] = [], checksAll: Bool = false
    ) {
        self.owner = owner
        if let first { last = (first.sequence, first.incarnation, first.storedHash ?? .zero) }
        self.expected = Dictionary(grouping: expected, by: \.sequence)
        self.checksAll = checksAll
    }

    mutating func take(_ line: ChainLine, _ report: inout VerificationReport) {
        report.counts.auditRows += 1
        guard line.sequence > 0 else {
            report.add(.chain, "audit", line.sequence, "The row's number is below 1: no gateway wrote it.")
            return
        }
        let isNext = line.sequence == last.sequence + 1
        if !isNext {
            let first = last.sequence + 1
            let missing = line.sequence - 1 == first ? "Row \(first) is" : "Rows \(first) to \(line.sequence - 1) are"
            report.add(.chain, "audit", first, "\(missing) missing: deleted from the audit log.")
        }
        checkIncarnation(line, &report)
        checkFork(line, &report)
        let tenantID = owner.id(at: line.sequence)
        if let stored = line.storedHash {
            // After a gap there is no hash to go on from.
            if isNext && line.hash(after: last.hash, tenant: tenantID) != stored {
                report.add(
                    .chain, "audit", line.sequence,
                    "The row does not match its hash: it, or the hash before it, was changed after it was written.")
            }
        } else {
            report.add(.chain, "audit", line.sequence, "The row's hash is no hash.")
        }
        if !line.isPlain, line.hash(after: last.hash, tenant: tenantID) == line.storedHash {
            report.add(.chain, "audit", line.sequence, "The row says what its hash does not cover.")
        }
        checkBlock(line, &report)
        checkExpected(line, &report)
        // The other's head is what a fork is of.
        let isForked = owner.lineage.owner(of: line.sequence)?.through == line.sequence
        if checksAll && line.signature != nil || isForked { checkSignature(line, &report) }
        last = (line.sequence, line.incarnation, line.storedHash ?? .zero)
        lastLine = line
    }

    private mutating func checkIncarnation(_ line: ChainLine, _ report: inout VerificationReport) {
        if line.incarnation < last.incarnation {
            report.add(
                .chain, "audit", line.sequence,
                "The incarnation falls from \(last.incarnation) to \(line.incarnation).")
        }
        guard line.incarnation > last.incarnation, last.sequence > 0 else { return }
        restoredAt = line.sequence
        if !AuditRecord.beginnings.contains(line.action) {
            let names = AuditRecord.beginnings.joined(separator: ", ")
            report.add(
                .chain, "audit", line.sequence,
                "Incarnation \(line.incarnation) begins without one of the rows \(names).")
        }
    }

    /// The first row of a fork says under whose id and key those before it were written, so that its own key vouches
    /// for that; nothing else begins one (B2).
    private func checkFork(_ line: ChainLine, _ report: inout VerificationReport) {
        guard let stretch = owner.lineage.ends(before: line.sequence) else {
            if line.action == AuditRecord.forked, line.record != nil {
                report.add(
                    .chain, "audit", line.sequence, "The row begins a fork that the file's lineage does not have.")
            }
            return
        }
        let head = AuditHead(incarnation: last.incarnation, sequence: last.sequence, hash: last.hash)
        let isSaid = line.record?.detail == Lineage.detail(of: stretch, head: head)
        if line.action != AuditRecord.forked || !isSaid {
            report.add(
                .chain, "audit", line.sequence,
                "The row does not say that the tenant was forked from \(stretch.tenant.text) at row \(stretch.through)."
            )
        }
    }

    private func checkBlock(_ line: ChainLine, _ report: inout VerificationReport) {
        guard case .block(let block) = line.content else {
            if case .unknown = line.content {
                report.add(.chain, "audit", line.sequence, "The row is neither a record nor a block.")
            }
            return
        }
        guard let records = AuditPacking.records(of: block.payload) else {
            report.add(.chain, "audit", line.sequence, "The block of reads does not unpack.")
            return
        }
        report.counts.recordsInBlocks += records.count
        if records.count != block.count {
            report.add(
                .chain, "audit", line.sequence, "The block says \(block.count) records and holds \(records.count).")
        }
    }

    private mutating func checkExpected(_ line: ChainLine, _ report: inout VerificationReport) {
        guard let heads = expected.removeValue(forKey: line.sequence) else { return }
        for head in heads {
            if head.incarnation != line.incarnation {
                let cause = restoredAt.map { " since the restore at row \($0)" } ?? ""
                report.add(
                    .chain, "audit", line.sequence,
                    "The head \(head.text) is not in this file: row \(line.sequence) belongs to incarnation "
                        + "\(line.incarnation)\(cause).")
            } else if head.hash != line.storedHash {
                report.add(
                    .chain, "audit", line.sequence,
                    "The head \(head.text) is not in this file: row \(line.sequence) has another hash, so history was rewritten."
                )
            } else if !checksAll {
                checkSignature(line, &report)
            }
        }
    }

    private func checkSignature(_ line: ChainLine, _ report: inout VerificationReport) {
        guard let signature = line.signature, let hash = line.storedHash else {
            report.add(.signature, "audit", line.sequence, "The row's signature is missing.")
            return
        }
        report.counts.signaturesChecked += 1
        let head = AuditHead(incarnation: line.incarnation, sequence: line.sequence, hash: hash)
        let message = head.signedBytes(of: owner.id(at: line.sequence))
        if !Ed25519.verify(signature: signature, message: message, publicKey: owner.key(at: line.sequence)) {
            report.add(
                .signature, "audit", line.sequence,
                "The signature is not the tenant's: the chain was not written by its gateway.")
        }
    }

    mutating func finish(incarnation: Int64, _ report: inout VerificationReport) {
        if let line = lastLine, let hash = line.storedHash {
            report.head = AuditHead(incarnation: line.incarnation, sequence: line.sequence, hash: hash)
            if line.signature == nil {
                report.add(
                    .signature, "audit", line.sequence, "The last row is not signed: rows after it were cut off.")
            } else if !checksAll {
                checkSignature(line, &report)
            }
            if line.incarnation != incarnation {
                report.add(
                    .chain, "meta", 1,
                    "The file says incarnation \(incarnation), its last audit row \(line.incarnation).")
            }
        } else if lastLine == nil {
            report.add(.chain, "audit", nil, "The audit log is empty: every tenant's begins with its creation.")
        }
        if let stretch = owner.lineage.stretches.last, stretch.through >= last.sequence {
            report.add(
                .chain, "audit", stretch.through + 1,
                "The lineage names row \(stretch.through), and none of the tenant's own is behind it.")
        }
        for (_, heads) in expected.sorted(by: { $0.key < $1.key }) {
            for head in heads {
                report.add(
                    .chain, "audit", head.sequence,
                    "The file ends before the head \(head.text): its last row is \(last.sequence), so the tail is missing."
                )
            }
        }
    }
}
