import CallKit
import HTTPCore
import TenantRegistry

/// What is the matter with a tenant, as the node knows it without opening its file: for whoever runs it. A value.
struct TenantMatters: Sendable {
    enum Severity: String, CaseIterable, Comparable {
        /// Its customers feel it.
        case bad
        /// They will, or somebody has decided it so.
        case warn

        static func < (left: Severity, right: Severity) -> Bool { left == .bad && right == .warn }
    }

    struct Matter: Sendable {
        let code: String
        let level: Severity
        /// A sentence for people.
        let detail: String
    }

    let record: TenantRecord
    let state: String
    private(set) var matters: [Matter] = []

    /// Work that is late by more than this is told.
    private static let lateMilliseconds: Int64 = 60_000
    private static let veryLateMilliseconds: Int64 = 3_600_000
    /// An end that comes within so many days is told.
    private static let soonDays: Int64 = 14
    /// Fewer calls say nothing about how many are refused.
    private static let callsMin = 20

    /// `late`: since when its oldest work waits that is due.
    /// `archiveFault`: why it did not come back from the archive.
    init(
        _ record: TenantRecord, state: String, late: (kind: DueKind, at: Int64)?, archiveFault: String? = nil,
        at now: Timestamp
    ) {
        self.record = record
        self.state = state
        lookAtTraffic(now)
        for (kind, level) in record.quotaLevels(at: now).sorted(by: { $0.kind.rawValue < $1.kind.rawValue }) {
            if level >= 100 {
                add("quota_full", .bad, "The quota of \(kind.rawValue) is used up.")
            } else if level > 0 {
                add("quota_warning", .warn, "Four fifths of the quota of \(kind.rawValue) are used.")
            }
        }
        if let late, now.milliseconds - late.at > Self.lateMilliseconds {
            let waits = now.milliseconds - late.at
            add(
                "work_late", waits > Self.veryLateMilliseconds ? .bad : .warn,
                "\(late.kind.name.capitalized) work has waited for \(waits / 60_000) minutes.")
        }
        lookAtEnds(now)
        if archiveFault != nil {
            add("archive_not_sound", .bad, "It did not come back whole from the archive; it is copied anew.")
        }
    }

    /// The worst of them; nil where nothing is the matter.
    var level: Severity? { matters.map(\.level).min() }

    private mutating func add(_ code: String, _ level: Severity, _ detail: String) {
        matters.append(Matter(code: code, level: level, detail: detail))
    }

    private mutating func lookAtTraffic(_ now: Timestamp) {
        // The hour that runs, and the one before it.
        let hours = record.traffic.day(at: now).suffix(2)
        let (answered, refused, failed) = hours.reduce((0, 0, 0)) { sum, hour in
            (sum.0 + hour.answered, sum.1 + hour.refused, sum.2 + hour.failed)
        }
        if failed > 0 { add("calls_failed", .bad, "\(failed) calls failed in the last two hours.") }
        let all = answered + refused + failed
        if all >= Self.callsMin, refused * 2 > all {
            add("calls_refused", .warn, "\(refused) of \(all) calls were refused in the last two hours.")
        }
    }

    private mutating func lookAtEnds(_ now: Timestamp) {
        let profile = record.profile
        switch state {
        case TenantState.suspended.name:
            add("suspended", .warn, "Every call is refused, and nothing is charged or sent.")
        case TenantState.moved.name where profile.move?.confirmedAt == nil:
            add("move_unconfirmed", .warn, "It is sealed for a move that is not confirmed.")
        default: break
        }
        if let end = profile.endsAt, profile.endedAt == nil, end <= now.adding(days: Self.soonDays), end > now {
            add("ends_soon", .warn, "It is cancelled, and ends on \(end.text.prefix(10)).")
        }
        if let end = profile.deletesAt { add("deletes_soon", .warn, "It is erased on \(end.text.prefix(10)).") }
    }
}
