import Cryptography
import Glibc
import Synchronization

extension NodeLog {
    /// Up to where everything is on the disk.
    package var durable: UInt64 { durableNow.load(ordering: .acquiring) }
    /// The end of the last record that was appended.
    package var end: UInt64 { endNow.load(ordering: .acquiring) }
    /// Asked before a batch begins, so that what it wants to append finds room.
    package var room: LogRoom { LogRoom(rawValue: roomNow.load(ordering: .relaxed)) ?? .open }
    package var identity: LogID { locked { $0.log } }

    /// Takes a tenant's record over. Gives the LSN of its end, which is durable later; all are in the order in which
    /// they were appended. Waits for nothing, but for a commit of many segments, until there are so many. `behind`: the
    /// file's record before it; where that became void, this one is refused.
    package func append(
        _ payload: UnsafeRawBufferPointer, kind: RecordKind = .commit, tenant: TenantID, incarnation: Int64,
        behind last: UInt64 = 0
    ) throws(LogRefused) -> UInt64 {
        precondition(kind == .commit || kind == .opened, "the other kinds are the log's own")
        if payload.count > partBytes {
            return try appendParts(payload, kind: kind, tenant: tenant, incarnation: incarnation, behind: last)
        }
        let digest = SHA256.hash(payload)
        let now = clock.now()
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        try makeRoom(payload.count)
        if state.isVoid(last) { throw .failed }
        let (tail, flags) = state.beginRecord(of: tenant, at: now)
        let start = state.put(payload, digest, kind: kind, flags: flags, tail: tail, incarnation: incarnation)
        state.count(start)
        state.endRecord(tail, from: start)
        appended()
        return state.end
    }

    /// A record of more than one frame, all of them one behind the other.
    private func appendParts(
        _ payload: UnsafeRawBufferPointer, kind: RecordKind, tenant: TenantID, incarnation: Int64, behind last: UInt64
    ) throws(LogRefused) -> UInt64 {
        let parts = stride(from: 0, to: payload.count, by: partBytes).map { start in
            UnsafeRawBufferPointer(rebasing: payload[start..<min(start + partBytes, payload.count)])
        }
        let digests = parts.map { SHA256.hash($0) }
        let now = clock.now()
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        try makeRoom(payload.count)
        if state.isVoid(last) { throw .failed }
        let (tail, flags) = state.beginRecord(of: tenant, at: now)
        var begin: UInt64?
        for (number, part) in parts.enumerated() {
            let start = state.put(
                part, digests[number], kind: number == parts.count - 1 ? kind : .part,
                flags: flags | (number == 0 ? 0 : LogFrame.continuesPart), tail: tail, incarnation: incarnation)
            // Before the next segment says what it needs of this one.
            if begin == nil { state.count(start) }
            begin = begin ?? start
        }
        state.endRecord(tail, from: begin ?? state.end)
        appended()
        return state.end
    }

    var partBytes: Int { LogFrame.partBytes(settings.segmentBytes) }

    /// So many tenants are told of in one frame.
    private var marksMax: Int { min(1_024, settings.segmentBytes / 512) }

    /// The tenants' files have everything up to these LSNs, synced: replay begins there, and older records of theirs
    /// may go. Gives the LSN of the record that says so, for who has to wait for it.
    @discardableResult
    package func setMarks(_ marks: [(tenant: TenantID, lsn: UInt64)]) throws(LogRefused) -> UInt64 {
        let now = clock.now()
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        for start in stride(from: 0, to: marks.count, by: marksMax) {
            try appendMarks(marks[start..<min(start + marksMax, marks.count)], at: now)
        }
        keeperWoken.wake()
        return state.end
    }

    /// Under the lock.
    func appendMarks(
        _ marks: ArraySlice<(tenant: TenantID, lsn: UInt64)>, at now: Timestamp
    ) throws(LogRefused) {
        var payload = [UInt8](repeating: 0, count: marks.count * LogMark.bytes)
        try makeRoom(payload.count, tenants: marks.count)
        for (place, mark) in marks.enumerated() {
            precondition(mark.lsn <= state.durable, "a file has nothing that the log has not")
            payload.withUnsafeMutableBytes { LogMark(tenant: mark.tenant, lsn: mark.lsn).write(to: $0, place) }
        }
        state.moveClock(now)
        payload.withUnsafeBytes { bytes in
            _ = state.put(bytes, SHA256.hash(bytes), kind: .marks, tenants: marks.count)
        }
        for mark in marks {
            let number = state.tails.number(of: mark.tenant)
            state.index.note(state.slot(of: number), mark: mark.lsn)
            state.mark(number, mark.lsn)
        }
        appended()
    }

    package func setMark(_ tenant: TenantID, _ lsn: UInt64) throws(LogRefused) -> UInt64 {
        try setMarks([(tenant, lsn)])
    }

