import Cryptography
import Foundation
import Synchronization
import TestTenants
import Testing

@testable import Archive
@testable import TenantRegistry

/// A node's log on its way into an archive, where the log cannot be read for a while (B3).
@Suite struct ShippingTests {
    @Test("B3 P5 keys that were on their way into the archive when their tenant was erased do not stay there")
    func keysOfErased() throws {
        let folder = try TestFolder()
        var options = Fleet.Options()
        options.commits = .log
        let node = try TestNode(folder.file("data"), options: options)
        defer { node.stop() }
        let record = try node.create("gone")
        let log = try #require(node.fleet.nodeLog)
        let ledger = try ArchiveLedger(folder.file("archive.sqlite"))
        defer { ledger.close() }
        try ledger.begin(log.identity, at: "memory", node.fleet.random)
        let store = MemoryStore { [id = record.id] _ in
            try? ledger.owe(erasureOf: id)
            // All that is there has gone.
            ledger.forget(id)
        }
        let shipper = LogShipper(node.fleet, log, ledger, store, ArchiveFigures(store.place), LogShipper.Bounds())
        try shipper.keepKeys(of: record, in: store)
        #expect(try store.list("keys/", after: "") == [])
        #expect(ledger.owed == [record.id])
    }

    @Test("B3 an archive at another place begins anew: nothing that is at the old one is taken to be there")
    func otherPlace() throws {
        let (folder, random) = (try TestFolder(), SeededRandom(seed: 3))
        let (log, id) = (LogID(high: 1, low: 2), TenantID(high: 3, low: 4))
        func open(at place: String) throws -> ArchiveLedger {
            let ledger = try ArchiveLedger(folder.file("archive.sqlite"))
            try ledger.begin(log, at: place, random)
            return ledger
        }
        let first = try open(at: "one")
        first.change(id) { entry in
            entry.keys = "keys/a"
            entry.snapshot = ArchiveManifest.Tenant(id: id, slug: "acme", index: "a/b", bytes: 1, head: "")
        }
        let node = first.node
        first.close()
        let again = try open(at: "one")
        #expect(again.node == node && again.entry(id)?.hasCopy == true && again.entry(id)?.keys == "keys/a")
        again.close()
        for _ in 1...2 {
            let other = try open(at: "other")
            #expect(other.node != node && other.entry(id)?.hasCopy == false && other.entry(id)?.keys == "")
            other.close()
        }
    }

    @Test("B3 an archive that moved to another server is elsewhere, whatever its bucket and prefix are called")
    func otherServer() throws {
        func address(_ server: String) throws -> String {
            let environment = ["AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"]
            let bucket = try #require(ArchiveAddress("s3://bucket/nodes/one"))
            return try bucket.store(environment: environment, credentials: nil).address
        }
        #expect(try address("https://one.example") == address("https://one.example/"))
        #expect(try address("https://one.example") != address("https://two.example"))
    }

    @Test("B3 the address as an earlier program wrote it down is the same place: nothing is copied anew for that")
    func formerAddress() throws {
        let (folder, random, log) = (try TestFolder(), SeededRandom(seed: 3), LogID(high: 1, low: 2))
        func node(at address: String, formerly: String?) throws -> String {
            let ledger = try ArchiveLedger(folder.file("archive.sqlite"))
            defer { ledger.close() }
            try ledger.begin(log, at: address, formerly: formerly, random)
            return ledger.node
        }
        let first = try node(at: "s3://bucket/", formerly: nil)
        #expect(try node(at: "https://one.example/bucket/", formerly: "s3://bucket/") == first)
        #expect(try node(at: "https://two.example/bucket/", formerly: "s3://bucket/") != first)
    }

