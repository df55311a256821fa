import SQLite

/// What reports are read from (O14, 0045), and usage by hour and key (O6).
enum Migration0024 {
    static let version: Int32 = 24
    static let migration = Migration(version: version, name: "usage and reports", sql: sql)

    private static let sql = """
        -- What the live book's postings of a day come to: of the tenant (0), of a product (1; 0 is what has none), of a
        -- reseller (2). It follows the ledger up to a posting, and can be made anew from it.
        CREATE TABLE day_total (
            grouping INTEGER NOT NULL CHECK (grouping BETWEEN 0 AND 2),
            group_id INTEGER NOT NULL,
            -- Months since the year 0, days since 1970, in UTC.
            month INTEGER NOT NULL,
            day INTEGER NOT NULL,
            sales INTEGER NOT NULL,
            ordered INTEGER NOT NULL,
            renewed INTEGER NOT NULL,
            hourly INTEGER NOT NULL,
            ports INTEGER NOT NULL,
            codes INTEGER NOT NULL,
            refunds INTEGER NOT NULL,
            refunded INTEGER NOT NULL,
            holds INTEGER NOT NULL,
            placed INTEGER NOT NULL,
            captured INTEGER NOT NULL,
            voided INTEGER NOT NULL,
            topped_up INTEGER NOT NULL,
            corrected INTEGER NOT NULL,
            transferred INTEGER NOT NULL,
            -- At the end of the day, with all days before.
            balance INTEGER NOT NULL,
            held INTEGER NOT NULL,
            PRIMARY KEY (grouping, group_id, month, day)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE ledger_mark (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            posting_id INTEGER NOT NULL CHECK (posting_id >= 0)
        ) STRICT;
        INSERT INTO ledger_mark (id, posting_id) VALUES (1, 0);

        -- Calls by the hour in which they came (since 1970), whose they were and what they asked. A closed hour joins
        -- its day and is kept for 35 days.
        CREATE TABLE usage_hour (
            hour INTEGER NOT NULL,
            key_id INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL,
            action TEXT NOT NULL,
            requests INTEGER NOT NULL,
            unauthorized INTEGER NOT NULL,
            forbidden INTEGER NOT NULL,
            rate_limited INTEGER NOT NULL,
            other_refusals INTEGER NOT NULL,
            orders INTEGER NOT NULL,
            PRIMARY KEY (hour, key_id, reseller_id, action)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX usage_hour_by_reseller ON usage_hour (reseller_id, hour);
        CREATE TABLE usage_day (
            day INTEGER NOT NULL,
            key_id INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL,
            action TEXT NOT NULL,
            requests INTEGER NOT NULL,
            unauthorized INTEGER NOT NULL,
            forbidden INTEGER NOT NULL,
            rate_limited INTEGER NOT NULL,
            other_refusals INTEGER NOT NULL,
            orders INTEGER NOT NULL,
            -- 401, 403 and 429 of days before they were told apart.
            untold_refusals INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (day, key_id, reseller_id, action)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX usage_day_by_reseller ON usage_day (reseller_id, day);
        -- Up to which row of the hours days have counted.
        CREATE TABLE usage_mark (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            hour INTEGER NOT NULL,
            key_id INTEGER NOT NULL,
            reseller_id INTEGER NOT NULL,
            action TEXT NOT NULL
        ) STRICT;
        INSERT INTO usage_mark (id, hour, key_id, reseller_id, action) VALUES (1, 0, 0, 0, '');
        -- Whose keys they were was not counted before.
        INSERT INTO usage_day (day, key_id, reseller_id, action, requests, unauthorized, forbidden, rate_limited,
                other_refusals, orders, untold_refusals)
            SELECT u.day, 0, u.reseller_id, u.action, u.requests, coalesce(sum(r.count) FILTER (WHERE r.status = 401), 0),
                coalesce(sum(r.count) FILTER (WHERE r.status = 403), 0),
                coalesce(sum(r.count) FILTER (WHERE r.status = 429), 0),
                coalesce(sum(r.count) FILTER (WHERE r.status = 0), 0), u.orders,
                max(u.refusals - coalesce(sum(r.count) FILTER (WHERE r.status <> 0), 0), 0)
            FROM usage u LEFT JOIN usage_refusal r
                ON r.day = u.day AND r.reseller_id = u.reseller_id AND r.action = u.action
            GROUP BY u.day, u.reseller_id, u.action;
        DROP TABLE usage_refusal;
        DROP TABLE usage;
        """
}
