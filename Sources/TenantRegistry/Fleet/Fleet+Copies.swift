import Cryptography
import Foundation
import Glibc
import SQLite
import Synchronization

extension Fleet {
    /// Pages a step, between which the tenant's operations go on: about a millisecond each.
    private static let exportStepPages: Int32 = 256
    /// A batch that rolls back starts the copy again; so often at most.
    private static let exportRestartsMax = 20

    /// One consistent copy of a tenant's file in `journal_mode=DELETE`, made beside its work and signed; `then` owns
    /// the file that it is given the path of and removes it. Readable secrets are in it as ciphertext only (P5).
    /// `pool`: what reads the copy once more, to sign it; the pool for files where it is left out. `copied`: called on
    /// the lane when the copy has everything.
    package func export(
        _ record: TenantRecord, on pool: BackgroundPool? = nil, copied: @escaping @Sendable () -> Void = {},
        then: @escaping @Sendable (Result<String, any Error>) -> Void
    ) {
        let path = data.temporaryPath(random.uint64())
        if let cluster, !cluster.isServed(record.id) {
            return exportFromLog(record, cluster, to: path, on: pool ?? files, copied, then)
        }
        // What gathered in memory is part of the record, where the file has room for it.
        record.lane.submit(
            LaneJob(
                writes: true, reserve: .provider,
                perform: { store in
                    store.flushReads()
                    return { [self] _ in stepExport(record, Copying(on: pool ?? files, copied), path, then) }
                },
                fail: { then(.failure($0)) }))
    }

    /// The copy under way. `@unchecked Sendable`: the tenant's lane owns it.
    private final class Copying: @unchecked Sendable {
        var stepper: BackupStepper?
        /// What it copies from: only while the lane has it open.
        var source: Connection?
        var remaining = Int.max
        var restarts = 0
        let pool: BackgroundPool
        let copied: @Sendable () -> Void

        init(on pool: BackgroundPool, _ copied: @escaping @Sendable () -> Void) {
            self.pool = pool
            self.copied = copied
        }
    }

    private func stepExport(
        _ record: TenantRecord, _ copying: Copying, _ path: String,
        _ then: @escaping @Sendable (Result<String, any Error>) -> Void
    ) {
        record.lane.exclusively(
            { [self] control in
                do {
                    let source = try control.file().connection
                    let stepper = try copying.stepper ?? BackupStepper(source: source, destinationPath: path)
                    copying.stepper = stepper
                    // Pages of a handle that was thrown away may never have been.
                    guard copying.source.map({ $0 === source }) ?? true else { throw LaneFailure.notCommitted }
                    copying.source = source
                    switch try stepper.step(pages: Self.exportStepPages) {
                    case .done:
                        stepper.close()
                        copying.copied()
                        try seal(path, of: record, head: control.file().head, on: copying.pool, then)
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

    /// On a pool: the whole copy is read once more.
    private func seal(
        _ path: String, of record: TenantRecord, head: AuditHead, on pool: BackgroundPool,
        _ then: @escaping @Sendable (Result<String, any Error>) -> Void
    ) throws {
        let isTaken = pool.submit {
            do {
                try ExportSeal.append(to: path, head: head, tenant: record.id, key: record.signingKey)
                then(.success(path))
            } catch {
                DataDirectory.remove(path)
                then(.failure(LaneFailure.storageFull))
            }
        }
        if !isTaken { throw LaneFailure.tooManyWaiting }
    }

    // MARK: Clock

    /// What is due now and then: blocks of reads, counters, free room. Every second, from one thread. Returns the
    /// tenants that had calls since the last time, and perhaps more.
    @discardableResult
    package func tick() -> [TenantRecord] {
        let now = clock.now()
        checkDisk()
        buryAgain()
        deleteDue(at: now)
        if lastSessionSweep.withLock({ last in
            guard now.milliseconds - last.milliseconds >= Self.sessionSweepMilliseconds else { return false }
            last = now
            return true
        }) {
            roster.dropExpiredSessions(at: now)
            registry.dropExpiredSessions(at: now)
            _ = files.submit { [self] in letGoFormerPasts() }
        }
        let touched = touched.round { record in
            // What is left of one that is elsewhere waits until it comes back.
            !record.lane.isRetired && isServedHere(record.id) && (!record.readLog.isSettled || isUsed(record))
        }.filter { !$0.lane.isRetired }
        for record in touched where record.readLog.isDue(at: now) || wantsHousekeeping(record, at: now) {
            flush(record, at: now)
        }
        packResting()
        keepPast()
        putSnapshot()
        putRegistrySnapshot()
        return touched
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
    func isUsed(_ record: TenantRecord) -> Bool {
        let used = record.lane.lastUsed.load(ordering: .relaxed)
        return lastHousekeeping.withLock { used != $0[record.id]?.used ?? 0 }
    }

    /// Nothing where its file is another node's to write.
    func flush(_ record: TenantRecord, at now: Timestamp) {
        guard isServedHere(record.id) else { return }
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
                fail: { [report] failure in
                    if failure.isOfCluster { return }
                    report("tenant \(record.id.text): audit block: \(failure)")
                }))
    }

    /// Saves how many requests each tenant made this month, and when keys were used. Every ten seconds, and at the end.
    package func saveCounters(then: @escaping @Sendable () -> Void = {}) {
        let uses = providerKeys.unsavedUses
        if !uses.isEmpty { registry.saveLastUses(ofProviderKeys: uses) }
        saveCounters(of: roster.allTenants.filter { isServedHere($0.id) }, then: then)
    }

    func saveCounters(of records: [TenantRecord], then: @escaping @Sendable () -> Void) {
        let counted = records.compactMap { record in record.counters.unsaved.map { (record: record, counter: $0) } }
        if counted.isEmpty { return then() }
        let rows = counted.map { record, counter in
            (record.id, month: counter.month, count: counter.count, last: counter.lastRequestAt)
        }
        registry.saveCounters(rows) { [report] result in
            if case .failure(let error) = result {
                report("registry: counters: \(error)")
                for (record, _) in counted { record.counters.wasNotSaved() }
            }
            then()
        }
    }

    /// Writes what memory holds and closes every file. No request may come any more. Waits.
    package func stop() {
        isStopping.store(true, ordering: .relaxed)
        let group = DispatchGroup()
        for record in roster.allTenants {
            // What an open file gathered; one that is closed left nothing.
            if !record.readLog.isEmpty || isUsed(record) && pool.hasOpen(record.lane) {
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
                { [self] control in
                    control.closeFile()
                    bringHome(record)
                    group.leave()
                }, orElse: { _ in group.leave() })
        }
        group.wait()
        let isLogDone = closeLog()
        let last = DispatchSemaphore(value: 0)
        saveCounters { [self] in
            saveTallies { [self] in
                saveDue(isWhole: cluster == nil) { [self] in
                    let close: @Sendable () -> Void = { [self] in registry.close { last.signal() } }
                    if isLogDone { registry.noteLog(needed: nil) { _ in close() } } else { close() }
                }
            }
        }
        last.wait()
        isGone.store(true, ordering: .relaxed)
        cluster?.leave()
        pool.close()
        background.close()
        hashing.close()
        observing.close()
        copies.close()
        files.close()
        examinations.close()
        flows.close()
    }
}
