import Foundation
import SQLite
import TenantRegistry
import TestTenants
import Testing

/// Where revisions go on when nobody can read any more what was sent (H7, 0068).
@Suite struct RevisionFloorTests {
    /// How far the clock is set back between the two restores: where there is no log, nothing else keeps the time.
    @Test(
        "H7 G7 P5 a second restore of a file that cannot be read gives no revision again, though the clock was set back",
        arguments: [(.files, 86_400), (.log, 30 * 86_400)] as [(CommitPlace, Int64)])
    func clockSetBack(commits: CommitPlace, seconds: Int64) throws {
        let (folder, clock) = (try TestFolder(), ManualClock(TestNode.start))
        let data = folder.file("data")
        var options = Fleet.Options()
        options.commits = commits
        let first = try TestNode(data, clock: clock, options: options)
        let shop = try Shop.open(first)
        try shop.trade()
        let copy = try folder.copy(try first.export(shop.record), to: "export")
        first.stop()
        var told: Int64 = 0
        for seed in 2...3 as ClosedRange<UInt64> {
            try Data(repeating: 9, count: 5_000).write(to: URL(fileURLWithPath: DataFolder.tenantFiles(data)[0]))
            let node = try TestNode(data, clock: clock, seed: seed, options: options)
            defer { node.stop() }
            let record = try node.tenant("shop")
            _ = try node.restore(record, from: try folder.copy(copy, to: "export-\(seed)"))
            // None that the first one's events had comes again.
            let lowest = try Self.revision(node, record, "min")
            #expect(lowest > told)
            // Behind the second restore nothing is sold: prices are from after that time.
            if seed == 2 {
                let again = Shop(node: node, record: record, resellerIDs: shop.resellerIDs)
                try again.order(shop.resellerIDs[0], quantity: 1)
            }
            told = try Self.revision(node, record, "max")
            clock.advance(seconds: -seconds)
        }
    }

    private static func revision(_ node: TestNode, _ record: TenantRecord, _ which: String) throws -> Int64 {
        let query = """
            SELECT \(which)(revision) FROM (SELECT revision FROM orders UNION ALL SELECT revision FROM service)
            """
        let revision = try node.read(record) { tenant in
            try tenant.connection.row(dynamic: query) { try $0.int() }
        }
        return try #require(revision)
    }
}
