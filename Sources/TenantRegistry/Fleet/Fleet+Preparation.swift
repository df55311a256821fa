import Cryptography
import SQLite

/// A file that came from elsewhere becomes a live one: in a restore (P5), an import (P10), a node that is made anew
/// (P11).
extension Fleet {
    /// Makes a file ready to be a live one: of the newest schema, in an incarnation of its own that begins with the row
    /// that `note` gives for the head it had, without the keys that were revoked since. `before`: what it replaces, and
    /// `keys`: those that it has.
    func prepare(
        _ path: String, of record: TenantRecord, above before: (head: AuditHead, epoch: Int64)?, revoked: [Digest],
        keys: KeysThatGo = KeysThatGo(), replacing replaced: Connection?, origin: Beginning? = nil,
        requestID: RequestID, note: (AuditHead) -> AuditRecord
    ) throws -> (head: AuditHead, epoch: Int64) {
        let connection = try Connection(path: path, flags: [.readWrite])
        do {
            try connection.configureLive()
            try Migrator.migrate(connection, schema.migrations)
            try connection.beginImmediate()
            try origin?.become?(connection)
            // What a number of another time cannot be any more does not count: it would keep every sound file out.
            let incarnations = [before?.head.incarnation ?? 0, record.profile.incarnation]
            let epochs = [before?.epoch ?? 0, record.profile.projectionEpoch]
            try connection.run(
                """
                UPDATE meta SET incarnation = max(incarnation, ?1) + 1,
                    projection_epoch = iif(max(projection_epoch, ?2) < ?3, max(projection_epoch, ?2) + 1, 1)
                WHERE id = 1
                """,
                .integer(incarnations.filter { $0 < TenantStore.counters.upperBound && $0 >= 0 }.max() ?? 0),
                .integer(epochs.filter(TenantStore.counters.contains).max() ?? 0),
                .integer(TenantStore.counters.upperBound))
            // An incarnation begins with this row. Reads that wait in memory stay there and join the chain behind it.
            let store = try TenantStore(
                connection: connection, tenantID: record.id, context: context(record, readLog: ReadLog()))
            try origin?.fill(store.transaction)
            try keys.carry(into: connection)
            for hash in revoked { try connection.run("DELETE FROM api_key_secret WHERE hash = ?1", .blob(hash.bytes)) }
            try connection.run(
                """
                UPDATE api_key SET revoked_at = ?1, epoch = epoch + 1
                WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?1)
                    AND NOT EXISTS (SELECT 1 FROM api_key_secret s WHERE s.key_id = api_key.id)
                """,
                .integer(clock.now().milliseconds))
            try holdBack(connection)
            // A fork is another tenant, and nothing of it was ever sent.
            if origin?.become == nil {
                try schema.succeed(store.transaction, replaced, past?.now ?? clock.now(), requestID)
            }
            // What another tenant's chain said of rows does not hold for this one's.
            if try origin?.become != nil || isUntold(connection) { try store.vouchForAll(schema: schema.version) }
            store.note(note(store.head))
            try store.seal()
            try connection.commit()
            store.committed()?.run()
            let made = (head: store.head, epoch: store.projectionEpoch)
            store.close()
            try tryOpening(path, of: record)
            return made
        } catch {
            connection.close()
            if let error = error as? TenantFileError { throw RestoreFailure.damaged(["\(error)"]) }
            throw error
        }
    }

    /// What it would do by itself waits, and what was under way in it ends.
    private func holdBack(_ connection: Connection) throws {
        // What it would send may have been sent since: that waits for the operator's word (P3).
        try connection.run("UPDATE meta SET outbound_held_at = ?1", .integer(clock.now().milliseconds))
        try connection.run(
            """
            UPDATE delivery SET state = 'held', next_at = NULL, updated_at = (SELECT outbound_held_at FROM meta)
            WHERE state = 'pending'
            """)
        // No import is under way in it any more.
        try connection.run("DELETE FROM price_staging")
        try connection.run("DELETE FROM licence_staging")
        try connection.run("DELETE FROM stock_staging")
        try connection.run("DELETE FROM product_staging")
        try connection.run("DELETE FROM port_staging")
    }

    /// Everything that an opening asks of a file, asked while the old one is still in its place.
    private func tryOpening(_ path: String, of record: TenantRecord) throws {
        do {
            let store = try openStore(path, of: record)
            defer { store.close() }
            _ = try schema.readProjections(store.reader) { _ in }
        } catch let error as TenantFileError {
            throw RestoreFailure.damaged(["\(error)"])
        }
        // What its WAL still holds would stay behind under the old name.
        guard DataDirectory.size(of: path + "-wal") == nil else { throw LaneFailure.notCommitted }
        try DataDirectory.synchronise(file: path)
    }

    /// A file of another schema than its rows were last told at tells all of them anew, with its first commit.
    func vouchForAll(_ store: TenantStore) throws {
        guard try isUntold(store.connection) else { return }
        try store.connection.beginImmediate()
        do {
            try store.vouchForAll(schema: schema.version)
            try store.seal()
            try store.connection.commit()
        } catch {
            store.rolledBack()
            throw error
        }
        store.openingCommitted()
    }

    /// Whether the chain does not vouch for the rows as this schema has them.
    func isUntold(_ connection: Connection) throws -> Bool {
        guard schema.vouched != nil else { return false }
        let told = try connection.row("SELECT vouched_version FROM meta WHERE id = 1") { try $0.int() }
        return told != Int64(schema.version)
    }

    /// All that the registry has, which cannot be served without; rows that are corrupt are told of.
    static func snapshot(
        of registry: SQLiteRegistry, at path: String, _ report: (String) -> Void
    ) throws -> RegistrySnapshot {
        do {
            let snapshot = try registry.snapshot()
            for corrupt in snapshot.corruptRows { report("registry: \(corrupt)") }
            return snapshot
        } catch {
            throw DataDirectory.Failure.unusable(path, "\(error)")
        }
    }
}
