import Cryptography
import Foundation
import TestTenants
import Testing

@testable import Archive
@testable import TenantRegistry

/// Old backups on their way out of a bucket, and what others do there meanwhile (P11).
@Suite struct PruningTests {
    /// A node and the bucket that it is backed up into.
    private struct Scene {
        let folder: TestFolder
        let node: TestNode
        let store: MemoryStore
        var clock: ManualClock { node.clock }

        init() throws {
            folder = try TestFolder()
            node = try TestNode(folder.file("data"))
            store = MemoryStore(clock: node.clock)
            _ = try store.put(ArchivePlace.format, Array(ArchivePlace.formatText.utf8))
        }

        private func put(
            _ path: String, of owner: String, under key: ArchiveKey
        ) throws -> (index: String, bytes: Int64) {
            var cut = try FileCut(path, of: owner, under: key)
            while let piece = try cut.next() { _ = try store.put(piece.name, piece.bytes) }
            let index = try cut.index()
            _ = try store.put(index.name, index.bytes)
            return (index.name, cut.bytes)
        }

        /// As `tollgate backup` leaves it, but for what it tells prunings of; its name is given.
        func backUp() throws -> String {
            var manifest = ArchiveManifest(startedAt: clock.now())
            for record in node.fleet.roster.allTenants {
                let path = try awaited { then in node.fleet.export(record, then: then) }
                let head = ExportSeal.read(path)?.head.text ?? ""
                let (index, bytes) = try put(
                    path, of: ArchivePlace.tenant(record.id), under: ArchiveKey(of: record.secretKey))
                manifest.tenants.append(
                    ArchiveManifest.Tenant(id: record.id, slug: record.slug, index: index, bytes: bytes, head: head))
            }
            let key = ArchiveKey(of: node.fleet.masterKeyOfBackup)
            let registry = try awaited { then in node.fleet.copyRegistry(then: then) }
            manifest.index = try put(registry, of: ArchivePlace.registry, under: key).index
            let (name, bytes) = try manifest.sealed(under: key, wrappedMasterKey: [])
            _ = try store.put(name, bytes)
            return name
        }

        @discardableResult
        func prune(
            _ rule: BackupPruning.Rule = .last(1), isDry: Bool = false, masterKey: [UInt8]? = nil
        ) throws -> BackupPruning.Plan {
            var pruning = BackupPruning(
                try Archive.forReading(store), by: .masterKey(masterKey ?? node.fleet.masterKeyOfBackup),
                scratch: folder.path, clock: clock, random: SeededRandom(seed: 1))
            return try pruning.run(rule, isDry: isDry) { _, _, _ in }
        }

        var names: [String] {
            get throws { try store.all("").filter { !$0.hasPrefix("marks/") } }
        }

        /// Every tenant of a backup comes back from it.
        func restore(_ name: String) throws {
            let archive = try Archive.forReading(store)
            let masterKey = node.fleet.masterKeyOfBackup
            let manifest = try archive.open(name, by: .masterKey(masterKey)).manifest
            let reading = ArchiveReading(archive, manifest, masterKey: masterKey, moment: nil, scratch: folder.path)
            try reading.makeRegistry(at: folder.file("registry"))
            for tenant in manifest.tenants { _ = try reading.makeFile(of: tenant.id, at: folder.file("restored")) }
        }
    }

    private func scene(_ body: (Scene) throws -> Void) throws {
        let scene = try Scene()
        defer { scene.node.stop() }
        try body(scene)
    }

    /// Three backups, days apart, each of another state; the newest last.
    private func threeBackups(_ scene: Scene) throws -> [String] {
        let record = try scene.node.create("acme")
        try scene.node.create("idle")
        return try (0..<3).map { _ in
            _ = try scene.node.mint(record)
            let name = try scene.backUp()
            scene.clock.advance(seconds: 3 * 86_400)
            return name
        }
    }

