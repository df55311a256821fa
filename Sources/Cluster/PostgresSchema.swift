/// The tables of the shared log, in the schema `tollgate` of whatever database the address names.
///
/// Rows of `head` change with every commit: room is left in their pages, and no index covers what changes, so that
/// PostgreSQL does it within the page. The log is partitioned by day; what nobody needs is dropped and never vacuumed.
enum PostgresSchema {
    static let version: Int64 = 1
    /// Of the advisory lock under which the tables are made: “Tollgate”.
    static let lock: Int64 = 0x546F_6C6C_6761_7465

    /// What a session begins with: its settings, and what the server promises.
    static let beginSession = """
        SELECT current_setting('server_version_num')::bigint, pg_is_in_recovery(), current_setting('fsync'),
            current_setting('full_page_writes'), current_setting('synchronous_standby_names'),
            set_config('synchronous_commit',
                CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
            set_config('lock_timeout', '\(PostgresBounds.lockMilliseconds)', false),
            set_config('statement_timeout', '0', false),
            set_config('idle_in_transaction_session_timeout', '5000', false),
            set_config('default_transaction_isolation', 'read committed', false),
            set_config('client_min_messages', 'warning', false),
            set_config('TimeZone', 'UTC', false),
            CASE WHEN current_setting('server_version_num')::int >= 140000
                THEN set_config('client_connection_check_interval', '1000', false) END
        """

    static let standbys = "SELECT current_setting('synchronous_standby_names') <> ''"

    /// Null where there is no standby, or the role may not see what each has: that takes pg_monitor.
    static let standbyLag = """
        SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn))::bigint FROM pg_stat_replication
        """

    /// One after the other, in one transaction.
    static let create = [
        "CREATE SCHEMA IF NOT EXISTS tollgate",
        """
        CREATE TABLE IF NOT EXISTS tollgate.cluster (
            one boolean PRIMARY KEY DEFAULT true CHECK (one),
            version bigint NOT NULL,
            key_print bytea,
            registry bigint NOT NULL DEFAULT 0)
        """,
        "INSERT INTO tollgate.cluster (version) VALUES (\(version)) ON CONFLICT DO NOTHING",
        // Of all nodes together: a name that was forgotten comes again with a higher one.
        "CREATE SEQUENCE IF NOT EXISTS tollgate.generation",
        """
        CREATE TABLE IF NOT EXISTS tollgate.node (
            name text PRIMARY KEY,
            generation bigint NOT NULL,
            address text NOT NULL,
            schema bigint NOT NULL,
            beats bigint NOT NULL,
            state bigint NOT NULL,
            levels bytea,
            registry bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50)
        """,
        // state: 0 there, 1 removed. owner_since: the transaction that set the owner. needed: no record at or before it
        // is needed.
        """
        CREATE TABLE IF NOT EXISTS tollgate.head (
            tenant uuid PRIMARY KEY,
            owner text,
            owner_since bigint NOT NULL,
            epoch bigint NOT NULL,
            sequence bigint NOT NULL,
            chain bytea NOT NULL,
            reset_at bigint NOT NULL,
            needed bigint NOT NULL,
            state bigint NOT NULL) WITH (fillfactor = 50)
        """,
        "CREATE INDEX IF NOT EXISTS head_owner_since ON tollgate.head (owner_since)",
        "CREATE INDEX IF NOT EXISTS head_owner ON tollgate.head (owner)",
        // kind: 0 a commit, 1 a reset.
        """
        CREATE TABLE IF NOT EXISTS tollgate.log (
            tenant uuid NOT NULL,
            sequence bigint NOT NULL,
            epoch bigint NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            kind bigint NOT NULL,
            chain bytea NOT NULL,
            data bytea NOT NULL) PARTITION BY RANGE (at)
        """,
        "CREATE INDEX IF NOT EXISTS log_place ON tollgate.log (tenant, sequence)",
        """
        CREATE TABLE IF NOT EXISTS tollgate.snapshot (
            tenant uuid NOT NULL,
            sequence bigint NOT NULL,
            chain bytea NOT NULL,
            id uuid NOT NULL,
            parts bigint NOT NULL,
            bytes bigint NOT NULL,
            digest bytea NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (tenant, sequence))
        """,
        """
        CREATE TABLE IF NOT EXISTS tollgate.snapshot_part (
            id uuid NOT NULL,
            part bigint NOT NULL,
            tenant uuid NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            data bytea NOT NULL,
            PRIMARY KEY (id, part))
        """,
        "CREATE INDEX IF NOT EXISTS snapshot_part_tenant ON tollgate.snapshot_part (tenant)",
        // Sealed bytes do not compress.
        "ALTER TABLE tollgate.snapshot_part ALTER data SET STORAGE EXTERNAL",
    ]

