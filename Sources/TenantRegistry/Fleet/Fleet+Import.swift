import Cryptography
import SQLite

/// A tenant that comes from another node (P10).
extension Fleet {
    /// What came along, opened and read. The file at `path` belongs to `adopt`.
    package struct Arrival: Sendable {
        /// Its state is the one that it will have here.
        package var profile: TenantProfile
        package let secretKey: [UInt8]
        package let signingSeed: [UInt8]
        /// Its export, signed.
        package let path: String
        /// What is done to its file for this node.
        package var fill: @Sendable (TenantTransaction) throws -> Void = { _ in }

        package init(profile: TenantProfile, secretKey: [UInt8], signingSeed: [UInt8], path: String) {
            self.profile = profile
            self.secretKey = secretKey
            self.signingSeed = signingSeed
            self.path = path
        }
    }

    /// What the next incarnation of a file begins with, and what is done to it for that.
    struct Beginning: Sendable {
        let action: String
        /// What that row says, given the head before it.
        let detail: @Sendable (AuditHead) -> String
        /// Makes the file the new tenant's, where it was another's.
        var become: (@Sendable (Connection) throws -> Void)?
        var fill: @Sendable (TenantTransaction) throws -> Void = { _ in }
    }

    /// One import or fork under way.
    struct Adoption: Sendable {
        let arrival: Arrival
        let record: TenantRecord
        /// Hashes that the registry has as revoked.
        let revoked: [Digest]
        let origin: Beginning
        let act: ProviderAct
        let judge: Registry.Judge
        /// What else of memory follows before anybody is answered: the limits' levels.
        let settle: @Sendable (TenantRecord) -> Void
        let then: @Sendable (Result<(TenantRecord, AuditHead), any Error>) -> Void
    }