    @Test(
        "B3 an archive that is empty where it was begins anew: what is known of it is not taken to be there",
        arguments: [false, true])
    func emptied(beginsFirst: Bool) throws {
        let (folder, random) = (try TestFolder(), SeededRandom(seed: 3))
        let (log, id) = (LogID(high: 1, low: 2), TenantID(high: 3, low: 4))
        let path = folder.file("archive")
        // A folder is opened before the log is known, a bucket after that.
        func open() throws -> (ledger: ArchiveLedger, isLost: Bool) {
            let ledger = try ArchiveLedger(folder.file("archive.sqlite"))
            if beginsFirst { try ledger.begin(log, at: path, random) }
            let isLost = try ledger.open(FolderStore(path), random)
            if !beginsFirst { try ledger.begin(log, at: path, random) }
            return (ledger, isLost)
        }
        let (first, isFirstLost) = try open()
        #expect(!isFirstLost)
        first.change(id) { entry in
            entry.keys = "keys/a"
            entry.snapshot = ArchiveManifest.Tenant(id: id, slug: "acme", index: "a/b", bytes: 1, head: "")
        }
        let node = first.node
        let end = LogObjectPlace(node: node, stream: LogObjectPlace.stream(1, random), number: 3)
        first.reached(NodeLog.Place(lsn: 7, chain: .zero), with: end)
        first.close()
        let (again, isLost) = try open()
        #expect(!isLost && again.node == node && again.place?.lsn == 7 && again.entry(id)?.hasCopy == true)
        #expect(try again.ends() == [end])
        again.close()
        try FileManager.default.removeItem(atPath: path)
        let (emptied, isEmptiedLost) = try open()
        #expect(isEmptiedLost && emptied.node != node && emptied.place == nil)
        #expect(emptied.entry(id)?.hasCopy == false && emptied.entry(id)?.keys == "")
        emptied.close()
        let (last, isLastLost) = try open()
        defer { last.close() }
        #expect(!isLastLost && last.node != node && last.entry(id)?.hasCopy == false)
    }

    @Test("B4 where an object of the log is lost, every tenant whose copy needs it is copied anew, and no other")
    func lostObject() throws {
        let (folder, random) = (try TestFolder(), SeededRandom(seed: 3))
        let (node, lost) = (LogObjectPlace.node(random), 7 as UInt64)
        let stream = LogObjectPlace.stream(1, random)
        func mark(_ number: UInt64) -> SnapshotMark {
            SnapshotMark(
                lsn: number, incarnation: 1, at: TestNode.start,
                since: LogObjectPlace(node: node, stream: stream, number: number))
        }
        func id(_ number: UInt64) -> TenantID { TenantID(high: 1, low: number) }
        func open() throws -> ArchiveLedger {
            let ledger = try ArchiveLedger(folder.file("archive.sqlite"))
            try ledger.begin(LogID(high: 1, low: 2), at: "one", random)
            return ledger
        }
        let ledger = try open()
        for since in lost - 1...lost + 1 {
            ledger.change(id(since)) { entry in
                entry.snapshot = ArchiveManifest.Tenant(
                    id: id(since), slug: "t\(since)", index: "a/b", bytes: 1, head: "", mark: mark(since))
            }
        }
        try ledger.save()
        ledger.dropSnapshots(needing: mark(lost).since)
        ledger.close()
        let again = try open()
        defer { again.close() }
        #expect((lost - 1...lost + 1).map { again.entry(id($0))?.hasCopy } == [false, false, true])
    }

    @Test("B3 parts of a commit that a kill cut off are in no later commit of their tenant")
    func partsWithoutCommit() throws {
        let folder = try TestFolder()
        func frame(_ kind: RecordKind, _ flags: UInt16, _ payload: [UInt8], at start: UInt64) -> [UInt8] {
            let frame = LogFrame(
                kind: kind, flags: flags, length: payload.count, epoch: 1, start: start, durable: 0,
                tenant: TenantID(high: 1, low: 1), incarnation: 1, at: Timestamp(milliseconds: 1), sequence: 1,
                digest: .zero, chain: .zero)
            return SpooledRecord.bytes(frame, payload[...])
        }
        let spool = [
            frame(.part, 0, [1], at: 8), frame(.part, LogFrame.continuesPart, [2], at: 200),
            frame(.commit, 0, [3], at: 400), frame(.part, 0, [4], at: 600),
            frame(.commit, LogFrame.continuesPart, [5], at: 800),
        ]
        try DataDirectory.writeNew(Array(spool.joined()), to: folder.file("records"))
        var commits: [[UInt8]] = []
        try SpooledRecord.forEach(in: folder.file("records")) { commits.append($0.payload) }
        #expect(commits == [[3], [4, 5]])
    }

