import Foundation
import Glibc
import SQLite

/// Snapshots: what a tenant's file is made of again without all of its records, and what is read of tenants that are
/// elsewhere.
extension Fleet {
    /// Puts a snapshot of the tenant that is most in need of one, where any is and none is under way. From the clock,
    /// so that one at a time is made; `then` comes once it is there, or failed. Now and then the log is asked first
    /// what was written since snapshots, and how old they are.
    package func putSnapshot(then: @escaping @Sendable () -> Void = {}) {
        guard let cluster else { return then() }
        let goOn: @Sendable () -> Void = { [self] in putDueSnapshot(cluster, then: then) }
        switch cluster.beginSurvey(orWait: goOn) {
        case .waits: return
        case .isOver: return goOn()
        case .begins: break
        }
        let isTaken = files.submit { [report] in
            do throws(SharedLogError) {
                try cluster.survey()
                cluster.endSurvey(succeeded: true)
            } catch {
                cluster.endSurvey(succeeded: false)
                if !error.isAway { report("cluster: what snapshots lack: \(error)") }
            }
            goOn()
        }
        guard !isTaken else { return }
        cluster.endSurvey(succeeded: false)
        goOn()
    }

    private func putDueSnapshot(_ cluster: ClusterMember, then: @escaping @Sendable () -> Void) {
        guard let tenant = cluster.beginSnapshot(sizes: data.tenantBytes) else { return then() }
        let end: @Sendable (Bool) -> Void = { isMade in
            cluster.endSnapshot(of: tenant, isMade: isMade)
            then()
        }
        guard let record = roster.tenant(id: tenant) else { return end(false) }
        record.lane.exclusively(
            { [self] control in
                do {
                    let (place, sink) = try copyForSnapshot(record, control, cluster)
                    let isTaken = files.submit { [self] in end(put(record, at: place, sink, cluster)) }
                    if !isTaken { end(false) }
                } catch {
                    report("tenant \(tenant.text): snapshot: \(error)")
                    end(false)
                }
            }, orElse: { _ in end(false) })
    }

    /// On its lane: the file as it is now, beside itself. It is closed for it: a second descriptor of it that is closed
    /// would take SQLite's locks along.
    private func copyForSnapshot(
        _ record: TenantRecord, _ control: LaneControl<TenantStore>, _ cluster: ClusterMember
    ) throws -> (SharedPlace, SharedSink) {
        let file = sharedFile(of: record)
        guard let sink = try control.file().sink as? SharedSink else { throw LaneFailure.moved }
        control.closeFile()
        guard let place = file.mark, place == sink.place else { throw LaneFailure.notCommitted }
        try file.copyAside()
        return (place, sink)
    }

    /// Off its lane. What came before goes once the snapshot is known to be what the records make of the one before it:
    /// a defect of the records would else be found when they are needed (case 27).
    private func put(_ record: TenantRecord, at place: SharedPlace, _ sink: SharedSink, _ cluster: ClusterMember)
        -> Bool
    {
        let file = sharedFile(of: record)
        let copy = file.path + SharedFile.copySuffix
        defer { DataDirectory.remove(copy) }
        do {
            let before = try cluster.log.snapshots(of: record.id)
            if let newest = before.first(where: { $0.sequence < place.sequence }) {
                try cluster.readingAside.withLock { _ in
                    try file.compare(copy, at: place, with: newest, from: cluster.log)
                }
            }
            try SharedFile.reading(copy) { next in try sink.putSnapshot(at: place, next) }
            if let kept = before.first {
                try cluster.log.trim(record.id, before: kept.sequence, keepingDays: Past.retentionDays)
            }
            return true
        } catch {
            report("tenant \(record.id.text): snapshot: \(error)")
            return false
        }
    }

    // MARK: The registry

    /// Puts a snapshot of the registry, where its records have become many, or old, and it falls to this node. From
    /// the clock.
    func putRegistrySnapshot() {
        guard let cluster, let registry = sharedRegistry, let shared = registry.shared, cluster.isServing,
            ClusterMember.heir(of: .registry, among: cluster.takers + [cluster.name]) == cluster.name
        else { return }
        let isOld = cluster.takeRegistryOld()
        let last = shared.snapshotAt.load(ordering: .relaxed)
        guard isOld || registry.sequence >= last + UInt64(cluster.bounds.snapshotRecords) else { return }
        // One at a time, and not again at once where it fails.
        shared.snapshotAt.store(registry.sequence, ordering: .relaxed)
        registry.copyForSnapshot { [self] result in
            let isTaken = files.submit { [report] in
                do {
                    let (place, stream) = try result.get()
                    let copy = shared.file.path + SharedFile.copySuffix
                    defer { DataDirectory.remove(copy) }
                    try SharedFile.reading(copy) { next in try stream.putSnapshot(at: place, next) }
                    let known = try cluster.log.snapshots(of: .registry)
                    if known.count > 1 {
                        try cluster.log.trim(.registry, before: known[1].sequence, keepingDays: 0)
                    }
                } catch {
                    report("cluster: snapshot of the registry: \(error)")
                }
            }
            if !isTaken { report("cluster: snapshot of the registry: too much else waits") }
        }
    }

