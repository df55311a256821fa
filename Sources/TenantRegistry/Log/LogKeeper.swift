import Cryptography
import Glibc
import Synchronization

/// Who still needs segments.
struct LogHooks {
    /// By name: whether everything up to this LSN may go.
    var holds: [String: @Sendable (UInt64) -> Bool] = [:]
    /// A rename or removal is not known to be on the disk: the next waits for it.
    var folderIsBehind = false
}

extension NodeLog {
    /// A segment goes only when every holder lets everything up to its end go; asked on the keeper's thread.
    package func hold(_ name: String, _ mayForget: @escaping @Sendable (UInt64) -> Bool) {
        locked { _ in hooks.holds[name] = mayForget }
    }

    /// Looks again for segments that may go, as a holder needs less than before.
    package func forgetWhatMay() { keeperWoken.wake() }

    func path(_ number: UInt64) -> String { "\(folder)/\(LogSegment.name(number))" }

    private static let retryMilliseconds = 1_000

    /// The life of the keeper. What it does with the disk it does without the lock.
    func keep() {
        pthread_mutex_lock(mutex)
        while state.phase != .closed {
            if state.phase == .failed {
                waitToReopen()
            } else if let floor = state.nextFloor(), state.segmentsNeeded(LogMark.bytes) <= state.ready {
                sayFloor(floor)
            } else if let segment = state.nextToForget(), forget(segment) {
                // It may be used again: where the disk has no room for another, this is where room comes from.
                continue
            } else if state.phase != .open {
                // It became so while the lock was free.
                continue
            } else if state.ready < max(settings.segmentsReady, state.wanted) {
                if !makeSegment() { pauseKeeper() }
            } else if state.nextToForget() != nil {
                pauseKeeper()
            } else {
                keeperWoken.wait(mutex)
            }
        }
        threadsEnded += 1
        settled.wakeAll()
        pthread_mutex_unlock(mutex)
    }

    private func pauseKeeper() {
        guard state.phase != .closed else { return }
        _ = keeperWoken.wait(mutex, until: LogCondition.time(after: Self.retryMilliseconds * 1_000_000))
    }

    private func unlocked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_unlock(mutex)
        defer { pthread_mutex_lock(mutex) }
        return body()
    }

    /// One more segment that is ready.
    private func makeSegment() -> Bool {
        // It stays the next one while segments are begun, as each that is begun was ready.
        let number = state.current.number + UInt64(state.ready) + 1
        let isMade = unlocked {
            do {
                try LogSegment.make(path(number), bytes: settings.segmentBytes, on: disk)
                try disk.sync(folder: folder)
                return true
            } catch {
                return false
            }
        }
        if isMade {
            state.ready += 1
            if state.ready >= state.wanted { state.wanted = 0 }
        } else {
            state.makingFailed += 1
        }
        judgeRoom()
        roomMade.wakeAll()
        return isMade
    }

    /// Says up to where no file needs the log, so that a segment that went is told from one that was lost. There is
    /// room: whoever appends waits for the keeper to make some, and it never waits for itself.
    private func sayFloor(_ floor: UInt64) {
        guard (try? appendMarks([(.all, floor)], at: clock.now())) != nil else { return pauseKeeper() }
        state.floor = (floor, state.end)
    }

    /// Removes the oldest segment, or makes it ready to be used again. One at a time reaches the disk, so that what is
    /// left is always without a gap.
    private func forget(_ segment: LogSegment) -> Bool {
        let holds = hooks.holds.values
        let last = segment.end ?? state.segments[1].first
        guard unlocked({ holds.allSatisfy { $0(last) } }), state.phase == .open else { return false }
        if hooks.folderIsBehind {
            guard unlocked({ (try? disk.sync(folder: folder)) != nil }) else { return false }
            hooks.folderIsBehind = false
        }
        let isKept = state.ready < settings.segmentsReadyMax
        let next = path(state.current.number + UInt64(state.ready) + 1)
        let old = path(segment.number)
        let size = settings.segmentBytes
        // How many more are ready then.
        let more: Int? = unlocked {
            do throws(LogDiskError) {
                let bytes = try disk.size(old)
                let isUsable = isKept && bytes == size
                if isUsable { try disk.rename(old, to: next) } else { try disk.remove(old) }
                return isUsable ? 1 : 0
            } catch {
                return nil
            }
        }
        guard let more else { return false }
        state.segments.removeFirst()
        hooks.folderIsBehind = unlocked { (try? disk.sync(folder: folder)) == nil }
        // Its new name must be there when it is written.
        if !hooks.folderIsBehind { state.ready += more }
        judgeRoom()
        roomMade.wakeAll()
        return true
    }
}

extension LogState {
    /// A floor that lets segments go, and was not said yet.
    func nextFloor() -> UInt64? {
        let floor = floor(for: current.first)
        guard segments.count > 1, floor >= segments[1].first, self.floor.lsn < segments[1].first, durable >= floor
        else {
            return nil
        }
        return floor
    }

    /// The oldest, where the floor above it is on the disk.
    func nextToForget() -> LogSegment? {
        guard segments.count > 1, floor.lsn >= segments[1].first, durable >= floor.said else { return nil }
        return segments[0]
    }
}

extension LogSegment {
    /// A file of zeros under this name, which is on the disk but for its name. Written page by page: where the kernel
    /// keeps what one call wrote as one folio, a sync of a small record writes all of that, and syncs that overlap wait
    /// for one another (Benchmarks/RESULTS.md).
    static func make(_ path: String, bytes: Int, on disk: any LogDisk) throws(LogDiskError) {
        let new = path + newSuffix
        try disk.remove(new)
        do throws(LogDiskError) {
            let file = try disk.open(new, isNew: true)
            defer { disk.close(file) }
            let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: pageBytes, alignment: pageBytes)
            defer { zeros.deallocate() }
            zeros.initializeMemory(as: UInt8.self, repeating: 0)
            for start in stride(from: 0, to: bytes, by: zeros.count) {
                let piece = UnsafeRawBufferPointer(rebasing: zeros[..<min(zeros.count, bytes - start)])
                try disk.write(file, piece, at: start)
            }
            try disk.sync(file)
        } catch {
            try? disk.remove(new)
            throw error
        }
        try disk.rename(new, to: path)
    }
}
