/// Deletions that were put off (P10): the clock erases what is due. Memory has their times, as the registry's rows do.
extension Fleet {
    /// Memory follows the tenant's row.
    func noteDeletion(of record: TenantRecord) {
        let at = record.profile.deletesAt
        deletions.withLock { $0[record.id] = at }
    }

    /// Each second. A clock that nobody believes erases nothing.
    func deleteDue(at now: Timestamp) {
        guard clockGuard.believes(now, steady: monotonic.nanoseconds()) else { return }
        let due = deletions.withLock { deletions in
            let due = deletions.filter { $0.value <= now }.map(\.key)
            for id in due { deletions[id] = nil }
            return due
        }
        for record in due.compactMap({ roster.tenant(id: $0) }) {
            delete(
                record, as: ownAct("tenant.deleting"),
                where: { profile in
                    guard let at = profile.deletesAt, at <= now else { throw RegistryRefusal.notAllowed(NotDue()) }
                }
            ) { [self] result in
                switch result {
                case .success, .failure(RegistryRefusal.notAllowed), .failure(RegistryRefusal.unknownTenant): break
                case .failure(let error):
                    report("tenant \(record.id.text): its deletion is due and not done yet: \(error)")
                    noteDeletion(of: record)
                }
            }
        }
    }

    /// It was taken back, or put off again, in between.
    private struct NotDue: Error {}
}
