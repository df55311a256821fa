import Cryptography
import SQLite

/// Why there is no state of a moment that has passed.
package enum PastFailure: Error, Sendable {
    /// The node is by itself, and has no log of its commits.
    case notKept
    /// What is kept of the tenant begins later; nil: nothing is kept yet.
    case before(Timestamp?)
    /// It is still to come.
    case ahead
    /// A commit of the time between is missing.
    case gap
    /// The clock had leapt, the shared log's where there is one: which commits came before the moment nobody can say.
    case leapt
}

/// Tenants as they were at a moment (B2).
extension Fleet {
    /// A signed copy of a tenant's file, as `export` makes one, of its state then: with every commit up to `moment`,
    /// and none after it. nil: of now. `then` owns the file.
    package func copy(
        of record: TenantRecord, at moment: Timestamp?, then: @escaping @Sendable (Result<String, any Error>) -> Void
    ) {
        guard let moment else { return export(record, then: then) }
        if moment > clock.now() { return then(.failure(PastFailure.ahead)) }
        if let cluster { return copyFromLog(record, cluster, at: moment, then) }
        guard let past else { return then(.failure(PastFailure.notKept)) }
        // Whoever asks means another time than the commits of now carry.
        guard believesClock else { return then(.failure(PastFailure.leapt)) }
        makeCopy(of: record, then) { [self] path in
            addCopies(of: record.id, to: past)
            try past.makeFile(of: record.id, at: moment, to: path)
        }
    }

    /// Signs what `make` puts where it is told to.
    func makeCopy(
        of record: TenantRecord, _ then: @escaping @Sendable (Result<String, any Error>) -> Void,
        _ make: @escaping @Sendable (String) throws -> Void
    ) {
        let path = data.temporaryPath(random.uint64())
        let isTaken = files.submit { [self] in
            do {
                try make(path)
                try ExportSeal.append(to: path, head: Self.head(of: path), tenant: record.id, key: record.signingKey)
                then(.success(path))
            } catch {
                DataDirectory.remove(path)
                then(.failure(told(error, of: record)))
            }
        }
        if !isTaken { then(.failure(LaneFailure.tooManyWaiting)) }
    }

    private func told(_ error: any Error, of record: TenantRecord) -> any Error {
        if error is PastFailure { return error }
        report("tenant \(record.id.text): its past: \(error)")
        if case .away = error as? SharedLogError { return LaneFailure.logUnavailable }
        if let failure = error as? LaneFailure { return failure }
        let isFull = error is DataDirectory.Failure || (error as? SQLiteError)?.isFull == true
        return isFull ? LaneFailure.storageFull : PastFailure.gap
    }

    /// Where the chain of a file ends that nobody has open.
    private static func head(of path: String) throws -> AuditHead {
        let connection = try Connection(path: path, flags: .immutable)
        defer { connection.close() }
        try connection.configureForeign()
        let last = try connection.row("SELECT incarnation, seq, hash FROM audit ORDER BY seq DESC LIMIT 1") {
            try AuditHead(incarnation: $0.int(), sequence: $0.int(), hash: $0.digest())
        }
        guard let last else { throw TenantFileError.damaged("its audit log is empty") }
        return last
    }

    // MARK: Keeping

    /// Of what logs of before left, where the node has none: by the registry's last change, in seconds of the disk's
    /// clock.
    static func doubtOfFormerPasts(
        _ log: NodeLog?, _ folder: String, lastChange: Int, clock: any WallClock, monotonic: any MonotonicClock
    ) -> ClockDoubt? {
        if log != nil || FormerPast.all(in: folder).isEmpty {
            ClockDoubt.drop(in: folder)
            return nil
        }
        return ClockDoubt(
            in: folder, now: clock.now(), last: Timestamp(milliseconds: Int64(lastChange) * 1_000),
            steady: BootClock.inPlace(of: monotonic))
    }

    /// At a start.
    func judgePast() {
        let hours = past?.hoursOfDoubt ?? formerPastDoubt?.hoursLeft ?? 0
        if hours > 0 {
            report(
                "the past: a start found what was written last more than a day behind the clock; in case that is "
                    + "ahead, it stays until the node has run for \(hours) h more")
        }
        letGoFormerPasts()
    }

    /// With a log of its own the node forgets these with its past.
    func letGoFormerPasts() {
        formerPastDoubt?.note()
        guard nodeLog == nil, believesClock, formerPastDoubt?.hoursLeft ?? 0 == 0 else { return }
        _ = FormerPast.letGo(FormerPast.all(in: data.pastFolder), at: clock.now())
    }

