package import SQLite
import Synchronization

/// The registry's open file, as its lane sees it: tenants, hashes of keys, and the projection of keys and resellers.
/// Everything but the wrapped keys can be rebuilt from the tenants' files.
package final class RegistryStore: LaneFile {
    package let connection: Connection
    private let metrics: LaneMetrics
    private var pace = CheckpointPace()
    /// What changes, for an archive; nil where nobody asked (B3).
    private(set) var recorder: ChangeRecorder?
    private(set) var recording = 0
    private static let recordings = Atomic<Int>(0)
    private let shared: (registry: SharedRegistry, sink: SharedRegistrySink)?

    /// "TOLR" in ASCII.
    static let applicationID: Int32 = 0x544F_4C52

    /// `shared`: where the nodes of a cluster have it in common; nil: it is this node's alone.
    init(path: String, metrics: LaneMetrics, shared registry: SharedRegistry? = nil) throws {
        self.metrics = metrics
        try FileSwap.finish(path)
        shared = try registry.map { ($0, try $0.open()) }
        let isNew = DataDirectory.size(of: path) == nil
        if !isNew { try FileIdentity.check(path) }
        connection = try Connection(path: path, flags: [.readWrite, .create], sink: shared?.sink)
        do { try begin(path, isNew: isNew) } catch {
            connection.close()
            throw error
        }
    }

    private func begin(_ path: String, isNew: Bool) throws {
        try connection.configureLive()
        // Keys of a tenant that was erased stay in no page.
        try connection.execute("PRAGMA secure_delete=ON")
        if shared != nil { try connection.beginLogging() }
        if isNew {
            try connection.setApplicationID(Self.applicationID)
        } else if try connection.applicationID != Self.applicationID {
            throw TenantFileError.notATenantFile("\(path) is not a registry")
        }
        try Self.bringUp(connection)
        if let shared { try shared.registry.follow(in: connection, of: shared.sink) }
    }

    var stream: (any SharedStream)? { shared?.sink.stream }

    package func takeFailedCommit() -> FailedCommit? { shared?.sink.takeFailedCommit() }

    package func jobBegins() {}
    package func jobUndone() {}
    package func seal() throws {}
    package func committed() -> Never? { nil }
    package var outcome: Void { () }
    package var isUnfinished: Bool { false }
    package var log: (any LaneLog)? { nil }
    package var lastLSN: UInt64 { 0 }
    package func takeOpening() -> Never? { nil }
    package func rolledBack() {}

    package func writeMarker() throws {
        try connection.execute("BEGIN IMMEDIATE; UPDATE marker SET value = value + 1; COMMIT")
    }

    package func rest(isDurable: Bool, isPressed: Bool) -> LaneRest { pace.rest(connection, metrics) }

    package func close() {
        recorder?.close()
        // What is not brought home is played with the next opening.
        try? bringHome()
        connection.closeEmptyingWAL()
    }

    private func bringHome() throws {
        guard let shared else { return }
        try connection.checkpoint(.truncate)
        guard connection.isFileUnsynced else { return }
        try connection.syncFile()
        try shared.registry.file.write(mark: shared.sink.place)
    }

    package func discard() {
        recorder?.close()
        connection.close()
    }

    /// From here on.
    func record() throws -> ChangeRecorder {
        let new = try ChangeRecorder(connection, tables: connection.tables(without: NodeCopy.unarchived))
        recorder = new
        recording = Self.recordings.add(1, ordering: .relaxed).newValue
        return new
    }

    /// To the last version, and with what is there beside it.
    static func bringUp(_ connection: Connection) throws {
        try Migrator.migrate(connection, migrations)
        try connection.execute(RegistryBacklogTable.sql)
        try connection.execute(RegistryWaitingTable.sql)
        try connection.execute(RegistryFormTable.sql)
        try connection.execute(RegistrySignOutTable.sql)
    }

    /// Of the last step.
    package static let version = Int32(migrations.count)

    /// All nodes of a cluster have one registry, and one of the version before knows no step that is added here: it
    /// serves nothing more until it is upgraded. So the first node that would take it does not join while others run
    /// that do not know it (`ClusterMember.judgeRegistryStep`). What only adds a table goes beside them, as
    /// `RegistryBacklogTable`.
    static let migrations: [Migration] = [
        Migration(
            version: 1, name: "tenants, secrets, projections, provider keys",
            sql: """
                CREATE TABLE marker (value INTEGER NOT NULL) STRICT;
                INSERT INTO marker VALUES (0);

                CREATE TABLE tenant (
                    id BLOB PRIMARY KEY,
                    slug TEXT NOT NULL UNIQUE,
                    blueprint TEXT NOT NULL,
                    state INTEGER NOT NULL,
                    tier TEXT NOT NULL,
                    quota_bytes INTEGER, quota_resellers INTEGER, quota_keys INTEGER, quota_requests INTEGER,
                    currency TEXT NOT NULL,
                    key_prefix TEXT NOT NULL,
                    owner_email TEXT NOT NULL,
                    created_at INTEGER NOT NULL,
                    refundable_until INTEGER NOT NULL,
                    ends_at INTEGER,
                    ended_at INTEGER,
                    limit_requests INTEGER, limit_window INTEGER, limit_burst INTEGER,
                    projection_epoch INTEGER NOT NULL DEFAULT 0,
                    -- Of the tenant's file: a restore rises above it even when the file in place cannot be read.
                    incarnation INTEGER NOT NULL DEFAULT 1,
                    requests_month INTEGER NOT NULL DEFAULT 0,
                    requests_count INTEGER NOT NULL DEFAULT 0,
                    last_request_at INTEGER,
                    wrapped_secret_key BLOB NOT NULL,
                    wrapped_signing_key BLOB NOT NULL
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE domain (
                    host TEXT PRIMARY KEY,
                    tenant_id BLOB NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
                    certificate TEXT,
                    wrapped_private_key BLOB
                ) STRICT, WITHOUT ROWID;

                -- Every hash that ever opened a key of any tenant. Revoked ones stay for ever.
                CREATE TABLE secret (
                    hash BLOB PRIMARY KEY,
                    tenant_id BLOB NOT NULL,
                    key_id INTEGER,
                    expires_at INTEGER,
                    is_revoked INTEGER NOT NULL DEFAULT 0
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX secret_by_key ON secret (tenant_id, key_id);

                CREATE TABLE api_key (
                    tenant_id BLOB NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
                    key_id INTEGER NOT NULL,
                    public_id TEXT NOT NULL,
                    role INTEGER NOT NULL,
                    book INTEGER NOT NULL,
                    scopes INTEGER NOT NULL,
                    reseller_id INTEGER NOT NULL,
                    account_id INTEGER NOT NULL,
                    is_revoked INTEGER NOT NULL,
                    expires_at INTEGER,
                    limit_requests INTEGER, limit_window INTEGER, limit_burst INTEGER,
                    epoch INTEGER NOT NULL,
                    PRIMARY KEY (tenant_id, key_id)
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE reseller (
                    tenant_id BLOB NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
                    reseller_id INTEGER NOT NULL,
                    public_id TEXT NOT NULL,
                    state INTEGER NOT NULL,
                    api_access INTEGER NOT NULL,
                    limit_requests INTEGER NOT NULL, limit_window INTEGER NOT NULL, limit_burst INTEGER NOT NULL,
                    PRIMARY KEY (tenant_id, reseller_id)
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE provider_key (
                    hash BLOB PRIMARY KEY,
                    display_prefix TEXT NOT NULL,
                    created_at INTEGER NOT NULL,
                    revoked_at INTEGER
                ) STRICT, WITHOUT ROWID;

                -- What the provider did to tenants; append-only.
                CREATE TABLE provider_event (
                    seq INTEGER PRIMARY KEY,
                    at INTEGER NOT NULL,
                    action TEXT NOT NULL,
                    tenant_id BLOB NOT NULL,
                    slug TEXT NOT NULL,
                    request_id TEXT NOT NULL
                ) STRICT;
                CREATE TRIGGER provider_event_is_append_only_update BEFORE UPDATE ON provider_event
                    BEGIN SELECT RAISE(ABORT, 'provider events are append-only'); END;
                CREATE TRIGGER provider_event_is_append_only_delete BEFORE DELETE ON provider_event
                    BEGIN SELECT RAISE(ABORT, 'provider events are append-only'); END;
                """),
        Migration(
            version: 2, name: "when each tenant's file is to be asked",
            sql: """
                -- A tenant without a row was never asked; one whose row says NULL has nothing that falls due. A row may
                -- be too early, and too late only where a crash came in between: then the file is asked at start.
                CREATE TABLE due (
                    tenant_id BLOB PRIMARY KEY REFERENCES tenant(id) ON DELETE CASCADE,
                    at INTEGER
                ) STRICT, WITHOUT ROWID;
                -- 1 from an orderly stop to the next start: no row is too late.
                CREATE TABLE due_state (id INTEGER PRIMARY KEY CHECK (id = 1), is_whole INTEGER NOT NULL) STRICT;
                INSERT INTO due_state VALUES (1, 0);
                """),
        RegistryKeysMigration.migration, RegistryUsageMigration.migration, RegistryMovesMigration.migration,
        RegistryLogMigration.migration,
        RegistryTenantKeysMigration.migration,
    ]
}
