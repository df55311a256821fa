import Synchronization
import TenantRegistry

/// One job of the scheduler's on a tenant's lane: asks what is due, and does some of it. Like any call's job it is part
/// of a batch, and calls that wait go before the next turn.
///
/// A value; `submit` from the scheduler's thread.
struct DueTurn: Sendable {
    let fleet: Fleet
    let record: TenantRecord
    /// What may be run now: kinds that failed a moment ago wait.
    let kinds: [DueKind]
    /// Items at the most, by kind.
    let limits: [DueKind: Int]

    enum End: Sendable {
        /// What the file said then; `ran`: the one kind that was run, how many items it did, in which time.
        case asked(DueTimes, at: Timestamp, ran: (kind: DueKind, items: Int, microseconds: UInt64)?)
        /// Nothing may happen in this tenant now (P3).
        case closed
        /// Nothing of it was done; `kind`: what was being run.
        case failed(LaneFailure, kind: DueKind?)
    }

    func submit(then: @escaping @Sendable (End) -> Void) {
        // A failure comes apart from the job; it is told what the job was at.
        let note = Attempt()
        record.lane.submit(
            LaneJob(
                writes: true, perform: { store in try perform(store, note, then) },
                fail: { failure in then(.failed(failure, kind: note.kind)) }))
    }

    private final class Attempt: Sendable {
        private let value = Atomic<Int>(-1)

        var kind: DueKind? { DueKind(rawValue: value.load(ordering: .relaxed)) }

        func begin(_ kind: DueKind?) { value.store(kind?.rawValue ?? -1, ordering: .relaxed) }
    }

    private func perform(
        _ store: TenantStore, _ attempt: Attempt, _ then: @escaping @Sendable (End) -> Void
    ) throws -> LaneJob<TenantStore>.Completion {
        attempt.begin(nil)
        // The job's own instant: what is due by it is what is done by it.
        let now = store.reader.now
        // Judged where the effect is: a suspension that was answered waited for this lane.
        guard record.access(at: now) == .open else { return { _ in then(.closed) } }
        var times = fleet.dueTimes(record, store.reader)
        guard let kind = times.turn(of: kinds, at: now) else {
            let asked = times
            return { _ in then(.asked(asked, at: now, ran: nil)) }
        }
        attempt.begin(kind)
        let began = fleet.monotonic.nanoseconds()
        let items = try fleet.schema.due.run(store.transaction, kind, limits[kind] ?? 1)
        times[kind] = try fleet.schema.due.next(store.reader, kind)?.milliseconds ?? DueTimes.never
        let microseconds = (fleet.monotonic.nanoseconds() - began) / 1_000
        let asked = times
        return { _ in then(.asked(asked, at: now, ran: (kind, items, microseconds))) }
    }
}
