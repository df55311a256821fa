import Cluster
import Dispatch
import Foundation
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
        let psql = Process()
        psql.executableURL = URL(filePath: "/usr/bin/psql")
        psql.arguments = ["-XqAt", "-d", cluster.url]
        let (input, output) = (Pipe(), Pipe())
        (psql.standardInput, psql.standardOutput, psql.standardError) = (input, output, FileHandle.nullDevice)
        try psql.run()
        let lock = "BEGIN; SELECT count(*) FROM (SELECT 1 FROM tollgate.head FOR UPDATE) h;\n"
        try input.fileHandleForWriting.write(contentsOf: Data(lock.utf8))
        #expect(output.fileHandleForReading.availableData == Data("30\n".utf8))
        let (key, asked) = (cluster.key, DispatchGroup())
        for tenant in tenants {
            asked.enter()
            startThread("asker") {
                _ = try? log.open(tenant, as: node, key: key)
                asked.leave()
            }
        }
        var most = 0
        for _ in 1...12 {
            let count = try cluster.run(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tollgate/a'"
                    + " AND datname = current_database()")
            most = max(most, Int(count) ?? .max)
            // The beat waits behind none of them.
            #expect(try log.beat(node, generation: 1, state: .serving, ownersSince: 0) != nil)
        }
        // One that ended may be listed still while its place is taken.
        #expect(most > 1 && most <= 14)
        try input.fileHandleForWriting.close()
        psql.waitUntilExit()
        asked.wait()
        for tenant in tenants { _ = try log.open(tenant, as: node, key: key) }
    }
}
