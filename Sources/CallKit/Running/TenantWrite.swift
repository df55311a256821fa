package import Cryptography
package import TenantRegistry

/// The one way in which an effect comes into a tenant's file: the gateway's calls, the provider's and the node's own,
/// and tests. What is never an effect, blocks of reads, are lane jobs of their own.
///
/// In the lane's transaction, in this order, all or nothing: the warrant judged again, the signature, an earlier answer
/// of the same call, the effect, the answer to be stored, the audit row. After the commit memory follows, before
/// anybody is answered; then the registry; then `then` is called, once, on a worker. Where the nodes' registry could
/// not be told, the write is there, and fails with `.outcomeUnknown`: another node may not go by it yet (N5).
///
/// A value. `effect` runs on the tenant's lane, perhaps twice, where the first batch was lost.
package struct TenantWrite: Sendable {
    /// What a write does; the detail joins its audit row.
    package typealias Effect<Value> = @Sendable (TenantTransaction, inout AuditDetail) throws -> Value

    /// How a write ended. Whatever it was, it is durable.
    package enum Outcome: Sendable {
        case answered(Answer, CommitProof?)
        /// Refused, and the refusal is what a repeated call gets: it has an audit row and a stored answer.
        case refusedFirmly(Refusal, Answer, CommitProof?)
        /// The same call was answered before.
        case replayed(StoredAnswer)
        /// Refused; nothing of it stays.
        case refused(Refusal)
        case failed(LaneFailure)
    }

    package let fleet: Fleet
    package let tenant: TenantRecord
    package let warrant: Warrant
    /// How its audit row begins: who, when, which action. The status and the bytes of the answer are given.
    package let line: @Sendable (_ status: Int, _ bytesOut: Int) -> AuditRecord
    /// The key under which its answer is stored and repeated; nil where it has none.
    package var claim: IdempotencyClaim?
    package var signature: SignedCall?
    /// What it may take of pages above the tenant's quota.
    package var reserve = PageReserve.none
    /// Throws where the caller has filled its share of the file.
    package var judgeRoom: (@Sendable (TenantReader) throws -> Void)?
    /// A refusal in the caller's envelope, to be stored under `claim`.
    package var render: @Sendable (Refusal) -> Answer = { Answer(status: $0.status, body: []) }

    package init(
        _ tenant: TenantRecord, of fleet: Fleet, warrant: Warrant,
        line: @escaping @Sendable (_ status: Int, _ bytesOut: Int) -> AuditRecord
    ) {
        self.fleet = fleet
        self.tenant = tenant
        self.warrant = warrant
        self.line = line
    }

    // MARK: A call's write

    /// Writes and answers; `then` is given the outcome.
    package func submit(_ effect: @escaping Effect<Answer>, then: @escaping @Sendable (Outcome) -> Void) {
        if fleet.refusesWrites { return then(.failed(.storageFull)) }
        tenant.lane.submit(
            LaneJob(
                writes: true, reserve: reserve, perform: { store in try commit(effect, in: store, then) },
                fail: { then(.failed($0)) }))
    }

    private func commit(
        _ effect: Effect<Answer>, in store: TenantStore, _ then: @escaping @Sendable (Outcome) -> Void
    ) throws -> LaneJob<TenantStore>.Completion {
        switch try attempt(effect, in: store) {
        case .replayed(let stored): return { _ in then(.replayed(stored)) }
        case .keyReused: return { _ in then(.refused(.idempotencyKeyReused)) }
        case .done(let made, let detail):
            // A refusal that keeps its writes is put into the caller's envelope.
            let answer = made.refusal.map(render) ?? made
            if let claim { try store.transaction.storeAnswer(answer, for: claim) }
            note(detail, answer.status, answer.body.count, in: store)
            return publish(store, orElse: { then(.failed($0)) }) { proof in then(.answered(answer, proof)) }
        case .refused(let refusal):
            guard let claim, refusal.isReplayable else { return { _ in then(.refused(refusal)) } }
            let answer = render(refusal)
            try store.transaction.storeAnswer(answer, for: claim)
            note(AuditDetail(), answer.status, answer.body.count, in: store)
            return publish(store, orElse: { then(.failed($0)) }) { proof in
                then(.refusedFirmly(refusal, answer, proof))
            }
        }
    }

    // MARK: A step of a longer work

    /// How a step ended: its value, or why there is none.
    package enum StepOutcome<Value: Sendable>: Sendable {
        case done(Value)
        case replayed(StoredAnswer)
        case failed(any Error)
    }

    /// What a step leaves in the audit log.
    package enum StepRecord: Sendable {
        /// A row with this status.
        case row(status: Int)
        /// A row that is not counted as a call: the call is counted where it ends.
        case uncounted(status: Int)
        /// None: rows that are staged, or taken away again, are no effect yet.
        case none
    }

    /// A write that has to be there before the work goes on. Nothing that it decides is stored under the key; an answer
    /// that is stored there ends the work.
    package func step<Value: Sendable>(
        _ record: StepRecord, _ effect: @escaping Effect<Value>,
        then: @escaping @Sendable (StepOutcome<Value>) -> Void
    ) {
        if fleet.refusesWrites { return then(.failed(LaneFailure.storageFull)) }
        tenant.lane.submit(
            LaneJob(
                writes: true, reserve: reserve,
                perform: { store in
                    switch try attempt(effect, in: store) {
                    case .replayed(let stored): return { _ in then(.replayed(stored)) }
                    case .keyReused: return { _ in then(.failed(Refusal.idempotencyKeyReused)) }
                    case .refused(let refusal): return { _ in then(.failed(refusal)) }
                    case .done(let value, let detail):
                        switch record {
                        case .none: break
                        case .row(let status): note(detail, status, 0, in: store)
                        case .uncounted(let status): note(detail, status, 0, in: store, isCounted: false)
                        }
                        return publish(store, orElse: { then(.failed($0)) }) { _ in then(.done(value)) }
                    }
                },
                fail: { then(.failed($0)) }))
    }

    // MARK: Parts

    private enum Attempt<Value> {
        case done(Value, AuditDetail)
        case replayed(StoredAnswer)
        /// The key belongs to another call, whose stored answer stays.
        case keyReused
        case refused(Refusal)
    }

    /// The effect, where everything that was judged before still holds. A refusal's writes are undone.
    private func attempt<Value>(_ effect: Effect<Value>, in store: TenantStore) throws -> Attempt<Value> {
        let transaction = store.transaction
        var detail = AuditDetail()
        do {
            try warrant.judge(transaction)
            try signature?.verify(transaction)
            if let claim, let stored = try transaction.storedAnswer(for: claim) {
                return claim.stands(for: stored.fingerprint) ? .replayed(stored) : .keyReused
            }
            try judgeRoom?(transaction)
            return .done(try effect(transaction, &detail), detail)
        } catch {
            guard let refusal = Refusal(deciding: error) else { throw error }
            try transaction.undoEffect()
            return .refused(refusal)
        }
    }

    private func note(
        _ detail: AuditDetail, _ status: Int, _ bytesOut: Int, in store: TenantStore, isCounted: Bool = true
    ) {
        var record = line(status, bytesOut)
        if !isCounted { record.count = 0 }
        record.resellerID = detail.resellerID ?? record.resellerID
        record.accountID = detail.accountID ?? record.accountID
        record.detail = detail.json
        store.note(record)
        if isCounted && detail.isOrder { store.countOrder(record) }
    }

    /// What comes once the commit is durable: memory follows before anybody is answered, the registry before this
    /// caller is.
    private func publish(
        _ store: TenantStore, orElse fail: @escaping @Sendable (LaneFailure) -> Void,
        _ then: @escaping @Sendable (CommitProof?) -> Void
    ) -> LaneJob<TenantStore>.Completion {
        let changes = store.transaction.pendingProjections
        fleet.follow(changes, of: tenant, in: store)
        return { [fleet, tenant] proof in
            fleet.project(changes, of: tenant) { isKnown in
                if isKnown { then(proof) } else { fail(.outcomeUnknown) }
            }
        }
    }
}

