import RateLimiter
import SQLite
import TestTenants
import Testing

@testable import TenantRegistry

/// The nodes of a cluster have one registry, and are upgraded one after the other: what one of the new version puts
/// into it must not lock out those of the version before.
@Suite struct RegistryVersionTests {
    let path: String
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        path = folder.file("registry.sqlite")
    }

    /// The last version that every node of a cluster may be asked to open.
    private static let versionBefore: Int32 = 7

    @Test("N6 case 22 a registry of the version before opens, and has what was added since")
    func opensOlder() throws {
        let before = try Connection(path: path, flags: [.readWrite, .create])
        try before.setApplicationID(RegistryStore.applicationID)
        try Migrator.migrate(before, RegistryStore.migrations)
        #expect(try !before.exists("SELECT 1 FROM sqlite_schema WHERE name = 'delivery_backlog'"))
        before.close()
        for _ in 1...2 {
            let store = try RegistryStore(path: path, metrics: LaneMetrics())
            #expect(try !store.connection.exists("SELECT 1 FROM delivery_backlog"))
            #expect(try !store.connection.exists("SELECT 1 FROM reseller_waiting"))
            #expect(try !store.connection.exists("SELECT 1 FROM console_form"))
            #expect(try !store.connection.exists("SELECT 1 FROM console_sign_out"))
            store.close()
        }
    }

    @Test("P2 N6 case 22 of a reseller made by the version before the file is asked; one that it approved has a place")
    func waiting() throws {
        let store = try RegistryStore(path: path, metrics: LaneMetrics())
        defer { store.close() }
        let id = TenantID(high: 1, low: 2)
        try store.connection.run(
            """
            INSERT INTO tenant (id, slug, blueprint, state, tier, currency, key_prefix, owner_email, created_at,
                refundable_until)
            VALUES (?1, 'shop', 'hosting', 1, 'lite', 'EUR', 'tst', 'owner@shop.example', 0, 0)
            """, .blob(id.bytes))
        try store.connection.run(
            "INSERT INTO tenant_key (tenant_id, wrapped_secret_key, wrapped_signing_key) VALUES (?1, x'01', x'02')",
            .blob(id.bytes))
        let limit = try #require(Policy(requests: 10, windowSeconds: 60, burst: 10))
        func save() throws {
            for number in 1...2 as ClosedRange<Int64> {
                let reseller = ResellerProjection(
                    resellerID: number, publicID: "res_\(number)", state: .pending, apiAccess: true, limit: limit,
                    isWaiting: number == 1)
                try RegistryWriting(connection: store.connection).apply(.reseller(reseller), of: id)
            }
        }
        func read() throws -> RegistrySnapshot.Tenant {
            let known = try RegistryReading.tenant(id, in: store.connection)
            return try #require(known?.row)
        }
        func places() throws -> [Bool] {
            let row = try read()
            #expect(!row.isIncomplete)
            return row.resellers.sorted { $0.resellerID < $1.resellerID }.map(\.hasPlace)
        }
        try save()
        #expect(try places() == [false, true])
        // The version before knows the table of states alone.
        try store.connection.execute("UPDATE reseller SET state = 1 WHERE reseller_id = 1")
        #expect(try places() == [true, true])
        try store.connection.execute(
            """
            CREATE TEMP TABLE kept AS SELECT * FROM reseller;
            DELETE FROM reseller;
            INSERT INTO reseller SELECT * FROM kept;
            UPDATE reseller SET state = 0;
            """)
        #expect(try !store.connection.exists("SELECT 1 FROM reseller_waiting"))
        #expect(try read().isIncomplete)
        // As its file says.
        try save()
        #expect(try places() == [false, true])
    }

    @Test("N6 case 22 a registry that this version has opened still opens with the version before")
    func opensWithOlder() throws {
        try RegistryStore(path: path, metrics: LaneMetrics()).close()
        let connection = try Connection(path: path, flags: [.readWrite])
        defer { connection.close() }
        #expect(try connection.userVersion == Self.versionBefore)
        let known = Array(RegistryStore.migrations.prefix(Int(Self.versionBefore)))
        #expect(try Migrator.migrate(connection, known) == [])
    }
}
