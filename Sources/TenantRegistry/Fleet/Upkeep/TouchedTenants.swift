import Synchronization

/// Tenants that had a call of late: what the clock looks at each second, so that the others cost nothing. Any thread.
///
/// Invariant: a tenant of this node with records that wait, or whose limits were drawn on since the last round, stands
/// here.
final class TouchedTenants: Sendable {
    private let records = Mutex<[TenantRecord]>([])

    /// Once, until a round lets it go.
    func take(_ record: TenantRecord) {
        guard !record.isTouched.exchange(true, ordering: .acquiringAndReleasing) else { return }
        records.withLock { $0.append(record) }
    }

    /// All that stand here; those that nothing keeps go. One that is touched meanwhile stays, or comes again.
    func round(keeping isKept: (TenantRecord) -> Bool) -> [TenantRecord] {
        let all = records.withLock { records in
            defer { records = [] }
            return records
        }
        var kept: [TenantRecord] = []
        for record in all {
            if isKept(record) {
                kept.append(record)
                continue
            }
            record.isTouched.store(false, ordering: .sequentiallyConsistent)
            // Between the two looks something may have come that touched it in vain.
            if isKept(record) { take(record) }
        }
        records.withLock { $0 += kept }
        return all
    }
}
