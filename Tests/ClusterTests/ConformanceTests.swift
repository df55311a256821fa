import Cluster
import Cryptography
import SharedLogs
import TenantRegistry
import TestPostgres
import Testing

/// PostgreSQL does what every shared log has to do, the one of the simulations too.
@Suite(.enabled(if: PostgresPrograms.areInstalled)) struct ConformanceTests {
    @Test("N2 N3 PostgreSQL as the nodes' log keeps what every such log promises", arguments: SharedLogCheck.allCases)
    func promise(check: SharedLogCheck) throws {
        let cluster = try TestCluster()
        var count = 0
        try conforms(check) {
            count += 1
            let name = try TestCluster.node("maker-\(count)").name
            let log = try PostgresLog(cluster.url, node: name, durability: .single)
            // Whoever joins first makes the tables.
            _ = try log.join(
                ClusterNode(name: name, address: "127.0.0.1:1", schema: 1, keyPrint: SHA256.hash("the key of all")))
            return log
        }
    }
}
