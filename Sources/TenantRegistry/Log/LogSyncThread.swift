import Glibc

/// What one sync thread has of its own: a descriptor of each segment that it writes.
///
/// `@unchecked Sendable`: `files` is touched by its thread alone; the log's lock guards the list that it waits in.
final class LogSyncThread: @unchecked Sendable {
    private let disk: any LogDisk
    private let folder: String
    private let woken = LogCondition()
    private var files: [(number: UInt64, file: Int32)] = []

    init(_ disk: any LogDisk, _ folder: String) {
        self.disk = disk
        self.folder = folder
    }

    func wake() { woken.wake() }
    func wait(for log: NodeLog) { woken.wait(log.mutex) }
    /// Until then, or until it is woken.
    func wait(for log: NodeLog, until nanoseconds: UInt64) {
        _ = woken.wait(log.mutex, until: LogCondition.time(at: nanoseconds))
    }

    /// Writes frames to their segments and syncs those. Where any of it fails, nothing is known of what is on the disk,
    /// and its descriptors are not used again.
    func makeDurable(_ chunks: [LogChunk]) throws(LogDiskError) {
        do throws(LogDiskError) {
            for chunk in chunks {
                let bytes = UnsafeRawBufferPointer(start: chunk.memory, count: chunk.count)
                try disk.write(try file(chunk.segment), bytes, at: chunk.offset)
            }
            var synced: UInt64 = 0
            for chunk in chunks where chunk.segment > synced {
                try disk.sync(try file(chunk.segment))
                synced = chunk.segment
            }
            close(below: synced)
        } catch {
            close(below: .max)
            throw error
        }
    }

    private func file(_ number: UInt64) throws(LogDiskError) -> Int32 {
        for (known, file) in files where known == number { return file }
        let file = try disk.open("\(folder)/\(LogSegment.name(number))", isNew: false)
        files.append((number, file))
        return file
    }

    /// Everything of theirs was synced with the call that wrote it.
    func close(below number: UInt64) {
        for (known, file) in files where known < number { disk.close(file) }
        files.removeAll { $0.number < number }
    }
}

extension NodeLog {
    /// The life of a sync thread. At most one at a time leads: it waits until the next sync may start.
    func run(_ thread: LogSyncThread) {
        pthread_mutex_lock(mutex)
        while lead(thread) {
            let number = state.firstTicket + UInt64(state.tickets.count)
            let begun = nanoseconds
            let chunks = state.takeBatch(at: begun)
            pthread_mutex_unlock(mutex)
            let isDone = (try? thread.makeDurable(chunks)) != nil
            pthread_mutex_lock(mutex)
            state.giveBack(chunks)
            state.syncs += 1
            state.syncNanoseconds += nanoseconds - begun
            settle(number, isDone: isDone)
        }
        thread.close(below: .max)
        threadsEnded += 1
        settled.wakeAll()
        pthread_mutex_unlock(mutex)
    }

    private var nanoseconds: UInt64 { SystemMonotonicClock().nanoseconds() }

    /// Waits until there are frames and the time for the next sync has come, and nobody else leads. False once the log
    /// is closed.
    private func lead(_ thread: LogSyncThread) -> Bool {
        while true {
            while isLed || state.isEmpty || state.phase == .failed {
                if state.phase == .closed && (isLed || state.isEmpty) { return false }
                idle.append(thread)
                thread.wait(for: self)
                // Whoever wakes it takes it off the list; one that wakes for no reason leaves by itself.
                idle.removeAll { $0 === thread }
            }
            isLed = true
            let start = state.lastStart + UInt64(settings.paceMicroseconds) * 1_000
            while nanoseconds < start && state.phase == .open { thread.wait(for: self, until: start) }
            isLed = false
            if !state.isEmpty && state.phase != .failed { return true }
        }
    }

    /// A sync has come out so. What is durable with it, in the order in which syncs began, is published.
    private func settle(_ number: UInt64, isDone: Bool) {
        state.inFlight -= 1
        state.setResult(number, isDone ? .done : .failed)
        if !isDone && state.phase == .open { fail() }
        var hasMoved = false
        while let first = state.tickets.first, first.result == .done {
            _ = state.tickets.popFirst()
            state.firstTicket += 1
            (state.durable, state.durableChain) = (first.end, first.chain)
            hasMoved = true
        }
        if hasMoved { publishDurable() }
        if state.tickets.first?.result == .failed { state.isFrozen = true }
        if state.inFlight == 0 || hasMoved { settled.wakeAll() }
        if state.phase != .open || hasMoved && state.keeperHasWork { keeperWoken.wake() }
        callListeners()
    }

    /// No more is taken; what no sync has taken is dropped, and every later sync has failed with this one.
    private func fail() {
        state.phase = .failed
        countFailure()
        state.giveBack(state.chunks)
        state.chunks = []
        judgeRoom()
        roomMade.wakeAll()
    }

    /// Calls whoever waited for what is durable now, or failed. One thread at a time, so that the order holds.
    func callListeners() {
        guard !state.isCalling else { return }
        state.isCalling = true
        while true {
            let (due, outcome) = state.takeDue()
            if due.isEmpty { break }
            pthread_mutex_unlock(mutex)
            aroundCalls { for listener in due { listener.then(outcome) } }
            pthread_mutex_lock(mutex)
        }
        state.isCalling = false
    }
}

extension LogState {
    /// All frames that no sync has taken.
    mutating func takeBatch(at now: UInt64) -> [LogChunk] {
        let batch = chunks
        chunks = []
        chunks.reserveCapacity(batch.count)
        tickets.append(LogTicket(end: end, chain: chain))
        inFlight += 1
        lastStart = now
        return batch
    }

    mutating func setResult(_ number: UInt64, _ result: LogTicket.Result) {
        tickets.update(Int(number - firstTicket)) { $0.result = result }
    }

    /// Those who wait for what is known by now, in order.
    mutating func takeDue() -> ([LogListener], LogOutcome) {
        let known = listeners.prefix { $0.lsn <= durable }
        if !known.isEmpty {
            let due = Array(known)
            listeners.removeFirst(due.count)
            return (due, .durable)
        }
        guard isFrozen || isOver else { return ([], .failed) }
        let due = listeners
        listeners = []
        return (due, .failed)
    }

    /// A segment may go.
    var keeperHasWork: Bool { nextToForget() != nil || nextFloor() != nil }
}
