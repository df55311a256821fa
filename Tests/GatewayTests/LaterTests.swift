import TenantApp
import TestTenants
import Testing

@testable import TenantRegistry

/// What cannot be read now, and may be later.
@Suite struct LaterTests {
    @Test("P5 B1 a restore is refused, and gives up no commit, while the file that goes does not open for now")
    func restoreWhileUnreadable() throws {
        let (folder, disk) = (try TestFolder(), UnreadableDisk())
        var options = Fleet.Options()
        options.commits = .log
        let before = try TestNode(folder.file("data"), options: options)
        defer { before.stop() }
        let shop = try Shop.open(before)
        try shop.trade()
        let export = try folder.copy(try before.export(shop.record), to: "export")
        try shop.order(shop.resellerIDs[0], quantity: 1)
        let head = try before.head(of: shop.record)
        // As a kill leaves it: the log alone has what came last.
        try DataFolder.image(of: folder.file("data"), to: folder.file("killed"))
        options.logDisk = disk
        let node = try TestNode(folder.file("killed"), seed: 2, options: options)
        defer { node.stop() }
        let record = try node.tenant("shop")
        let log = try #require(node.fleet.nodeLog)
        try #require(log.hasRecords(of: record.id))
        disk.set(isUnreadable: true)
        #expect(throws: LaneFailure.self) { try node.restore(record, from: export) }
        #expect(log.hasRecords(of: record.id))
        disk.set(isUnreadable: false)
        #expect(try node.head(of: record) == head)
    }

    @Test("B2 P5 a restore that did not come about takes no moment away")
    func restoreThatWasNone() throws {
        let folder = try TestFolder()
        var options = Fleet.Options()
        options.commits = .log
        let before = try TestNode(folder.file("data"), options: options)
        let shop = try Shop.open(before)
        let _: Void = try awaited { then in before.fleet.keepPast { then(.success(())) } }
        // As a kill leaves it just before the new file's name decides.
        try #require(before.fleet.past).begins(shop.record.id, incarnation: 2)
        before.clock.advance(seconds: 10)
        func taken(_ node: TestNode) throws -> String {
            let record = try node.tenant("shop")
            return try awaited { node.fleet.copy(of: record, at: node.clock.now(), then: $0) }
        }
        #expect(throws: PastFailure.self) { try taken(before) }
        before.stop()
        let node = try TestNode(folder.file("data"), clock: before.clock, seed: 2, options: options)
        defer { node.stop() }
        #expect(try node.head(of: node.tenant("shop")).incarnation == 1)
        #expect(try Verifier(path: taken(node)).run().isSound)
    }
}