    /// Takes a tenant in: same UUID, keys, secrets and chain, whose next incarnation begins with `tenant.imported`. Its
    /// file is checked in full before anything is made of it. A crash at any step leaves no tenant or a whole one; what
    /// would leave it waits for its operator's word (P3).
    package func adopt(
        _ arrival: Arrival, as act: ProviderAct, judge: @escaping Registry.Judge,
        settle: @escaping @Sendable (TenantRecord) -> Void,
        then answer: @escaping @Sendable (Result<(TenantRecord, AuditHead), any Error>) -> Void
    ) {
        let then: @Sendable (Result<(TenantRecord, AuditHead), any Error>) -> Void = { result in
            DataDirectory.remove(arrival.path)
            answer(result)
        }
        let submitted = examinations.submit { [self] in
            do {
                var profile = arrival.profile
                profile.state = .creating
                let record = try makeRecord(
                    profile, secretKey: arrival.secretKey, signingSeed: arrival.signingSeed)
                let file = try schema.examine(
                    FileExamination(
                        path: arrival.path, tenant: profile.id, publicKey: record.signingKey.publicKey,
                        currency: profile.currency, acceptsUnsigned: false))
                registry.judge(file.keyHashes, for: profile.id, at: clock.now()) { [self] result in
                    do {
                        let verdict = try result.get()
                        if verdict.foreign { throw RestoreFailure.foreignKeyHash }
                        insert(
                            Adoption(
                                arrival: arrival, record: record, revoked: verdict.revoked,
                                origin: Beginning(
                                    action: AuditRecord.imported,
                                    detail: { #"{"imported_head":"\#($0.text)"}"# }, fill: arrival.fill),
                                act: act, judge: judge, settle: settle, then: then))
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

    /// The registry's row, then the file, then the tenant.
    func insert(_ adoption: Adoption) {
        let (record, profile) = (adoption.record, adoption.record.profile)
        let wrapped: (secret: [UInt8], signing: [UInt8])
        do {
            wrapped = (
                try wrap(adoption.arrival.secretKey, of: profile.id),
                try wrap(adoption.arrival.signingSeed, of: profile.id)
            )
        } catch {
            return adoption.then(.failure(error))
        }
        // Its keys begin as they did, whoever else's begin so here: they are found by their hashes.
        registry.insert(
            profile, hasOwnPrefix: false, wrappedSecretKey: wrapped.secret, wrappedSigningKey: wrapped.signing,
            judge: adoption.judge
        ) { [self] result in
            if case .failure(let error) = result {
                // A row of unknown outcome may come back and hold the name.
                if case LaneFailure.outcomeUnknown = error {
                    bury(profile, isMarked: true, as: adoption.act.also("tenant.deleted"))
                }
                return adoption.then(.failure(error))
            }
            record.lane.exclusively(
                { [self] control in
                    do { try place(adoption, control) } catch { abandon(adoption, control, error) }
                }, orElse: { adoption.then(.failure($0)) })
        }
    }

    /// On the new tenant's lane: its file takes its place and is opened, then the registry takes the tenant for whole.
    private func place(_ adoption: Adoption, _ control: LaneControl<TenantStore>) throws {
        let record = adoption.record
        try data.makeTenantFolder(record.id)
        // What an erasure that the disk cut short has left is nobody's.
        removeFiles(of: record.id)
        let path = data.tenantPath(record.id)
        let new = path + ".restoring"
        try ExportSeal.remove(from: adoption.arrival.path)
        try DataDirectory.rename(adoption.arrival.path, to: new)
        let made = try prepare(
            new, of: record, above: nil, revoked: adoption.revoked, replacing: nil, origin: adoption.origin,
            requestID: adoption.act.requestID
        ) { head in
            var note = AuditRecord.act(
                at: clock.now(), action: adoption.origin.action, status: 201, requestID: adoption.act.requestID)
            note.detail = adoption.origin.detail(head)
            return note
        }
        try cluster?.begin(record.id)
        // It may have lived here before.
        try endRecords(of: record.id, isWhole: false)
        let copy = firstCopy(
            of: record, incarnation: made.head.incarnation,
            at: adoption.origin.become == nil ? past?.now ?? clock.now() : record.profile.createdAt
        ) { try Connection(path: new, flags: .immutable) }
        var isPassedOn = false
        defer { if !isPassedOn, let copy { DataDirectory.remove(copy.path) } }
        try DataDirectory.rename(new, to: path)
        try DataDirectory.synchronise(folder: data.tenantFolder(record.id))
        // The registry is told of all that the file says below, at once.
        record.update(
            {
                $0.state = adoption.arrival.profile.state
                $0.projectionEpoch = made.epoch
                $0.incarnation = made.head.incarnation
            }, now: monotonic.nanoseconds())
        let changes = try projections(of: record, in: try control.file())
        isPassedOn = true
        registry.adopt(
            record.profile, changes, epoch: made.epoch, meteredFrom: MeterMark(made.head), as: adoption.act,
            judge: adoption.judge
        ) { [self] result in
            if case .failure(let error) = result {
                if let copy { DataDirectory.remove(copy.path) }
                return record.lane.exclusively(
                    { [self] control in abandon(adoption, control, error) }, orElse: { adoption.then(.failure($0)) })
            }
            record.meter.start(saved: MeterMark(made.head), stands: [:])
            // Keys are there before the name is: whoever finds the tenant finds all of it.
            roster.replace(record, with: changes)
            roster.add(record)
            pastWork.want(record.id)
            if let copy { pastWork.give(copy) }
            adoption.settle(record)
            record.touch()
            due.look(at: record)
            adoption.then(.success((record, made.head)))
            passOnNew(record)
        }
    }

    /// What the registry did not take is taken back whole, so that the tenant may come once more.
    private func abandon(_ adoption: Adoption, _ control: LaneControl<TenantStore>, _ error: any Error) {
        retire(adoption.record, control)
        due.drop(adoption.record)
        resting.drop(adoption.record.id)
        let profile = adoption.record.profile
        bury(profile, isMarked: profile.state == .creating, as: adoption.act.also("tenant.deleted")) {
            adoption.then(.failure(error))
        }
    }
}