    private static let lookEveryNanoseconds: UInt64 = 60_000_000_000

    /// Keeps what the log has sealed, makes a base where one is wanted, and lets go what is too old: one thing at a
    /// time, on the pool for copies, which rests while the lanes have work. From the clock.
    package func keepPast(then: @escaping @Sendable () -> Void = {}) {
        guard let past, !isStopping.load(ordering: .relaxed), pastWork.begin() else { return then() }
        let end: @Sendable () -> Void = { [pastWork] in
            pastWork.end()
            then()
        }
        let isTaken = copies.submit { [self] in
            do {
                try past.keep()
            } catch {
                report("the past: \(error)")
            }
            addCopies(of: nil, to: past)
            var tenants = pastWork.takeAll().compactMap { roster.tenant(id: $0) }
            if pastWork.isTimeToLook(now: monotonic.nanoseconds(), every: Self.lookEveryNanoseconds) {
                // A moment that is within the retention would be gone for good.
                if believesClock { past.forget() }
                tenants = roster.allTenants
            }
            let wanting = tenants.filter {
                past.wantsBase($0.id, incarnation: $0.profile.incarnation, fileBytes: data.tenantBytes($0.id))
            }
            makeBases(wanting[...], past, end)
        }
        if !isTaken { end() }
    }

    /// A copy of a file that came just now, which nobody writes to yet: the tenant can be gone back to from `at` on,
    /// not only from when there is time to make a base. Nil where no past is kept, or no copy could be made: then the
    /// past begins with the next base. `incarnation`: of the file. On the tenant's lane.
    func firstCopy(
        of record: TenantRecord, incarnation: Int64, at: Timestamp, _ file: () throws -> Connection
    ) -> PastCopy? {
        guard past != nil, let log, pastWork.hasRoomForCopy else { return nil }
        let copy = PastCopy(
            path: data.temporaryPath(random.uint64()), tenant: record.id, incarnation: incarnation, lsn: log.end,
            at: at)
        do {
            let stepper = try file().backup(to: copy.path)
            defer { stepper.close() }
            while try stepper.step(pages: Self.firstCopyPages) != .done {}
            return copy
        } catch {
            DataDirectory.remove(copy.path)
            report("tenant \(record.id.text): its past: \(error)")
            return nil
        }
    }

    /// At once: nobody waits in the lane yet.
    private static let firstCopyPages: Int32 = -1

    /// Copies of files that came become bases: of one tenant, or of all.
    private func addCopies(of tenant: TenantID?, to past: Past) {
        pastWork.addCopies(of: tenant) { copy in
            defer { DataDirectory.remove(copy.path) }
            do {
                // What the log loses, later commits take the places of.
                try log?.wait(for: copy.lsn)
                try past.add(
                    copy.path, of: copy.tenant, incarnation: copy.incarnation, from: copy.lsn, at: copy.at)
            } catch {
                report("tenant \(copy.tenant.text): its past: \(error)")
            }
        }
    }

    /// One after the other.
    private func makeBases(_ records: ArraySlice<TenantRecord>, _ past: Past, _ end: @escaping @Sendable () -> Void) {
        guard let record = records.first, let log, !isStopping.load(ordering: .relaxed) else { return end() }
        let begin = log.end
        let goOn: @Sendable (String?, LogOutcome) -> Void = { [self] path, outcome in
            let isTaken = copies.submit { [self] in
                if let path, outcome == .durable { add(path, of: record, from: begin, to: past) }
                if let path { DataDirectory.remove(path) }
                makeBases(records.dropFirst(), past, end)
            }
            if isTaken { return }
            if let path { DataDirectory.remove(path) }
            end()
        }
        export(record, on: copies) { copy in
            // What it has copied is part of the past once it is durable.
            switch copy {
            case .success(let path): log.whenDurable(log.end) { goOn(path, $0) }
            case .failure: goOn(nil, .failed)
            }
        }
    }

    private func add(_ path: String, of record: TenantRecord, from lsn: UInt64, to past: Past) {
        do {
            guard let head = ExportSeal.read(path)?.head else { return }
            try ExportSeal.remove(from: path)
            try past.add(path, of: record.id, incarnation: head.incarnation, from: lsn)
        } catch {
            report("tenant \(record.id.text): its past: \(error)")
        }
    }
}
