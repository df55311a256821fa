import Foundation
import TestTenants
import Testing

@testable import Archive
@testable import TenantRegistry

/// What the archive loses while the node runs (B3, B4).
@Suite struct ArchiveWatchTests {
    private static let hour: UInt64 = 3_600_001
    private static let again: UInt64 = 5_001

    /// `body` is given what watches a node's archive.
    private func archived(_ body: (MemoryStore, LogShipper, TestNode, TenantID) throws -> Void) throws {
        try ArchivedNode.with { try body($0.store, $0.shipper, $0.node, $0.record.id) }
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
            var twice: String?
            // A manifest that is made meanwhile needs nothing from before it: then the next object is lost.
            try ArchivedNode.until {
                let record = try node.tenant("shop")
                try node.write(record) { [now] tenant, _ in try tenant.set("note", to: "\(now)") }
                try ArchivedNode.until { try !store.list("\(ArchivePlace.log)/", after: "").isEmpty }
                for lost in try store.list("\(ArchivePlace.log)/", after: "") { try store.remove(lost) }
                // Manifests are named by the second.
                node.clock.advance(seconds: 2)
                // A list may lag: what it lacks once is not lost yet.
                let once = look(after: Self.hour)
                #expect(once == nil && shipper.figures.loss == nil)
                twice = look(after: Self.again)
                return twice != nil
            }
            #expect(twice?.contains("is not in the list") == true && shipper.figures.loss != nil)
            try ArchivedNode.until {
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
            try ArchivedNode.until { try store.get(keys) != nil && shipper.ledger.entry(id)?.hasCopy == true }
            try ArchivedNode.until {
                _ = look(after: Self.again)
                return shipper.figures.loss == nil
            }
        }
    }
}
