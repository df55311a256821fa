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

    @Test("B2 G7 while the clock is not believed nothing of the past goes, and nobody is taken back by it")
    func unbelieved() throws {
        let folder = try TestFolder()
        let bases = folder.file("data") + "/past/" + String(repeating: "ab", count: 16) + "/bases"
        let base = PastBase(tenant: TenantID(high: 1, low: 2), incarnation: 1, lsn: 1, at: TestNode.start)
        try DataDirectory.makeFolder(bases)
        try DataDirectory.writeNew([], to: "\(bases)/\(base.name)")
        var options = Fleet.Options()
        options.commits = .log
        let node = try TestNode(folder.file("data"), options: options)
        defer { node.stop() }
        let fleet = node.fleet
        fleet.clockGuard.look(node.clock.now(), steady: fleet.monotonic.nanoseconds())
        node.clock.advance(seconds: (Past.retentionDays + 1) * 86_400)
        let _: Void = try awaited { then in fleet.keepPast { then(.success(())) } }
        #expect(DataDirectory.size(of: bases) != nil)
        let record = try node.create("shop")
        #expect(throws: PastFailure.self) {
            let _: String = try awaited { fleet.copy(of: record, at: node.clock.now(), then: $0) }
        }
        try #require(fleet.past).forget()
        #expect(DataDirectory.size(of: bases) == nil)
    }

    @Test("B2 a tenant can be gone back to from its first moment and from that of its restore, before a base is made")
    func firstMoments() throws {
        let folder = try TestFolder()
        var options = Fleet.Options()
        options.commits = .log
        let node = try TestNode(folder.file("data"), options: options)
        defer { node.stop() }
        let fleet = node.fleet
        func head(of record: TenantRecord, at moment: Timestamp) throws -> AuditHead? {
            let path: String = try awaited { fleet.copy(of: record, at: moment, then: $0) }
            defer { DataDirectory.remove(path) }
            return ExportSeal.read(path)?.head
        }
        let record = try node.create("shop")
        let first = try node.head(of: record)
        let made = node.clock.now()
        node.clock.advance(seconds: 1)
        _ = try node.mint(record)
        let export = try folder.copy(try node.export(record), to: "export")
        #expect(try head(of: record, at: made) == first)
        #expect(try head(of: record, at: record.profile.createdAt) == first)
        node.clock.advance(seconds: 1)
        let restored = try node.restore(record, from: export)
        let back = node.clock.now()
        node.clock.advance(seconds: 1)
        _ = try node.mint(record)
        #expect(try head(of: record, at: back) == restored)
        // The one before it keeps its moments.
        #expect(try head(of: record, at: made) == first)
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
