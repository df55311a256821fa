package import Cryptography
package import RateLimiter
package import SQLite

/// One tenant's open file: the connection, the audit chain's head, and what a batch has noted for after its commit.
///
/// Invariant: it is used by the worker that runs the tenant's lane and by nobody else; its own state (the chain's head,
/// what jobs noted) changes after COMMIT only, and what others see (`Effects`) once the commit is durable.
package final class TenantStore: LaneFile {
    package let tenantID: TenantID
    package let connection: Connection
    package var log: (any LaneLog)? { sink }
    /// Where commits go; nil: to a WAL of the file's own.
    let sink: (any FileSink)?
    let believesClock: @Sendable () -> Bool
    package let currency: String
    package let signingKey: SigningKey
    private lazy var signer = Signer(signingKey)
    /// Seals the tenant's readable secrets.
    package let secretKey: [UInt8]
    package let clock: any WallClock
    package let random: any RandomSource
    package private(set) var head: AuditHead
    private var proof: CommitProof?
    package private(set) var projectionEpoch: Int64
    /// What the file says, as of the last commit.
    private var committedProjectionEpoch: Int64
    /// Where calls that wrote nothing gather.
    package let readLog: ReadLog
    /// The tenant as the process knows it; nil for a file that is being checked.
    package let record: TenantRecord?
    /// What TenantApp remembers of the file; forgotten whenever anything is undone.
    package var memory: (any StoreMemory)?
    package let reader: TenantReader
    package let transaction: TenantTransaction

    /// Who may use how much of the file.
    package let budgets: Budgets
    /// What is told of rows that fall due; nil for a file that is being checked.
    private let board: DueBoard?
    private let metrics: LaneMetrics
    /// No later sync of this handle means anything: it is to be opened anew, from its mark.
    var hasFailedSync = false
    /// The log knows that the file has everything up to here.
    var broughtHome: UInt64 = 0
    private let report: @Sendable (String) -> Void
    private var drawn: [(UInt64, UInt64)] = []
    private var batchRecords: [AuditRecord] = []
    private var batchEffects: [@Sendable () -> Void] = []
    /// When the running job began; nil between batches.
    private(set) var jobInstant: Timestamp?
    private var jobRecords = 0
    private var jobEffects = 0
    private var jobOrders = 0
    /// What this batch's writes make fall due, the earliest of each kind.
    private var batchDue: [DueKind: Int64] = [:]
    /// Of whom the running job has written an event.
    private var jobEvents: Set<Int64> = []
    private var jobProjectionEpoch: Int64 = 0
    private var drained: ReadLog.Batch?
    private var opening: Effects?
    private var sealedHead: AuditHead?
    private var sealedProof: CommitProof?
    /// Of this batch, where it does not write the hours itself.
    private var sealedUsage: [UsageKey: UsageCount] = [:]
    private var sealedAt = Timestamp(milliseconds: 0)
    private var batchOrders: [UsageKey] = []
    /// Orders and turnover of this batch; the job's before it began.
    private var batchSales = MeterTallies()
    private var jobSales = MeterTallies()
    private var wantsFlush = false
    /// The next batch begins a WAL: its first commit says whose it is.
    private var beginsWAL = true
    private var namesOwner = false
    private var pace = CheckpointPace()
    private var growth: FileGrowth
    var room = FileRoom()
    /// Nil for a file of a schema that has no such rows.
    private let vouching: RowVouching?
    /// The next batch tells every row anew.
    private var wantsBaseline = false
    /// Where days have come to; nil: to be asked of the file.
    private var usageMark: UsageMark?
    /// It is being made: nothing of it is durable before `endCreation`.
    package private(set) var isUnfinished = false
    /// Not a file of an earlier schema, which nobody but a test writes to.
    private let countsUsage: Bool

    /// What the numbers that a file counts by may be: far from where one more would be none.
    package static let counters: ClosedRange<Int64> = 0...1 << 53
    /// What the incarnation of a file that comes from elsewhere may be: it only ever rises, so it has far to go.
    package static let incarnations: ClosedRange<Int64> = 0...1 << 52

    /// Takes over an open connection whose schema is current; reads who it is and where its chain stands.
    /// Throws `TenantFileError` where the file is another tenant's.
    package init(connection: Connection, tenantID: TenantID, context: Context) throws {
        self.connection = connection
        self.tenantID = tenantID
        clock = context.clock
        random = context.random
        budgets = context.budgets
        metrics = context.metrics
        signingKey = context.signingKey
        secretKey = context.secretKey
        readLog = context.readLog
        record = context.record
        board = context.board
        sink = context.sink
        believesClock = context.believesClock
        report = context.report
        let meta = try connection.row(
            "SELECT tenant_id, incarnation, projection_epoch, currency FROM meta WHERE id = 1"
        ) { row in
            try (tenant: row.blob(), incarnation: row.int(), projection: row.int(), currency: row.text())
        }
        guard let meta else { throw TenantFileError.notATenantFile("it has no meta row") }
        guard meta.tenant == tenantID.bytes else { throw TenantFileError.anotherTenants }
        for counter in [meta.incarnation, meta.projection] where !Self.counters.contains(counter) {
            throw TenantFileError.damaged("it counts \(counter), which no file has come to")
        }
        currency = meta.currency
        projectionEpoch = meta.projection
        committedProjectionEpoch = meta.projection
        head = try AuditHead(lastOf: connection, incarnation: meta.incarnation)
        growth = FileGrowth(pages: try connection.pageCount)
        countsUsage = try connection.exists("SELECT 1 FROM sqlite_schema WHERE name = 'usage_hour'")
        vouching = context.vouched.map { RowVouching(connection, $0.shapes) }
        reader = TenantReader(connection: connection, tenantID: tenantID)
        transaction = TenantTransaction(connection: connection, tenantID: tenantID)
        reader.attach(self)
        transaction.attach(self)
    }

    /// A row that a job could do without cannot be read: the log says which.
    package func tell(_ corrupt: CorruptRow) { report("tenant \(tenantID.text): \(corrupt)") }

    /// For public ids. Drawn many at a time: each call of the system's generator costs about a microsecond.
    package func randomWords() -> (UInt64, UInt64) {
        if drawn.isEmpty {
            let none = [(UInt64, UInt64)](repeating: (0, 0), count: Self.drawnPairsMax)
            drawn = none
            drawn.withUnsafeMutableBytes { random.fill($0) }
        }
        return drawn.removeLast()
    }

    private static let drawnPairsMax = 64

    // MARK: Noted by jobs

    /// The call's line in the audit log; it commits with the call's writes.
    package func note(_ record: AuditRecord) { batchRecords.append(record) }

    /// Something in memory that changes when, and only when, the batch is durable; before anybody is answered.
    package func afterCommit(_ effect: @escaping @Sendable () -> Void) { batchEffects.append(effect) }

    /// A row of this job falls due then: the scheduler looks at the file no later. One that is undone costs a look.
    func noteDue(_ kind: DueKind, at: Timestamp) {
        batchDue[kind] = min(batchDue[kind] ?? .max, at.milliseconds)
    }

    /// Where webhooks go, or what signs them, changes in this job: what the sender has read ahead is read again.
    package func webhooksChange() { afterCommit { [record] in record?.noteWebhookChange() } }

    /// An event of this reseller is written in this job: whoever waits for one looks at the file behind the commit.
    package func eventWritten(of reseller: Int64) {
        if jobEvents.insert(reseller).inserted { afterCommit { [record] in record?.events.signal(reseller) } }
    }

    /// What lies in the file until somebody minds it changes in this job.
    package func backlogChanges() { afterCommit { [record] in record?.backlog.change() } }

    /// Keys or resellers change in this job: the registry's projection has to follow (0004).
    func projectionChanged() throws -> Int64 {
        // It says only whether the registry has followed: any other number than before does.
        let epoch = projectionEpoch < Self.counters.upperBound ? projectionEpoch + 1 : 1
        try connection.run("UPDATE meta SET projection_epoch = ?1 WHERE id = 1", .integer(epoch))
        projectionEpoch = epoch
        return epoch
    }

    /// The call placed an order, for `usage`.
    package func countOrder(_ record: AuditRecord) { batchOrders.append(UsageKey(record)) }

    /// What the job sold, for the provider's meter (P9). Undone with the job.
    package func meter(_ sale: MeteredSale, at instant: Timestamp) { batchSales.add(sale, at: instant) }

    /// The records of reads are due: the batch writes them whatever else is in it.
    package func flushReads() { wantsFlush = true }

    package func jobBegins() {
        jobInstant = clock.now()
        jobRecords = batchRecords.count
        jobEffects = batchEffects.count
        jobOrders = batchOrders.count
        jobSales = batchSales
        jobEvents.removeAll(keepingCapacity: true)
        jobProjectionEpoch = projectionEpoch
        vouching?.jobBegins()
        transaction.pendingProjections.removeAll(keepingCapacity: true)
    }

    package func jobUndone() {
        memory?.forget()
        usageMark = nil
        vouching?.jobUndone()
        batchRecords.removeSubrange(jobRecords...)
        batchEffects.removeSubrange(jobEffects...)
        batchOrders.removeSubrange(jobOrders...)
        batchSales = jobSales
        projectionEpoch = jobProjectionEpoch
        transaction.pendingProjections.removeAll(keepingCapacity: true)
    }

    // MARK: The batch

    package func seal() throws {
        jobInstant = nil
        let now = clock.now()
        let rows = try rowBlocks(at: now)
        guard !batchRecords.isEmpty || wantsFlush || !rows.isEmpty else { return }
        // A WAL in memory is nobody else's.
        if beginsWAL && sink == nil {
            try nameOwner()
            namesOwner = true
        }
        var next = head
        // A reserve is not for what others have asked: their records wait for room.
        if !room.isReserveOpen && (wantsFlush || readLog.isWorthwhile(at: now)) { drained = readLog.drain() }
        if let reads = drained, reads.count > 0 {
            let isLast = batchRecords.isEmpty && rows.isEmpty
            next = try append(block: AuditPacking.block(reads), of: .block, after: next, isLast: isLast)
        }
        var usage: [UsageKey: UsageCount] = [:]
        for (index, record) in batchRecords.enumerated() {
            if record.count > 0 { usage[UsageKey(record), default: UsageCount()].add(record) }
            let isLast = index == batchRecords.count - 1 && rows.isEmpty
            next = try append(record, after: next, isLast: isLast)
        }
        for (index, block) in rows.enumerated() {
            next = try append(block: block, of: .rows, after: next, isLast: index == rows.count - 1)
        }
        for key in batchOrders { usage[key, default: UsageCount()].orders += 1 }
        if let reads = drained {
            for (key, count) in reads.usage { usage[key, default: UsageCount()].add(count) }
            for (key, count) in usage { try add(count, to: key) }
        } else {
            sealedUsage = usage
        }
        sealedHead = next
        sealedAt = now
    }

    /// What the rows say that this batch wrote, or every row. Behind the records, so that an incarnation begins with
    /// its own.
    private func rowBlocks(at now: Timestamp) throws -> [AuditBlock] {
        guard let vouching else { return [] }
        if wantsBaseline { return try vouching.baseline().map { $0.block(at: now) } }
        return vouching.hasChanges ? try vouching.changes().map { $0.block(at: now) } : []
    }

    /// The batch that is open tells what every row says, and the file notes that it did so at this schema.
    func vouchForAll(schema version: Int32) throws {
        try connection.run("UPDATE meta SET vouched_version = ?1 WHERE id = 1", .int(Int(version)))
        wantsBaseline = true
    }

    package func committed() -> Effects? {
        room.closeReserve(of: connection)
        wantsBaseline = false
        vouching?.clear()
        if let sealedHead { head = sealedHead }
        if let sealedProof { proof = sealedProof }
        committedProjectionEpoch = projectionEpoch
        if namesOwner { beginsWAL = false }
        growth.note(batchRecords, reads: drained?.usage)
        if growth.isDue { try? measureGrowth() }
        defer {
            drained = nil
            clearBatch()
        }
        let isQuiet = sealedHead == nil && batchEffects.isEmpty && batchSales.isEmpty && batchDue.isEmpty
        return isQuiet
            ? nil
            : Effects(
                record: record, head: head, metered: metered, reads: drained, usage: sealedUsage, readLog: readLog,
                board: board, due: batchDue.map { ($0.key, $0.value) }, at: sealedAt, noted: batchEffects)
    }

    /// The proof of the last commit that wrote something.
    package var outcome: CommitProof? { proof }

    package var lastLSN: UInt64 { connection.lastLSN }

    /// What the batch added to the tenant's use.
    private var metered: MeterTallies {
        var tallies = batchSales
        for record in batchRecords { tallies.count(record) }
        if let drained { tallies.add(drained.metered) }
        return tallies
    }

    /// What the file takes of its quota.
    package var bytes: Int64 { get throws { try Int64(connection.pageCount) * Int64(Connection.pageBytes) } }

    private func measureGrowth() throws {
        growth.measure(pages: try connection.pageCount, pageBytes: Connection.pageBytes)
    }

    /// By how much the file has grown for a reseller since `takeGrown` was last asked, as nearly as can be told.
    package func grown(for resellerID: Int64) -> Int64 { growth.bytes[resellerID, default: 0] }

    /// The same by reseller, to be kept in the file.
    package func takeGrown() throws -> [Int64: Int64] {
        try measureGrowth()
        return growth.take()
    }

    package func rolledBack() {
        room.closeReserve(of: connection)
        jobInstant = nil
        memory?.forget()
        usageMark = nil
        wantsBaseline = false
        vouching?.clear()
        if let drained { readLog.putBack(drained) }
        drained = nil
        clearBatch()
        projectionEpoch = committedProjectionEpoch
    }

    private func clearBatch() {
        batchRecords.removeAll(keepingCapacity: true)
        batchEffects.removeAll(keepingCapacity: true)
        batchOrders.removeAll(keepingCapacity: true)
        batchSales = MeterTallies()
        batchDue.removeAll(keepingCapacity: true)
        sealedHead = nil
        sealedProof = nil
        sealedUsage.removeAll(keepingCapacity: true)
        wantsFlush = false
        namesOwner = false
        jobRecords = 0
        jobEffects = 0
        jobOrders = 0
    }

    package func writeMarker() throws {
        try connection.beginImmediate()
        try nameOwner()
        try connection.commit()
    }

    /// Writes the page that names the tenant. One that every WAL begins with makes another's WAL known at open.
    private func nameOwner() throws {
        try connection.run(
            "UPDATE meta SET commit_marker = iif(commit_marker < ?1, commit_marker + 1, 1) WHERE id = 1",
            .integer(Self.counters.upperBound))
    }

    package func rest(isDurable: Bool, isPressed: Bool) -> LaneRest {
        let rest = pace.rest(connection, metrics, isDurable: isDurable, isPressed: isPressed)
        if rest == .made { beginsWAL = true }
        return rest
    }

    package func close() {
        takeOpening()?.run()
        // Where that fails the log has what the file lacks, and the next opening plays it.
        if sink != nil { try? bringHome() }
        connection.closeEmptyingWAL()
    }

    /// Of its commits some may be in the file that is opened next, and some not: what follows from them is asked anew.
    package func discard() {
        takeOpening()?.drop()
        connection.close()
        guard let record else { return }
        record.answers.dropAll()
        record.noteWebhookChange()
        board?.look(at: record)
    }

    /// The batch that told every row anew, at its opening, has committed.
    func openingCommitted() { opening = committed() }

    package func takeOpening() -> Effects? {
        defer { opening = nil }
        return opening
    }

    /// No commit syncs before `endCreation`.
    func beginCreation() { isUnfinished = true }

    /// What was written to a new file without syncs becomes durable, all of it in the file itself: that is asked whose
    /// it is before it is opened. From here on every commit syncs.
    func endCreation() throws {
        try connection.setSynchronous(true)
        try connection.checkpoint(.truncate)
        if let sink {
            try connection.syncFile()
            try connection.beginLogging(to: sink)
        }
        beginsWAL = true
        isUnfinished = false
    }

    private func append(_ record: AuditRecord, after previous: AuditHead, isLast: Bool) throws -> AuditHead {
        let sequence = previous.sequence + 1
        let hash = AuditChain.hash(
            record: record, after: previous.hash, tenant: tenantID, incarnation: head.incarnation, sequence: sequence)
        let next = AuditHead(incarnation: head.incarnation, sequence: sequence, hash: hash)
        let signature = isLast ? sign(next) : nil
        try connection.run(
            """
            INSERT INTO audit (seq, incarnation, kind, at, last_at, book, key_id, account_id, reseller_id, action,
                status, latency_us, request_id, bytes_in, bytes_out, count, detail, hash, signature)
            VALUES (?1, ?2, 0, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
            """
        ) { row in
            row.int(sequence)
            row.int(next.incarnation)
            row.int(record.at.milliseconds)
            row.int(record.book.rawValue)
            row.int(record.keyID)
            row.int(record.accountID)
            row.int(record.resellerID)
            row.text(record.action)
            row.int(record.status)
            row.int(record.latencyMicroseconds)
            record.requestID.withUnsafeBytes { row.blob($0) }
            row.int(record.bytesIn)
            row.int(record.bytesOut)
            row.int(record.count)
            row.text(record.detail)
            hash.withUnsafeBytes { row.blob($0) }
            if let signature { row.blob(signature) } else { row.null() }
        }
        return next
    }

    private func append(
        block: AuditBlock, of kind: AuditChain.Kind, after previous: AuditHead, isLast: Bool
    ) throws -> AuditHead {
        let sequence = previous.sequence + 1
        let hash = AuditChain.hash(
            block: block, of: kind, after: previous.hash, tenant: tenantID, incarnation: head.incarnation,
            sequence: sequence)
        let next = AuditHead(incarnation: head.incarnation, sequence: sequence, hash: hash)
        let signature: SQLValue = isLast ? .blob(sign(next)) : .null
        try connection.run(
            """
            INSERT INTO audit (seq, incarnation, kind, at, last_at, book, key_id, account_id, reseller_id, action,
                status, latency_us, request_id, bytes_in, bytes_out, count, detail, payload, hash, signature)
            VALUES (?1, ?2, ?9, ?3, ?4, 0, 0, 0, 0, '', 0, 0, x'', 0, 0, ?5, '', ?6, ?7, ?8)
            """,
            .integer(sequence), .integer(head.incarnation), .integer(block.firstAt.milliseconds),
            .integer(block.lastAt.milliseconds), .int(block.count), .blob(block.payload), .blob(hash.bytes), signature,
            .integer(kind.rawValue))
        return next
    }

    private func sign(_ head: AuditHead) -> [UInt8] {
        let proof = CommitProof(head, of: tenantID, by: signer)
        sealedProof = proof
        return proof.signature
    }

    private func add(_ count: UsageCount, to key: UsageKey) throws {
        // The clock's work is not counted as a call.
        guard countsUsage, count.requests > 0 || count.orders > 0 else { return }
        let mark = try usageMark ?? connection.usageMark()
        usageMark = mark
        try connection.add(count, to: key, countedUpTo: mark)
    }

    /// What days have counted of hours changes in this job.
    func usageMarkMoves() { usageMark = nil }
}

/// What was read of a file and may be used again; belongs to the file's lane.
package protocol StoreMemory: AnyObject {
    /// Something was undone: nothing that is remembered may be used.
    func forget()
}
