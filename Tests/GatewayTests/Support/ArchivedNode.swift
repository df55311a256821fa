import Foundation
import TestTenants
import Testing

@testable import Archive
@testable import TenantRegistry

/// A node whose archive is in memory, with a copy of its one tenant.
struct ArchivedNode {
    let folder: TestFolder
    let clock: ManualClock
    let store: MemoryStore
    let shipper: LogShipper
    let node: TestNode
    let record: TenantRecord

    /// `body` runs while log and copies go into the archive. `placeClock`: of the archive's place; the node's own where
    /// there is none.
    static func with(placeClock: ManualClock? = nil, _ body: (ArchivedNode) throws -> Void) throws {
        let (folder, clock) = (try TestFolder(), ManualClock(TestNode.start))
        let store = MemoryStore(clock: placeClock ?? clock)
        var options = Fleet.Options()
        options.commits = .log
        let node = try TestNode(folder.file("data"), clock: clock, options: options)
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
        try body(
            ArchivedNode(
                folder: folder, clock: clock, store: store, shipper: shipper, node: node, record: record))
    }

    private struct NeverCame: Error {}

    /// Waits until it is so, which takes milliseconds where it comes at all.
    static func until(_ isSo: () throws -> Bool) throws {
        let end = Date.now.addingTimeInterval(60)
        while try !isSo() {
            guard Date.now < end else { throw NeverCame() }
            pause(milliseconds: 1)
        }
    }
}
