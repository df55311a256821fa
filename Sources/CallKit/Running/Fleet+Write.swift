package import Cryptography
package import TenantRegistry

extension Fleet {
    /// A write to a tenant's file that no tenant's caller asked for: the provider's, or the node's own. Audit row,
    /// projection and registry follow as for any other; `then` comes when all of it is durable.
    package func write<Value: Sendable>(
        _ record: TenantRecord, reserving hash: Digest? = nil, action: String, requestID: RequestID,
        _ perform: @escaping @Sendable (TenantTransaction, inout AuditDetail) throws -> Value,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        guard let hash else { return submit(record, action, requestID, perform, then) }
        registry.reserve(hash, for: record.id) { [self] result in
            if case .failure(let error) = result { return then(.failure(error)) }
            submit(record, action, requestID, perform, then)
        }
    }

    private func submit<Value: Sendable>(
        _ record: TenantRecord, _ action: String, _ requestID: RequestID,
        _ perform: @escaping @Sendable (TenantTransaction, inout AuditDetail) throws -> Value,
        _ then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        record.lane.submit(
            LaneJob(
                writes: true,
                perform: { [self] store in
                    var detail = AuditDetail()
                    let value: Value
                    do {
                        value = try perform(store.transaction, &detail)
                    } catch let refusal as Refusal {
                        try store.transaction.undoEffect()
                        return { _ in then(.failure(refusal)) }
                    }
                    var line = AuditRecord(at: clock.now(), action: action, status: 200, requestID: requestID)
                    line.detail = detail.json
                    line.resellerID = detail.resellerID ?? 0
                    store.note(line)
                    return publish(record, store, value, then)
                },
                fail: { then(.failure($0)) }))
    }

    private func publish<Value: Sendable>(
        _ record: TenantRecord, _ store: TenantStore, _ value: Value,
        _ then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) -> LaneJob<TenantStore>.Completion {
        let changes = store.transaction.pendingProjections
        follow(changes, of: record, in: store)
        return { [self] _ in
            project(changes, of: record) { then(.success(value)) }
        }
    }

    /// Memory takes a job's changes over when its batch has committed, before anybody is answered.
    package func follow(_ changes: [ProjectedChange], of record: TenantRecord, in store: TenantStore) {
        guard !changes.isEmpty else { return }
        store.afterCommit { [roster] in
            for change in changes { roster.apply(change.change, to: record) }
        }
    }

    /// Has the registry follow a committed job's changes, then goes on. The file has them: a registry that missed them
    /// is told when the file is opened next.
    package func project(
        _ changes: [ProjectedChange], of record: TenantRecord, then: @escaping @Sendable () -> Void
    ) {
        guard let first = changes.first, let last = changes.last else { return then() }
        registry.project(changes, of: record.id) { [self] result in
            switch result {
            case .success:
                roster.update(record) {
                    if $0.projectionEpoch == first.epoch - 1 { $0.projectionEpoch = last.epoch }
                }
            case .failure(let error): report("registry: projection of \(record.id.text): \(error)")
            }
            then()
        }
    }
}
