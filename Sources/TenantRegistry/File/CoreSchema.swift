import SQLite

/// The tables that every tenant file has whatever its dialects: who it is, and its audit chain.
/// TenantApp's first migration begins with this text.
package enum CoreSchema {
    /// "TOLL" in ASCII: `PRAGMA application_id` of a tenant file.
    package static let applicationID: Int32 = 0x544F_4C4C

    /// Throws for a file of another program.
    static func check(_ connection: Connection) throws {
        guard try connection.applicationID == applicationID else {
            throw TenantFileError.notATenantFile("its application_id is not Tollgate's")
        }
    }

    package static let sql = """
        CREATE TABLE meta (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            tenant_id BLOB NOT NULL CHECK (length(tenant_id) = 16),
            incarnation INTEGER NOT NULL,
            fencing_epoch INTEGER NOT NULL DEFAULT 0,
            projection_epoch INTEGER NOT NULL DEFAULT 0,
            commit_marker INTEGER NOT NULL DEFAULT 0,
            currency TEXT NOT NULL,
            audit_public_key BLOB NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE audit (
            seq INTEGER PRIMARY KEY,
            incarnation INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            at INTEGER NOT NULL,
            last_at INTEGER NOT NULL,
            book INTEGER NOT NULL,
            key_id INTEGER NOT NULL,
            account_id INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL,
            action TEXT NOT NULL,
            status INTEGER NOT NULL,
            latency_us INTEGER NOT NULL,
            request_id BLOB NOT NULL,
            bytes_in INTEGER NOT NULL,
            bytes_out INTEGER NOT NULL,
            count INTEGER NOT NULL,
            detail TEXT NOT NULL,
            payload BLOB,
            hash BLOB NOT NULL,
            signature BLOB
        ) STRICT;
        CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

        CREATE TABLE usage (
            day INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL,
            action TEXT NOT NULL,
            requests INTEGER NOT NULL,
            refusals INTEGER NOT NULL,
            orders INTEGER NOT NULL,
            PRIMARY KEY (day, reseller_id, action)
        ) STRICT, WITHOUT ROWID;

        """
}
