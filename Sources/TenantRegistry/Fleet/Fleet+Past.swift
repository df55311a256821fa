import Cryptography
import SQLite

/// Why there is no state of a moment that has passed.
package enum PastFailure: Error, Sendable {
    /// The node has no log of its commits.
    case notKept
    /// What is kept of the tenant begins later; nil: nothing is kept yet.
    case before(Timestamp?)
    /// It is still to come.
    case ahead
    /// A commit of the time between is missing.
    case gap
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
        guard let past else { return then(.failure(PastFailure.notKept)) }
        let path = data.temporaryPath(random.uint64())
        let isTaken = files.submit { [self] in
            do {
                try past.makeFile(of: record.id, at: moment, to: path)
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
        return error is DataDirectory.Failure ? LaneFailure.storageFull : PastFailure.gap
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
            var tenants = pastWork.takeAll().compactMap { roster.tenant(id: $0) }
            if pastWork.isTimeToLook(now: monotonic.nanoseconds(), every: Self.lookEveryNanoseconds) {
                past.forget()
                tenants = roster.allTenants
            }
            let wanting = tenants.filter {
                past.wantsBase($0.id, incarnation: $0.profile.incarnation, fileBytes: data.tenantBytes($0.id))
            }
            makeBases(wanting[...], past, end)
        }
        if !isTaken { end() }
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
