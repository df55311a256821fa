import Cryptography
import Foundation
import Glibc
import SQLite
import Synchronization

/// The fleet of one node of a cluster: what it has in common with the others (N1–N5).
extension Fleet {
    /// What nodes of one cluster agree by: they have one master key.
    static func keyPrint(of masterKey: [UInt8]) -> Digest {
        HMACSHA256.code(key: masterKey, Array("tollgate cluster".utf8))
    }

    /// What the registry's records in the cluster's log are sealed under.
    static func registryKey(of masterKey: [UInt8]) -> [UInt8] {
        HMACSHA256.code(key: masterKey, Array("tollgate registry".utf8)).bytes
    }

    /// Authenticates what the nodes send each other; of `purpose` alone.
    package func clusterSecret(for purpose: String) -> [UInt8] {
        HMACSHA256.code(key: masterKey, Array("tollgate cluster \(purpose)".utf8)).bytes
    }

    func sharedFile(of record: TenantRecord) -> SharedFile {
        SharedFile(path: data.tenantPath(record.id), tenant: record.id, key: record.secretKey)
    }

    /// A node that has joined.
    struct Joined {
        let member: ClusterMember
        let registry: SharedRegistry
        /// It brought the registry along, and its tenants with it.
        let isFirst: Bool
    }

    /// A folder that followed a cluster's log is not served by itself: its files are behind, or its tenants are served
    /// by other nodes, and what was done here would be in no log.
    static func judgeCluster(_ options: ClusterOptions?, _ data: DataDirectory) throws {
        let mark = data.registryPath + SharedFile.markSuffix
        guard options == nil, DataDirectory.size(of: mark) != nil else { return }
        throw DataDirectory.Failure.unusable(
            data.path,
            "its tenants are those of a cluster: start it as the node that it was (--cluster or --cluster-file, --node, "
                + "--advertise). tollgate backup and restore-node make a gateway by itself of a cluster")
    }

    /// Joins the cluster, and has the registry in common with it. Before the registry is opened. `isNewKey`: the folder
    /// had no master key; one that the cluster does not take is no use.
    static func join(
        _ options: ClusterOptions?, _ data: DataDirectory, _ masterKey: [UInt8], _ isNewKey: Bool, _ schema: Int32,
        _ metrics: LaneMetrics
    ) throws -> Joined? {
        guard let options else { return nil }
        do {
            return try join(options, data, masterKey: masterKey, schema: schema, metrics)
        } catch {
            if isNewKey { DataDirectory.remove(data.masterKeyPath) }
            throw error
        }
    }

    private static func join(
        _ options: ClusterOptions, _ data: DataDirectory, masterKey: [UInt8], schema: Int32, _ metrics: LaneMetrics
    ) throws -> Joined {
        let member = try ClusterMember(
            options, schema: schema, keyPrint: keyPrint(of: masterKey), memory: data.path + "/cluster.generation")
        try member.judgeRegistryStep()
        let path = data.registryPath
        let registry = SharedRegistry(log: options.log, path: path, key: registryKey(of: masterKey))
        let isFirst = try registry.begin(
            makeFile: {
                try forgetMarks(in: data)
                try RegistryStore(path: path, metrics: metrics).close()
                guard DataDirectory.size(of: path + "-wal") ?? 0 == 0 else { throw LaneFailure.notCommitted }
                try DataDirectory.synchronise(file: path)
            },
            isBlank: {
                let store = try RegistryStore(path: path, metrics: metrics)
                defer { store.close() }
                return try !store.connection.exists("SELECT 1 FROM tenant")
            })
        return Joined(member: member, registry: registry, isFirst: isFirst)
    }

    /// This cluster's log knows no tenant yet: marks beside files are of another, or of a first start that was taken
    /// back. By them a tenant that is not brought along at once would count as known, and never be.
    private static func forgetMarks(in data: DataDirectory) throws {
        for folder in (try? FileManager.default.contentsOfDirectory(atPath: data.tenantsFolder)) ?? [] {
            let path = "\(data.tenantsFolder)/\(folder)"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            let marks = names.filter { $0.hasSuffix(SharedFile.markSuffix) }
            for mark in marks { DataDirectory.remove("\(path)/\(mark)") }
            if !marks.isEmpty { try DataDirectory.synchronise(folder: path) }
        }
    }

