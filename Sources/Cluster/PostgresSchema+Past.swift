/// Moments that have passed, and what goes once none of them needs it (B2).
///
/// A record's time is its transaction's, by the server's clock. A snapshot's is when it was put: what is in it came
/// before, so its time may stand for that of the last record in it, which may be gone.
extension PostgresSchema {
    /// The first moment behind `$2`, milliseconds since 1970; all of that millisecond counts.
    private static let until = "to_timestamp(($2 + 1) / 1000.0)"
    /// A record of more than that ahead was written by a clock that had leapt.
    private static let leap = "interval '60 seconds'"

    /// The last sequence of the tenant's that came by then; whether a snapshot is there to begin from; whether nobody
    /// can say what came by then; whether that is still to come; when the first snapshot was put.
    static let past = """
        WITH h AS (SELECT sequence, needed FROM tollgate.head WHERE tenant = $1 AND state = 0),
        behind AS (
            SELECT l.sequence, l.at FROM tollgate.log l
            WHERE l.tenant = $1 AND l.at >= \(until) AND l.sequence > (SELECT needed FROM h)
            ORDER BY l.sequence LIMIT 1),
        last AS (SELECT COALESCE((SELECT sequence - 1 FROM behind), h.sequence) AS sequence, h.needed FROM h)
        SELECT last.sequence,
            EXISTS (
                SELECT FROM tollgate.snapshot s WHERE s.tenant = $1 AND s.sequence <= last.sequence
                    AND (s.sequence > last.needed OR s.sequence = last.needed AND s.at < \(until))),
            EXISTS (SELECT FROM behind WHERE at > now() + \(leap)) OR EXISTS (
                SELECT FROM (
                    SELECT l.at FROM tollgate.log l WHERE l.tenant = $1 AND l.sequence > last.sequence
                    ORDER BY l.sequence LIMIT \(PostgresBounds.leapRecordsMax)) n
                WHERE n.at < (SELECT at FROM behind)),
            to_timestamp($2 / 1000.0) > now(),
            (SELECT floor(extract(epoch FROM s.at) * 1000)::bigint FROM tollgate.snapshot s
                WHERE s.tenant = $1 AND s.sequence >= last.needed ORDER BY s.sequence LIMIT 1)
        FROM last
        """

    // MARK: Letting go

    private static let days = "interval '1 day'"

    /// From which snapshot on the tenant's records stay: `$2`, or the newest that was put before the retention of `$3`
    /// days, where that is an older one.
    private static let floor = """
        LEAST($2, COALESCE((
            SELECT max(sequence) FROM tollgate.snapshot WHERE tenant = $1 AND at < now() - $3 * \(days)), 0))
        """
    /// Nothing goes where no snapshot from `$2` on is whole.
    private static let isSafe = "EXISTS (SELECT FROM tollgate.snapshot WHERE tenant = $1 AND sequence >= $2)"

    static let trimRecords = """
        UPDATE tollgate.head h SET needed = s.sequence
        FROM (SELECT min(sequence) AS sequence FROM tollgate.snapshot WHERE tenant = $1 AND sequence >= \(floor)) s
        WHERE h.tenant = $1 AND s.sequence > h.needed AND \(isSafe)
        """
    /// Between that snapshot and `$2` the first of each day stays, and what a reset is: no record leads over one.
    static let trimSnapshots = """
        WITH gone AS (
            DELETE FROM tollgate.snapshot s WHERE s.tenant = $1 AND s.sequence < $2 AND \(isSafe)
                AND (s.sequence < \(floor)
                    OR EXISTS (
                        SELECT FROM tollgate.snapshot d WHERE d.tenant = $1 AND d.sequence < s.sequence
                            AND d.sequence >= \(floor) AND d.at::date = s.at::date)
                    AND NOT EXISTS (
                        SELECT FROM tollgate.log l WHERE l.tenant = $1 AND l.sequence = s.sequence AND l.kind = 1))
            RETURNING id)
        DELETE FROM tollgate.snapshot_part WHERE id IN (SELECT id FROM gone)
        """
    /// Parts of what was replaced, or never finished.
    static let trimParts = """
        DELETE FROM tollgate.snapshot_part p WHERE p.tenant = $1 AND p.at < now() - interval '1 day'
            AND NOT EXISTS (SELECT FROM tollgate.snapshot s WHERE s.tenant = $1 AND s.id = p.id)
        """
    /// Tenants, but for `$1`, of which more is there than is needed, as they put no snapshots any more; with the one
    /// from which on it stays: the last but one, and the last where that is from before the retention of `$2` days and
    /// nothing was written since. Else the day of whatever was written last between the two would stay for ever, for
    /// all tenants. Of a tenant that is used and whose snapshots fail, the last but one is what is left if the last is
    /// damaged.
    static let overdue = """
        SELECT h.tenant, s.kept FROM tollgate.head h CROSS JOIN LATERAL (
            SELECT CASE WHEN max(t.sequence) = h.sequence
                        AND (array_agg(t.at ORDER BY t.sequence DESC))[1] < now() - $2 * \(days)
                    THEN max(t.sequence)
                    ELSE (array_agg(t.sequence ORDER BY t.sequence DESC))[2] END AS kept,
                max(t.sequence) FILTER (WHERE t.at < now() - $2 * \(days)) AS old
            FROM tollgate.snapshot t WHERE t.tenant = h.tenant) s
        WHERE h.tenant <> $1 AND h.state = 0 AND s.kept > h.needed AND s.old > h.needed
        ORDER BY h.tenant LIMIT \(PostgresBounds.overdueMax)
        """
}
