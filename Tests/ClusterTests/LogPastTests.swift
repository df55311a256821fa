import Cluster
import Cryptography
import TenantRegistry
import TestPostgres
import TestTenants
import Testing

/// Moments that have passed, by the clock of PostgreSQL.
@Suite(.enabled(if: PostgresPrograms.areInstalled)) struct LogPastTests {
    private let tenant = TenantID.any

    /// So many records, one a minute, the last of which came just now; behind a snapshot of an hour before.
    private func minutes(_ count: Int, _ cluster: TestCluster, _ log: PostgresLog, _ node: NodeName) throws {
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: cluster.key)
        try stream.putSnapshot(at: stream.settled, pieces(["none"]))
        for number in 1...count { #expect(try stream.verdict("\(number)") == .appended) }
        try cluster.run(
            """
            UPDATE tollgate.snapshot SET at = now() - interval '1 hour';
            UPDATE tollgate.log SET at = now() - (\(count) - sequence) * interval '1 minute'
            """)
    }

    /// The sequence up to which everything had come then.
    private func last(_ log: PostgresLog, at moment: Timestamp) throws -> UInt64 {
        let past = try log.past(of: tenant, at: moment)
        guard case .upTo(let place) = past else { throw PostgresPrograms.Failed(description: "\(past)") }
        #expect(try log.chain(of: tenant, at: place.sequence) == place.chain)
        return place.sequence
    }

    @Test("B2 what came by a moment is known to the millisecond, the moment's own included")
    func minute() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        defer { log.close() }
        try minutes(10, cluster, log, node)
        let sixth = try #require(
            Int64(
                try cluster.run(
                    "SELECT floor(extract(epoch FROM at) * 1000)::bigint FROM tollgate.log WHERE sequence = 6")))
        #expect(try last(log, at: Timestamp(milliseconds: sixth)) == 6)
        #expect(try last(log, at: Timestamp(milliseconds: sixth - 1)) == 5)
        #expect(try last(log, at: Timestamp(milliseconds: sixth + 59_000)) == 6)
        #expect(try last(log, at: Timestamp(milliseconds: sixth - 1_800_000)) == 0)
        let early = Timestamp(milliseconds: sixth - 7_200_000)
        guard case .begins(.some) = try log.past(of: tenant, at: early) else {
            Issue.record("there is a past from before the first snapshot")
            return
        }
        #expect(try log.past(of: tenant, at: SystemClock().now().adding(seconds: 60)) == .ahead)
    }

    @Test("B2 where the server's clock went back or had leapt ahead, what came by a moment of then is not guessed")
    func leapt() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        defer { log.close() }
        try minutes(10, cluster, log, node)
        let now = SystemClock().now()
        func moment(_ record: Int64, _ seconds: Int64) -> Timestamp {
            now.adding(seconds: (record - 10) * 60 + seconds)
        }
        // The eighth says that it came between fifth and sixth: its clock was behind, or that of sixth and seventh
        // ahead.
        try cluster.run("UPDATE tollgate.log SET at = at - interval '150 seconds' WHERE sequence = 8")
        #expect(try last(log, at: moment(4, 30)) == 4)
        for seconds in [15, 45] as [Int64] { #expect(try log.past(of: tenant, at: moment(5, seconds)) == .leapt) }
        #expect(try log.past(of: tenant, at: moment(6, 30)) == .leapt)
        #expect(try last(log, at: moment(7, 30)) == 8)
        // The last came by a clock that was ten minutes ahead.
        try cluster.run("UPDATE tollgate.log SET at = now() + interval '10 minutes' WHERE sequence = 10")
        #expect(try log.past(of: tenant, at: SystemClock().now()) == .leapt)
    }

    @Test("B2 a trim keeps the records of the days to keep, of snapshots the first of a day, and every reset")
    func trim() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        defer { log.close() }
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: cluster.key)
        for number in 1...10 {
            if number == 6 {
                _ = try stream.reset(pieces(["6"]))
            } else {
                #expect(try stream.verdict("\(number)") == .appended)
                try stream.putSnapshot(at: stream.settled, pieces(["\(number)"]))
            }
        }
        // Two each six and five days ago, three two days ago, two yesterday; one came now.
        try cluster.run(
            """
            UPDATE tollgate.snapshot SET at = date_trunc('day', now(), 'UTC') + sequence * interval '1 hour'
                - (ARRAY[6, 6, 5, 5, 2, 2, 2, 1, 1])[sequence::int] * interval '1 day' WHERE sequence < 10
            """)
        try log.trim(tenant, before: 9, keepingDays: 3)
        #expect(try log.snapshots(of: tenant).map(\.sequence) == [10, 9, 8, 6, 5, 4])
        #expect(try cluster.run("SELECT needed FROM tollgate.head WHERE sequence = 10") == "4")
        // Of who writes no more as well, with the next look: but for the newest, all that was put is too old. With it
        // goes the day of the last record.
        try cluster.run(
            """
            UPDATE tollgate.snapshot SET at = now() - interval '30 days';
            CREATE TABLE tollgate.log_20010101 PARTITION OF tollgate.log
                FOR VALUES FROM ('2001-01-01') TO ('2001-01-02');
            UPDATE tollgate.log SET at = '2001-01-01 12:00:00'
            """)
        let (again, other) = try cluster.join("b")
        defer { again.close() }
        let second = TenantID.any
        try again.create(second, owner: other)
        try again.trim(second, before: 1, keepingDays: 7)
        #expect(try again.snapshots(of: tenant).map(\.sequence) == [10])
        #expect(try cluster.run("SELECT to_regclass('tollgate.log_20010101') IS NULL") == "t")
    }

    @Test("B2 N6 a tenant that is used keeps the snapshot before its newest, however old both are")
    func fallback() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        defer { log.close() }
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: cluster.key)
        for number in 1...3 {
            #expect(try stream.verdict("\(number)") == .appended)
            try stream.putSnapshot(at: stream.settled, pieces(["\(number)"]))
        }
        #expect(try stream.verdict("4") == .appended)
        try cluster.run("UPDATE tollgate.snapshot SET at = now() - interval '30 days'")
        let other = TenantID.any
        try log.create(other, owner: node)
        try log.trim(other, before: 1, keepingDays: 7)
        #expect(try log.snapshots(of: tenant).map(\.sequence) == [3, 2])
    }
}
