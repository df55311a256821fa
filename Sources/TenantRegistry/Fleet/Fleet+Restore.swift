import Cryptography
import SQLite

/// Taking an export back (P5).
extension Fleet {
    /// One restore under way.
    private struct Restore: Sendable {
        let record: TenantRecord
        let path: String
        let state: ExportSeal.State
        /// Hashes that the registry has as revoked.
        let revoked: [Digest]
        let act: ProviderAct
        let judge: Registry.Judge
        let then: @Sendable (Result<AuditHead, any Error>) -> Void
    }

    /// Puts a file back that `export` made: checked in full before it replaces anything. Keys that were revoked since
    /// stay revoked, those of resellers that were terminated since are, secrets are those of now, the incarnation
    /// rises, a `tenant.restored` row joins the chain (P5). Takes over the file at `path`. `acceptsUnsigned`: one that
    /// the tenant did not sign is taken where it is sound; the provider's log and the chain tell.
    package func restore(
        _ record: TenantRecord, from path: String, acceptsUnsigned: Bool = false, as act: ProviderAct,
        judge: @escaping Registry.Judge = { _ in },
        then answer: @escaping @Sendable (Result<AuditHead, any Error>) -> Void
    ) {
        // A refused file is not kept.
        let then: @Sendable (Result<AuditHead, any Error>) -> Void = { result in
            if case .failure = result { DataDirectory.remove(path) }
            answer(result)
        }
        let order = FileExamination(
            path: path, tenant: record.id, publicKey: record.signingKey.publicKey, currency: record.profile.currency,
            acceptsUnsigned: acceptsUnsigned)
        let submitted = examinations.submit { [self] in
            do {
                let file = try schema.examine(order)
                registry.judge(file.keyHashes, for: record.id, at: clock.now()) { [self] result in
                    do {
                        let verdict = try result.get()
                        if verdict.foreign { throw RestoreFailure.foreignKeyHash }
                        let restore = Restore(
                            record: record, path: path, state: file.state, revoked: verdict.revoked,
                            act: act, judge: judge, then: then)
                        record.lane.exclusively(
                            { [self] control in swap(control, restore) }, orElse: { then(.failure($0)) })
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

    /// On the tenant's lane: finishes the new file under a temporary name, then renames it over the old one, so that a
    /// kill at any moment leaves the one or the other. The old one goes once the new one has been opened in its place.
    private func swap(_ control: LaneControl<TenantStore>, _ restore: Restore) {
        let record = restore.record
        let live = data.tenantPath(record.id)
        let new = live + ".restoring"
        let discard = { for suffix in ["", "-wal"] { DataDirectory.remove(new + suffix) } }
        var copy: PastCopy?
        do {
            // The examination took its time: whoever asked may not ask for it any more.
            try restore.judge(providerKeys)
            // It may have gone with the file.
            try data.makeTenantFolder(record.id)
            // One that was decided before this one is the file that this one replaces.
            try FileSwap.finish(live)
            let current = try fileThatGoes(control, of: record)
            let before = current.map { (head: $0.head, epoch: $0.projectionEpoch) }
            // The lane is quiet now: what ended while this waited has ended in the file that goes.
            let keysThere = try readable(of: record) {
                try current.map { try KeysThatGo(of: $0.connection) } ?? KeysThatGo()
            }
            discard()
            try ExportSeal.remove(from: restore.path)
            try DataDirectory.rename(restore.path, to: new)
            let head = try prepare(
                new, of: record, above: before, revoked: restore.revoked, keys: keysThere ?? KeysThatGo(),
                replacing: current?.connection, requestID: restore.act.requestID
            ) { note(of: restore, $0, before?.head, readsKeys: keysThere != nil) }.head
            let hadFile = current != nil
            control.closeFile()
            try endRecords(of: record.id, isWhole: hadFile)
            if hadFile { try FileSwap.keep(live) }
            // From here on it may be the other file.
            if let moment = try past?.begins(record.id, incarnation: head.incarnation) {
                copy = firstCopy(of: record, incarnation: head.incarnation, at: moment) {
                    try Connection(path: new, flags: .immutable)
                }
            }
            pastWork.want(record.id)
            try DataDirectory.rename(new, to: live + FileSwap.decidedSuffix)
            try settle(control, restore, live, head, copy)
        } catch {
            discard()
            if let copy { DataDirectory.remove(copy.path) }
            restore.then(.failure(error))
        }
    }

    /// Nil where it is missing or too damaged to open: then it has no head to rise above, and its records go with it.
    /// Throws where it does not open now, and may later.
    private func fileThatGoes(_ control: LaneControl<TenantStore>, of record: TenantRecord) throws -> TenantStore? {
        do {
            return try control.file()
        } catch {
            if Self.isDamage(error) { return nil }
            report("tenant \(record.id.text): the file that a restore is to replace: \(error)")
            if let failure = error as? LaneFailure { throw failure }
            throw (error as? SQLiteError)?.isFull == true ? LaneFailure.storageFull : LaneFailure.notCommitted
        }
    }

    /// What the file that goes says; nil where it is damaged there: the registry has what was revoked too.
    private func readable<Value>(of record: TenantRecord, _ body: () throws -> Value) throws -> Value? {
        do {
            return try body()
        } catch {
            guard Self.isDamage(error) else { throw error }
            report("tenant \(record.id.text): the file that a restore replaces cannot be read everywhere: \(error)")
            return nil
        }
    }

    private static func isDamage(_ error: any Error) -> Bool {
        switch error {
        case is TenantFileError, is LogDamage, is CorruptRow, is MigrationError: true
        case let error as SQLiteError: !error.isPassing
        default: false
        }
    }

    /// From the decision on: the file takes its place, is opened and read there, and only then anybody is told. One
    /// that does not open goes, and the one before it comes back.
    private func settle(
        _ control: LaneControl<TenantStore>, _ restore: Restore, _ live: String, _ head: AuditHead,
        _ copy: PastCopy?
    ) throws {
        let record = restore.record
        do { try FileSwap.finish(live) } catch { report("tenant \(record.id.text): the restored file: \(error)") }
        let store: TenantStore
        do {
            store = try control.file()
        } catch {
            // Where the disk has not let it take its place, the next opening ends it.
            report("tenant \(record.id.text): the restored file: \(error)")
            throw LaneFailure.outcomeUnknown
        }
        guard store.head == head else {
            throw RestoreFailure.damaged(["it does not open in its place, so that the file before it is back"])
        }
        let changes = try projections(of: record, in: store)
        // It is the tenant's file now: what was copied of it is of its past.
        if let copy { pastWork.give(copy) }
        let event = restore.state == .signed ? AuditRecord.restored : AuditRecord.restoredUnsigned
        follow(record, changes, epoch: store.projectionEpoch, incarnation: head.incarnation) { [self] _ in
            registry.log(
                restore.act.also(event), tenant: record.id, slug: record.slug, judge: { _ in }
            ) { [report] result in
                if case .failure(let error) = result { report("registry: \(event) of \(record.id.text): \(error)") }
                restore.then(.success(head))
            }
        }
    }

    private func note(
        of restore: Restore, _ restored: AuditHead, _ replaced: AuditHead?, readsKeys: Bool
    ) -> AuditRecord {
        var note = AuditRecord.act(
            at: clock.now(), action: AuditRecord.restored, status: 200, requestID: restore.act.requestID)
        let export = restore.state == .signed ? "" : #","export":"\#(restore.state.text)""#
        let keys = readsKeys ? "" : #","revoked_keys":"unreadable""#
        let heads = #""restored_head":"\#(restored.text)","replaced_head":"\#(replaced?.text ?? "unreadable")""#
        note.detail = "{\(heads)\(export)\(keys)}"
        return note
    }
}
