import Synchronization

/// Tenants whose files lie whole on the disk, and since when nobody has used each: what is packed next. Any thread.
///
/// Invariant: a tenant whose file was opened since it was last packed stands here.
final class RestingFiles: Sendable {
    private struct Stand {
        let record: TenantRecord
        /// The lane's, when it was last looked at.
        var used: UInt64
        var since: UInt64
    }

    private struct State {
        var stands: [TenantID: Stand] = [:]
        var isBusy = false
    }

    private let state = Mutex(State())
    private let pace: CopyPace

    init(_ pace: CopyPace) { self.pace = pace }

    /// Whether the lanes have other work.
    var isBusyElsewhere: Bool { pace.rest() > 0 }

    func take(_ record: TenantRecord, now: UInt64) {
        state.withLock { state in
            if state.stands[record.id] == nil {
                state.stands[record.id] = Stand(record: record, used: 0, since: now)
            }
        }
    }

    func drop(_ id: TenantID) { _ = state.withLock { $0.stands.removeValue(forKey: id) } }

    /// False while another round is under way.
    func begin() -> Bool {
        state.withLock { state in
            defer { state.isBusy = true }
            return !state.isBusy
        }
    }

    func end() { state.withLock { $0.isBusy = false } }

    /// Those that nobody has used for so long, and the longest unused of more than `filesMax`; `atOnceMax` of each.
    func due(now: UInt64, idleNanoseconds: UInt64, filesMax: Int, atOnceMax: Int) -> [TenantRecord] {
        state.withLock { state in
            var idle: [(record: TenantRecord, since: UInt64)] = []
            for (id, stand) in state.stands {
                let used = stand.record.lane.lastUsed.load(ordering: .relaxed)
                if used != stand.used {
                    state.stands[id]?.used = used
                    state.stands[id]?.since = now
                } else {
                    idle.append((stand.record, stand.since))
                }
            }
            idle.sort { $0.since < $1.since }
            let surplus = min(max(state.stands.count - filesMax, 0), atOnceMax)
            let rested = min(idle.count { now &- $0.since >= idleNanoseconds }, atOnceMax)
            return idle.prefix(max(surplus, rested)).map(\.record)
        }
    }
}
