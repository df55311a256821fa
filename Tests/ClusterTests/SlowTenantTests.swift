import Cluster
import TenantRegistry
import TestPostgres
import TestTenants
import Testing

/// Days of the log go, however little their slowest tenant writes: a node over a database, whose days the test makes.
@Suite(.enabled(if: PostgresPrograms.areInstalled)) struct SlowTenantTests {
    private let clock = ManualMonotonicClock(nanoseconds: 1_000_000_000)
    private let folder: TestFolder
    private let cluster: TestCluster

    init() throws { (folder, cluster) = (try TestFolder(), try TestCluster()) }

    private func start(seed: UInt64) throws -> TestNode {
        let name = try TestCluster.node("a").name
        let log = try PostgresLog(cluster.url, node: name, durability: .single)
        var node = ClusterOptions(log: log, name: name, address: "127.0.0.1:1")
        (node.clock, node.beatsByItself, node.bounds.snapshotRecords) = (clock, false, 20)
        var options = Fleet.Options()
        options.cluster = node
        return try TestNode(folder.file("data"), seed: seed, options: options)
    }

    /// Ticks as the clock makes them, until the database says that it is so.
    private func tick(_ node: TestNode, until sql: String) throws {
        clock.advance(nanoseconds: ClusterBounds().surveyMilliseconds * 1_000_000)
        node.fleet.beat()
        for _ in 1...300 {
            if try cluster.run("SELECT \(sql)") == "t" { return }
            node.fleet.tick()
        }
        Issue.record("it never came to be: \(sql)")
    }

    /// As though the tenant's snapshots were put so many days earlier.
    private func goBack(_ tenant: TenantID, days: Int) throws {
        let before = "at - interval '\(days) days'"
        try cluster.run("UPDATE tollgate.snapshot SET at = \(before) WHERE tenant = '\(tenant.text)'")
    }

    private func isNew(_ tenant: TenantID) -> String {
        "EXISTS (SELECT FROM tollgate.snapshot WHERE tenant = '\(tenant.text)' AND at > now() - interval '1 day')"
    }

    @Test("N2 B2 a slow tenant's snapshot is made by time beside a busy one's, and its day goes from the database")
    func slowBesideBusy() throws {
        let one = try start(seed: 1)
        let (slow, busy) = (try one.create("slow"), try one.create("busy"))
        _ = try one.mint(slow)
        for _ in 1...25 { _ = try one.mint(busy) }
        try cluster.run(
            """
            CREATE TABLE tollgate.log_20010101 PARTITION OF tollgate.log
                FOR VALUES FROM ('2001-01-01') TO ('2001-01-02');
            UPDATE tollgate.log SET at = '2001-01-01 12:00:00' WHERE tenant = '\(slow.id.text)'
            """)
        try goBack(slow.id, days: 10)
        try tick(one, until: isNew(slow.id))
        try tick(one, until: "count(*) > 1 FROM tollgate.snapshot WHERE tenant = '\(busy.id.text)'")
        #expect(try cluster.run("SELECT to_regclass('tollgate.log_20010101') IS NULL") == "f")
        one.stop()
        // Eight days later: what the past of seven days is made of begins behind that day.
        try goBack(slow.id, days: 8)
        let again = try start(seed: 2)
        defer { again.stop() }
        _ = try again.mint(again.tenant("slow"))
        try tick(again, until: isNew(slow.id))
        try tick(again, until: "to_regclass('tollgate.log_20010101') IS NULL")
    }
}