    private struct NeverCame: Error { let what: String }

    private func until(_ what: String, _ isSo: () throws -> Bool) throws {
        let end = Date.now.addingTimeInterval(60)
        while try !isSo() {
            guard Date.now < end else { throw NeverCame(what: what) }
            pause(milliseconds: 1)
        }
    }

    @Test("B3 a start puts nothing before an archive that is away for a moment has said what it has")
    func listedFirst() throws {
        let (folder, store) = (try TestFolder(), MemoryStore())
        var options = Fleet.Options()
        options.commits = .log
        let node = try TestNode(folder.file("data"), options: options)
        defer { node.stop() }
        _ = try node.mint(try node.create("shop"))
        let log = try #require(node.fleet.nodeLog)
        let ledger = try ArchiveLedger(folder.file("archive.sqlite"))
        defer { ledger.close() }
        try ledger.begin(log.identity, at: "memory", node.fleet.random)
        store.listNothing(.away("it is busy"))
        let bounds = LogShipper.Bounds(paceMilliseconds: 1, retryMilliseconds: 1)
        let shipper = LogShipper(node.fleet, log, ledger, store, ArchiveFigures(store.place), bounds)
        let ended = DispatchSemaphore(value: 0)
        startThread("archive") {
            shipper.run()
            ended.signal()
        }
        defer {
            shipper.stop()
            ended.wait()
        }
        try until("two failures") { store.listFailures >= 2 }
        #expect(shipper.place == nil)
        store.listNothing(nil)
        try until("an object") { (shipper.place?.number ?? 0) > 1 }
    }

    @Test("B3 what the registry did while the log could not be read is in the archive once it can")
    func registryOverGap() throws {
        let (folder, disk, store) = (try TestFolder(), UnreadableDisk(), MemoryStore())
        var options = Fleet.Options()
        (options.commits, options.logDisk) = (.log, disk)
        let node = try TestNode(folder.file("data"), options: options)
        defer { node.stop() }
        let before = try node.create("before")
        _ = try node.mint(before)
        let log = try #require(node.fleet.nodeLog)
        let ledger = try ArchiveLedger(folder.file("archive.sqlite"))
        defer { ledger.close() }
        try ledger.begin(log.identity, at: "memory", node.fleet.random)
        let shipper = LogShipper(
            node.fleet, log, ledger, store, ArchiveFigures(store.place), LogShipper.Bounds(paceMilliseconds: 1))
        let ended = DispatchSemaphore(value: 0)
        startThread("archive") {
            shipper.run()
            ended.signal()
        }
        defer {
            shipper.stop()
            ended.wait()
        }
        try until("an object") { (shipper.place?.number ?? 0) > 1 }
        disk.set(isUnreadable: true)
        try node.create("meanwhile")
        _ = try node.mint(before)
        // The second failure from now on is of a step that has asked the registry after the tenant was made.
        let failures = disk.failures
        try until("failures") { disk.failures >= failures + 2 }
        disk.set(isUnreadable: false)
        try until("a gap") { try store.log(under: shipper.key).contains { $0.parts.contains(.gap) } }
        let changes = try store.log(under: shipper.key).flatMap(\.parts).compactMap { part -> [UInt8]? in
            if case .registryChanges(let bytes) = part { bytes } else { nil }
        }
        #expect(changes.contains { Data($0).range(of: Data("meanwhile".utf8)) != nil })
    }
}

extension MemoryStore {
    /// The log's objects, in order.
    fileprivate func log(under key: ArchiveKey) throws -> [LogObject] {
        try list("\(ArchivePlace.log)/", after: "").map { name in
            try LogObject(reading: key.open(get(name) ?? [], name), name)
        }
    }
}
