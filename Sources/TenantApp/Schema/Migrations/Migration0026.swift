import SQLite

/// Replays that can be looked at while they last, and what an endpoint's last attempts came to (H4, O7).
enum Migration0026 {
    static let version: Int32 = 26
    static let migration = Migration(version: version, name: "replays", sql: sql)

    private static let sql = """
        -- Of the last fifty attempts, oldest first: + delivered, - not.
        ALTER TABLE endpoint_health ADD COLUMN recent TEXT NOT NULL DEFAULT '' CHECK (length(recent) <= 50);
        -- Deliveries of a filter that were sent again. `count` grows until it is finished.
        CREATE TABLE replay (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL CHECK (book BETWEEN 0 AND 1),
            -- Whose deliveries alone; NULL: anybody's.
            reseller_id INTEGER REFERENCES reseller(id),
            filter TEXT NOT NULL,
            at INTEGER NOT NULL,
            finished_at INTEGER,
            count INTEGER NOT NULL DEFAULT 0 CHECK (count >= 0),
            key_id INTEGER NOT NULL,
            account_id INTEGER NOT NULL
        ) STRICT;
        -- The last replay that sent it again.
        ALTER TABLE delivery ADD COLUMN replay_id INTEGER;
        -- How far a replay's deliveries are: told by the rows themselves. What has been cleared stays counted, and what a
        -- later replay took over before it was decided is counted as that.
        CREATE TABLE replay_count (
            replay_id INTEGER NOT NULL,
            outcome TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (replay_id, outcome)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER delivery_joins_replay AFTER UPDATE OF replay_id ON delivery
            WHEN NEW.replay_id IS NOT OLD.replay_id BEGIN
            UPDATE replay_count SET count = count - 1
                WHERE replay_id = OLD.replay_id AND outcome = iif(OLD.attempts > 0, 'failing', 'waiting')
                    AND OLD.state = 'pending';
            INSERT INTO replay_count SELECT OLD.replay_id, 'superseded', 1
                WHERE OLD.replay_id IS NOT NULL AND OLD.state = 'pending'
                ON CONFLICT (replay_id, outcome) DO UPDATE SET count = count + 1;
            INSERT INTO replay_count SELECT NEW.replay_id, 'waiting', 1 WHERE NEW.replay_id IS NOT NULL
                ON CONFLICT (replay_id, outcome) DO UPDATE SET count = count + 1;
        END;
        CREATE TRIGGER delivery_moves_in_replay AFTER UPDATE OF state, attempts ON delivery
            WHEN NEW.replay_id IS NOT NULL AND NEW.replay_id IS OLD.replay_id
                AND (NEW.state <> OLD.state OR (NEW.attempts > 0) <> (OLD.attempts > 0)) BEGIN
            UPDATE replay_count SET count = count - 1 WHERE replay_id = NEW.replay_id AND outcome = CASE OLD.state
                WHEN 'pending' THEN iif(OLD.attempts > 0, 'failing', 'waiting') ELSE OLD.state END;
            INSERT INTO replay_count VALUES (NEW.replay_id, CASE NEW.state
                WHEN 'pending' THEN iif(NEW.attempts > 0, 'failing', 'waiting') ELSE NEW.state END, 1)
                ON CONFLICT (replay_id, outcome) DO UPDATE SET count = count + 1;
        END;
        """
}
