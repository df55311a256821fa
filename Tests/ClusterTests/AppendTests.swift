import Cluster
import Cryptography
import TenantRegistry
import TestPostgres
import TestTenants
import Testing

/// The fence, order and chain of what is appended.
@Suite(.enabled(if: PostgresPrograms.areInstalled)) struct AppendTests {
    @Test("N2 what was appended is read back in its order, chained and sealed")
    func order() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        let tenant = TenantID.any
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: cluster.key)
        let texts = (1...200).map { "commit \($0) " + String(repeating: "x", count: $0 * 7) }
        let promises = texts.map { stream.promise($0) }
        for promise in promises { #expect(try promise.value() == .appended) }
        #expect(stream.settled.sequence == 200)
        #expect(try log.texts(of: tenant, after: beginning, upTo: 200, key: cluster.key) == texts)
        let head = try #require(try log.head(of: tenant))
        #expect(head == SharedHead(owner: node, epoch: 2, sequence: 200, chain: stream.settled.chain, resetAt: 0))
        let chain = try #require(try log.chain(of: tenant, at: 150))
        let place = SharedPlace(sequence: 150, chain: chain)
        #expect(try log.texts(of: tenant, after: place, upTo: 152, key: cluster.key) == Array(texts[150...151]))
        // Nothing of it can be read in the tables.
        #expect(try cluster.run("SELECT count(*) FROM tollgate.log WHERE position('commit' IN data) > 0") == "0")
        log.close()
    }

    @Test("N2 whoever opened a tenant before appends nothing any more")
    func fence() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        let (other, second) = try cluster.join("b")
        let tenant = TenantID.any
        try log.create(tenant, owner: node)
        let old = try log.open(tenant, as: node, key: cluster.key)
        #expect(try old.verdict("one") == .appended)
        #expect(throws: SharedLogError.notOwner(node)) { try other.open(tenant, as: second, key: cluster.key) }
        #expect(try other.claim([tenant], of: node, seen: try cluster.seen(node), by: second) == [tenant])
        let new = try other.open(tenant, as: second, key: cluster.key)
        let (late, later) = (old.promise("late"), old.promise("later"))
        #expect(try late.value() == .refused)
        #expect(try later.value() == .refused)
        #expect(try new.verdict("two") == .appended)
        #expect(try old.verdict("again") == .refused)
        #expect(try log.texts(of: tenant, after: beginning, upTo: 2, key: cluster.key) == ["one", "two"])
        #expect(log.standing.refused >= 1)
        log.close()
        other.close()
    }

    @Test("N2 a refused commit in a group of many tenants disturbs no other")
    func group() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        let tenants = (0..<40).map { _ in TenantID.any }
        for tenant in tenants { try log.create(tenant, owner: node) }
        let streams = try tenants.map { try log.open($0, as: node, key: cluster.key) }
        _ = try log.open(tenants[7], as: node, key: cluster.key)
        let promises = (1...5).flatMap { number in streams.map { $0.promise("\(number)") } }
        let verdicts = try promises.map { try $0.value() }
        for (index, verdict) in verdicts.enumerated() {
            #expect(verdict == (index % 40 == 7 ? .refused : .appended))
        }
        for (index, tenant) in tenants.enumerated() where index != 7 {
            let texts = try log.texts(of: tenant, after: beginning, upTo: 5, key: cluster.key)
            #expect(texts == ["1", "2", "3", "4", "5"])
        }
        #expect(try #require(try log.head(of: tenants[7])).sequence == 0)
        log.close()
    }

    @Test("N5 everybody appends to the registry, each where nobody came before")
    func everybody() throws {
        let cluster = try TestCluster()
        let (log, _) = try cluster.join("a")
        let (other, _) = try cluster.join("b")
        let first = try log.openForAll(.registry, key: cluster.key)
        let second = try other.openForAll(.registry, key: cluster.key)
        #expect(first.head.owner == nil)
        #expect(first.epoch == second.epoch)
        #expect(try first.verdict("one") == .appended)
        // What follows the refused one is not appended behind the other's.
        let late = ["instead", "and more", "and more still"].map { second.promise($0) }
        for promise in late { #expect(try promise.value() == .refused) }
        let again = try other.openForAll(.registry, key: cluster.key)
        #expect(again.head.sequence == 1)
        #expect(try again.verdict("two") == .appended)
        #expect(try log.texts(of: .registry, after: beginning, upTo: 2, key: cluster.key) == ["one", "two"])
        log.close()
        other.close()
    }

    @Test("N2 a record that is missing, changed, moved or another key's is damage, and is never given")
    func damage() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        let tenant = TenantID.any
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: cluster.key)
        for text in ["one", "two", "three", "four"] { #expect(try stream.verdict(text) == .appended) }
        func isDamaged(upTo last: UInt64 = 4, key: [UInt8]? = nil) -> Bool {
            do {
                _ = try log.texts(of: tenant, after: beginning, upTo: last, key: key ?? cluster.key)
                return false
            } catch SharedLogError.damaged { return true } catch { return false }
        }
        #expect(!isDamaged())
        #expect(isDamaged(upTo: 5))
        #expect(isDamaged(key: [UInt8](repeating: 8, count: 32)))
        try cluster.run("CREATE TABLE kept AS SELECT * FROM tollgate.log")
        let damages = [
            "DELETE FROM tollgate.log WHERE sequence = 2", "DELETE FROM tollgate.log WHERE sequence = 4",
            "UPDATE tollgate.log SET data = set_byte(data, 20, get_byte(data, 20) # 1) WHERE sequence = 3",
            "UPDATE tollgate.log SET chain = decode(repeat('00', 32), 'hex') WHERE sequence = 3",
            "UPDATE tollgate.log SET epoch = 1 WHERE sequence = 1",
            "UPDATE tollgate.log SET sequence = 5 - sequence WHERE sequence IN (2, 3)",
            "UPDATE tollgate.log SET kind = 1 WHERE sequence = 2",
        ]
        for sql in damages {
            try cluster.run(sql)
            #expect(isDamaged(), "\(sql)")
            try cluster.run("TRUNCATE tollgate.log; INSERT INTO tollgate.log SELECT * FROM kept")
            #expect(!isDamaged())
        }
        log.close()
    }

    @Test("N2 a commit of a day for which nobody made room makes it, and is appended once")
    func day() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        let tenant = TenantID.any
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: cluster.key)
        let partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'tollgate.log'::regclass"
        #expect(try cluster.run(partitions) == "5")
        try cluster.run(
            """
            DO $$ DECLARE name text; BEGIN
                FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'tollgate.log'::regclass
                LOOP EXECUTE 'DROP TABLE ' || name; END LOOP;
            END $$
            """)
        #expect(try stream.verdict("one") == .appended)
        #expect(try cluster.run(partitions) == "5")
        #expect(try log.texts(of: tenant, after: beginning, upTo: 1, key: cluster.key) == ["one"])
        #expect(log.standing.unsettled == 0)
        log.close()
    }

    @Test("N2 a removed tenant is gone, and whoever wrote to it appends nothing to one that is made anew")
    func removal() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        let tenant = TenantID.any
        try log.create(tenant, owner: node)
        #expect(throws: SharedLogError.exists) { try log.create(tenant, owner: node) }
        let old = try log.open(tenant, as: node, key: cluster.key)
        #expect(try old.verdict("one") == .appended)
        try old.putSnapshot(at: old.settled, pieces(["a"]))
        try log.remove(tenant)
        #expect(try log.head(of: tenant) == nil)
        #expect(try log.snapshots(of: tenant) == [])
        #expect(throws: SharedLogError.unknown) { try log.open(tenant, as: node, key: cluster.key) }
        #expect(try cluster.run("SELECT count(*) FROM tollgate.log") == "0")
        #expect(try cluster.run("SELECT count(*) FROM tollgate.snapshot_part") == "0")
        #expect(try old.verdict("two") == .refused)
        try log.create(tenant, owner: node)
        let new = try log.open(tenant, as: node, key: cluster.key)
        #expect(new.head.sequence == 0)
        #expect(try new.verdict("first") == .appended)
        #expect(try log.texts(of: tenant, after: beginning, upTo: 1, key: cluster.key) == ["first"])
        log.close()
    }
}