    /// After the registry was read: the first look at who has what, and from here on what others change is followed.
    func attach(_ cluster: ClusterMember, _ registry: SQLiteRegistry) throws {
        registry.shared?.attach(
            { [weak self] subjects in
                guard let self else { return }
                for subject in subjects { follow(subject) }
            }, isOwn: { [weak cluster] tenant in cluster.flatMap { $0.isServing ? $0.isOwn(tenant) : nil } })
        cluster.state.withLock { state in
            state.registry = registry
            state.takeOver = { [weak self] tenants, then in
                if let self { takeOver(tenants, then: then) } else { then() }
            }
        }
        try firstBeat(cluster)
    }

    /// Memory has what the registry says, and this node's own are served. `isFirst`: its tenants become the cluster's.
    func enter(_ cluster: ClusterMember, isFirst: Bool) throws {
        cluster.noteReady(cluster.free(of: Array(cluster.state.withLock { $0.unready })))
        // Those of a first start that did not come to its end are brought along with the next.
        let records = isFirst ? roster.allTenants : roster.allTenants.filter { isLeftBehind($0, cluster) }
        if !records.isEmpty { try bringAlong(records, to: cluster) }
        if cluster.options.beatsByItself { startBeating(cluster) }
    }

    private func firstBeat(_ cluster: ClusterMember) throws {
        // The registry has been opened, and is what this program makes of it. Before the beat: where this fails the
        // node does not start, and nobody is to think that it takes tenants.
        try cluster.log.note(registry: cluster.options.registrySchema)
        let sent = cluster.clock.nanoseconds()
        let view = try cluster.log.beat(
            cluster.name, generation: cluster.generation, state: .serving, ownersSince: 0)
        guard let view else { throw SharedLogError.refused("another process is node \(cluster.name.text)") }
        _ = cluster.take(view, sent: sent)
        cluster.state.withLock { $0.inherited = $0.unready }
        cluster.extendLease(from: sent)
    }

    /// The node's own, of which the registry has just been read.
    package func isServedHere(_ id: TenantID) -> Bool { cluster.map { $0.isOwn(id) } ?? true }

    /// Whether what leaves the house for a tenant may leave from here now: who slept asks before he sends, as another
    /// may be sending the same.
    package func maySend(for id: TenantID) -> Bool { cluster.map { $0.place(of: id) == .here } ?? true }

    /// Whether this node left a tenant half-made or half-erased; what nobody has is buried once nobody can be at it any
    /// more.
    func isLeftHere(_ profile: TenantProfile) -> Bool {
        guard let cluster else { return true }
        if let owner = cluster.owner(of: profile.id) { return owner == cluster.name }
        return profile.state == .deleting
            || clock.now().milliseconds - profile.createdAt.milliseconds > Self.creationMillisecondsMax
    }

    private static let creationMillisecondsMax: Int64 = 3_600_000

    /// Whether the tenant's file is here and the log has never heard of it.
    private func isLeftBehind(_ record: TenantRecord, _ cluster: ClusterMember) -> Bool {
        let (path, state) = (data.tenantPath(record.id), record.profile.state)
        guard cluster.owner(of: record.id) == nil, state != .creating, state != .deleting else { return false }
        guard sharedFile(of: record).mark == nil else { return false }
        return [path, path + PackedFile.suffix].contains { DataDirectory.size(of: $0) != nil }
    }

    /// A node that was by itself: its files go to the log. Waits for it: nothing is served before.
    private func bringAlong(_ records: [TenantRecord], to cluster: ClusterMember) throws {
        let joining = Joining()
        if cluster.options.beatsByItself {
            startThread("cluster-join") { Self.keepLease(of: cluster, while: joining) }
        }
        defer { joining.isOver.store(true, ordering: .relaxed) }
        let failures = Mutex<[any Error]>([])
        let group = DispatchGroup()
        for record in records {
            group.enter()
            let path = data.tenantPath(record.id)
            record.lane.exclusively(
                { [self] control in
                    defer { group.leave() }
                    do {
                        try FileSwap.finish(path)
                        try PackedFile.unpack(path)
                        try FileRecovery.takeInWAL(path, of: record.id)
                        try cluster.begin(record.id)
                        _ = try control.file()
                        takeDue(.unknown, of: record)
                    } catch let away as SharedLogError {
                        failures.withLock { $0.append(away) }
                    } catch {
                        // Nothing is served before all of them are the cluster's: somebody has to find it.
                        let named = DataDirectory.Failure.unusable(
                            "\(path) (tenant \(record.slug))",
                            "\(error). Put the file back and start again; docs/cluster.md says how to go back")
                        failures.withLock { $0.append(named) }
                    }
                },
                orElse: { failure in
                    failures.withLock { $0.append(failure) }
                    group.leave()
                })
        }
        group.wait()
        if let first = failures.withLock({ $0.first }) { throw first }
    }

