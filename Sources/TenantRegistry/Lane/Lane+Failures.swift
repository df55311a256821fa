import SQLite

extension Lane {
    /// What an operation's error is to its caller; the log of the process says what it was.
    func failure(_ error: any Error, in file: File) -> LaneFailure {
        if let failure = error as? LaneFailure { return failure }
        let cause = (error as? TransactionLost)?.cause ?? error
        if let corrupt = cause as? CorruptRow {
            report("\(name): \(corrupt)")
            return .corrupt(corrupt)
        }
        guard let error = cause as? SQLiteError else {
            report("\(name): \(cause)")
            return .unavailable
        }
        if error.isFull { return isQuota(file) ? .quotaReached : .storageFull }
        report("\(name): \(error)")
        if error.isIOError || error.isNoMemory { return .notCommitted }
        if error.isCorrupt {
            pool.metrics.unavailable.add(1, ordering: .relaxed)
            return .unavailable
        }
        return .failed(error)
    }

    /// It found no room in a batch, and has a reserve, which is its own: it is to be tried alone.
    func wantsReserve(_ job: LaneJob<File>, _ error: any Error) -> Bool {
        job.reserve != .none && (error as? SQLiteError)?.isFull == true
    }

    /// The file did not open.
    func fail(_ jobs: [LaneJob<File>], unopened error: any Error) {
        if (error as? LaneFailure)?.isOfCluster != true {
            report("\(name): cannot be opened: \(error)")
            pool.metrics.unavailable.add(UInt64(jobs.count), ordering: .relaxed)
        }
        let failure = error as? LaneFailure ?? .unavailable
        for job in jobs {
            // A call that only reads has no outcome to be unknown.
            if case .outcomeUnknown = failure, !job.writes { job.fail(.notCommitted) } else { job.fail(failure) }
        }
    }

    /// FULL means the quota where the file is at it, or where the disk has room: SQLite may have taken the pages back
    /// already when it is asked.
    private func isQuota(_ file: File) -> Bool {
        if file.connection.isAtPageQuota { return true }
        return !DataDirectory.isFull(at: file.connection.path)
    }
}

extension DataDirectory {
    /// A disk with less free is taken for full: no operation writes more.
    private static let roomBytesMin: Int64 = 16 << 20

    static func isFull(at path: String) -> Bool { freeBytes(at: path).map { $0 <= roomBytesMin } ?? true }
}
