import SQLite
import TenantRegistry

/// Where the revisions of a tenant's objects go on after a restore (H7, 0065).
///
/// Invariant: no revision that was sent comes a second time with another event. A restore raises every object to one
/// number above all that the file that goes had reached; where that cannot be read, or there is none, to the seconds
/// since 2020, which no object has reached that had less than one event a second, and a step for each time that the
/// file became another: a clock that was set back gives no number twice (0068).
extension TenantReader {
    private static let floor = Statement("SELECT coalesce(max(revision), 0) FROM revision_floor")

    /// The number that the last restore raised every object to; 0: there was none.
    func revisionFloor() throws -> Int64 { try connection.row(Self.floor) { try $0.int() } ?? 0 }
}

extension TenantTransaction {
    /// Tables whose rows say how many events have been of them.
    private static let tables = ["orders", "service", "port", "port_customer", "reseller", "webhook_endpoint"]

    /// 2020-01-01 UTC.
    private static let beginning = Timestamp(milliseconds: 1_577_836_800_000)
    /// Far above what events can have counted to, and far below where counts end.
    private static let credible = 0...TenantStore.counters.upperBound / 2

    /// More events than an object has between two restores, and more seconds than in twelve days.
    private static let restoreStep: Int64 = 1 << 20
    /// A file from elsewhere may count what it likes.
    private static let restoresMax: Int64 = 1 << 12

    /// Of a file that is to take a tenant's place: `replaced` is the one that goes, where it can be read. `latest`:
    /// now, or the time of the node's last commit, which never goes back.
    func raiseRevisions(above replaced: Connection?, at latest: Timestamp) throws {
        let seconds = max((latest.milliseconds - Self.beginning.milliseconds) / 1_000, 0)
        let unknown = seconds + min(store.head.incarnation, Self.restoresMax) * Self.restoreStep
        // A restore is often the answer to a damaged file: then nobody knows any more what it sent. A number that no
        // object has come to is damage too: one above it would be none, or would keep the file from every verification.
        let told = replaced.flatMap { try? Self.reached(in: $0) }
        let sent = told.flatMap { Self.credible.contains($0) ? $0 : nil } ?? unknown
        let floor = try max(Self.reached(in: connection), sent) + 1
        for table in Self.tables { try connection.run(dynamic: "UPDATE \(table) SET revision = ?1", [.integer(floor)]) }
        try connection.run(
            "INSERT INTO revision_floor (event_id, revision) SELECT coalesce(max(id), 0), ?1 FROM event",
            .integer(floor))
    }

    /// No event in the file has a higher revision. Something without a row of its own has one event, right above the
    /// floor.
    private static func reached(in connection: Connection) throws -> Int64 {
        let rows = tables.map { "SELECT max(revision) AS n FROM \($0)" }.joined(separator: " UNION ALL ")
        let query = """
            SELECT coalesce(max(n), 0)
            FROM (\(rows) UNION ALL SELECT coalesce(max(revision), 0) + 1 FROM revision_floor)
            """
        return try connection.row(dynamic: query) { try $0.int() } ?? 0
    }
}
