import Cryptography
import Foundation
import TestTenants
import Testing

@testable import Archive
@testable import TenantRegistry

/// What lies behind the days that an archive keeps, and goes while the node runs (B3).
@Suite struct RetentionTests {
    /// Four manifests, two days apart; a day after the last of them. `first`: on the first day.
    private func archived(
        placeClock: ManualClock? = nil, first: (ArchivedNode) throws -> Void = { _ in },
        _ body: (ArchivedNode) throws -> Void
    ) throws {
        try ArchivedNode.with(placeClock: placeClock) { scene in
            try first(scene)
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
            // The one before it is a day old.
            try scene.writeManifest()
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

    @Test(
        "B3 a backup in the same place, from within the days or from before, ends the pruning before anything goes",
        arguments: [1, 5] as [Int64])
    func backup(day: Int64) throws {
        try archived { scene in
            var backup = ArchiveManifest(startedAt: TestNode.start.adding(days: day))
            backup.index = "registry/index-00"
            let (name, bytes) = try backup.sealed(under: scene.shipper.key, wrappedMasterKey: [])
            _ = try scene.store.put(name, bytes)
            try scene.refuses(days: 2, "it is a backup's")
        }
    }

    @Test("B3 another node's manifest ends the pruning; where it has none, its log and its copies stay all the same")
    func anotherNodes() throws {
        let key = ArchiveKey(of: [UInt8](repeating: 7, count: AES256GCM.keyBytes))
        let place = LogObjectPlace(node: "0123456789abcdef", stream: "00000001aabbccdd", number: 1)
        let owner = ArchivePlace.tenant(TenantID(high: 7, low: 7))
        var (manifest, objects) = ("", Set<String>())
        try archived(first: { scene in
            var theirs = ArchiveManifest(startedAt: TestNode.start)
            theirs.log = place
            let (name, bytes) = try theirs.sealed(under: key, wrappedMasterKey: [])
            _ = try scene.store.put(name, bytes)
            manifest = name
            for place in [place.text, ArchivePlace.index(of: owner), ArchivePlace.pages(of: owner, 0)] {
                let (name, bytes) = try key.seal([1], at: place)
                _ = try scene.store.put(name, bytes)
                objects.insert(name)
            }
        }) { scene in
            try scene.refuses(days: 2, "the master key is not the one")
            try scene.store.remove(manifest)
            _ = try #require(try scene.run(days: 2))
            #expect(scene.shipper.figures.removedObjects > 0)
            #expect(try objects.isSubset(of: scene.store.all("")))
        }
    }

    @Test("B3 G7 where the clock was ahead when the node started, nothing goes until there were manifests for a day")
    func clockAhead() throws {
        try archived { scene in
            scene.clock.advance(seconds: 40 * 86_400)
            for _ in 1...4 {
                try scene.writeManifest()
                try scene.refuses(days: 30, "in case the clock is ahead")
                scene.clock.advance(seconds: 6 * 3_600)
            }
            _ = try #require(try scene.run(days: 30))
        }
    }

    @Test("B3 G7 where the clock of the archive's place tells another day than the node's, nothing goes")
    func clocksApart() throws {
        let placeClock = ManualClock(TestNode.start)
        try archived(placeClock: placeClock) { scene in
            try scene.refuses(days: 2, "that of the archive's place")
            placeClock.set(scene.clock.now())
            scene.clock.advance(seconds: 1)
            try scene.writeManifest()
            _ = try #require(try scene.run(days: 2))
        }
    }

    @Test("B3 a copy that is made while what lies behind the days goes is whole, though it uses old pieces again")
    func copiedMeanwhile() throws {
        try archived { scene in
            var begunAt: Timestamp?
            let store = RemovingStore(scene.store) { name in
                guard begunAt == nil, name.hasPrefix("tenants/"), name.contains("/pages/") else { return }
                // The maker's thread would copy the tenant now.
                scene.clock.advance(seconds: 2 * 86_400)
                do {
                    _ = try scene.node.mint(scene.record)
                    #expect(try scene.holdsCopies())
                } catch {
                    Issue.record("\(error)")
                }
                begunAt = scene.clock.now()
            }
            _ = try #require(try ArchiveRetention(scene.shipper, store, days: 2) { false }.run())
            let begun = try #require(begunAt)
            try ArchivedNode.until { scene.copiedAt.map { $0 >= begun } ?? false }
            try scene.writeManifest()
            for name in try scene.manifests { try scene.restore(from: name) }
        }
    }

    @Test("B3 B2 what was forked, restored or deleted within the days can be had of before and of after that")
    func changedWithin() throws {
        try ArchivedNode.with { scene in
            let (node, fleet, record) = (scene.node, scene.node.fleet, scene.record)
            let doomed = try node.create("doomed")
            try ArchivedNode.until { scene.shipper.ledger.entry(doomed.id)?.hasCopy == true }
            for _ in 1...2 { try scene.goOn() }
            let (head, moment) = (try node.head(of: record), scene.clock.now())
            scene.clock.advance(seconds: 60)
            let (fork, parent) = (
                Fleet.Fork(slug: "twin", keyPrefix: "twn", fill: { _ in }), try node.export(record)
            )
            let twin = try awaited { then in
                fleet.fork(
                    record, fork, from: parent, as: fleet.ownAct("tenant.forked"), judge: { _ in }, then: then)
            }.0
            let export = try scene.folder.copy(try node.export(record), to: "export")
            _ = try node.restore(record, from: export)
            let _: Void = try awaited { fleet.delete(doomed, as: fleet.ownAct("tenant.deleted"), then: $0) }
            try scene.shipper.ledger.owe(erasureOf: doomed.id)
            try ArchivedNode.until {
                let hasKeys = try !scene.store.all(ArchivePlace.keys(of: doomed.id)).isEmpty
                return !hasKeys && scene.shipper.ledger.entry(twin.id)?.hasCopy == true
            }
            try scene.goOn()
            scene.clock.advance(seconds: 86_400)
            _ = try #require(try scene.run(days: 4))
            #expect(scene.shipper.figures.removedObjects > 0)
            #expect(try scene.head(of: record.id, at: moment) == head)
            #expect(try scene.head(of: record.id, at: nil) == node.head(of: record))
            #expect(try scene.head(of: twin.id, at: nil) == node.head(of: twin))
            #expect(throws: ArchiveFailure.self) { try scene.head(of: doomed.id, at: moment) }
            // Its copies go with the last manifest that names them.
            #expect(try !scene.store.all(ArchivePlace.tenant(doomed.id)).isEmpty)
            for _ in 1...3 { try scene.goOn() }
            scene.clock.advance(seconds: 86_400)
            _ = try #require(try scene.run(days: 2))
            #expect(try scene.store.all(ArchivePlace.tenant(doomed.id)).isEmpty)
        }
    }
}

/// A store that tells of each removal before it is made.
private final class RemovingStore: ObjectStore, @unchecked Sendable {
    // One test's thread.
    private let store: MemoryStore
    private let onRemove: (String) -> Void

    init(_ store: MemoryStore, onRemove: @escaping (String) -> Void) {
        (self.store, self.onRemove) = (store, onRemove)
    }

    var place: String { store.place }
    func put(_ name: String, _ bytes: [UInt8]) throws(StoreFailure) -> Bool { try store.put(name, bytes) }
    func get(_ name: String) throws(StoreFailure) -> [UInt8]? { try store.get(name) }
    func objects(_ prefix: String, after: String) throws(StoreFailure) -> [StoredObject] {
        try store.objects(prefix, after: after)
    }
    func remove(_ name: String) throws(StoreFailure) {
        onRemove(name)
        try store.remove(name)
    }
    func giveUp() { store.giveUp() }
}

extension ArchivedNode {
    /// When the newest copy of the tenant was made.
    var copiedAt: Timestamp? { shipper.ledger.entry(record.id)?.snapshot?.mark?.at }

    /// Whether copies wait. Asked on a thread of its own, as the one that asks may be the one that holds them.
    func holdsCopies() throws -> Bool {
        let isHeld = Promise<Bool>()
        startThread("asking") { [shipper] in
            isHeld.succeed(shipper.copying.withLockIfAvailable { _ in } == nil)
        }
        return try isHeld.value()
    }

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
        try ArchivedNode.until { copiedAt.map { $0 >= now } ?? false }
        try writeManifest(behind: before)
    }

    /// Another one, with a copy of the registry. The clock has moved since the last, which may be `last`.
    func writeManifest(behind last: String? = nil) throws {
        let before = try last ?? manifests.last ?? ""
        shipper.wishRegistry()
        try ArchivedNode.until { try (manifests.last ?? "") > before }
    }

    /// Nothing goes, for a reason that is told so.
    func refuses(days: Int64, _ reason: String) throws {
        let before = try store.all("")
        let failure = #expect(throws: ArchiveFailure.self) { try run(days: days) }
        #expect(failure?.description.contains(reason) == true, "\(String(describing: failure))")
        #expect(try Set(before).isSubset(of: store.all("")))
    }

    /// Where the tenant's chain ended then; nil: now.
    func head(of id: TenantID, at moment: Timestamp?) throws -> AuditHead {
        let (archive, masterKey) = (try Archive.forReading(store), node.fleet.masterKeyOfBackup)
        let scratch = try TestFolder()
        let newest = try ArchiveReading.manifest(in: archive, before: moment, by: .masterKey(masterKey))
        let reading = ArchiveReading(
            archive, newest.manifest, masterKey: masterKey, moment: moment, scratch: scratch.path, clock: clock)
        try reading.read()
        #expect(reading.losses.isEmpty, "\(reading.losses)")
        return try reading.makeFile(of: id, at: scratch.file("then"))
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
