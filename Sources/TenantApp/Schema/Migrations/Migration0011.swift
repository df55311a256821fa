import SQLite

/// From where accounts' passwords were right not long ago, and who made a reseller: the operator, or somebody who
/// applied and whose application lapses.
enum Migration0011 {
    static let version: Int32 = 11
    static let migration = Migration(version: version, name: "budgets", sql: sql)

    private static let sql = """
        CREATE TABLE known_place (
            realm INTEGER NOT NULL CHECK (realm BETWEEN 0 AND 2),
            person_id INTEGER NOT NULL,
            place BLOB NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (realm, person_id, place)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX known_place_at ON known_place (at);
        ALTER TABLE reseller ADD COLUMN is_applicant INTEGER NOT NULL DEFAULT 0 CHECK (is_applicant BETWEEN 0 AND 1);
        CREATE INDEX reseller_waiting ON reseller (created_at) WHERE state = 0 AND is_applicant = 1;
        CREATE INDEX delivery_delivered ON delivery (updated_at) WHERE state = 'delivered' OR state = 'dropped';
        CREATE INDEX api_key_session_by_end ON api_key (expires_at) WHERE role >= 3;
        """
}
