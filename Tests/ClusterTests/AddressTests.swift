import TenantRegistry
import TestPostgres
import Testing

@testable import Cluster

/// What is read of an address, and what is said of it.
@Suite(.enabled(if: PostgresPrograms.areInstalled)) struct AddressTests {
    private func failure(_ address: String) throws -> String {
        let node = try TestCluster.node("a")
        do {
            let log = try PostgresLog(address, node: node.name)
            defer { log.close() }
            _ = try log.head(of: .registry)
            return "it connected"
        } catch { return error.description }
    }

    @Test(
        "N1 no error about an address tells its password",
        arguments: [
            "postgresql://tollgate:sesame@127.0.0.1:1/x", "postgresql://tollgate:sesame@127.0.0.1:port/x",
            "host=127.0.0.1 port=1 password=sesame", "host=127.0.0.1 password 'sesame", "sesame",
            "postgresql://tollgate@127.0.0.1:1/x?password=sesame&sslmode=sesame",
            "postgresql://tollgate:sesame@127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/x",
            "postgresql://tollgate:sesame@a,b:1,2,3/x",
        ])
    func password(address: String) throws {
        let text = try failure(address)
        #expect(!text.contains("sesame"), "\(text)")
    }

    @Test("N1 an address is told without its password")
    func described() throws {
        let address = try PostgresAddress("postgresql://me:sesame@one:5432,[::1]:5433/shop?sslmode=require")
        #expect(address.description == "postgresql://me@one:5432,::1:5433/shop")
        let said = "refused by sesame\n\tIs the server running on that host?\n"
        #expect(address.redacted(said) == "refused by … Is the server running on that host?")
    }
}