    /// Beats that ask for nothing, as long as it takes.
    private static func keepLease(of cluster: ClusterMember, while joining: Joining) {
        while !joining.isOver.load(ordering: .relaxed) {
            let sent = cluster.clock.nanoseconds()
            let view = try? cluster.log.beat(
                cluster.name, generation: cluster.generation, state: .serving, ownersSince: .max)
            if view != nil { cluster.extendLease(from: sent) }
            pause(milliseconds: Int(cluster.bounds.beatMilliseconds))
        }
    }

    private final class Joining: Sendable {
        let isOver = Atomic<Bool>(false)
    }

    private func startBeating(_ cluster: ClusterMember) {
        startThread("cluster-beat") { [weak self] in
            while let fleet = self, !fleet.isGone.load(ordering: .relaxed) {
                let began = cluster.clock.nanoseconds()
                fleet.beat()
                let spent = (cluster.clock.nanoseconds() - began) / 1_000_000
                let rest = cluster.bounds.beatMilliseconds
                pause(milliseconds: Int(spent < rest ? rest - spent : 1))
            }
        }
    }

    // MARK: What others changed

    /// Memory follows the registry. On the registry's lane.
    func follow(_ subject: SharedRegistry.Subject) {
        switch subject {
        case .providerKeys(let secrets): providerKeys.replace(with: secrets)
        case .signOuts(let ended): consoleSessions.follow(ended)
        case .tenant(let id, nil): forgetFollowed(id)
        case .tenant(let id, let known?):
            if known.row.profile.isUnfinished { return }
            if let record = follow(known.row), !isServedHere(id) { roster.replace(record, with: known.row.changes) }
            if replaceCertificates(of: id, with: known.certificates) { tellOfCertificatesAside() }
        }
    }

    /// The tenant's record, with the row that the registry has now; nil where its keys cannot be read, and where this
    /// node is still making it.
    func follow(_ row: RegistrySnapshot.Tenant) -> TenantRecord? {
        let profile = row.profile
        if let record = roster.tenant(id: profile.id) {
            let isElsewhere = !isServedHere(profile.id)
            roster.update(record) { known in
                known.takeChangeable(from: profile)
                if isElsewhere { known.ownerEmail = profile.ownerEmail }
                known.domains = profile.domains
                known.requestsMonth = max(known.requestsMonth, profile.requestsMonth)
            }
            return record
        }
        // Whoever makes one here puts it into the roster, once all of it is there.
        if cluster?.isServed(profile.id) ?? false { return nil }
        do {
            let record = try makeRecord(
                profile, secretKey: unwrap(row.wrappedSecretKey, of: profile.id),
                signingSeed: unwrap(row.wrappedSigningKey, of: profile.id))
            roster.add(record)
            return record
        } catch {
            report("tenant \(profile.id.text): its keys cannot be read: \(error)")
            return nil
        }
    }

    /// A tenant was erased.
    private func forgetFollowed(_ id: TenantID) {
        guard let record = roster.tenant(id: id) else { return }
        // Whose it was does not matter: it may have come here while its old node erased it.
        cluster?.noteOwner(of: id, nil)
        forgetWork(of: record)
        resting.drop(id)
        roster.remove(record)
        forgetCertificates(of: record)
        record.lane.exclusively(
            { [self] control in
                retire(record, control)
                removeFiles(of: id)
            }, orElse: { _ in })
    }
}

extension ClusterMember {
    /// Whether the tenant is this node's, made or taken over for certain.
    func isServed(_ tenant: TenantID) -> Bool {
        state.withLock { $0.owners[tenant] == name && $0.ready.contains(tenant) }
    }
}

extension RegistrySnapshot.Tenant {
    /// Its resellers and keys, in the order in which memory takes them over.
    var changes: [ProjectionChange] { resellers.map { .reseller($0) } + keys.map { .key($0) } }
}
