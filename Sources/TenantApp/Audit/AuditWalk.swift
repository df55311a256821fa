package import CallKit
package import TenantRegistry

/// One record of the log with its place.
package struct AuditEntry: Sendable {
    package let place: AuditPlace
    package let record: AuditRecord
}

extension AuditEntry {
    package var order: AuditOrder { AuditOrder(at: record.at, place: place) }
}

/// Walks down the audit log, newest first by when a call came, rows and opened blocks as one list (O6).
///
/// Each step reads a bounded stretch on the lane and opens its blocks off it, so that no walk, however long the log,
/// holds a lane. What was read waits until nothing below it came later. A value that moves on.
package struct AuditWalk: Sendable {
    private let steps: Steps
    private let filter: AuditFilter
    /// Everything from this on has been given; nil: nothing has.
    private let given: AuditOrder?
    /// The highest row that has not been read; nil where all have been.
    private var row: Int64?
    /// Read and not given yet, the newest last.
    private var waiting: [AuditEntry] = []
    private var latestBelow: Timestamp?
    /// How many blocks have been opened.
    package private(set) var blocksOpened = 0
    /// Names of all that has been met so far.
    package private(set) var names = AuditNames()

    package var isAtEnd: Bool { row == nil && waiting.isEmpty }
    /// Behind which the walk goes on where all that was found above has been given.
    package var place: AuditPlace { .below(row ?? 0) }
    package var hasWaiting: Bool { !waiting.isEmpty }

    /// Behind `place`, or from the newest.
    package init(_ steps: Steps, filter: AuditFilter, behind place: AuditPlace?) async throws {
        self.steps = steps
        self.filter = filter
        guard let place else {
            given = nil
            row = if let end = filter.to { try await Self.newest(before: end, steps) } else { Int64.max }
            return
        }
        let resumption = place.isBelow ? nil : try await steps.read { try $0.auditResumption(behind: place) }
        given = resumption?.order
        row = resumption?.row ?? (place.isBelow ? place.sequence : place.sequence - 1)
    }

    /// The highest row that tells of a call before `end`; what came later is passed over, not searched.
    private static func newest(before end: Timestamp, _ steps: Steps) async throws -> Int64? {
        var top = try await steps.read { reader in
            try reader.auditRow(since: end.adding(days: TenantReader.auditDisorderDays))
        }
        while top > 0 {
            let high = top
            if let row = try await steps.read({ try $0.auditRow(from: high, before: end) }) { return row }
            top -= TenantReader.auditPassedRowsMax
        }
        return nil
    }

    /// The next entries, at most `entriesMax`, newest first; perhaps none before the end. Not to be called at the end.
    package mutating func next(_ entriesMax: Int) async throws -> [AuditEntry] {
        if !isDue, let from = row {
            let filter = filter
            let stretch = try await steps.read { try $0.auditStretch(from: from, filter) }
            let walk = self
            waiting = try await steps.background { walk.merging(stretch) }
            blocksOpened += stretch.rows.count { if case .block = $0 { true } else { false } }
            row = stretch.next
            latestBelow = stretch.latestBelow
        }
        var count = 0
        while count < min(entriesMax, waiting.count), isOver(waiting[waiting.count - 1 - count]) { count += 1 }
        return try await give(count)
    }

    /// What waits, whatever came later and stands below: for a page that ends before that is known.
    package mutating func rest(_ entriesMax: Int) async throws -> [AuditEntry] {
        try await give(min(entriesMax, waiting.count))
    }

    private var isDue: Bool { waiting.last.map(isOver) ?? false }

    /// Nothing that is still to be read came later. Of calls of one moment the higher row is first.
    private func isOver(_ entry: AuditEntry) -> Bool {
        row == nil || latestBelow.map { entry.record.at >= $0 } ?? true
    }

    private mutating func give(_ count: Int) async throws -> [AuditEntry] {
        let entries = Array(waiting.suffix(count).reversed())
        waiting.removeLast(count)
        try await name(entries)
        return entries
    }

    /// What waits, with what a stretch holds besides.
    private func merging(_ stretch: AuditStretch) -> [AuditEntry] {
        var found = waiting
        for row in stretch.rows {
            found += Self.opened(row).filter { entry in
                (given.map { entry.order < $0 } ?? true) && filter.matches(entry.record)
            }
        }
        return found.sorted { $0.order < $1.order }
    }

    private static func opened(_ row: AuditRow) -> [AuditEntry] {
        switch row {
        case .record(let sequence, let record):
            return [AuditEntry(place: AuditPlace(sequence: sequence, index: 0), record: record)]
        case .block(let sequence, let payload):
            // A block that cannot be opened is `verify`'s to report; the rest of the log is still worth reading.
            let records = AuditPacking.records(of: payload) ?? []
            return records.enumerated().map { index, record in
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