extension Refusal {
    /// A decision of ours about the call, to be answered and perhaps stored; nil for a failure.
    package init?(deciding error: any Error) {
        switch error {
        case let refusal as Refusal: self = refusal
        case is MoneyError:
            self = .unprocessable(.amountTooLarge)
        default: return nil
        }
    }
}

extension Fleet {
    /// A write to a tenant's file that no tenant's caller asked for: the provider's, or the node's own. `then` comes
    /// when audit row, projection and registry have followed.
    package func write<Value: Sendable>(
        _ record: TenantRecord, warrant: Warrant = .node, reserve: PageReserve = .none, reserving hash: Digest? = nil,
        action: String, requestID: RequestID, _ effect: @escaping TenantWrite.Effect<Value>,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        var terms = TenantWrite(record, of: self, warrant: warrant) { [clock] status, _ in
            .act(at: clock.now(), action: action, status: status, requestID: requestID)
        }
        terms.reserve = reserve
        let write = terms
        let submit: @Sendable () -> Void = {
            write.step(.row(status: 200), effect) { outcome in
                switch outcome {
                case .done(let value): then(.success(value))
                // It has no key under which an answer could be stored.
                case .replayed: then(.failure(Refusal.defect))
                case .failed(let error): then(.failure(error))
                }
            }
        }
        guard let hash else { return submit() }
        registry.reserve(hash, for: record.id) { result in
            if case .failure(let error) = result { then(.failure(error)) } else { submit() }
        }
    }

    /// Memory takes a job's changes over when its batch has committed, before anybody is answered.
    fileprivate func follow(_ changes: [ProjectedChange], of record: TenantRecord, in store: TenantStore) {
        guard !changes.isEmpty else { return }
        store.afterCommit { [roster] in
            for change in changes { roster.apply(change.change, to: record) }
        }
    }

    /// Has the registry follow a committed job's changes, then goes on. The file has them: a registry that missed them
    /// is told when the file is opened next, one that several nodes share at once. `then`: whether whoever else has to
    /// go by them does.
    fileprivate func project(
        _ changes: [ProjectedChange], of record: TenantRecord, then: @escaping @Sendable (_ isKnown: Bool) -> Void
    ) {
        guard let first = changes.first, let last = changes.last else { return then(true) }
        registry.project(changes, of: record.id) { [self] result in
            switch result {
            case .success:
                roster.update(record) {
                    if $0.projectionEpoch == first.epoch - 1 { $0.projectionEpoch = last.epoch }
                }
                then(true)
            case .failure(let error):
                report("registry: projection of \(record.id.text): \(error)")
                projectAgain(record, upTo: last.epoch, then: then)
            }
        }
    }
}
