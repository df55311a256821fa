import Foundation
import TestTenants
import Testing

@testable import Archive
@testable import TenantRegistry

/// What the archive loses while the node runs (B3, B4).
@Suite struct ArchiveWatchTests {
    private static let hour: UInt64 = 3_600_001
    private static let again: UInt64 = 5_001

    /// A node whose archive is in memory, with a copy of each tenant; `body` is given what watches it.
    private func archived(_ body: (MemoryStore, LogShipper, TestNode, TenantID) throws -> Void) throws {
        let (folder, store) = (try TestFolder(), MemoryStore())
        var options = Fleet.Options()
        options.commits = .log
        let node = try TestNode(folder.file("data"), options: options)
        defer { node.stop() }
        let record = try node.create("shop")
        let log = try #require(node.fleet.nodeLog)
        let ledger = try ArchiveLedger(folder.file("archive.sqlite"))
        defer { ledger.close() }
        try ledger.begin(log.identity, at: "memory", node.fleet.random)
        let shipper = LogShipper(
            node.fleet, log, ledger, store, ArchiveFigures(store.place), LogShipper.Bounds(paceMilliseconds: 1))
        let maker = SnapshotMaker(
            shipper, store, wrappedMasterKey: [], SnapshotMaker.Bounds(roundMilliseconds: 1))
        let threads = DispatchGroup()
        for run in [{ shipper.run() }, { maker.run() }] as [@Sendable () -> Void] {
            threads.enter()
            startThread("archive") {
                run()
                threads.leave()
            }
        }
        defer {
            maker.stop()
            shipper.stop()
            threads.wait()
        }
        try until { shipper.hasManifest && ledger.entry(record.id)?.hasCopy == true }
        try body(store, shipper, node, record.id)
    }

    private struct NeverCame: Error {}

    private func until(_ isSo: () throws -> Bool) throws {
        let end = Date.now.addingTimeInterval(60)
        while try !isSo() {
            guard Date.now < end else { throw NeverCame() }
            pause(milliseconds: 1)
        }
    }

    @Test("B3 B4 an object of the log that is lost is told of within seconds, and what comes behind it is whole again")
    func lostObject() throws {
        try archived { store, shipper, node, _ in
            var watch = ArchiveWatch(shipper, store)
            var now = monotonicMilliseconds()
            func look(after milliseconds: UInt64) -> String? {
                now += milliseconds
                return watch.newLoss(at: now)
            }
            let whole = look(after: 0)
            #expect(whole == nil)
            let lost = try #require(try store.list("\(ArchivePlace.log)/", after: "").first)
            try store.remove(lost)
            // Manifests are named by the second.
            node.clock.advance(seconds: 2)
            // A list may lag: what it lacks once is not lost yet.
            let once = look(after: Self.hour)
            #expect(once == nil && shipper.figures.loss == nil)
            let twice = look(after: Self.again)
            #expect(twice?.contains("is not in the list") == true && shipper.figures.loss != nil)
            try until {
                let again = look(after: Self.again)
                // It is told of once.
                #expect(again == nil)
                return shipper.figures.loss == nil
            }
        }
    }

    @Test("B3 keys that the archive has lost are written anew, with a copy of their tenant")
    func lostKeys() throws {
        try archived { store, shipper, _, id in
            var watch = ArchiveWatch(shipper, store)
            var now = monotonicMilliseconds()
            func look(after milliseconds: UInt64) -> String? {
                now += milliseconds
                return watch.newLoss(at: now)
            }
            let keys = try #require(shipper.ledger.entry(id)?.keys)
            try store.remove(keys)
            let once = look(after: 0)
            let twice = look(after: Self.again)
            #expect(once == nil && twice?.contains("the keys of 1 tenants") == true)
            try until { try store.get(keys) != nil && shipper.ledger.entry(id)?.hasCopy == true }
            try until {
                _ = look(after: Self.again)
                return shipper.figures.loss == nil
            }
        }
    }
}
