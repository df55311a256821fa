import CallKit
package import TenantRegistry

/// One record of the log with its place.
package struct AuditEntry: Sendable {
    package let place: AuditPlace
    package let record: AuditRecord
}

/// Walks down the audit log, newest first, rows and opened blocks as one list (O6).
///
/// Each step reads a bounded stretch on the lane and opens its blocks off it, so that no walk, however long the log,
/// holds a lane. `@unchecked Sendable`: one step runs at a time; whichever thread runs the step owns the place and the
/// names.
package final class AuditWalk: @unchecked Sendable {
    package struct Step: Sendable {
        /// Newest first; may be empty before the end.
        package let entries: [AuditEntry]
        package let names: AuditNames
    }

    private let tenant: TenantRecord
    private let background: BackgroundPool
    private let filter: AuditFilter
    /// Everything before this is still to come.
    package private(set) var place: AuditPlace
    package private(set) var isAtEnd = false
    private var names = AuditNames()

    package init(_ tenant: TenantRecord, _ background: BackgroundPool, filter: AuditFilter, before place: AuditPlace) {
        self.tenant = tenant
        self.background = background
        self.filter = filter
        self.place = place
    }

    /// The next entries, at most `entriesMax`. `then` comes on the background pool. Not to be called at the end.
    package func next(_ entriesMax: Int, then: @escaping @Sendable (Result<Step, any Error>) -> Void) {
        let (filter, from) = (filter, place.index > 0 ? place.sequence : place.sequence - 1)
        onLane(
            { reader in try reader.auditStretch(from: from, filter) },
            then: { [self] result in
                switch result {
                case .success(let stretch): name(take(stretch, entriesMax), then)
                case .failure(let error): then(.failure(error))
                }
            })
    }

    /// Opens what was read, and moves on past what is taken.
    private func take(_ stretch: AuditStretch, _ entriesMax: Int) -> [AuditEntry] {
        var entries: [AuditEntry] = []
        for row in stretch.rows {
            for entry in opened(row) where entry.place < place && filter.matches(entry.record) {
                if entries.count == entriesMax {
                    place = entries[entriesMax - 1].place
                    return entries
                }
                entries.append(entry)
            }
        }
        if let next = stretch.next { place = AuditPlace(sequence: next + 1, index: 0) } else { isAtEnd = true }
        return entries
    }

    private func opened(_ row: AuditRow) -> [AuditEntry] {
        switch row {
        case .record(let sequence, let record):
            return [AuditEntry(place: AuditPlace(sequence: sequence, index: 0), record: record)]
        case .block(let sequence, let payload):
            // A block that cannot be opened is `verify`'s to report; the rest of the log is still worth reading.
            let records = AuditPacking.records(of: payload) ?? []
            return records.enumerated().reversed().map { index, record in
                AuditEntry(place: AuditPlace(sequence: sequence, index: index), record: record)
            }
        }
    }

    private func name(_ entries: [AuditEntry], _ then: @escaping @Sendable (Result<Step, any Error>) -> Void) {
        let wanted = names.missing(in: entries)
        if wanted.keys.isEmpty && wanted.resellers.isEmpty && wanted.accounts.isEmpty {
            return then(.success(Step(entries: entries, names: names)))
        }
        let known = names
        onLane(
            { reader in
                var names = known
                try reader.auditNames(
                    keys: wanted.keys, resellers: wanted.resellers, accounts: wanted.accounts, adding: &names)
                return names
            },
            then: { [self] result in
                then(
                    result.map { found in
                        names = found
                        return Step(entries: entries, names: found)
                    })
            })
    }

    /// Reads on the lane, goes on in the background pool.
    private func onLane<Value: Sendable>(
        _ read: @escaping @Sendable (TenantReader) throws -> Value,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        let background = background
        tenant.lane.submit(
            LaneJob(
                writes: false,
                perform: { store in
                    let value = try read(store.reader)
                    return { _ in
                        if !background.submit({ then(.success(value)) }) { then(.failure(LaneFailure.tooManyWaiting)) }
                    }
                },
                fail: { then(.failure($0)) }))
    }
}
