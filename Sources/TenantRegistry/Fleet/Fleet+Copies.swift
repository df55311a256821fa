import Cryptography
import Foundation
import Glibc
import SQLite
import Synchronization

package enum RestoreFailure: Error, Sendable {
    case notATenantFile(String)
    case anotherTenant
    /// The schema differs from what this binary would have made, text for text.
    case schemaDiffers(String)
    case newerSchema
    case damaged([String])
    /// The file names a key that belongs to another tenant.
    case foreignKeyHash
}

extension Fleet {
    /// Pages a step, between which the tenant's operations go on: about a millisecond each.
    private static let exportStepPages: Int32 = 256
    /// A batch that rolls back starts the copy again; so often at most.
    private static let exportRestartsMax = 20

    /// One consistent copy of a tenant's file in `journal_mode=DELETE`, made beside its work; `then` owns the file that
    /// it is given the path of and removes it. Readable secrets are in it as ciphertext only (P5).
    package func export(_ record: TenantRecord, then: @escaping @Sendable (Result<String, any Error>) -> Void) {
        let path = data.temporaryPath(random.uint64())
        // What gathered in memory is part of the record.
        record.lane.submit(
            LaneJob(
                writes: true,
                perform: { store in
                    store.flushReads()
                    return { [self] _ in stepExport(record, Copying(), path, then) }
                },
                fail: { then(.failure($0)) }))
    }

    /// The copy under way. `@unchecked Sendable`: the tenant's lane owns it.
    private final class Copying: @unchecked Sendable {
        var stepper: BackupStepper?
        var remaining = Int.max
        var restarts = 0
    }

    private func stepExport(
        _ record: TenantRecord, _ copying: Copying, _ path: String,
        _ then: @escaping @Sendable (Result<String, any Error>) -> Void
    ) {
        record.lane.exclusively(
            { [self] control in
                do {
                    let stepper =
                        try copying.stepper ?? BackupStepper(source: control.file().connection, destinationPath: path)
                    copying.stepper = stepper
                    switch try stepper.step(pages: Self.exportStepPages) {
                    case .done:
                        stepper.close()
                        then(.success(path))
                    case .more(let remaining):
                        if remaining > copying.remaining { copying.restarts += 1 }
                        copying.remaining = remaining
                        if copying.restarts > Self.exportRestartsMax { throw LaneFailure.notCommitted }
                        stepExport(record, copying, path, then)
                    }
                } catch {
                    copying.stepper?.close()
                    DataDirectory.remove(path)
                    then(.failure(error))
                }
            },
            orElse: { failure in
                copying.stepper?.close()
                DataDirectory.remove(path)
                then(.failure(failure))
            })
    }

    /// Puts a file back that `export` made: checked in full before it replaces anything. Keys that were revoked since
    /// stay revoked, the incarnation rises, a `tenant.restored` row joins the chain (P5). Takes over the file at
    /// `path`.
    package func restore(
        _ record: TenantRecord, from path: String, requestID: RequestID, judge: @escaping Registry.Judge = {},
        then answer: @escaping @Sendable (Result<AuditHead, any Error>) -> Void
    ) {
        // A refused file is not kept.
        let then: @Sendable (Result<AuditHead, any Error>) -> Void = { result in
            if case .failure = result { DataDirectory.remove(path) }
            answer(result)
        }
        let submitted = files.submit { [self] in
            do {
                let hashes = try examine(path, for: record)
                registry.judge(hashes, for: record.id) { [self] result in
                    do {
                        let verdict = try result.get()
                        if verdict.foreign { throw RestoreFailure.foreignKeyHash }
                        record.lane.exclusively(
                            { [self] control in
                                swap(record, control, path, verdict.revoked, requestID, judge, then)
                            }, orElse: { then(.failure($0)) })
                    } catch {
                        then(.failure(error))
                    }
                }
            } catch {
                then(.failure(error))
            }
        }
        if !submitted { then(.failure(LaneFailure.tooManyWaiting)) }
    }

    /// Reads the copy as foreign: whose it is, its schema, its soundness. Returns the hashes that open its keys.
    private func examine(_ path: String, for record: TenantRecord) throws -> [Digest] {
        let connection: Connection
        do {
            connection = try Connection(path: path, flags: .immutable)
            try connection.configureForeign()
        } catch {
            throw RestoreFailure.notATenantFile("SQLite does not open it")
        }
        defer { connection.close() }
        guard try connection.applicationID == CoreSchema.applicationID else {
            throw RestoreFailure.notATenantFile("its application_id is not Tollgate's")
        }
        let version = try connection.userVersion
        guard version <= schema.version else { throw RestoreFailure.newerSchema }
        guard version > 0 else { throw RestoreFailure.notATenantFile("it has no schema version") }
        try compareSchema(of: connection, version: version)
        let owner = try connection.row("SELECT tenant_id FROM meta WHERE id = 1") { try $0.blob() }
        guard owner == record.id.bytes else { throw RestoreFailure.anotherTenant }
        let faults = try schema.verify(path)
        guard faults.isEmpty else { throw RestoreFailure.damaged(faults) }
        let reader = TenantReader(connection: connection, tenantID: record.id)
        // A file that passed has no corrupt rows.
        return try schema.readProjections(reader, { _ in }).flatMap { change -> [Digest] in
            guard case .key(let key) = change else { return [] }
            return key.secrets.map(\.hash)
        }
    }

