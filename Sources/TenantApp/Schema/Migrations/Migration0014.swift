import SQLite

/// What was sent is what is kept: the bytes of an event, the object that it is of and the object's revision (H1, 0031).
///
/// Events from before were sent to nobody: they get their bodies here, with the members that they had. An event whose
/// data cannot be read keeps an empty body, which `verify` names.
enum Migration0014 {
    static let version: Int32 = 14
    static let migration = Migration(version: version, name: "events with their bodies", sql: sql)

    /// Tables with objects that events are of, and where the object's id stands; events have a `public_id` too.
    private static let revised = [
        ("orders", "orders.public_id"), ("service", "service.public_id"), ("port", "port.public_id"),
        ("reseller", "reseller.public_id"), ("webhook_endpoint", "webhook_endpoint.public_id"),
        ("port_customer", "(SELECT c.public_id FROM customer c WHERE c.id = port_customer.customer_id)"),
    ]

    private static let sql = """
        DROP TRIGGER event_is_append_only_update;
        DROP TRIGGER event_is_append_only_delete;
        ALTER TABLE event ADD COLUMN object TEXT NOT NULL DEFAULT '';
        ALTER TABLE event ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
        -- The bytes that are signed and sent, made once.
        ALTER TABLE event ADD COLUMN body TEXT NOT NULL DEFAULT '';
        UPDATE event SET object = coalesce(
            CASE WHEN json_valid(data) THEN coalesce(
                json_extract(data, '$.service_id'), json_extract(data, '$.order_id'), json_extract(data, '$.portId'),
                json_extract(data, '$.customerId'), json_extract(data, '$.code'), json_extract(data, '$.webhookId'))
            END, (SELECT r.public_id FROM reseller r WHERE r.id = event.reseller_id), '');
        UPDATE event SET revision = n FROM (
            SELECT id AS told, row_number() OVER (PARTITION BY object ORDER BY id) AS n FROM event)
        WHERE id = told;
        UPDATE event SET body = '{"type":"' || type || '","timestamp":"'
            || strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || '.' || substr('00' || (at % 1000), -3)
            || 'Z","data":{"id":' || json_quote(object) || ',' || ltrim(substr(data, 2, length(data) - 2) || ',', ',')
            || '"revision":' || revision || '}}'
        WHERE json_valid(data) AND json_type(data) = 'object';
        ALTER TABLE event DROP COLUMN data;
        CREATE TRIGGER event_is_append_only_update BEFORE UPDATE ON event
            BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
        CREATE TRIGGER event_is_append_only_delete BEFORE DELETE ON event
            BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
        CREATE INDEX event_by_object ON event (object);

        """
        + revised.map { table, id in
            """
            -- How many events have been of it: what its newest says.
            ALTER TABLE \(table) ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
            UPDATE \(table) SET revision = (SELECT count(*) FROM event e WHERE e.object = \(id));

            """
        }.joined() + "DROP INDEX event_by_object;"
}