    @Test("P11 a pruning removes old backups and what they alone needed; a dry one says so and removes nothing")
    func removes() throws {
        try scene { scene in
            let backups = try threeBackups(scene)
            let before = try scene.names
            let told = try scene.prune(.last(2), isDry: true)
            #expect(try scene.names == before)
            #expect(told.backups.map(\.isKept) == [false, true, true] && !told.objects.isEmpty && told.bytes > 0)
            let done = try scene.prune(.last(2))
            #expect(done.objects == told.objects && done.bytes == told.bytes)
            #expect(try Set(scene.names) == Set(before).subtracting([backups[0]] + done.objects.map(\.name)))
            for name in backups.dropFirst() { try scene.restore(name) }
            try scene.prune(.since(scene.clock.now()))
            try scene.restore(backups[2])
            #expect(try Archive.forReading(scene.store).manifests() == [backups[2]])
            #expect(try scene.prune().objects.isEmpty)
        }
    }

    @Test("P11 a pruning that was cut off behind the manifests is ended by the next; what is young stays")
    func cutOff() throws {
        try scene { scene in
            let backups = try threeBackups(scene)
            for name in backups.dropLast() { try scene.store.remove(name) }
            let young = "tenants/\(try scene.node.tenant("acme").id.text)/pages/00000000-aa"
            _ = try scene.store.put(young, [1])
            let done = try scene.prune()
            #expect(!done.objects.isEmpty && done.waiting == 1)
            #expect(try scene.store.get(young) == [1])
            try scene.restore(backups[2])
        }
    }

    @Test("P11 a manifest that a lagging list lacks is known from its backup, and keeps what it needs")
    func laggingList() throws {
        try scene { scene in
            let backups = try threeBackups(scene)
            let marks = try BackupMarks(of: scene.store, scene.clock)
            try marks.end(with: backups[2])
            scene.store.hide([backups[2]])
            let done = try scene.prune()
            #expect(done.backups.filter(\.isKept).map(\.name) == [backups[2]])
            try scene.restore(backups[2])
            // What a list shows for too long is not taken for what it may need.
            scene.store.hide([])
            try scene.store.remove(backups[2])
            #expect(throws: ArchiveFailure.noManifest) { try scene.prune() }
        }
    }

