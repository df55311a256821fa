import Foundation
import TestTenants
import Testing

@testable import TenantRegistry

@Suite struct RestTests {
    let folder: TestFolder
    let data: String

    init() throws {
        folder = try TestFolder()
        data = folder.file("data")
    }

    private func node(_ path: String? = nil, seed: UInt64 = 1) throws -> TestNode {
        var options = Fleet.Options()
        options.restMilliseconds = 0
        return try TestNode(path ?? data, seed: seed, options: options)
    }

    /// Rounds until every file is packed: one sees a use, one writes what waits in memory, which is a use again.
    private func pack(_ node: TestNode) throws {
        for _ in 0..<100 {
            // What a creation leaves to be done may open a file again.
            for record in node.fleet.roster.allTenants {
                try awaited { then in record.lane.whenQuiet { then(.success(())) } }
            }
            if DataFolder.tenantFiles(data).isEmpty { return }
            try awaited { then in node.fleet.packResting { then(.success(())) } }
        }
    }

    private func packed(_ record: TenantRecord, _ node: TestNode) -> String {
        node.fleet.data.tenantPath(record.id) + ".packed"
    }

    @Test("P2 an empty tenant at rest takes at most 64 KiB, and the next call finds it as it was")
    func small() throws {
        let node = try node()
        defer { node.stop() }
        let record = try node.create("one")
        let head = try node.head(of: record)
        let bytes = node.fleet.data.tenantBytes(record.id)
        try pack(node)
        #expect(DataFolder.tenantFiles(data) == [])
        #expect(DataDirectory.size(of: packed(record, node)) ?? .max <= 64 << 10)
        #expect(node.fleet.data.tenantBytes(record.id) == bytes)
        #expect(try node.head(of: record) == head)
        #expect(DataFolder.tenantFiles(data).count == 1)
        #expect(DataDirectory.size(of: packed(record, node)) == nil)
        #expect(node.reports.all == [])
    }

    @Test("P2 a tenant with orders is packed and goes on, time after time")
    func again() throws {
        let node = try node()
        defer { node.stop() }
        let shop = try Shop.open(node)
        for round in 1...5 {
            try shop.topUp(shop.resellerIDs[0], units: 100)
            try shop.order(shop.resellerIDs[0], key: "round-\(round)")
            let head = try node.head(of: shop.record)
            try pack(node)
            let live = node.fleet.data.tenantPath(shop.record.id)
            let sizes = ["", "-wal", ".packed"].map { DataDirectory.size(of: live + $0) }
            #expect(sizes[2] != nil, "of the file, its WAL and what is packed: \(sizes); \(node.reports.all)")
            #expect(try node.head(of: shop.record) == head)
        }
        let copy = try node.export(shop.record)
        _ = try node.restore(shop.record, from: copy)
        #expect(node.reports.all == [])
    }

    /// What kill -9 leaves at each step of packing and unpacking, beside what is whole.
    enum Step: CaseIterable {
        /// Packing: half of it is written, under a name of no meaning.
        case packing
        /// Both lie there: the file's name is still to go, or what is packed.
        case both
        /// What is packed is older than the file, which has gone on.
        case older
        /// Unpacking: half of the file is written.
        case unpacking
    }

    @Test("P1 G8 a kill at any step of packing and unpacking leaves the tenant whole", arguments: Step.allCases)
    func kill(step: Step) throws {
        let node = try node()
        let record = try node.create("one")
        try pack(node)
        let live = node.fleet.data.tenantPath(record.id)
        let stash = folder.file("stash")
        try FileManager.default.copyItem(atPath: packed(record, node), toPath: stash)
        if step == .older {
            _ = try node.write(record) { tenant, _ in
                try tenant.insertAccount(
                    email: "b@example.com", name: "b", role: .operator, resellerID: nil, passwordHash: nil)
            }
        }
        let head = try node.head(of: record)
        if step == .unpacking { try pack(node) }
        node.stop()
        let half = try Data(contentsOf: URL(fileURLWithPath: stash)).prefix(1_000)
        switch step {
        case .packing: try half.write(to: URL(fileURLWithPath: live + ".packing"))
        case .both, .older: try FileManager.default.copyItem(atPath: stash, toPath: live + ".packed")
        case .unpacking: try half.write(to: URL(fileURLWithPath: live + ".unpacking"))
        }
        chmod(live + ".packed", 0o600)
        chmod(live + ".packing", 0o600)
        chmod(live + ".unpacking", 0o600)
        let again = try self.node(seed: 2)
        defer { again.stop() }
        let found = try again.tenant("one")
        #expect(try again.head(of: found) == head)
        #expect(DataFolder.tenantFiles(data).count == 1)
        try pack(again)
        #expect(try again.head(of: found) == head)
        #expect(again.reports.all == [])
    }

    @Test("P2 G8 an empty WAL beside a file at rest keeps nobody from it", arguments: [true, false])
    func emptyWAL(isPackedLater: Bool) throws {
        let node = try node()
        let record = try node.create("one")
        let head = try node.head(of: record)
        let live = node.fleet.data.tenantPath(record.id)
        if !isPackedLater { try pack(node) }
        node.stop()
        try Data().write(to: URL(fileURLWithPath: live + "-wal"))
        chmod(live + "-wal", 0o600)
        if isPackedLater {
            #expect(try PackedFile.pack(live))
            #expect(DataDirectory.size(of: live + "-wal") == nil)
        }
        #expect(DataDirectory.size(of: live) == nil)
        let again = try self.node(seed: 2)
        defer { again.stop() }
        #expect(try again.head(of: again.tenant("one")) == head)
        #expect(again.reports.all == [])
    }

    @Test("P2 what a process before left whole is found and packed")
    func found() throws {
        let node = try node()
        try node.create("one")
        node.stop()
        #expect(DataFolder.tenantFiles(data).count == 1)
        let again = try self.node(seed: 2)
        defer { again.stop() }
        again.fleet.findResting()
        try pack(again)
        #expect(DataFolder.tenantFiles(data) == [])
        #expect(try again.head(of: again.tenant("one")).sequence == 2)
    }

    @Test("P5 what is packed and damaged is not served, and nobody else misses anything")
    func damaged() throws {
        let node = try node()
        defer { node.stop() }
        let (record, other) = (try node.create("one"), try node.create("two"))
        try pack(node)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: packed(record, node)))
        // One bit may say the same in other words: the file is zeros for the most part.
        for place in bytes.count / 2..<bytes.count / 2 + 64 { bytes[place] ^= 0xFF }
        try bytes.write(to: URL(fileURLWithPath: packed(record, node)))
        #expect(throws: (any Error).self) { try node.head(of: record) }
        #expect(node.reports.all.contains { $0.contains("packed") })
        #expect(try node.head(of: other).sequence == 2)
    }

    @Test("P5 a deletion takes what is packed with it")
    func deleted() throws {
        let node = try node()
        defer { node.stop() }
        let record = try node.create("one")
        try pack(node)
        try awaited { then in node.fleet.delete(record, as: node.fleet.ownAct("tenant.deleted"), then: then) }
        #expect(DataDirectory.size(of: packed(record, node)) == nil)
        #expect(DataFolder.tenantFiles(data) == [])
    }
}