    static let hasTables = "SELECT to_regclass('tollgate.cluster') IS NOT NULL"

    /// The registry that the cluster has, and the one that a node's program knows: both came later. Nodes of before go
    /// on beside them, and tell 0.
    static let addColumns = ["cluster", "node"].map {
        "ALTER TABLE tollgate.\($0) ADD COLUMN IF NOT EXISTS registry bigint NOT NULL DEFAULT 0"
    }
    static let hasColumns = """
        SELECT count(*) = 2 FROM information_schema.columns
        WHERE table_schema = 'tollgate' AND table_name IN ('cluster', 'node') AND column_name = 'registry'
        """
    /// Beats queue behind whoever waits to change their table: so not for long.
    static let columnPatience = "SET LOCAL lock_timeout = '300ms'"

    /// Days from yesterday on; a clock that goes back an hour finds its partition too. Attached, not created in place:
    /// that would keep commits waiting for whoever reads.
    static let partitions = """
        DO $$
        DECLARE day date; name text;
        BEGIN
            PERFORM pg_advisory_xact_lock(\(lock));
            FOR ahead IN -1..\(PostgresBounds.daysAhead) LOOP
                day := (now() AT TIME ZONE 'UTC')::date + ahead;
                name := 'log_' || to_char(day, 'YYYYMMDD');
                IF to_regclass('tollgate.' || name) IS NULL THEN
                    EXECUTE format('CREATE TABLE tollgate.%I (LIKE tollgate.log INCLUDING DEFAULTS)', name);
                    EXECUTE format('ALTER TABLE tollgate.%I ALTER data SET STORAGE EXTERNAL', name);
                    EXECUTE format(
                        'ALTER TABLE tollgate.log ATTACH PARTITION tollgate.%I FOR VALUES FROM (%L) TO (%L)',
                        name, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
                END IF;
            END LOOP;
        END $$
        """

    /// Commits wait behind whoever waits to drop: so not for long.
    static let dropPatience = "SET LOCAL lock_timeout = '200ms'"
    /// Drops partitions of days that are over where no record is needed.
    static let dropPartitions = """
        DO $$
        DECLARE name text; is_needed boolean; gone text[] := '{}';
        BEGIN
            FOR name IN
                SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'tollgate.log'::regclass
                    AND c.relname < 'log_' || to_char((now() AT TIME ZONE 'UTC')::date - 1, 'YYYYMMDD')
                ORDER BY c.relname
            LOOP
                EXECUTE format(
                    'SELECT EXISTS (SELECT FROM tollgate.%I l JOIN tollgate.head h ON h.tenant = l.tenant '
                    'WHERE h.state = 0 AND l.sequence > h.needed)', name) INTO is_needed;
                IF NOT is_needed THEN gone := array_append(gone, name); END IF;
            END LOOP;
            FOREACH name IN ARRAY gone LOOP EXECUTE format('DROP TABLE tollgate.%I', name); END LOOP;
        END $$
        """

    // MARK: Nodes