    @Test("P11 a pruning waits for a backup, a backup for a pruning, and one that was pruned meanwhile has no manifest")
    func together() throws {
        try scene { scene in
            let backups = try threeBackups(scene)
            let before = try scene.names
            let marks = try BackupMarks(of: scene.store, scene.clock)
            let began = scene.clock.now()
            #expect(throws: ArchiveFailure.isWritten("memory", since: began)) { try scene.prune() }
            #expect(try scene.names == before)
            // It is not told of a pruning that never was.
            try marks.end(with: backups[2])
            let pruning = try PruningMark(in: scene.store, scene.clock, SeededRandom(seed: 2))
            #expect(throws: ArchiveFailure.isPruned("memory", since: began)) {
                _ = try BackupMarks(of: scene.store, scene.clock)
            }
            pruning.end()
            let late = try BackupMarks(of: scene.store, scene.clock)
            // So long that it is taken for one that was cut off.
            scene.clock.advance(seconds: 86_401)
            try scene.prune()
            let name = try scene.backUp()
            #expect(throws: ArchiveFailure.wasPruned) { try late.end(with: name) }
            #expect(try Archive.forReading(scene.store).manifests() == [backups[2]])
            let next = try BackupMarks(of: scene.store, scene.clock)
            let whole = try scene.backUp()
            try next.end(with: whole)
            try scene.restore(whole)
        }
    }

    @Test("P11 where a backup does not open, or a node's log is there, nothing is removed")
    func refused() throws {
        try scene { scene in
            let backups = try threeBackups(scene)
            let before = try scene.names
            func refusal(_ masterKey: [UInt8]? = nil) -> String {
                do {
                    try scene.prune(masterKey: masterKey)
                    return "none"
                } catch {
                    return "\(error)"
                }
            }
            let other = refusal([UInt8](repeating: 9, count: 32))
            #expect(other.contains("manifests/") && other.contains("is not the one") && other.contains("nothing"))
            let good = try #require(try scene.store.get(backups[0]))
            _ = try scene.store.put(backups[0], Array(good.dropLast()) + [~(good.last ?? 0)])
            #expect(refusal().hasPrefix(backups[0]))
            _ = try scene.store.put(backups[0], good)
            for name in ["log/a/b/1-a", "keys/a-b"] {
                _ = try scene.store.put(name, [1])
                #expect(throws: ArchiveFailure.holdsLog("memory")) { try scene.prune() }
                try scene.store.remove(name)
            }
            #expect(try scene.names == before)
        }
    }

    @Test("P11 a backup from the future is named, and nothing goes: it would stay as the newest, and all others go")
    func fromTheFuture() throws {
        try scene { scene in
            let name = try threeBackups(scene)[2]
            let before = try scene.names
            scene.clock.advance(seconds: -30 * 86_400)
            let failure = #expect(throws: BackupPruning.Failure.self) { try scene.prune() }
            #expect(failure?.manifest == name && failure?.reason.contains("later than the clock here") == true)
            #expect(try scene.names == before)
        }
    }

    @Test("B3 an earlier state opens by its own master key, which a passphrase says; what does not open is named")
    func earlierKey() throws {
        let store = MemoryStore(clock: ManualClock(TestNode.start))
        _ = try store.put(ArchivePlace.format, Array(ArchivePlace.formatText.utf8))
        let words = try #require(Passphrase("the words of this test"))
        let keys = [UInt8](1...2).map { [UInt8](repeating: $0, count: 32) }
        var names: [String] = []
        for (day, key) in keys.enumerated() {
            let wrapped = try ArchiveManifest.wrap(key, words, random: SeededRandom(seed: 4))
            let (name, bytes) = try ArchiveManifest(startedAt: TestNode.start.adding(days: Int64(day)))
                .sealed(under: ArchiveKey(of: key), wrappedMasterKey: wrapped)
            _ = try store.put(name, bytes)
            names.append(name)
        }
        let archive = try Archive.forReading(store)
        let moment = TestNode.start.adding(seconds: 60)
        for opener in [ArchiveManifest.Opener.passphrase(words), .masterKey(keys[0])] {
            let opened = try ArchiveReading.manifest(in: archive, before: moment, by: opener)
            #expect(opened.masterKey == keys[0] && opened.manifest.startedAt == TestNode.start)
        }
        let failure = #expect(throws: ArchiveFailure.self) {
            try ArchiveReading.manifest(in: archive, before: moment, by: .masterKey(keys[1]))
        }
        #expect(failure?.description.hasPrefix(names[0]) == true)
        let early = TestNode.start.adding(seconds: -60)
        #expect(throws: ArchiveFailure.tooEarly(early, first: TestNode.start)) {
            try ArchiveReading.manifest(in: archive, before: early, by: .passphrase(words))
        }
    }

    @Test("P11 the newest backup stays, and the last one that has a tenant which the newest could not copy")
    func choice() {
        let id = TenantID(high: 1, low: 2)
        func backup(_ day: Int64, _ slugs: [String], failed: [String] = []) -> BackupPruning.Backup {
            var manifest = ArchiveManifest(startedAt: TestNode.start.adding(days: day))
            manifest.tenants = slugs.map {
                ArchiveManifest.Tenant(id: id, slug: $0, index: "", bytes: 0, head: "")
            }
            manifest.failed = failed.map { ArchiveManifest.Failure(slug: $0, reason: "") }
            return BackupPruning.Backup(name: "manifests/\(day)", manifest: manifest, bytes: 1, masterKey: [])
        }
        func kept(_ backups: [BackupPruning.Backup], _ rule: BackupPruning.Rule) -> [Bool] {
            BackupPruning.choosing(backups, rule).map(\.isKept)
        }
        let sound = (0..<4).map { backup($0, ["a", "b"]) }
        #expect(kept(sound, .last(2)) == [false, false, true, true])
        #expect(kept(sound, .last(9)) == [true, true, true, true])
        #expect(kept(sound, .since(TestNode.start.adding(days: 1))) == [false, true, true, true])
        #expect(kept(sound, .since(TestNode.start.adding(days: 99))) == [false, false, false, true])
        let broken = sound + [backup(4, ["a"], failed: ["b"]), backup(5, ["a"], failed: ["b", "never"])]
        #expect(kept(broken, .last(1)) == [false, false, false, true, false, true])
        #expect(kept(broken, .last(3)) == [false, false, false, true, true, true])
        #expect(kept([], .last(1)).isEmpty)
    }
}