    /// A consistent, signed copy of a tenant that is at another node, made of what the log has of it.
    func exportFromLog(
        _ record: TenantRecord, _ cluster: ClusterMember, to path: String, on pool: BackgroundPool,
        _ copied: @escaping @Sendable () -> Void, _ then: @escaping @Sendable (Result<String, any Error>) -> Void
    ) {
        let isTaken = pool.submit { [self] in
            let fetched = SharedFile(path: path + "-log", tenant: record.id, key: record.secretKey)
            defer { for suffix in ["", "-wal"] + SharedFile.suffixes { DataDirectory.remove(fetched.path + suffix) } }
            do {
                try cluster.readingAside.withLock { _ in try fetched.fetch(from: cluster.log) }
                let store = try openStore(fetched.path, of: record)
                defer { store.close() }
                try store.connection.copy(to: path)
                copied()
                try ExportSeal.append(to: path, head: store.head, tenant: record.id, key: record.signingKey)
                then(.success(path))
            } catch {
                DataDirectory.remove(path)
                then(.failure(error))
            }
        }
        if !isTaken { then(.failure(LaneFailure.tooManyWaiting)) }
    }

}

extension Connection {
    /// All of it at once; nobody else waits for the connection.
    fileprivate func copy(to path: String) throws {
        let stepper = try BackupStepper(source: self, destinationPath: path)
        defer { stepper.close() }
        while case .more = try stepper.step(pages: 1_024) {}
    }
}

extension ClusterMember {
    /// The tenant that is most in need of a snapshot; nil where none is, or one is under way. `sizes`: of a file.
    func beginSnapshot(sizes: (TenantID) -> Int64) -> TenantID? {
        guard isServing else { return nil }
        return state.withLock { state in
            guard state.snapshotting == nil, !state.survey.isUnderWay else { return nil }
            let due = state.tails.filter { $0.value.isSnapshotDue(bounds) && state.ready.contains($0.key) }
            guard let (tenant, _) = due.max(by: { $0.value.need(bounds) < $1.value.need(bounds) }) else { return nil }
            let half = Int(clamping: sizes(tenant) / 2)
            state.tails[tenant]?.bytesMin = half > bounds.snapshotBytes ? half : 0
            guard state.tails[tenant]?.isSnapshotDue(bounds) ?? false else { return nil }
            state.snapshotting = tenant
            return tenant
        }
    }

    func endSnapshot(of tenant: TenantID, isMade: Bool) {
        state.withLock { state in
            state.snapshotting = nil
            if isMade { state.figures.snapshots += 1 }
            // One that failed comes with as many records again, or once the log was asked again.
            state.tails[tenant]?.take(0, isOld: false)
        }
    }
}

extension SharedFile {
    /// The file, which nobody has open, as it is now.
    func copyAside() throws {
        let copy = path + Self.copySuffix
        DataDirectory.remove(copy)
        if Self.share(path, with: copy) { return }
        DataDirectory.remove(copy)
        try FileManager.default.copyItem(atPath: path, toPath: copy)
    }

    /// `FICLONE` of linux/fs.h, a macro.
    private static let sharing: UInt = 0x4004_9409

    /// The copy has the file's blocks until one of the two is written, where the file system can do that: however large
    /// it is, its lane does not wait. False: it cannot.
    private static func share(_ path: String, with copy: String) -> Bool {
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { return false }
        defer { close(source) }
        let target = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard target >= 0 else { return false }
        defer { close(target) }
        return ioctl(target, sharing, source) == 0
    }

    /// Throws where the copy, which is the file at that place, is not what the snapshot and the records behind it make.
    func compare(
        _ copy: String, at place: SharedPlace, with snapshot: SharedSnapshot, from log: any SharedLog
    ) throws {
        let replayed = path + Self.fetchedSuffix + "-again"
        DataDirectory.remove(replayed)
        defer { DataDirectory.remove(replayed) }
        try download(snapshot, log, to: replayed)
        let head = SharedHead(
            owner: nil, epoch: 0, sequence: place.sequence, chain: place.chain, resetAt: snapshot.sequence)
        try replay(
            PageReplay(path: replayed), from: SharedPlace(sequence: snapshot.sequence, chain: snapshot.chain), head, log
        )
        let isSame = try Self.reading(copy) { one in
            try Self.reading(replayed) { two in
                while true {
                    let (left, right) = (try one(), try two())
                    if left != right { return false }
                    if left == nil { return true }
                }
            }
        }
        guard isSame else { throw SharedLogError.damaged("its records do not make its file") }
    }
}