    private func compareSchema(of connection: Connection, version: Int32) throws {
        let reference = try Connection(path: ":memory:", flags: [.readWrite, .create])
        defer { reference.close() }
        for migration in schema.migrations where migration.version <= version { try reference.execute(migration.sql) }
        let sql =
            "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1"
        let wanted = Set(try reference.rows(dynamic: sql) { try $0.text() })
        let found = Set(try connection.rows(dynamic: sql) { try $0.text() })
        guard wanted == found else {
            let name = wanted.symmetricDifference(found).sorted().first?.split(separator: ":").first ?? "schema"
            throw RestoreFailure.schemaDiffers(String(name))
        }
    }

    /// On the tenant's lane: finishes the new file under a temporary name, then renames it over the old one, so that a
    /// kill at any moment leaves the one or the other.
    private func swap(
        _ record: TenantRecord, _ control: LaneControl<TenantStore>, _ path: String, _ revoked: [Digest],
        _ requestID: RequestID, _ judge: Registry.Judge,
        _ then: @escaping @Sendable (Result<AuditHead, any Error>) -> Void
    ) {
        let live = data.tenantPath(record.id)
        let new = live + ".restoring"
        let discard = { for suffix in ["", "-wal"] { DataDirectory.remove(new + suffix) } }
        do {
            // The examination took its time: whoever asked may not ask for it any more.
            try judge()
            // One that was decided before this one is the file that this one replaces.
            try FileSwap.finish(live)
            // A file that is too damaged to open has no head to rise above.
            let current = try? control.file()
            let before = current.map { ($0.head, $0.projectionEpoch) }
            // The lane is quiet now: what was revoked while this waited is in the file that goes.
            let revokedSince =
                try current?.connection.rows(
                    """
                    SELECT s.hash FROM api_key_secret s JOIN api_key k ON k.id = s.key_id WHERE k.revoked_at IS NOT NULL
                    """
                ) { try $0.digest() } ?? []
            discard()
            try DataDirectory.rename(path, to: new)
            let (head, epoch, changes) = try prepare(
                record, new, above: before, revoked: revoked + revokedSince, requestID: requestID)
            control.closeFile()
            try DataDirectory.rename(new, to: live + FileSwap.decidedSuffix)
            // From here on it is done: what the disk leaves undone the next opening ends, and it tells the registry
            // too.
            do { try FileSwap.finish(live) } catch { report("tenant \(record.id.text): the restored file: \(error)") }
            follow(record, changes, epoch: epoch, incarnation: head.incarnation) { _ in then(.success(head)) }
        } catch {
            discard()
            then(.failure(error))
        }
    }

    private func prepare(
        _ record: TenantRecord, _ path: String, above before: (head: AuditHead, epoch: Int64)?, revoked: [Digest],
        requestID: RequestID
    ) throws -> (AuditHead, Int64, [ProjectionChange]) {
        let connection = try Connection(path: path, flags: [.readWrite])
        do {
            try connection.configureLive()
            try Migrator.migrate(connection, schema.migrations)
            try connection.beginImmediate()
            try connection.run(
                """
                UPDATE meta SET incarnation = max(incarnation, ?1) + 1, projection_epoch = max(projection_epoch, ?2) + 1
                WHERE id = 1
                """,
                .integer(max(before?.head.incarnation ?? 0, record.profile.incarnation)),
                .integer(max(before?.epoch ?? 0, record.profile.projectionEpoch)))
            for hash in revoked { try connection.run("DELETE FROM api_key_secret WHERE hash = ?1", .blob(hash.bytes)) }
            try connection.run(
                """
                UPDATE api_key SET revoked_at = ?1, epoch = epoch + 1
                WHERE revoked_at IS NULL AND NOT EXISTS (SELECT 1 FROM api_key_secret s WHERE s.key_id = api_key.id)
                """,
                .integer(clock.now().milliseconds))
            // An incarnation begins with this row. Reads that wait in memory stay there and join the chain behind it.
            let store = try TenantStore(
                connection: connection, tenantID: record.id, context: context(record, readLog: ReadLog()))
            var note = AuditRecord(at: clock.now(), action: AuditRecord.restored, status: 200, requestID: requestID)
            note.detail =
                #"{"restored_head":"\#(store.head.text)","replaced_head":"\#(before?.head.text ?? "unreadable")"}"#
            store.note(note)
            try store.seal()
            try connection.commit()
            store.committed()
            let changes = try projections(of: record, in: store)
            let result = (store.head, store.projectionEpoch, changes)
            store.close()
            // What its WAL still holds would stay behind under the old name.
            guard DataDirectory.size(of: path + "-wal") == nil else { throw LaneFailure.notCommitted }
            try DataDirectory.synchronise(file: path)
            return result
        } catch {
            connection.close()
            throw error
        }
    }

