import Glibc

extension NodeLog {
    /// After a failure: waits its time, then tries to go on.
    func waitToReopen() {
        let until = LogCondition.time(after: settings.reopenMilliseconds * 1_000_000)
        while state.phase == .failed, keeperWoken.wait(mutex, until: until) {}
        guard state.phase == .failed, state.isFrozen, state.inFlight == 0 else { return }
        reopen()
    }

    /// Goes on in a new segment, behind everything that was ever appended, from what is durable. The old descriptors
    /// and the rest of the old segment are not touched again.
    private func reopen() {
        let number = state.current.number + 1
        let cut = state.durable
        let void = state.segments.filter { $0.first >= cut }
        let segment = state.segmentAfterFailure(number: number)
        let isReady = state.ready > 0
        pthread_mutex_unlock(mutex)
        let isDone = (try? begin(segment, removing: void, isReady: isReady)) != nil
        pthread_mutex_lock(mutex)
        guard isDone, state.phase == .failed else { return }
        state.goOn(in: segment)
        if isReady { state.ready -= 1 }
        publishEnd()
        publishDurable()
        roomMade.wakeAll()
    }

    private func begin(_ segment: LogSegment, removing void: [LogSegment], isReady: Bool) throws(LogDiskError) {
        for old in void { try disk.remove(path(old.number)) }
        try disk.sync(folder: folder)
        let path = path(segment.number)
        if !isReady {
            try LogSegment.make(path, bytes: settings.segmentBytes, on: disk)
            try disk.sync(folder: folder)
        }
        let page = UnsafeMutableRawBufferPointer.allocate(
            byteCount: LogSegment.pageBytes, alignment: LogSegment.pageBytes)
        defer { page.deallocate() }
        if let base = page.baseAddress { segment.writePage(base) }
        let file = try disk.open(path, isNew: false)
        defer { disk.close(file) }
        try disk.write(file, UnsafeRawBufferPointer(page), at: 0)
        try disk.sync(file)
    }
}

extension LogState {
    /// The segment that says: what came after `durable` in older epochs is void.
    func segmentAfterFailure(number: UInt64) -> LogSegment {
        // One that was begun and holds nothing goes; what it made void stays void.
        let empty = segments.first { $0.first == durable }
        return LogSegment(
            number: number, epoch: epoch + 1, first: end, after: empty?.after ?? durable, chain: durableChain,
            floor: floor(for: durable), at: at, log: log)
    }

    /// Forgets what became void and goes on in this segment.
    mutating func goOn(in segment: LogSegment) {
        let cut = durable
        for number in tails.all.indices {
            let gone = tails[number].positions.reversed().prefix { $0.end > cut }.count
            // Most of them began before the failure, in a segment that stays.
            for position in tails[number].positions.suffix(gone) {
                if let place = self.segment(at: position.start) { segments[place].pending -= 1 }
            }
            tails[number].positions.removeLast(gone)
            tails[number].sequence -= UInt64(gone)
        }
        segments.removeAll { $0.first >= cut }
        if let last = segments.indices.last, (segments[last].end ?? .max) > cut {
            segments[last].end = cut
            segments[last].index = nil
        }
        segments.append(segment)
        voids.append((cut, end))
        (epoch, chain) = (segment.epoch, durableChain)
        durable = end
        index = LogIndexBuilder()
        chunks = []
        firstTicket += UInt64(tickets.count)
        tickets = Deque()
        isFrozen = false
        phase = .open
    }
}
