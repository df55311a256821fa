package import CallKit
package import TenantRegistry

/// One record of the log with its place.
package struct AuditEntry: Sendable {
    package let place: AuditPlace
    package let record: AuditRecord
}

/// Walks down the audit log, newest first, rows and opened blocks as one list (O6).
///
/// Each step reads a bounded stretch on the lane and opens its blocks off it, so that no walk, however long the log,
/// holds a lane. A value that moves on.
package struct AuditWalk: Sendable {
    private let steps: Steps
    private let filter: AuditFilter
    /// Everything before this is still to come.
    package private(set) var place: AuditPlace
    package private(set) var isAtEnd = false
    /// Names of all that has been met so far.
    package private(set) var names = AuditNames()

    package init(_ steps: Steps, filter: AuditFilter, before place: AuditPlace) {
        self.steps = steps
        self.filter = filter
        self.place = place
    }

    /// The next entries, at most `entriesMax`, newest first; perhaps none before the end. Not to be called at the end.
    package mutating func next(_ entriesMax: Int) async throws -> [AuditEntry] {
        let (walk, filter, from) = (self, filter, place.index > 0 ? place.sequence : place.sequence - 1)
        let stretch = try await steps.read { try $0.auditStretch(from: from, filter) }
        let (entries, next) = try await steps.background { walk.taking(stretch, entriesMax) }
        if let next { place = next } else { isAtEnd = true }
        try await name(entries)
        return entries
    }

    /// Opens what was read: the entries, and the place behind which the rest is; nil at the end.
    private func taking(_ stretch: AuditStretch, _ entriesMax: Int) -> ([AuditEntry], AuditPlace?) {
        var entries: [AuditEntry] = []
        for row in stretch.rows {
            for entry in Self.opened(row) where entry.place < place && filter.matches(entry.record) {
                if entries.count == entriesMax { return (entries, entries[entriesMax - 1].place) }
                entries.append(entry)
            }
        }
        return (entries, stretch.next.map { AuditPlace(sequence: $0 + 1, index: 0) })
    }

    private static func opened(_ row: AuditRow) -> [AuditEntry] {
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

    private mutating func name(_ entries: [AuditEntry]) async throws {
        let wanted = names.missing(in: entries)
        if wanted.keys.isEmpty && wanted.resellers.isEmpty && wanted.accounts.isEmpty { return }
        let known = names
        names = try await steps.read { reader in
            var names = known
            try reader.auditNames(
                keys: wanted.keys, resellers: wanted.resellers, accounts: wanted.accounts, adding: &names)
            return names
        }
    }
}
