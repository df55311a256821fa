import Cluster
import Cryptography
import TenantRegistry
import TestPostgres
import TestTenants
import Testing

/// What a snapshot gives piece by piece.
func pieces(_ texts: [String]) -> () -> [UInt8]? {
    var rest = texts[...]
    return { rest.popFirst().map { [UInt8]($0.utf8) } }
}

@Suite(.enabled(if: PostgresPrograms.areInstalled)) struct SnapshotTests {
    private func bytes(_ log: PostgresLog, _ snapshot: SharedSnapshot, _ tenant: TenantID, _ key: [UInt8]) throws
        -> [UInt8]
    {
        var bytes: [UInt8] = []
        try log.read(snapshot, of: tenant, key: key) { bytes += $0 }
        return bytes
    }

    @Test("N2 a snapshot is read back as it was put, and newer ones come first")
    func whole() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        let tenant = TenantID.any
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: cluster.key)
        try stream.putSnapshot(at: stream.settled, { nil })
        #expect(try stream.verdict("one") == .appended)
        let random = SystemRandom()
        var (rest, whole) = (40, [UInt8]())
        try stream.putSnapshot(at: stream.settled) {
            guard rest > 0 else { return nil }
            rest -= 1
            let piece = random.bytes(70_001) + [UInt8](repeating: 0, count: 30_000)
            whole += piece
            return piece
        }
        let snapshots = try log.snapshots(of: tenant)
        #expect(snapshots.map(\.sequence) == [1, 0])
        #expect(snapshots.map(\.bytes) == [UInt64(whole.count), 0])
        #expect(snapshots[0].chain == stream.settled.chain)
        #expect(try bytes(log, snapshots[0], tenant, cluster.key) == whole)
        #expect(try bytes(log, snapshots[1], tenant, cluster.key) == [])
        log.close()
    }

    @Test("N2 a snapshot that was not finished is not there, and one that was damaged is not given as whole")
    func damaged() throws {
        struct Stop: Error {}
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        let tenant = TenantID.any
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: cluster.key)
        var count = 0
        #expect(throws: Stop.self) {
            try stream.putSnapshot(at: stream.settled) {
                count += 1
                guard count < 4 else { throw Stop() }
                return [UInt8](repeating: 1, count: 1 << 20)
            }
        }
        #expect(try log.snapshots(of: tenant) == [])
        try stream.putSnapshot(
            at: stream.settled, pieces(Array(repeating: String(repeating: "y", count: 1 << 20), count: 3)))
        let snapshot = try #require(try log.snapshots(of: tenant).first)
        for sql in [
            "UPDATE tollgate.snapshot_part SET data = set_byte(data, 30, get_byte(data, 30) # 1) WHERE part = 1",
            "DELETE FROM tollgate.snapshot_part p USING tollgate.snapshot s WHERE s.id = p.id AND part = 2",
            "DELETE FROM tollgate.snapshot",
        ] {
            try cluster.run("CREATE TABLE kept AS SELECT * FROM tollgate.snapshot_part")
            try cluster.run(sql)
            #expect(throws: SharedLogError.self, "\(sql)") {
                try log.read(snapshot, of: tenant, key: cluster.key) { _ in }
            }
            try cluster.run(
                "TRUNCATE tollgate.snapshot_part; INSERT INTO tollgate.snapshot_part TABLE kept; DROP TABLE kept"
            )
        }
        log.close()
    }

    @Test("N2 a reset takes a sequence like an append, and is refused where somebody came before")
    func reset() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        let tenant = TenantID.any
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: cluster.key)
        #expect(try stream.verdict("one") == .appended)
        let place = try stream.reset(pieces(["another file"]))
        #expect(place.sequence == 2)
        #expect(place == stream.settled)
        #expect(try stream.verdict("three") == .appended)
        let head = try #require(try log.head(of: tenant))
        #expect(head.resetAt == 2)
        #expect(head.sequence == 3)
        #expect(try log.texts(of: tenant, after: place, upTo: 3, key: cluster.key) == ["three"])
        // What was before is not played into what came after.
        #expect(throws: SharedLogError.self) { try log.texts(of: tenant, after: beginning, upTo: 3, key: cluster.key) }
        let snapshot = try #require(try log.snapshots(of: tenant).first)
        #expect(try bytes(log, snapshot, tenant, cluster.key) == [UInt8]("another file".utf8))
        _ = try log.open(tenant, as: node, key: cluster.key)
        #expect(throws: SharedLogError.notOwner(node)) { try stream.reset(pieces(["late"])) }
        // What was there is the same whoever opened it since; a place that never was is none.
        try stream.putSnapshot(at: place, pieces(["another file"]))
        let nowhere = SharedPlace(sequence: place.sequence, chain: beginning.chain)
        #expect(throws: SharedLogError.notOwner(node)) { try stream.putSnapshot(at: nowhere, pieces(["late"])) }
        #expect(try log.snapshots(of: tenant).count == 1)
        log.close()
    }

    @Test("N2 trimming keeps what the snapshots that stay need, and drops days that nobody needs")
    func trim() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        let tenant = TenantID.any
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: cluster.key)
        for number in 1...9 {
            #expect(try stream.verdict("\(number)") == .appended)
            if number % 3 == 0 { try stream.putSnapshot(at: stream.settled, pieces(["\(number)"])) }
        }
        // As though the first six were written in other years.
        for (year, range) in [(2001, "1 AND 3"), (2002, "4 AND 6")] {
            try cluster.run(
                """
                CREATE TABLE tollgate.log_\(year)0101 PARTITION OF tollgate.log
                    FOR VALUES FROM ('\(year)-01-01') TO ('\(year)-01-02');
                UPDATE tollgate.log SET at = '\(year)-01-01 12:00:00' WHERE sequence BETWEEN \(range)
                """)
        }
        // No snapshot from there on: nothing goes.
        try log.trim(tenant, before: 10, keepingDays: 0)
        #expect(try log.snapshots(of: tenant).map(\.sequence) == [9, 6, 3])
        log.close()
        let (again, _) = try cluster.join("a")
        try again.trim(tenant, before: 4, keepingDays: 0)
        let snapshots = try again.snapshots(of: tenant)
        #expect(snapshots.map(\.sequence) == [9, 6])
        #expect(
            try cluster.run(
                "SELECT string_agg(c::text, ',') FROM (SELECT to_regclass('tollgate.log_' || y || '0101') c"
                    + " FROM unnest(ARRAY[2001, 2002]) y ORDER BY y) s WHERE c IS NOT NULL") == "")
        let place = SharedPlace(sequence: 6, chain: snapshots[1].chain)
        #expect(try again.texts(of: tenant, after: place, upTo: 9, key: cluster.key) == ["7", "8", "9"])
        #expect(try again.chain(of: tenant, at: 6) == snapshots[1].chain)
        again.close()
    }
}