    // MARK: Clock

    /// What is due now and then: blocks of reads, counters, free room. Every second, from one thread.
    package func tick() {
        let now = clock.now()
        checkDisk()
        buryAgain()
        if lastSessionSweep.withLock({ last in
            guard now.milliseconds - last.milliseconds >= Self.sessionSweepMilliseconds else { return false }
            last = now
            return true
        }) {
            roster.dropExpiredSessions(at: now)
            registry.dropExpiredSessions(at: now)
        }
        for record in roster.allTenants where record.readLog.isDue(at: now) || wantsHousekeeping(record, at: now) {
            flush(record, at: now)
        }
    }

    /// Often and little: what a busy tenant stores in a day has to go at the same pace later.
    private static let housekeepingMilliseconds: Int64 = 10_000
    private static let sessionSweepMilliseconds: Int64 = 3_600_000

    /// A tenant that only writes has rows to be cleared too.
    private static let idleHousekeepingMilliseconds: Int64 = 60_000

    private func wantsHousekeeping(_ record: TenantRecord, at now: Timestamp) -> Bool {
        guard isUsed(record) else { return false }
        let last = lastHousekeeping.withLock { $0[record.id]?.at.milliseconds ?? 0 }
        return now.milliseconds - last >= Self.idleHousekeepingMilliseconds
    }

    /// Whether its lane has had work since it was last cleared up.
    private func isUsed(_ record: TenantRecord) -> Bool {
        let used = record.lane.lastUsed.load(ordering: .relaxed)
        return lastHousekeeping.withLock { used != $0[record.id]?.used ?? 0 }
    }

    private func flush(_ record: TenantRecord, at now: Timestamp) {
        let housekeeps = lastHousekeeping.withLock { last in
            guard now.milliseconds - (last[record.id]?.at.milliseconds ?? 0) >= Self.housekeepingMilliseconds else {
                return false
            }
            last[record.id] = (now, last[record.id]?.used ?? 0)
            return true
        }
        let schema = schema
        record.lane.submit(
            LaneJob(
                writes: true,
                perform: { store in
                    store.flushReads()
                    if housekeeps { try schema.housekeep(store.transaction) }
                    return { [self] _ in
                        // The batch that cleared up is no use of its own.
                        let used = record.lane.lastUsed.load(ordering: .relaxed)
                        if housekeeps { lastHousekeeping.withLock { $0[record.id]?.used = used } }
                    }
                },
                fail: { [report] failure in report("tenant \(record.id.text): audit block: \(failure)") }))
    }

    /// Saves how many requests each tenant made this month. Every minute, and at the end.
    package func saveCounters(then: @escaping @Sendable () -> Void = {}) {
        let counters = roster.allTenants.map { record in
            let counter = record.counters.snapshot
            return (record.id, month: counter.month, count: counter.count, last: counter.lastRequestAt)
        }
        registry.saveCounters(counters) { [report] result in
            if case .failure(let error) = result { report("registry: counters: \(error)") }
            then()
        }
    }

    /// Writes what memory holds and closes every file. No request may come any more. Waits.
    package func stop() {
        isStopping.store(true, ordering: .relaxed)
        let group = DispatchGroup()
        for record in roster.allTenants {
            if !record.readLog.isEmpty || isUsed(record) {
                group.enter()
                record.lane.submit(
                    LaneJob(
                        writes: true,
                        perform: { [schema] store in
                            store.flushReads()
                            try schema.housekeep(store.transaction)
                            return { _ in group.leave() }
                        },
                        fail: { _ in group.leave() }))
            }
            group.enter()
            record.lane.exclusively(
                { control in
                    control.closeFile()
                    group.leave()
                }, orElse: { _ in group.leave() })
        }
        group.wait()
        let last = DispatchSemaphore(value: 0)
        saveCounters { [self] in registry.close { last.signal() } }
        last.wait()
        pool.close()
        background.close()
        hashing.close()
        observing.close()
        files.close()
        flows.close()
    }
}
