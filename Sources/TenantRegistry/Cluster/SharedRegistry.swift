import Cryptography
import Foundation
import SQLite
import Synchronization

/// The registry's file at one node of a cluster (N5): each has all of it, and each may append to its log where nobody
/// came before. What others appended is played into the file before it is opened anew, and the jobs of a commit that
/// came late run once more on that. So what the registry promises, a transaction that judges and has its effect at
/// once, holds over nodes as on one.
///
/// What changed by others' commits is noted in the file by triggers that only a cluster has, and told when the file is
/// opened.
final class SharedRegistry: Sendable {
    let log: any SharedLog
    let file: SharedFile
    /// Up to where the local copy goes, and memory with it.
    private let sequenceNow = Atomic<UInt64>(0)
    /// Whether memory has what the copy had when it was opened.
    private let isTold = Atomic<Bool>(false)
    /// The last note that was followed.
    private let followed = Mutex<Int64>(0)
    private let follower = Mutex<(@Sendable ([Subject]) -> Void)?>(nil)
    private let owning = Mutex<(@Sendable (TenantID) -> Bool?)?>(nil)
    let conflicts = Atomic<UInt64>(0)
    /// Of the newest snapshot that this node knows of.
    let snapshotAt = Atomic<UInt64>(0)

    /// What a row of the registry is about.
    enum Subject: Sendable {
        /// Nil: it has no row any more.
        case tenant(TenantID, (row: RegistrySnapshot.Tenant, certificates: [DomainCertificate])?)
        case providerKeys([RegistrySnapshot.ProviderSecretRow])
        /// All sessions of the console that were ended, and when they would have ended by themselves.
        case signOuts([Digest: Timestamp])
    }

    init(log: any SharedLog, path: String, key: [UInt8]) {
        self.log = log
        file = SharedFile(path: path, tenant: .registry, key: key)
    }

    var sequence: UInt64 { sequenceNow.load(ordering: .acquiring) }

    /// From now on `follower` is called with what others changed, on the registry's lane. `isOwn`: whether a tenant is
    /// this node's; nil where the lease does not run, so that another may have it.
    func attach(
        _ follower: @escaping @Sendable ([Subject]) -> Void, isOwn: @escaping @Sendable (TenantID) -> Bool?
    ) {
        self.follower.withLock { $0 = follower }
        owning.withLock { $0 = isOwn }
    }

    /// Whether what this node says of a tenant's file is to be written over what is there.
    func isOwn(_ tenant: TenantID) throws -> Bool {
        guard let isOwn = owning.withLock({ $0 }) else { return true }
        guard let answer = isOwn(tenant) else { throw LaneFailure.logUnavailable }
        return answer
    }

    /// The first of all nodes brings the registry along; every other takes over what there is. Before the file is first
    /// opened. `makeFile` makes the file where there is none; `isBlank` says whether one that is there has no tenants.
    /// Whether this node was the first.
    func begin(makeFile: () throws -> Void, isBlank: () throws -> Bool) throws -> Bool {
        let stream = try log.openForAll(.registry, key: file.key)
        let isThere = DataDirectory.size(of: file.path) != nil
        if stream.head.sequence > 0 {
            // One that followed has a mark; one that did not is of a node of its own.
            guard try !isThere || file.mark != nil || isBlank() else {
                throw SharedLogError.refused(
                    "this data folder has tenants of its own, and the cluster has others: move them by export and "
                        + "import, and begin with an empty folder")
            }
            return false
        }
        // Its files are behind what they followed, and nobody could say by how much.
        if DataDirectory.size(of: file.path + SharedFile.markSuffix) != nil {
            throw SharedLogError.refused(
                "this data folder followed the log of a cluster, and this database has none: name the cluster's own, or "
                    + "restore its backup")
        }
        try makeFile()
        do {
            let place = try file.reset(to: stream)
            sequenceNow.store(place.sequence, ordering: .releasing)
            return true
        } catch SharedLogError.notOwner {
            // Another node was first.
            return try begin(makeFile: makeFile, isBlank: isBlank)
        }
    }

    /// The file as of now, and where its commits go. On its lane, while it is closed.
    func open() throws -> SharedRegistrySink {
        do throws(SharedLogError) {
            let stream = try log.openForAll(.registry, key: file.key)
            try complete(stream.head)
            isTold.store(false, ordering: .releasing)
            if snapshotAt.load(ordering: .relaxed) == 0 {
                snapshotAt.store(try log.snapshots(of: .registry).first?.sequence ?? 0, ordering: .relaxed)
            }
            return SharedRegistrySink(stream, self)
        } catch {
            throw error.isAway ? LaneFailure.logUnavailable : error
        }
    }

    private func complete(_ head: SharedHead) throws(SharedLogError) {
        do {
            // Where the database was taken back, what it has of the registry holds: tenants' files say the rest anew.
            if let mark = file.mark, mark.sequence > head.sequence { try file.putAside() }
            try file.complete(head, from: log)
        } catch let error as SharedLogError {
            throw error
        } catch {
            throw .damaged("the registry cannot follow: \(error)")
        }
    }

    func noteAppended(_ sequence: UInt64) {
        if isTold.load(ordering: .acquiring) { sequenceNow.store(sequence, ordering: .releasing) }
    }

    // MARK: What others changed