    /// It takes no tenants before it says so.
    static let join = """
        INSERT INTO tollgate.node (name, generation, address, schema, registry, beats, state)
        VALUES ($1, nextval('tollgate.generation'), $2, $3, $4, 1, 1)
        ON CONFLICT (name) DO UPDATE SET generation = nextval('tollgate.generation'), address = $2, schema = $3,
            registry = $4, beats = node.beats + 1, state = 1
        RETURNING generation
        """
    static let beat =
        "UPDATE tollgate.node SET beats = beats + 1, state = $3 WHERE name = $1 AND generation = $2"
    static let nodes = """
        SELECT name, generation, address, state, beats, schema, registry, (SELECT registry FROM tollgate.cluster)
        FROM tollgate.node ORDER BY name
        """
    static let noteRegistry = "UPDATE tollgate.cluster SET registry = $1 WHERE registry < $1"
    /// What began before `at` has ended: whoever asks from there misses nothing. Whoever asks from later than that knew
    /// a server that was put back to an earlier moment since, and gets all.
    static let owners = """
        SELECT p.at, (SELECT sequence FROM tollgate.head WHERE tenant = $2), h.tenant, h.owner
        FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS at) p
        LEFT JOIN tollgate.head h
            ON h.owner_since >= CASE WHEN $1 > p.at AND $1 < \(Int64.max) THEN 0 ELSE $1 END AND h.state = 0 AND h.owner IS NOT NULL
        """
    private static let xid = "pg_current_xact_id()::text::bigint"
    /// Whether node `$1` still is as it was seen, of that generation and with so many beats; below 0: nobody of that
    /// name was there.
    private static let isAsSeen = """
        CASE WHEN $2 < 0 THEN NOT EXISTS (SELECT FROM tollgate.node WHERE name = $1)
            ELSE EXISTS (SELECT FROM tollgate.node WHERE name = $1 AND generation = $2 AND beats = $3) END
        """
    /// A claim, one after the other in one transaction: the owner's beat waits for it, or it sees that beat; who claims
    /// from the same owner does not wait.
    static let holdOwner = "SELECT FROM tollgate.node WHERE name = $1 FOR SHARE"
    static let ownerStands = "SELECT \(isAsSeen)"
    static let claim = """
        WITH mine AS (
            SELECT tenant FROM tollgate.head WHERE tenant = ANY($4) AND owner = $1 AND state = 0 AND \(isAsSeen)
            ORDER BY tenant FOR UPDATE)
        UPDATE tollgate.head h SET epoch = h.epoch + 1, owner = $5, owner_since = \(xid)
        FROM mine WHERE h.tenant = mine.tenant RETURNING h.tenant
        """
    /// Sessions of a node, but this one.
    static let endSessions = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = $1 AND usename = current_user AND datname = current_database()
            AND pid <> pg_backend_pid()
        """
    static let hand = """
        UPDATE tollgate.head SET epoch = epoch + 1, owner = $3, owner_since = \(xid)
        WHERE tenant = $1 AND owner = $2 AND state = 0
        """
    static let forget = """
        DELETE FROM tollgate.node WHERE name = $1 AND state = 2
            AND NOT EXISTS (SELECT FROM tollgate.head WHERE owner = $1 AND state = 0)
        """

    // MARK: Heads

    /// Over a removed tenant's head the epoch goes on: who wrote to that one still is refused.
    static let make = """
        INSERT INTO tollgate.head (tenant, owner, owner_since, epoch, sequence, chain, reset_at, needed, state)
        VALUES ($1, NULLIF($2, ''), \(xid), 1, 0, $3, 0, 0, 0)
        ON CONFLICT (tenant) DO UPDATE SET owner = NULLIF($2, ''), owner_since = \(xid), epoch = head.epoch + 1,
            sequence = 0, chain = $3, reset_at = 0, needed = 0, state = 0
        WHERE head.state <> 0
        """
    static let head = """
        SELECT owner, epoch, sequence, chain, reset_at FROM tollgate.head WHERE tenant = $1 AND state = 0
        """
    /// `$3`: the generation of who asks; below 0: it has not joined.
    static let open = """
        UPDATE tollgate.head SET epoch = epoch + 1
        WHERE tenant = $1 AND owner = $2 AND state = 0
            AND ($3 < 0 OR EXISTS (SELECT FROM tollgate.node WHERE name = $2 AND generation = $3))
        RETURNING owner, epoch, sequence, chain, reset_at
        """
    static let remove = [
        """
        UPDATE tollgate.head SET epoch = epoch + 1, owner = NULL, owner_since = \(xid), sequence = 0, chain = $2,
            reset_at = 0, needed = 0, state = 1 WHERE tenant = $1
        """,
        "DELETE FROM tollgate.log WHERE tenant = $1",
        "DELETE FROM tollgate.snapshot WHERE tenant = $1",
        "DELETE FROM tollgate.snapshot_part WHERE tenant = $1",
    ]

    // MARK: Records

    /// The fence: one row where the head has that epoch, the sequence before and the chain there, else none. The chain,
    /// as where everybody appends under one epoch, what follows a refused record must not follow another's.
    static let append = """
        WITH h AS (
            UPDATE tollgate.head SET sequence = $3, chain = $5
            WHERE tenant = $1 AND epoch = $2 AND sequence = $3 - 1 AND chain = $6 AND state = 0 RETURNING 1)
        INSERT INTO tollgate.log (tenant, sequence, epoch, kind, chain, data) SELECT $1, $3, $2, 0, $5, $4 FROM h
        """
    static let reset = """
        WITH h AS (
            UPDATE tollgate.head SET sequence = $3, chain = $5, reset_at = $3
            WHERE tenant = $1 AND epoch = $2 AND sequence = $3 - 1 AND chain = $10 AND state = 0
                AND (SELECT count(*) FROM tollgate.snapshot_part WHERE id = $6) = $7
            RETURNING 1), l AS (
            INSERT INTO tollgate.log (tenant, sequence, epoch, kind, chain, data) SELECT $1, $3, $2, 1, $5, $4 FROM h)
        INSERT INTO tollgate.snapshot (tenant, sequence, chain, id, parts, bytes, digest)
        SELECT $1, $3, $5, $6, $7, $8, $9 FROM h
        """
    /// What is not settled: the epoch rises where nobody raised it since, so that nothing on its way gets in. A stream
    /// that was opened later is left alone.
    static let settle = """
        WITH mine AS (
            SELECT h.tenant FROM tollgate.head h JOIN unnest($1, $2) AS u (tenant, epoch)
                ON h.tenant = u.tenant AND h.epoch = u.epoch
            ORDER BY h.tenant FOR UPDATE OF h)
        UPDATE tollgate.head h SET epoch = h.epoch + 1 FROM mine WHERE h.tenant = mine.tenant
        RETURNING h.tenant, h.epoch
        """
    static let ownersOf = "SELECT tenant, owner FROM tollgate.head WHERE tenant = ANY($1) AND state = 0"
    static let chain = """
        SELECT chain FROM tollgate.log WHERE tenant = $1 AND sequence = $2
        UNION ALL SELECT chain FROM tollgate.snapshot WHERE tenant = $1 AND sequence = $2
        UNION ALL SELECT chain FROM tollgate.head WHERE tenant = $1 AND sequence = $2 AND state = 0 LIMIT 1
        """
    static let logChain = "SELECT chain FROM tollgate.log WHERE tenant = $1 AND sequence = $2"
    /// Written and waited for like a commit: what was read before is replicated once this is.
    static let proof = "SELECT pg_logical_emit_message(true, 'tollgate', '')"
    static let records = """
        SELECT sequence, epoch, kind, chain, data FROM tollgate.log
        WHERE tenant = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence
        """

    // MARK: Snapshots

    static let putPart = "INSERT INTO tollgate.snapshot_part (id, part, tenant, data) VALUES ($1, $2, $3, $4)"
    /// Of a place that is in the tenant's history: what was there is the same whoever has the tenant now. All its
    /// parts have to be there. One that is there at that sequence is replaced.
    static let putSnapshot = """
        INSERT INTO tollgate.snapshot (tenant, sequence, chain, id, parts, bytes, digest)
        SELECT $1, $2, $3, $4, $5, $6, $7 FROM tollgate.head h WHERE h.tenant = $1 AND h.state = 0
            AND (SELECT count(*) FROM tollgate.snapshot_part WHERE id = $4) = $5
            AND (h.sequence = $2 AND h.chain = $3
                OR EXISTS (SELECT FROM tollgate.log l WHERE l.tenant = $1 AND l.sequence = $2 AND l.chain = $3))
        ON CONFLICT (tenant, sequence) DO UPDATE SET chain = $3, id = $4, parts = $5, bytes = $6, digest = $7, at = now()
        """
    static let snapshots = """
        SELECT sequence, chain, bytes FROM tollgate.snapshot WHERE tenant = $1 ORDER BY sequence DESC
        """
    /// Of the tenants of `$1`, and of `$2`: what was written since the newest snapshot, and how many seconds ago that
    /// was put.
    static let tails = """
        SELECT h.tenant, h.sequence - s.sequence, floor(extract(epoch FROM now() - s.at))::bigint
        FROM tollgate.head h CROSS JOIN LATERAL (
            SELECT sequence, at FROM tollgate.snapshot WHERE tenant = h.tenant ORDER BY sequence DESC LIMIT 1) s
        WHERE (h.owner = $1 OR h.tenant = $2) AND h.state = 0 AND h.sequence > s.sequence
        """
    static let readSnapshot = """
        SELECT s.id, s.parts, s.bytes, s.digest, p.part, p.data
        FROM tollgate.snapshot s LEFT JOIN tollgate.snapshot_part p ON p.id = s.id
        WHERE s.tenant = $1 AND s.sequence = $2 ORDER BY p.part
        """
}