    /// Calls once everything up to this LSN is durable, or with the failure that made it void: on a sync thread, in the
    /// order of LSNs; or at once, where that is known already.
    package func whenDurable(_ lsn: UInt64, _ then: @escaping @Sendable (LogOutcome) -> Void) {
        if lsn <= durable && failuresNow.load(ordering: .acquiring) == 0 { return then(.durable) }
        let known: LogOutcome? = locked { state in
            precondition(lsn <= state.end, "somebody appended it")
            if state.isVoid(lsn) { return .failed }
            if lsn <= state.durable { return .durable }
            if state.phase == .closed || state.isFrozen { return .failed }
            state.listen(LogListener(lsn: lsn, then: then))
            return nil
        }
        if let known { then(known) }
    }

    /// Whether a failure made this LSN void.
    func isVoid(_ lsn: UInt64) -> Bool {
        failuresNow.load(ordering: .acquiring) > 0 && locked { $0.isVoid(lsn) || $0.isFrozen && lsn > $0.durable }
    }

    /// Whether a failure left a record of the tenant that may come back: until a segment of a new epoch is on the disk,
    /// the next start after a kill may find it whole. Nobody is told that it is not there, by no read either.
    func isInDoubt(_ tenant: TenantID) -> Bool {
        // Asked on every read: a log that is open says so without its lock.
        room == .failed
            && locked { state in
                let last = state.tails.tail(of: tenant)?.positions.last?.end ?? 0
                return (state.phase == .failed || state.isFrozen) && last > state.durable
            }
    }

    // MARK: Under the lock

    func locked<Result>(_ body: (inout LogState) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Until so much fits in.
    private func makeRoom(_ payload: Int, tenants: Int = 1) throws(LogRefused) {
        var deadline: timespec?
        while true {
            switch state.phase {
            case .open: break
            case .failed: throw .failed
            case .closed: throw .closed
            }
            let needed = state.segmentsNeeded(payload, tenants: tenants)
            if needed <= state.ready { return }
            let failedBefore = state.makingFailed
            state.wanted = max(state.wanted, needed)
            keeperWoken.wake()
            let until = deadline ?? LogCondition.time(after: settings.roomWaitMilliseconds * 1_000_000)
            deadline = until
            guard roomMade.wait(mutex, until: until), state.makingFailed == failedBefore else { throw .full }
        }
    }

    /// What follows each append.
    private func appended() {
        endNow.store(state.end, ordering: .releasing)
        judgeRoom()
        // Whoever leads already waits for its time, and takes this as well.
        if !isLed, let next = idle.popLast() { next.wake() }
    }

    /// `room`, as it is now.
    func judgeRoom() {
        let room: LogRoom =
            if state.phase != .open { .failed } else if state.roomBytes < settings.undurableBytesMax {
                .full
            } else if state.end - state.durable > UInt64(settings.undurableBytesMax) { .crowded } else { .open }
        roomNow.store(room.rawValue, ordering: .relaxed)
        if state.ready < settings.segmentsReady { keeperWoken.wake() }
    }

    /// After `state.durable` has moved.
    func publishDurable() {
        durableNow.store(state.durable, ordering: .releasing)
        judgeRoom()
    }

    /// After the log's end has moved without an append.
    func publishEnd() { endNow.store(state.end, ordering: .releasing) }

    func countFailure() { failuresNow.add(1, ordering: .releasing) }
}

/// One line of a frame of marks.
struct LogMark {
    static let bytes = 24
    let tenant: TenantID
    let lsn: UInt64

    func write(to payload: UnsafeMutableRawBufferPointer, _ place: Int) {
        guard let base = payload.baseAddress else { return }
        base.put(tenant, at: place * Self.bytes)
        base.put(lsn, at: place * Self.bytes + 16)
    }

    static func read(_ payload: UnsafeRawBufferPointer) -> [LogMark] {
        guard let base = payload.baseAddress else { return [] }
        return (0..<payload.count / bytes).map {
            LogMark(tenant: base.tenant($0 * bytes), lsn: base.get($0 * bytes + 16, as: UInt64.self))
        }
    }
}

extension LogState {
    /// The tenant's next record begins. Gives its tail, and the flags of its frames.
    mutating func beginRecord(of tenant: TenantID, at now: Timestamp) -> (tail: Int, flags: UInt16) {
        moveClock(now)
        let tail = tails.number(of: tenant)
        tails[tail].sequence += 1
        return (tail, tails[tail].sequence == 1 ? LogFrame.beginsSequence : 0)
    }

    /// It ended where the log now ends.
    mutating func endRecord(_ tail: Int, from start: UInt64) {
        tails[tail].positions.append(LogPosition(start: start, end: end))
    }

    /// A record begins there: its segment is needed until the tenant's file has it.
    mutating func count(_ start: UInt64) { if let place = segment(at: start) { segments[place].pending += 1 } }

    mutating func moveClock(_ now: Timestamp) { at = max(at, now) }
}
