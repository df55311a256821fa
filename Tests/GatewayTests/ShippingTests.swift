import Foundation
import Synchronization
import TestTenants
import Testing

@testable import Archive
@testable import TenantRegistry

/// A node's log on its way into an archive, where the log cannot be read for a while (B3).
@Suite struct ShippingTests {
    /// Objects in memory.
    private final class MemoryStore: ObjectStore {
        let place = "memory"
        private let objects = Mutex<[String: [UInt8]]>([:])
        /// Called before an object is there.
        private let onPut: @Sendable (String) -> Void

        init(onPut: @escaping @Sendable (String) -> Void = { _ in }) { self.onPut = onPut }

        func put(_ name: String, _ bytes: [UInt8]) throws(StoreFailure) -> Bool {
            onPut(name)
            return objects.withLock { $0.updateValue(bytes, forKey: name) == bytes }
        }
        func get(_ name: String) throws(StoreFailure) -> [UInt8]? { objects.withLock { $0[name] } }
        func list(_ prefix: String, after: String) throws(StoreFailure) -> [String] {
            objects.withLock { $0.keys.filter { $0.hasPrefix(prefix) && $0 > after }.sorted() }
        }
        func remove(_ name: String) throws(StoreFailure) { objects.withLock { $0[name] = nil } }
        func giveUp() {}

        /// The log's objects, in order.
        func log(under key: ArchiveKey) throws -> [LogObject] {
            try list("\(ArchivePlace.log)/", after: "").map { name in
                try LogObject(reading: key.open(get(name) ?? [], name), name)
            }
        }
    }

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
        try ledger.begin(log.identity, node.fleet.random)
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
        try ledger.begin(log.identity, node.fleet.random)
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
