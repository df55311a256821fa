import Synchronization

/// A lane whose commits go to the node's log (B1): nobody is told before the log has what he would be told of, the next
/// batch does not wait for that, and what the log has not does not reach the file.
///
/// On the worker that runs the lane, but for `tellSettled`.
extension Lane {
    /// Tells a batch's callers, at once where everything that it saw is durable.
    func answer(_ batch: CommittedBatch<File>) {
        guard let log = batch.log else { return pool.aroundAnswers { batch.tell() } }
        let isRead = batch.lsn == committedLSN
        committedLSN = batch.lsn
        let waits = undurable.withLock { undurable in
            // Whoever came before is told before.
            if undurable.isEmpty && batch.fate == .durable { return false }
            undurable.append(batch)
            return true
        }
        if waits {
            log.whenSettled(batch.lsn) { [self] in tellSettled() }
        } else if isRead && !log.mayShow {
            pool.aroundAnswers { batch.withhold(log) }
        } else {
            pool.aroundAnswers { batch.tell() }
        }
    }

    /// Jobs of which nothing was done. What decided that may have been seen in what is not durable.
    func refuse(_ jobs: [LaneJob<File>], _ failure: LaneFailure, in file: File) {
        answer(.init(file, log, nil, jobs, [], jobs.indices.map { ($0, failure) }))
    }

    /// Tells everybody whose batch is durable, or lost. Any thread.
    private func tellSettled() {
        guard undurable.withLock({ $0.beginTelling() }) else { return }
        while true {
            switch undurable.withLock({ $0.next() }) {
            case .tell(let batches):
                pool.aroundAnswers {
                    for batch in batches { batch.tell() }
                }
            case .lose(let batches):
                pool.metrics.batchesUnknown.add(UInt64(batches.count), ordering: .relaxed)
                for batch in batches.reversed() { batch.effects?.drop() }
                pool.aroundAnswers {
                    for batch in batches { batch.tellUnknown() }
                }
            case .unpark: return pool.schedule(self)
            case .wake: return wake()
            case .stop: return
            }
        }
    }

    /// Whether nothing that the lane has seen could still be lost, and everybody was told.
    var isSettled: Bool { log == nil || undurable.withLock { $0.isEmpty } }

    /// Parks the lane until it is settled; false where it is. From here on another worker may run it, so that nothing
    /// of it is touched any more.
    func park() -> Bool {
        let parks = undurable.withLock { $0.park() }
        if parks { pool.metrics.parked.add(1, ordering: .relaxed) }
        return parks
    }

    /// What of a batch that writes may run now; nil: the lane is parked, and the jobs wait, until the log has room.
    func admit(_ jobs: [LaneJob<File>], _ log: any LaneLog) -> [LaneJob<File>]? {
        let refused: LaneFailure
        switch log.room {
        case .open: return jobs
        case .crowded:
            putBack(jobs[...])
            pool.metrics.parked.add(1, ordering: .relaxed)
            log.whenRoomMay { [self] in pool.schedule(self) }
            return nil
        case .full: refused = .storageFull
        case .failed: refused = log.refusal(ofWrite: true)
        }
        // What only reads is served.
        if let file { refuse(jobs.filter(\.writes), refused, in: file) }
        return jobs.filter { !$0.writes }
    }

    /// What exclusive work has committed is waited for like a batch.
    func noteCommits() {
        if log != nil, let file, file.lastLSN != committedLSN { refuse([], .notCommitted, in: file) }
    }

    /// Whether the next batch may run; else the lane is parked until it may.
    func isReady(_ log: any LaneLog) -> Bool {
        guard let file else { return true }
        let isLost = isBehindLog || lastFate(of: file, log) == .lost
        if isLost || undurable.withLock({ $0.jobs >= bounds.waitingMax }), park() { return false }
        if isLost {
            discardFile()
        } else if owesRest {
            _ = restParks()
        }
        return true
    }

    private func lastFate(of file: File, _ log: any LaneLog) -> LogFate {
        let lsn = file.lastLSN
        return lsn == 0 ? .durable : log.fate(of: lsn)
    }

    /// After a batch. Returns whether the lane is to wait until it is settled: `isReady` then rests.
    func restParks() -> Bool {
        guard let file else { return false }
        let isDurable = log.map { lastFate(of: file, $0) == .durable } ?? true
        let rest = file.rest(isDurable: isDurable, isPressed: pool.isPressed.load(ordering: .relaxed))
        guard log != nil else { return false }
        owesRest = rest == .wanted || rest == .needed
        // One that has nothing more to do comes back for it.
        if rest == .wanted { return !undurable.withLock { $0.wakeWhenEmpty() } }
        return rest == .needed
    }
}