    /// Not of the registry's schema: a node by itself does without.
    private static let notes = """
        CREATE TABLE IF NOT EXISTS cluster_note (
            subject BLOB PRIMARY KEY,
            n INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX IF NOT EXISTS cluster_note_by_n ON cluster_note (n)
        """

    /// The subject of all of the provider's keys.
    private static let provider: [UInt8] = [0]
    /// That of all sessions of the console that were ended.
    private static let signOuts: [UInt8] = [1]

    private static func trigger(_ name: String, _ event: String, _ table: String, _ subject: String) -> String {
        """
        CREATE TEMP TRIGGER IF NOT EXISTS note_\(name) AFTER \(event) ON main.\(table) BEGIN
            INSERT INTO cluster_note VALUES (\(subject), (SELECT coalesce(max(n), 0) + 1 FROM cluster_note))
            ON CONFLICT DO UPDATE SET n = excluded.n;
        END
        """
    }

    /// Columns of a tenant's row that others have to know of; not what is counted.
    private static let told = """
        UPDATE OF slug, state, tier, quota_bytes, quota_resellers, quota_keys, quota_requests, owner_email, ends_at,
        ended_at, deletes_at, limit_requests, limit_window, limit_burst, moved_to, moved_at, moved_from_state,
        move_confirmed_at
        """

    /// After the file was opened and migrated: from here on its changes are noted, and what others noted is told. Only
    /// then the copy counts as being where it is: whoever sees that asks memory next.
    func follow(in connection: Connection, of sink: SharedRegistrySink) throws {
        try connection.execute(Self.notes)
        var triggers: [String] = []
        for (event, row) in [("INSERT", "NEW"), ("DELETE", "OLD")] {
            triggers.append(Self.trigger("tenant_\(event)", event, "tenant", "\(row).id"))
            for table in ["domain", "api_key", "reseller", "secret"] {
                triggers.append(Self.trigger("\(table)_\(event)", event, table, "\(row).tenant_id"))
            }
        }
        triggers.append(Self.trigger("tenant_update", Self.told, "tenant", "NEW.id"))
        for table in ["api_key", "reseller", "secret", "domain"] {
            triggers.append(Self.trigger("\(table)_update", "UPDATE", table, "NEW.tenant_id"))
        }
        for event in ["INSERT", "UPDATE OF ends_at", "DELETE"] {
            triggers.append(Self.trigger("provider_secret_\(event.prefix(6))", event, "provider_secret", "x'00'"))
        }
        triggers.append(
            Self.trigger("provider_key", "UPDATE OF name, role, expires_at, revoked_at", "provider_key", "x'00'"))
        triggers.append(Self.trigger("console_sign_out", "INSERT", "console_sign_out", "x'01'"))
        for trigger in triggers { try connection.execute(trigger) }
        try tell(connection)
        isTold.store(true, ordering: .releasing)
        noteAppended(sink.durable)
    }

    private func tell(_ connection: Connection) throws {
        let last = followed.withLock { $0 }
        let notes = try connection.rows("SELECT subject, n FROM cluster_note WHERE n > ?1 ORDER BY n", .integer(last)) {
            try (subject: $0.blob(), n: $0.int())
        }
        guard let newest = notes.last?.n else { return }
        // What is read at start is known by the snapshot.
        if let follower = follower.withLock({ $0 }) {
            let reading = RegistryReading(connection: connection)
            follower(
                try notes.compactMap { note in
                    if note.subject == Self.provider { return .providerKeys(try reading.providerSecrets()) }
                    if note.subject == Self.signOuts { return .signOuts(try reading.signOuts()) }
                    return try TenantID(bytes: note.subject).map {
                        .tenant($0, try RegistryReading.tenant($0, in: connection))
                    }
                })
        }
        // Not before: what could not be read is told at the next opening.
        followed.withLock { $0 = newest }
    }
}

/// Where the registry's commits go: each waits until it is in the log, or is known not to be.
final class SharedRegistrySink: CommitSink {
    let stream: any SharedStream
    private let registry: SharedRegistry
    private let failed = Mutex<FailedCommit?>(nil)
    private let durableNow: Atomic<UInt64>

    init(_ stream: any SharedStream, _ registry: SharedRegistry) {
        (self.stream, self.registry) = (stream, registry)
        durableNow = Atomic(stream.settled.sequence)
    }

    var takesPacked: Bool { TenantID.registry.packsCommits }
    var durable: UInt64 { durableNow.load(ordering: .acquiring) }
    var place: SharedPlace { stream.settled }

    /// Once after a COMMIT that failed here.
    func takeFailedCommit() -> FailedCommit? {
        failed.withLock { failed in
            defer { failed = nil }
            return failed
        }
    }

    func append(_ commit: UnsafeRawBufferPointer) throws(CommitRefused) -> UInt64 {
        let verdict = Mutex(SharedVerdict.unknown)
        let isDone = DispatchSemaphore(value: 0)
        let sequence = stream.append(commit) { outcome in
            verdict.withLock { $0 = outcome }
            isDone.signal()
        }
        isDone.wait()
        switch verdict.withLock({ $0 }) {
        case .appended:
            durableNow.store(sequence, ordering: .releasing)
            registry.noteAppended(sequence)
            return sequence
        case .refused:
            registry.conflicts.add(1, ordering: .relaxed)
            failed.withLock { $0 = .cameLate }
        case .absent: failed.withLock { $0 = .told(.logUnavailable) }
        case .unknown: failed.withLock { $0 = .told(.outcomeUnknown) }
        }
        throw .failed
    }
}
