import Cluster
import Dispatch
import Foundation
import Synchronization
import TenantRegistry
import TestPostgres
import TestTenants
import Testing

/// How many sessions a node has at its database.
@Suite(.enabled(if: PostgresPrograms.areInstalled)) struct SessionTests {
    @Test("N2 thirty that ask the database at once share a few sessions, and no beat waits behind them")
    func bounded() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        defer { log.close() }
        let tenants = (0..<30).map { _ in TenantID.any }
        for tenant in tenants { try log.create(tenant, owner: node) }
        // Whoever opens one waits for its row.
        let held = try HeldTransaction(
            "SELECT count(*) FROM (SELECT 1 FROM tollgate.head FOR UPDATE) h", in: cluster.url)
        #expect(held.line == "30\n")
        let (key, asked) = (cluster.key, DispatchGroup())
        for tenant in tenants {
            asked.enter()
            startThread("asker") {
                _ = try? log.open(tenant, as: node, key: key)
                asked.leave()
            }
        }
        var most = 0
        repeat {
            let count = try cluster.run(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tollgate/a'"
                    + " AND datname = current_database()")
            most = max(most, Int(count) ?? .max)
            // The beat waits behind none of them.
            #expect(try log.beat(node, generation: 1, state: .serving, ownersSince: 0) != nil)
        } while asked.wait(timeout: .now()) != .success
        // All six places were taken; one that ended may be listed still while its place is taken.
        #expect((6...14).contains(most), "\(most)")
        try held.end()
        for tenant in tenants { _ = try log.open(tenant, as: node, key: key) }
    }

    /// An empty snapshot and one record; the place behind it.
    private func write(_ log: PostgresLog, _ tenant: TenantID, _ node: NodeName, _ key: [UInt8]) throws -> SharedPlace {
        try log.create(tenant, owner: node)
        let stream = try log.open(tenant, as: node, key: key)
        try stream.putSnapshot(at: stream.settled, pieces(["file"]))
        #expect(try stream.verdict("one") == .appended)
        return stream.settled
    }

    @Test("N2 N6 large snapshots that are read keep nobody from records, nor all of them the registry from its own")
    func reading() throws {
        let cluster = try TestCluster()
        let (log, node) = try cluster.join("a")
        defer { log.close() }
        let (key, tenants) = (cluster.key, (0..<9).map { _ in TenantID.any })
        let places = try tenants.map { try write(log, $0, node, key) }
        let registry = try log.openForAll(.registry, key: key)
        #expect(try registry.verdict("r") == .appended)
        let (isOver, ended) = (Promise<Void>(), DispatchGroup())
        let arrived = (0..<7).map { _ in Promise<Void>() }
        let downloads = Mutex(0)
        // More than there are places; each holds its own until all is seen.
        for tenant in tenants[..<5] {
            let snapshot = try #require(try log.snapshots(of: tenant).first)
            ended.enter()
            startThread("download") {
                defer { ended.leave() }
                try? log.read(snapshot, of: tenant, key: key) { _ in
                    let number = downloads.withLock { count in
                        defer { count += 1 }
                        return count
                    }
                    if number < 4 { arrived[number].succeed(()) }
                    try isOver.value()
                }
            }
        }
        for (number, tenant) in tenants[5..<8].enumerated() {
            ended.enter()
            startThread("records") {
                defer { ended.leave() }
                _ = try? log.records(of: tenant, after: 0, chain: .zero, upTo: 1, key: key) { _ in
                    arrived[4 + number].succeed(())
                    try isOver.value()
                }
            }
        }
        for promise in arrived { try promise.value() }
        #expect(try log.texts(of: tenants[8], after: beginning, upTo: places[8].sequence, key: key) == ["one"])
        #expect(try log.texts(of: .registry, after: beginning, upTo: 1, key: key) == ["r"])
        isOver.succeed(())
        ended.wait()
    }
}
