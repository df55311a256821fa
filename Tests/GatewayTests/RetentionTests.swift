import Foundation
import TestTenants
import Testing

@testable import Archive
@testable import TenantRegistry

/// What lies behind the days that an archive keeps, and goes while the node runs (B3).
@Suite struct RetentionTests {
    /// Four manifests, two days apart; a day after the last of them.
    private func archived(_ body: (ArchivedNode) throws -> Void) throws {
        try ArchivedNode.with { scene in
            for _ in 1...3 { try scene.goOn() }
            scene.clock.advance(seconds: 86_400)
            try body(scene)
        }
    }

    @Test("B3 manifests, log and copies from behind the days go, and every moment within them can be had")
    func removes() throws {
        try archived { scene in
            let (before, manifests) = (try scene.store.all(""), try scene.manifests)
            #expect(try scene.run(days: 30) == nil)
            #expect(try Set(before).isSubset(of: scene.store.all("")))
            let keptFrom = try #require(try scene.run(days: 2))
            let kept = try scene.manifests
            let days = scene.node.clock.now().milliseconds - keptFrom.milliseconds
            #expect(days >= 2 * 86_400_000 && days < 4 * 86_400_000)
            #expect(!kept.isEmpty && kept == manifests.suffix(kept.count) && kept.count < manifests.count)
            for name in kept { try scene.restore(from: name) }
            let gone = try Set(before).subtracting(scene.store.all(""))
            for folder in ["log/", "registry/", "tenants/"] { #expect(gone.contains { $0.hasPrefix(folder) }) }
            #expect(!gone.contains { $0.hasPrefix("keys/") })
            let left = try scene.store.all("")
            _ = try scene.run(days: 2)
            #expect(try Set(left).isSubset(of: scene.store.all("")))
        }
    }

    @Test("B3 a list that lags behind what is there makes nothing go that is needed")
    func laggingList() throws {
        try archived { scene in
            let newest = try #require(try scene.manifests.last)
            let log = try scene.store.all("log/")
            scene.store.hide(Set([newest] + log.suffix(log.count / 2)))
            _ = try scene.run(days: 2)
            scene.store.hide([])
            try scene.restore(from: newest)
        }
    }

    @Test(
        "B3 a pruning that is cut off leaves all that is needed, and the next one ends it", arguments: [0, 1, 4])
    func cutOff(after count: Int) throws {
        try archived { scene in
            var left = count
            let cut = ArchiveRetention(scene.shipper, scene.store, days: 2) {
                left -= 1
                return left < 0
            }
            #expect(throws: StoreFailure.self) { try cut.run() }
            #expect(scene.shipper.figures.removedObjects == count)
            for name in try scene.manifests.suffix(2) { try scene.restore(from: name) }
            _ = try #require(try scene.run(days: 2))
            #expect(scene.shipper.figures.removedObjects > count)
            for name in try scene.manifests { try scene.restore(from: name) }
            let ended = scene.shipper.figures.removedObjects
            _ = try scene.run(days: 2)
            #expect(scene.shipper.figures.removedObjects == ended)
        }
    }

    @Test("B3 a manifest within the days that does not open ends the pruning before anything goes")
    func unopened() throws {
        try archived { scene in
            _ = try scene.store.put("manifests/20991231T000000Z-00-00", [1, 2, 3])
            let before = try scene.store.all("")
            #expect(throws: ArchiveFailure.self) { try scene.run(days: 2) }
            #expect(try Set(before).isSubset(of: scene.store.all("")))
        }
    }
}

extension ArchivedNode {
    var manifests: [String] { get throws { try Archive.forReading(store).manifests() } }

    func run(days: Int64) throws -> Timestamp? {
        try ArchiveRetention(shipper, store, days: days) { false }.run()
    }

    /// Two days later: the tenant has changed, and it and the registry are copied anew.
    func goOn() throws {
        let before = try manifests.last ?? ""
        node.clock.advance(seconds: 2 * 86_400)
        _ = try node.mint(record)
        let now = node.clock.now()
        try ArchivedNode.until { shipper.ledger.entry(record.id)?.snapshot?.mark.map { $0.at >= now } ?? false }
        shipper.wishRegistry()
        try ArchivedNode.until { try (manifests.last ?? "") > before }
    }

    /// Everything that a reader begins with at a manifest comes back, to the last second.
    func restore(from name: String) throws {
        let archive = try Archive.forReading(store)
        let masterKey = node.fleet.masterKeyOfBackup
        let manifest = try archive.open(name, by: .masterKey(masterKey)).manifest
        let reading = ArchiveReading(archive, manifest, masterKey: masterKey, moment: nil, scratch: folder.path)
        try reading.read()
        #expect(reading.losses.isEmpty, "\(reading.losses)")
        try reading.makeRegistry(at: folder.file("registry"))
        _ = try reading.makeFile(of: record.id, at: folder.file("restored"))
        reading.forget(record.id)
    }
}
