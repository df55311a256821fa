-- The rows that one order writes in Tollgate, as one stored function: what a careful PostgreSQL service would do.
CREATE TABLE reseller (id bigint PRIMARY KEY, credit_limit bigint NOT NULL, state int NOT NULL);
CREATE TABLE ledger_account (id bigserial PRIMARY KEY, kind text NOT NULL, reseller_id bigint NOT NULL, balance bigint NOT NULL, UNIQUE (kind, reseller_id));
CREATE TABLE price (reseller_id bigint, product text, monthly bigint NOT NULL, PRIMARY KEY (reseller_id, product));
CREATE TABLE customer (id bigserial PRIMARY KEY, reseller_id bigint NOT NULL, external_id text NOT NULL, UNIQUE (reseller_id, external_id));
CREATE TABLE posting (id bigserial PRIMARY KEY, kind text NOT NULL, reseller_id bigint NOT NULL, reference text NOT NULL, at timestamptz NOT NULL);
CREATE TABLE entry (id bigserial PRIMARY KEY, posting_id bigint NOT NULL, account_id bigint NOT NULL, amount bigint NOT NULL, balance_after bigint NOT NULL);
CREATE INDEX ON entry (account_id, id);
CREATE INDEX ON entry (posting_id);
CREATE TABLE orders (id bigserial PRIMARY KEY, public_id uuid UNIQUE NOT NULL, reseller_id bigint NOT NULL, customer_id bigint NOT NULL, product text NOT NULL, quantity int NOT NULL, total bigint NOT NULL, posting_id bigint NOT NULL, at timestamptz NOT NULL);
CREATE INDEX ON orders (reseller_id, id);
CREATE TABLE service (id bigserial PRIMARY KEY, public_id uuid UNIQUE NOT NULL, order_id bigint NOT NULL, reseller_id bigint NOT NULL, state text NOT NULL, renews_at timestamptz NOT NULL);
CREATE INDEX ON service (reseller_id, id);
CREATE INDEX ON service (order_id);
CREATE INDEX ON service (renews_at);
CREATE TABLE holding (reseller_id bigint, product text, units bigint NOT NULL, PRIMARY KEY (reseller_id, product));
CREATE TABLE event (id bigserial PRIMARY KEY, public_id uuid UNIQUE NOT NULL, reseller_id bigint NOT NULL, type text NOT NULL, data text NOT NULL, at timestamptz NOT NULL);
CREATE INDEX ON event (reseller_id, id);
CREATE TABLE idempotency (reseller_id bigint, key text, fingerprint bytea NOT NULL, status int NOT NULL, body text NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (reseller_id, key));
CREATE TABLE audit (seq bigserial PRIMARY KEY, at timestamptz NOT NULL, reseller_id bigint NOT NULL, action text NOT NULL, status int NOT NULL, detail text NOT NULL, hash bytea NOT NULL);

INSERT INTO reseller SELECT i, 900000000000000, 1 FROM generate_series(1, 1000) i;
INSERT INTO ledger_account (kind, reseller_id, balance) SELECT 'balance', i, 0 FROM generate_series(1, 1000) i;
-- Sales are kept per reseller here, so that one row is not every transaction's bottleneck.
INSERT INTO ledger_account (kind, reseller_id, balance) SELECT 'sales', i, 0 FROM generate_series(1, 1000) i;
INSERT INTO price SELECT i, 'vps-1', 4000000 FROM generate_series(1, 1000) i;

CREATE FUNCTION place_order(r bigint, c text, k text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE total bigint; account record; limit_ bigint; buyer bigint; p bigint; o bigint; public uuid := gen_random_uuid(); answer text; left_ bigint; sold record;
BEGIN
    SELECT body INTO answer FROM idempotency WHERE reseller_id = r AND key = k;
    IF FOUND THEN RETURN answer; END IF;
    SELECT monthly INTO total FROM price WHERE reseller_id = r AND product = 'vps-1';
    SELECT credit_limit INTO limit_ FROM reseller WHERE id = r AND state = 1;
    UPDATE ledger_account SET balance = balance - total WHERE kind = 'balance' AND reseller_id = r RETURNING id, balance INTO account;
    IF account.balance + limit_ < 0 THEN RAISE EXCEPTION 'insufficient balance'; END IF;
    UPDATE ledger_account SET balance = balance + total WHERE kind = 'sales' AND reseller_id = r RETURNING id, balance INTO sold;
    SELECT id INTO buyer FROM customer WHERE reseller_id = r AND external_id = c;
    IF NOT FOUND THEN INSERT INTO customer (reseller_id, external_id) VALUES (r, c) ON CONFLICT (reseller_id, external_id) DO UPDATE SET external_id = excluded.external_id RETURNING id INTO buyer; END IF;
    INSERT INTO posting (kind, reseller_id, reference, at) VALUES ('order', r, public::text, now()) RETURNING id INTO p;
    INSERT INTO entry (posting_id, account_id, amount, balance_after) VALUES (p, account.id, -total, account.balance), (p, sold.id, total, sold.balance);
    INSERT INTO orders (public_id, reseller_id, customer_id, product, quantity, total, posting_id, at) VALUES (public, r, buyer, 'vps-1', 1, total, p, now()) RETURNING id INTO o;
    INSERT INTO service (public_id, order_id, reseller_id, state, renews_at) VALUES (gen_random_uuid(), o, r, 'active', now() + interval '1 month');
    INSERT INTO holding VALUES (r, 'vps-1', 1) ON CONFLICT (reseller_id, product) DO UPDATE SET units = holding.units + 1;
    INSERT INTO event (public_id, reseller_id, type, data, at) VALUES (gen_random_uuid(), r, 'order.created', '{"order_id":"' || public || '","product":"vps-1","quantity":1,"wholesale_total":"4.00","currency":"EUR"}', now());
    answer := '{"order":{"id":"' || public || '","state":"completed","product":"vps-1","term":"monthly","quantity":1},"services":[{"id":"x","status":"active"}],"wholesale_total":"4.00","currency":"EUR"}';
    INSERT INTO idempotency VALUES (r, k, sha256(convert_to(k, 'UTF8')), 201, answer, now());
    INSERT INTO audit (at, reseller_id, action, status, detail, hash) VALUES (now(), r, 'POST /orders', 201, '{"order":"' || public || '","total":"4000000"}', sha256(convert_to(answer, 'UTF8')));
    RETURN answer;
END $$;
