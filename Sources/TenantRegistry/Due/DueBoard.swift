import Synchronization

/// Which tenant's file is to be asked next, and when: what the scheduler sleeps by (0030). Any thread.
///
/// Invariant: a tenant stands here no later than its rows say, from the commit on that wrote them; earlier costs a look
/// at its file. 24 bytes a tenant: sixteen in its record, a reference in the heap. More is kept only of tenants that
/// have work which is late.
package final class DueBoard: Sendable {
    /// Work outside the files that was woken is asked for again after so long, whatever became of the call.
    package static let askAgainMilliseconds: Int64 = 60_000

    private struct State {
        /// By `next`, the earliest first.
        var heap: [TenantRecord] = []
        /// What was due when the file was last asked, and is not done: by kind, since when.
        var late: [TenantID: DueTimes] = [:]
        /// What the scheduler has, and since when it was due.
        var running: [TenantID: DueHour] = [:]
        var unsaved: [TenantID: TenantRecord] = [:]
        var works: [any OutboundWork] = []
        var alarm: (@Sendable () -> Void)?
        /// Until when the scheduler sleeps.
        var sleepsUntil = DueHour.never
    }

    private let state = Mutex(State())
    private let clock: any WallClock

    init(clock: any WallClock) { self.clock = clock }

    /// Work outside the files. Once, before anything is due.
    package func register(_ work: any OutboundWork) { state.withLock { $0.works.append(work) } }

    /// `alarm` is called when something falls due before the hour that `sleep(until:)` was last given. It must not
    /// block.
    package func attach(alarm: @escaping @Sendable () -> Void) { state.withLock { $0.alarm = alarm } }

    // MARK: What falls due

    /// A batch that committed wrote rows that fall due, or a file was opened and asked. On the lane's worker.
    func note(_ record: TenantRecord, _ times: [(DueKind, Int64)]) {
        let now = clock.now().milliseconds
        let (woken, alarm) = state.withLock { state in
            var woken: [any OutboundWork] = []
            var first = DueHour.never
            for (kind, at) in times {
                first = min(first, Self.hour(kind, at, now: now, in: state, waking: &woken))
            }
            return (woken, Self.lower(record, to: first, in: &state))
        }
        for work in woken { work.wake(record) }
        alarm?()
    }

    /// The tenant's file is to be asked now: what may happen in it has changed, or nobody knows what it holds.
    package func look(at record: TenantRecord) {
        let hour = DueHour(clock.now().milliseconds, nil)
        state.withLock { Self.lower(record, to: hour, in: &$0) }?()
    }

    /// The clock fell back from `before`: whoever was to be asked by then, or soon after, is asked now. Hours were put
    /// off by the time that it had come to, and rows may have been written by it.
    package func fallBack(from before: Timestamp) {
        let now = DueHour(clock.now().milliseconds, nil)
        let last = DueKind.delivery.latestTry(at: before).milliseconds
        state.withLock { state in
            for record in state.heap where record.due.hour.milliseconds <= last {
                _ = Self.lower(record, to: now, in: &state)
            }
        }
    }

    /// When a kind of work asks for the file: what is outside it and due now is woken, and asked for again later. What
    /// a clock that was ahead put off is for a turn.
    private static func hour(
        _ kind: DueKind, _ at: Int64, now: Int64, in state: borrowing State, waking woken: inout [any OutboundWork]
    ) -> DueHour {
        if at != DueTimes.never, at > kind.latestTry(at: Timestamp(milliseconds: now)).milliseconds {
            return DueHour(now, kind)
        }
        guard kind.isOutbound, at <= now else { return DueHour(at, kind) }
        // Where nobody does such work there is nothing to ask for.
        guard let work = state.works.first(where: { $0.kind == kind }) else { return .never }
        woken.append(work)
        return DueHour(now + askAgainMilliseconds, kind)
    }

    /// Returns whom to tell, where the scheduler sleeps past it.
    private static func lower(
        _ record: TenantRecord, to hour: DueHour, in state: inout State
    ) -> (@Sendable () -> Void)? {
        guard hour.packed < record.due.next.load(ordering: .relaxed) else { return nil }
        record.due.next.store(hour.packed, ordering: .relaxed)
        switch record.due.place.load(ordering: .relaxed) {
        case DueStand.running: return nil
        case DueStand.outside: insert(record, in: &state)
        case let place: rise(Int(place), in: &state.heap)
        }
        noteUnsaved(record, in: &state)
        guard hour < state.sleepsUntil else { return nil }
        state.sleepsUntil = hour
        return state.alarm
    }

    // MARK: The scheduler's side

    /// When the first file is to be asked; the scheduler sleeps until then, at the latest.
    package func sleep() -> Int64 {
        state.withLock { state in
            state.sleepsUntil = state.heap.first?.due.hour ?? .never
            return state.sleepsUntil.milliseconds
        }
    }

    /// Takes a tenant whose hour has come, the one that has waited longest; it is the caller's until it says `finish`,
    /// `postpone` or `close`.
    package func take(at now: Timestamp) -> (record: TenantRecord, hour: DueHour)? {
        state.withLock { state in
            guard let record = state.heap.first, record.due.hour.milliseconds <= now.milliseconds else { return nil }
            let hour = record.due.hour
            Self.remove(record, from: &state.heap)
            record.due.place.store(DueStand.running, ordering: .relaxed)
            record.due.next.store(DueHour.never.packed, ordering: .relaxed)
            state.running[record.id] = hour
            return (record, hour)
        }
    }

    /// The file was asked, and nothing in it is left to do now. What lies outside it and is due is woken. `putOff`:
    /// kinds that are due and wait until then, since they failed. The registry is not told, so that a restart asks at
    /// once.
    package func finish(_ record: TenantRecord, _ times: DueTimes, putOff: DueTimes = DueTimes()) {
        let now = clock.now().milliseconds
        let woken = state.withLock { state in
            var woken: [any OutboundWork] = []
            var first = DueHour.never
            var late = DueTimes()
            for kind in DueKind.allCases where times[kind] != DueTimes.never {
                if times[kind] <= now { late[kind] = times[kind] }
                let isPutOff = putOff[kind] != DueTimes.never
                let at = isPutOff ? putOff[kind] : times[kind]
                first = min(first, Self.hour(kind, at, now: now, in: state, waking: &woken))
            }
            state.late[record.id] = late.first == nil ? nil : late
            Self.putBack(record, first, in: &state, isSaved: putOff.first == nil)
            return woken
        }
        for work in woken { work.wake(record) }
    }

    /// The file could not be asked, or work of it failed: again then.
    package func postpone(_ record: TenantRecord, until: Timestamp, kind: DueKind?) {
        state.withLock { state in
            if let kind, let since = state.running[record.id] {
                var late = state.late[record.id] ?? DueTimes()
                late[kind] = min(late[kind], since.milliseconds)
                state.late[record.id] = late
            }
            Self.putBack(record, DueHour(until.milliseconds, kind), in: &state, isSaved: false)
        }
    }

    /// The file was asked, and nothing may happen in it until `look(at:)` says so: it is suspended, or another's. What
    /// was said meanwhile stands. The registry's row stays.
    package func close(_ record: TenantRecord) {
        state.withLock { state in
            state.late[record.id] = nil
            Self.putBack(record, .never, in: &state, isSaved: false)
            if record.due.hour.isNever { state.unsaved[record.id] = nil }
        }
    }

    /// Nothing falls due in it any more, whatever was said: it is gone, or another's.
    package func drop(_ record: TenantRecord) {
        state.withLock { state in
            state.running[record.id] = nil
            state.late[record.id] = nil
            state.unsaved[record.id] = nil
            if record.due.place.load(ordering: .relaxed) >= 0 { Self.remove(record, from: &state.heap) }
            record.due.place.store(DueStand.outside, ordering: .relaxed)
            record.due.next.store(DueHour.never.packed, ordering: .relaxed)
        }
    }

    private static func putBack(_ record: TenantRecord, _ hour: DueHour, in state: inout State, isSaved: Bool) {
        state.running[record.id] = nil
        guard record.due.place.load(ordering: .relaxed) == DueStand.running else { return }
        // What committed while it was asked may not have been seen.
        let first = min(hour, record.due.hour)
        record.due.next.store(first.packed, ordering: .relaxed)
        record.due.place.store(DueStand.outside, ordering: .relaxed)
        if !first.isNever { insert(record, in: &state) }
        if isSaved { noteUnsaved(record, in: &state, wasReached: true) }
    }

    // MARK: Kept in the registry

    /// For a tenant that the registry has a row of: at start, and where it is taken over. What was known before does
    /// not count.
    func restore(_ record: TenantRecord, _ at: Timestamp?) {
        drop(record)
        let hour = at.map { DueHour($0.milliseconds, nil) } ?? .never
        state.withLock { state in
            record.due.saved.store(hour.savedForm, ordering: .relaxed)
            record.due.next.store(hour.packed, ordering: .relaxed)
            if !hour.isNever { Self.insert(record, in: &state) }
        }
    }

    /// A row is written where it would be too late, and where it is reached: too early costs a look after a restart.
    private static func noteUnsaved(_ record: TenantRecord, in state: inout State, wasReached: Bool = false) {
        let (is_, was) = (record.due.hour.savedForm, record.due.saved.load(ordering: .relaxed))
        if is_ < was || wasReached && is_ != was { state.unsaved[record.id] = record }
    }

    /// What the registry does not know yet; `didSave` says what became of it.
    func takeUnsaved() -> [(record: TenantRecord, hour: DueHour)] {
        state.withLock { state in
            var rows: [(record: TenantRecord, hour: DueHour)] = []
            var running: [TenantID: TenantRecord] = [:]
            for (id, record) in state.unsaved {
                if record.due.place.load(ordering: .relaxed) == DueStand.running {
                    running[id] = record
                    continue
                }
                // What failed, or waits outside the file, is due all the same: a restart asks at once.
                let late = state.late[id]?.first.map { DueHour($0.at, $0.kind) } ?? .never
                rows.append((record, min(record.due.hour, late)))
            }
            state.unsaved = running
            return rows
        }
    }

    func didSave(_ rows: [(record: TenantRecord, hour: DueHour)], _ succeeded: Bool) {
        state.withLock { state in
            for (record, hour) in rows {
                if succeeded {
                    record.due.saved.store(hour.savedForm, ordering: .relaxed)
                } else {
                    state.unsaved[record.id] = record
                }
            }
        }
    }

    // MARK: For metrics

    package var tenantCount: Int { state.withLock { $0.heap.count + $0.running.count } }

    /// Whether anything is due that is not done.
    package func hasWork(at now: Timestamp) -> Bool {
        state.withLock { state in
            !state.running.isEmpty || state.heap.first.map { $0.due.hour.milliseconds <= now.milliseconds } ?? false
        }
    }

    /// By tenant, what has waited longest of what was due when its file was last asked.
    package var lateWork: [TenantID: (kind: DueKind, at: Int64)] {
        state.withLock { $0.late.compactMapValues(\.first) }
    }

    /// Since when a tenant's oldest work of a kind waits; nil where none was late when its file was last asked.
    package func late(_ kind: DueKind, of tenant: TenantID) -> Timestamp? {
        let at = state.withLock { $0.late[tenant]?[kind] } ?? DueTimes.never
        return at == DueTimes.never ? nil : Timestamp(milliseconds: at)
    }

    /// By kind, since when the oldest work waits that was due at `now`; under nil that of files that are yet to be
    /// asked. Looks at the late ones alone.
    package func oldest(at now: Timestamp) -> [DueKind?: Int64] {
        state.withLock { state in
            var oldest: [DueKind?: Int64] = [:]
            func note(_ kind: DueKind?, _ at: Int64) { oldest[kind] = min(oldest[kind] ?? .max, at) }
            var places = [0]
            while let place = places.popLast() {
                guard place < state.heap.count else { continue }
                let hour = state.heap[place].due.hour
                guard hour.milliseconds <= now.milliseconds else { continue }
                note(hour.kind, hour.milliseconds)
                places += [2 * place + 1, 2 * place + 2]
            }
            for hour in state.running.values { note(hour.kind, hour.milliseconds) }
            for late in state.late.values {
                for kind in DueKind.allCases where late[kind] != DueTimes.never { note(kind, late[kind]) }
            }
            return oldest
        }
    }

    // MARK: The heap

    private static func insert(_ record: TenantRecord, in state: inout State) {
        state.heap.append(record)
        record.due.place.store(Int32(state.heap.count - 1), ordering: .relaxed)
        rise(state.heap.count - 1, in: &state.heap)
    }

    private static func remove(_ record: TenantRecord, from heap: inout [TenantRecord]) {
        let place = Int(record.due.place.load(ordering: .relaxed))
        record.due.place.store(DueStand.outside, ordering: .relaxed)
        guard let last = heap.popLast(), last !== record else { return }
        put(last, at: place, in: &heap)
        rise(place, in: &heap)
        sink(Int(last.due.place.load(ordering: .relaxed)), in: &heap)
    }

    private static func put(_ record: TenantRecord, at place: Int, in heap: inout [TenantRecord]) {
        heap[place] = record
        record.due.place.store(Int32(place), ordering: .relaxed)
    }

    private static func rise(_ start: Int, in heap: inout [TenantRecord]) {
        let record = heap[start]
        var place = start
        while place > 0 {
            let above = heap[(place - 1) / 2]
            guard record.due.hour < above.due.hour else { break }
            put(above, at: place, in: &heap)
            place = (place - 1) / 2
        }
        put(record, at: place, in: &heap)
    }

    private static func sink(_ start: Int, in heap: inout [TenantRecord]) {
        let record = heap[start]
        var place = start
        while true {
            var below = 2 * place + 1
            guard below < heap.count else { break }
            if below + 1 < heap.count, heap[below + 1].due.hour < heap[below].due.hour { below += 1 }
            guard heap[below].due.hour < record.due.hour else { break }
            put(heap[below], at: place, in: &heap)
            place = below
        }
        put(record, at: place, in: &heap)
    }
}

extension DueStand {
    var hour: DueHour { DueHour.read(next.load(ordering: .relaxed)) }
}
