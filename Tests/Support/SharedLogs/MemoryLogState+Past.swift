import TenantRegistry

/// Moments that have passed, and what goes once none of them needs it (B2).
extension MemoryLogState {
    func tails(of node: NodeName) -> [SharedTail] {
        let now = clock.now()
        return tenants.compactMap { id, tenant in
            let newest = tenant.snapshots.filter(\.isWhole).max { $0.sequence < $1.sequence }
            guard tenant.head.owner == node || id == .registry, let newest, tenant.head.sequence > newest.sequence
            else { return nil }
            return SharedTail(
                tenant: id, records: tenant.head.sequence - newest.sequence,
                ageSeconds: (now.milliseconds - newest.at.milliseconds) / 1_000)
        }
    }

    func past(of id: TenantID, at moment: Timestamp) throws(SharedLogError) -> SharedPast {
        guard let tenant = tenants[id] else { throw .unknown }
        let now = clock.now()
        if moment > now { return .ahead }
        let whole = tenant.snapshots.filter(\.isWhole).sorted { $0.sequence < $1.sequence }
        // The records of the first may be gone.
        let first = whole.first.map(\.sequence) ?? 0
        let behind = tenant.records.filter { $0.key > first && $0.value.at > moment }.min { $0.key < $1.key }
        let last = behind.map { $0.key - 1 } ?? tenant.head.sequence
        guard whole.contains(where: { $0.sequence <= last && ($0.sequence > first || $0.at <= moment) }) else {
            return .begins(whole.first?.at)
        }
        if let time = behind?.value.at {
            let isMended = tenant.records.contains { $0.key > last && $0.value.at < time }
            if isMended || time > now.adding(seconds: 60) { return .leapt }
        }
        guard let chain = chain(of: id, at: last) else { throw .damaged("record \(last) is missing") }
        return .upTo(SharedPlace(sequence: last, chain: chain))
    }

    mutating func trim(_ id: TenantID, before oldest: UInt64, keepingDays days: Int64) {
        guard let tenant = tenants[id] else { return }
        let whole = tenant.snapshots.filter(\.isWhole).sorted { $0.sequence < $1.sequence }
        guard whole.contains(where: { $0.sequence >= oldest }) else { return }
        let bound = clock.now().adding(days: -days)
        let wanted = whole.last { days == 0 || $0.at < bound }?.sequence ?? 0
        guard let floor = whole.first(where: { $0.sequence >= min(oldest, wanted) })?.sequence else { return }
        var seen: Set<Int64> = []
        var kept: Set<Int> = []
        for snapshot in whole where snapshot.sequence >= floor {
            let isFirst = seen.insert(snapshot.at.milliseconds / Timestamp.millisecondsPerDay).inserted
            let isReset = tenant.records[snapshot.sequence]?.isReset ?? false
            if isFirst || isReset || snapshot.sequence >= oldest { kept.insert(snapshot.number) }
        }
        tenants[id]?.snapshots = tenant.snapshots.filter { !$0.isWhole || kept.contains($0.number) }
        tenants[id]?.records = tenant.records.filter { $0.key > floor }
    }
}
