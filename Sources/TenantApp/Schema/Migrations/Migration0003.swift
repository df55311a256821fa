import CallKit
import SQLite

/// Proxy ports (X): countries with their daily base prices, devices and their slots, customers' port quotas,
/// price books of resellers, ports, transfers to customers, secrets of single webhook endpoints.
enum Migration0003 {
    static let version: Int32 = 3
    static let migration = Migration(version: version, name: "proxy ports", sql: sql)

    private static let sql = """
        CREATE TABLE port_country (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            -- What a reseller pays for one port and day.
            base_price INTEGER NOT NULL CHECK (base_price >= 0),
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT;

        -- A device has an address of its own and some slots. The counts follow its slots, so that a free device is one look.
        CREATE TABLE port_device (
            id INTEGER PRIMARY KEY,
            book INTEGER NOT NULL,
            name TEXT NOT NULL,
            server_ip TEXT NOT NULL,
            country_id INTEGER NOT NULL REFERENCES port_country(id),
            city TEXT,
            carrier TEXT,
            exclusive_capable INTEGER NOT NULL,
            capacity INTEGER NOT NULL DEFAULT 0,
            used INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND capacity),
            exclusive_ports INTEGER NOT NULL DEFAULT 0 CHECK (exclusive_ports IN (0, 1)),
            private_ports INTEGER NOT NULL DEFAULT 0 CHECK (private_ports >= 0),
            -- The reseller of all its ports where they are one reseller's.
            sole_reseller_id INTEGER REFERENCES reseller(id),
            left_at INTEGER NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL,
            UNIQUE (book, name)
        ) STRICT;
        CREATE INDEX port_device_open ON port_device (book, country_id, exclusive_capable, used, left_at)
            WHERE used < capacity AND exclusive_ports = 0;
        CREATE INDEX port_device_by_reseller ON port_device (sole_reseller_id, book, country_id)
            WHERE sole_reseller_id IS NOT NULL;
        CREATE TABLE port_slot (
            id INTEGER PRIMARY KEY,
            book INTEGER NOT NULL,
            device_id INTEGER NOT NULL REFERENCES port_device(id),
            server_ip TEXT NOT NULL,
            http_port INTEGER NOT NULL CHECK (http_port BETWEEN 1 AND 65535),
            socks_port INTEGER NOT NULL CHECK (socks_port BETWEEN 1 AND 65535),
            -- The port that has it now.
            port_id INTEGER REFERENCES port(id),
            created_at INTEGER NOT NULL,
            UNIQUE (book, server_ip, http_port),
            UNIQUE (book, server_ip, socks_port)
        ) STRICT;
        CREATE INDEX port_slot_free ON port_slot (device_id, id) WHERE port_id IS NULL;
        CREATE INDEX port_slot_by_device ON port_slot (device_id);
        CREATE UNIQUE INDEX port_slot_by_port ON port_slot (port_id) WHERE port_id IS NOT NULL;

        CREATE TABLE port_customer (
            customer_id INTEGER PRIMARY KEY REFERENCES customer(id),
            company TEXT,
            allocated_port_slots INTEGER NOT NULL CHECK (allocated_port_slots >= 0),
            used_port_slots INTEGER NOT NULL DEFAULT 0 CHECK (used_port_slots >= 0),
            is_active INTEGER NOT NULL DEFAULT 1,
            discount_percent INTEGER NOT NULL DEFAULT 0,
            updated_at INTEGER NOT NULL
        ) STRICT;

        -- What a reseller charges its customers; no row is the default price book (X2).
        CREATE TABLE port_pricebook (
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            book INTEGER NOT NULL,
            mode TEXT NOT NULL CHECK (mode = 'margin' OR mode = 'fixed' OR mode = 'multiplier'),
            default_margin INTEGER NOT NULL, default_fixed INTEGER, default_multiplier INTEGER,
            port_margin INTEGER, port_fixed INTEGER, port_multiplier INTEGER,
            traffic_margin INTEGER, traffic_fixed INTEGER, traffic_multiplier INTEGER,
            updated_at INTEGER NOT NULL,
            PRIMARY KEY (reseller_id, book)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE port_country_override (
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            book INTEGER NOT NULL,
            country_id INTEGER NOT NULL REFERENCES port_country(id),
            margin INTEGER, fixed INTEGER, multiplier INTEGER,
            updated_at INTEGER NOT NULL,
            PRIMARY KEY (reseller_id, book, country_id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE port (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            customer_id INTEGER NOT NULL REFERENCES customer(id),
            country_id INTEGER NOT NULL REFERENCES port_country(id),
            -- As asked for: another device must have them too.
            city TEXT,
            carrier TEXT,
            is_exclusive INTEGER NOT NULL,
            is_private INTEGER NOT NULL,
            display_name TEXT NOT NULL,
            login TEXT NOT NULL,
            -- AES-256-GCM under the tenant's key.
            password BLOB NOT NULL,
            -- The slot it has, or had last.
            slot_id INTEGER NOT NULL REFERENCES port_slot(id),
            state TEXT NOT NULL CHECK (state IN ('active', 'expired')),
            days INTEGER NOT NULL CHECK (days > 0),
            base_price INTEGER NOT NULL,
            cost INTEGER NOT NULL CHECK (cost >= 0),
            reseller_price INTEGER NOT NULL,
            posting_id INTEGER NOT NULL REFERENCES posting(id),
            key_id INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            rotated_at INTEGER,
            released_at INTEGER
        ) STRICT;
        CREATE INDEX port_by_reseller ON port (reseller_id, book, id);
        CREATE INDEX port_by_customer ON port (customer_id, id);
        CREATE INDEX port_due ON port (book, expires_at) WHERE state = 'active';
        CREATE INDEX port_due_by_customer ON port (customer_id, expires_at) WHERE state = 'active';

        -- Money moved from a reseller to its customer; append-only. A reference moves it once (X3).
        CREATE TABLE customer_transfer (
            id INTEGER PRIMARY KEY,
            public_id TEXT NOT NULL UNIQUE,
            book INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL REFERENCES reseller(id),
            customer_id INTEGER NOT NULL REFERENCES customer(id),
            amount INTEGER NOT NULL CHECK (amount > 0),
            description TEXT,
            reference_id TEXT,
            posting_id INTEGER NOT NULL REFERENCES posting(id),
            customer_balance INTEGER NOT NULL,
            reseller_balance INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            UNIQUE (customer_id, book, reference_id)
        ) STRICT;
        CREATE TRIGGER customer_transfer_is_append_only_update BEFORE UPDATE ON customer_transfer
            BEGIN SELECT RAISE(ABORT, 'transfers are append-only'); END;
        CREATE TRIGGER customer_transfer_is_append_only_delete BEFORE DELETE ON customer_transfer
            BEGIN SELECT RAISE(ABORT, 'transfers are append-only'); END;

        -- An endpoint with a signing secret of its own; the others sign with their reseller's.
        CREATE TABLE webhook_endpoint_secret (
            endpoint_id INTEGER PRIMARY KEY REFERENCES webhook_endpoint(id),
            sealed BLOB NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT;
        """
}
