import SQLite

/// What each tenant used in a month, and where it stands in its quotas (P9).
enum RegistryUsageMigration {
    static let migration = Migration(version: 4, name: "usage by month", sql: sql)

    private static let sql = """
        -- Every tenant that there ever was since; the mark is the row of its audit chain up to which it was counted.
        CREATE TABLE metered_tenant (
            tenant_id BLOB PRIMARY KEY,
            slug TEXT NOT NULL,
            currency TEXT NOT NULL,
            mark_incarnation INTEGER,
            mark_sequence INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX metered_tenant_by_slug ON metered_tenant (slug, tenant_id);
        INSERT INTO metered_tenant (tenant_id, slug, currency) SELECT id, slug, currency FROM tenant WHERE state <> 0;

        -- Kept for ever. Turnover in micros of the tenant's currency; month is 12 x year + month - 1.
        CREATE TABLE usage_month (
            tenant_id BLOB NOT NULL REFERENCES metered_tenant(tenant_id),
            month INTEGER NOT NULL,
            requests INTEGER NOT NULL DEFAULT 0,
            refusals INTEGER NOT NULL DEFAULT 0,
            orders INTEGER NOT NULL DEFAULT 0,
            turnover INTEGER NOT NULL DEFAULT 0,
            bytes INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (tenant_id, month)
        ) STRICT, WITHOUT ROWID;

        -- 80 or 100 from four fifths of a quota on; when and under which quota the provider's log was told last.
        CREATE TABLE quota_stand (
            tenant_id BLOB NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
            quota TEXT NOT NULL
                CHECK (quota = 'bytes' OR quota = 'requests' OR quota = 'resellers' OR quota = 'keys'),
            level INTEGER NOT NULL CHECK (level = 0 OR level = 80 OR level = 100),
            warning_month INTEGER, warning_most INTEGER,
            full_month INTEGER, full_most INTEGER,
            PRIMARY KEY (tenant_id, quota)
        ) STRICT, WITHOUT ROWID;
        """
}
