import Cluster
import Cryptography
import Foundation
import Synchronization
import TenantRegistry
import TestPostgres
import TestPrograms
import TestTenants
import Testing

/// Joining, beats, claims, and whose each tenant is.
@Suite(.enabled(if: PostgresPrograms.areInstalled)) struct NodeTests {
    @Test("N1 a node with another master key does not join, nor one at a log of another version")
    func keyPrint() throws {
        let cluster = try TestCluster()
        let (log, _) = try cluster.join("a")
        log.close()
        let stranger = try TestCluster.node("b")
        let other = ClusterNode(name: stranger.name, address: "x", schema: 1, keyPrint: SHA256.hash("another"))
        let second = try PostgresLog(cluster.url, node: other.name, durability: .single)
        #expect(throws: SharedLogError.self) { try second.join(other) }
        do { _ = try second.join(other) } catch SharedLogError.refused(let why) {
            #expect(why.contains("master key"))
        } catch { Issue.record("\(error)") }
        try cluster.run("UPDATE tollgate.cluster SET version = 99")
        #expect(throws: SharedLogError.self) { try second.join(stranger) }
        #expect(try cluster.run("SELECT count(*) FROM tollgate.node") == "1")
        second.close()
    }

    @Test("N1 N5 a node's version of the registry is told, beside nodes of before that have none to tell")
    func registryVersion() throws {
        let cluster = try TestCluster()
        let (log, _) = try cluster.join("a")
        try cluster.run("ALTER TABLE tollgate.node DROP COLUMN registry")
        let name = try TestCluster.node("b").name
        let second = try PostgresLog(cluster.url, node: name, durability: .single)
        let generation = try second.join(
            ClusterNode(name: name, address: "x", schema: 1, registry: 7, keyPrint: TestCluster.keyPrint))
        let view = try #require(try second.beat(name, generation: generation, state: .serving, ownersSince: 0))
        #expect(view.nodes.map(\.registry) == [0, 7])
        log.close()
        second.close()
    }

    @Test("N3 N5 whoever joins and adds a column gives way to who has the table, and keeps no beat waiting")
    func columnBesideBeats() throws {
        let cluster = try TestCluster()
        let (log, _) = try cluster.join("a")
        defer { log.close() }
        try cluster.run("ALTER TABLE tollgate.node DROP COLUMN registry")
        let held = try HeldTransaction("SELECT count(*) FROM tollgate.node", in: cluster.url)
        #expect(held.line == "1\n")
        let node = try TestCluster.node("b")
        let second = try PostgresLog(cluster.url, node: node.name, durability: .single)
        defer { second.close() }
        let joined = Promise<Void>()
        startThread("joiner") { joined.resolve(Result { _ = try second.join(node) }) }
        // It waits for a part of each second: one session sees that, and beats in it as a program of before does.
        try cluster.run(
            """
            DO $$
            BEGIN
                FOR number IN 1..6000 LOOP
                    IF EXISTS (SELECT FROM pg_locks WHERE relation = 'tollgate.node'::regclass
                        AND mode = 'AccessExclusiveLock' AND NOT granted) THEN RETURN; END IF;
                    PERFORM pg_sleep(0.01);
                END LOOP;
                RAISE EXCEPTION 'nobody waits for the table';
            END $$;
            SET lock_timeout = '1500ms';
            UPDATE tollgate.node SET beats = beats + 1;
            """)
        try held.end()
        try joined.value()
        #expect(try cluster.run("SELECT string_agg(registry::text, ' ') FROM tollgate.node") == "0 0")
    }

    @Test("N5 N6 a database that was taken back to before a column was added has it again with the next beat")
    func columnGone() throws {
        let cluster = try TestCluster()
        let (log, name) = try cluster.join("a")
        defer { log.close() }
        try log.note(registry: 7)
        try log.note(registry: 5)
        func schema() throws -> Int32? {
            try log.beat(name, generation: 1, state: .serving, ownersSince: 0)?.registrySchema
        }
        #expect(try schema() == 7)
        for table in ["node", "cluster"] { try cluster.run("ALTER TABLE tollgate.\(table) DROP COLUMN registry") }
        #expect(try schema() == 0)
    }

    @Test("N3 the newest process of a name has it: an older one's beat says so")
    func generations() throws {
        let cluster = try TestCluster()
        let (log, name) = try cluster.join("a")
        let node = try TestCluster.node("a")
        #expect(try log.beat(name, generation: 1, state: .serving, ownersSince: 0)?.nodes.first?.beats == 2)
        let second = try log.join(node)
        #expect(second > 1)
        #expect(try log.beat(name, generation: 1, state: .serving, ownersSince: 0) == nil)
        let view = try #require(try log.beat(name, generation: second, state: .draining, ownersSince: 0))
        #expect(view.nodes.count == 1)
        #expect(view.nodes[0].name == name)
        #expect(view.nodes[0].generation == second)
        #expect(view.nodes[0].state == .draining)
        #expect(view.nodes[0].address == "127.0.0.1:1")
        log.close()
    }

    @Test("N3 two nodes that claim the same tenants share them: each has one owner")
    func claims() throws {
        let cluster = try TestCluster()
        let (dead, owner) = try cluster.join("dead")
        let nodes = [try cluster.join("a"), try cluster.join("b")]
        let tenants = (0..<60).map { _ in TenantID.any }
        for tenant in tenants { try dead.create(tenant, owner: owner) }
        let seen = try cluster.seen(owner)
        let won = Mutex<[NodeName: [TenantID]]>([:])
        DispatchQueue.concurrentPerform(iterations: 2) { index in
            let (log, name) = nodes[index]
            for begin in stride(from: 0, to: 60, by: 6) {
                let some = Array(tenants[begin..<begin + 6])
                let got = (try? log.claim(some, of: owner, seen: seen, by: name)) ?? []
                won.withLock { $0[name, default: []] += got }
            }
        }
        let all = won.withLock { $0.values.flatMap { $0 } }
        #expect(all.count == 60)
        #expect(Set(all) == Set(tenants))
        for (log, name) in nodes {
            for tenant in won.withLock({ $0[name] ?? [] }) { #expect(try log.head(of: tenant)?.owner == name) }
            log.close()
        }
        dead.close()
    }

    @Test("N3 a process that stands still in the middle of a transaction does not keep its tenants from being claimed")
    func frozen() throws {
        let cluster = try TestCluster()
        let (dead, owner) = try cluster.join("dead")
        let (log, name) = try cluster.join("a")
        let tenant = TenantID.any
        try dead.create(tenant, owner: owner)
        let psql = Program()
        psql.executableURL = URL(filePath: "/usr/bin/psql")
        psql.arguments = ["-XqAt", "-d", cluster.url + "?application_name=tollgate/dead"]
        let (input, output) = (Pipe(), Pipe())
        (psql.standardInput, psql.standardOutput, psql.standardError) = (input, output, FileHandle.nullDevice)
        try psql.run()
        let sql = "BEGIN; SELECT 1 FROM tollgate.head WHERE tenant = '\(tenant.text)' FOR UPDATE;\n"
        try input.fileHandleForWriting.write(contentsOf: Data(sql.utf8))
        #expect(output.fileHandleForReading.availableData == Data("1\n".utf8))
        #expect(try log.claim([tenant], of: owner, seen: try cluster.seen(owner), by: name) == [tenant])
        try input.fileHandleForWriting.close()
        psql.waitUntilExit()
        log.close()
        dead.close()
    }

    @Test("N4 a beat tells of every change of owners since the one before, also of one that commits late")
    func owners() throws {
        let cluster = try TestCluster()
        let (log, name) = try cluster.join("a")
        let (other, second) = try cluster.join("b")
        let tenants = (0..<3).map { _ in TenantID.any }
        for tenant in tenants { try log.create(tenant, owner: name) }
        func beat(_ seen: Int64) throws -> ClusterView {
            try #require(try log.beat(name, generation: 1, state: .serving, ownersSince: seen))
        }
        let all = try beat(0)
        #expect(Set(all.owners.map(\.tenant)) == Set(tenants))
        // One that has begun, and commits after another that began later.
        let psql = Program()
        psql.executableURL = URL(filePath: "/usr/bin/psql")
        psql.arguments = ["-XqAt", "-d", cluster.url]
        let (input, output) = (Pipe(), Pipe())
        (psql.standardInput, psql.standardOutput) = (input, output)
        try psql.run()
        let change = """
            BEGIN; UPDATE tollgate.head SET owner = 'b', epoch = epoch + 1,
            owner_since = pg_current_xact_id()::text::bigint WHERE tenant = '\(tenants[0].text)' RETURNING 1;\n
            """
        try input.fileHandleForWriting.write(contentsOf: Data(change.utf8))
        #expect(output.fileHandleForReading.availableData == Data("1\n".utf8))
        try log.hand(tenants[1], from: name, to: second)
        let first = try beat(all.ownersAt)
        // Others may come again: the server counts transactions of all its databases.
        #expect(first.owners.first { $0.tenant == tenants[1] }?.node == second)
        #expect(first.owners.first { $0.tenant == tenants[0] }?.node != second)
        try input.fileHandleForWriting.write(contentsOf: Data("COMMIT; SELECT 2;\n".utf8))
        #expect(output.fileHandleForReading.availableData == Data("2\n".utf8))
        #expect(try beat(first.ownersAt).owners.first { $0.tenant == tenants[0] }?.node == second)
        try input.fileHandleForWriting.close()
        psql.waitUntilExit()
        // The server was put back: whoever knows a later moment gets everything.
        #expect(try beat(1 << 60).owners.count == 3)
        #expect(throws: SharedLogError.notOwner(second)) { try log.hand(tenants[1], from: name, to: NodeName("c")!) }
        log.close()
        other.close()
    }

    @Test("N4 a node is forgotten once it has left and has no tenants; its levels are kept while it is there")
    func forgetting() throws {
        let cluster = try TestCluster()
        let (log, name) = try cluster.join("a")
        let (other, second) = try cluster.join("b")
        #expect(try log.levels(of: second) == nil)
        try other.save(levels: [1, 2, 3], of: second)
        #expect(try log.levels(of: second) == [1, 2, 3])
        let tenant = TenantID.any
        try other.create(tenant, owner: second)
        #expect(throws: SharedLogError.self) { try log.forget(second) }
        _ = try other.beat(second, generation: 2, state: .left, ownersSince: 0)
        #expect(throws: SharedLogError.self) { try log.forget(second) }
        try log.hand(tenant, from: second, to: name)
        try log.forget(second)
        try log.forget(second)
        let view = try #require(try log.beat(name, generation: 1, state: .serving, ownersSince: 0))
        #expect(view.nodes.map(\.name) == [name])
        log.close()
        other.close()
    }

    @Test("N2 the registry's place comes with the beat")
    func registry() throws {
        let cluster = try TestCluster()
        let (log, name) = try cluster.join("a")
        #expect(try log.beat(name, generation: 1, state: .serving, ownersSince: 0)?.registrySequence == 0)
        let stream = try log.openForAll(.registry, key: cluster.key)
        #expect(try stream.verdict("one") == .appended)
        let view = try #require(try log.beat(name, generation: 1, state: .serving, ownersSince: 0))
        #expect(view.registrySequence == 1)
        #expect(view.owners.isEmpty)
        log.close()
    }
}
