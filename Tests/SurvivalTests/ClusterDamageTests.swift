import FaultDisk
import Foundation
import SharedLogs
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// The cases of N6 in which something is damaged, full, of another key or of another time.
@Suite(.serialized, .apart) struct ClusterDamageTests {
    private let slug = "shop-1"

    /// Commits behind a snapshot, and the node stopped in order, so that another has to make the file anew.
    private func left(_ scene: ClusterScene) throws -> (owner: SimulatedNode, other: SimulatedNode) {
        let owner = try scene.owner(of: slug)
        let other = try #require(scene.nodes.first { $0 !== owner })
        for _ in 1...5 { try scene.topUp(slug) }
        scene.pass()
        #expect(try other.catchUp())
        owner.stop()
        return (owner, other)
    }

    @Test("N6 case 17 the log was taken back: the tenant is refused and its file kept, nothing is merged")
    func takenBack() throws {
        let scene = try ClusterScene(nodes: 1)
        defer { scene.end() }
        let node = scene.nodes[0]
        let id = try scene.tenant(slug)
        let picture = scene.store.picture
        for _ in 1...3 { try scene.topUp(slug) }
        node.stop()
        let sequence = try #require(scene.store.head(of: id)).sequence
        scene.store.goBack(to: picture)
        // The registry is ahead as well: the node is not to serve what it cannot know.
        let started = Result { try node.start() }
        if case .success = started {
            for _ in 1...4 { scene.pass() }
            let record = try #require(node.node).tenant(slug)
            #expect(throws: (any Error).self) { try node.node?.head(of: record) }
            let names = FileManager.default.enumerator(atPath: node.disk.folder)?.allObjects as? [String] ?? []
            #expect(names.contains { $0.hasSuffix("\(id.text).sqlite.ahead") })
        }
        #expect(try #require(scene.store.head(of: id)).sequence < sequence, "nothing of it went to the log")
    }

    @Test("N6 case 18 a record or a snapshot is damaged: that tenant stops there, loudly, and no other does")
    func damaged() throws {
        let scene = try ClusterScene(tenants: 3)
        defer { scene.end() }
        let (owner, other) = try left(scene)
        let id = try scene.tenant(slug)
        let sequence = try #require(scene.store.sequences(of: id).last)
        scene.store.damage(id, at: sequence)
        try scene.settle()
        let record = try #require(other.node).tenant(slug)
        #expect(throws: (any Error).self) { try other.node?.head(of: record) }
        let reports = try #require(other.node).reports.all
        #expect(reports.contains { $0.contains(id.text) && $0.contains("damaged") }, "\(reports)")
        try scene.topUp("shop-2")
        #expect(scene.lastOutcome("shop-2") == .done)
        // Its bytes as they were: served again.
        scene.store.damage(id, at: sequence)
        try owner.start()
        try scene.heal("mended")
    }

    @Test("N6 case 18 the newest snapshot is damaged: the one before it and a longer tail make the same file")
    func olderSnapshot() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let owner = try scene.owner(of: slug)
        let id = try scene.tenant(slug)
        for _ in 1...40 {
            try scene.topUp(slug)
            try owner.putSnapshot()
            if scene.store.snapshotCount(of: id) > 1 { break }
        }
        #expect(scene.store.snapshotCount(of: id) > 1)
        try scene.topUp(slug)
        scene.store.damageSnapshots(of: id)
        try owner.kill(losesFolder: true)
        try scene.settle()
        try scene.heal("an older snapshot")
    }

    @Test("N6 case 27 a record does not make what its node has: no snapshot takes the place of the one before it")
    func poisoned() throws {
        let scene = try ClusterScene(nodes: 1)
        defer { scene.end() }
        let node = scene.nodes[0]
        let id = try scene.tenant(slug)
        let snapshots = scene.store.snapshotCount(of: id)
        node.link.faults.next([.poisoned], of: id)
        for _ in 1...60 {
            try scene.topUp(slug)
            try node.putSnapshot()
            if node.node?.reports.all.contains(where: { $0.contains("do not make its file") }) ?? false { break }
        }
        let reports = try #require(node.node).reports.all
        #expect(reports.contains { $0.contains(id.text) && $0.contains("do not make its file") }, "\(reports)")
        #expect(scene.store.snapshotCount(of: id) == snapshots)
        #expect(scene.store.fault(in: id) == nil, "all that the last good snapshot needs is there")
        #expect(scene.lastOutcome(slug) == .done, "its node goes on")
    }

    @Test("N6 case 19 the new owner's disk is full while it fetches: nothing half-made is used, and it is served later")
    func fullWhileFetching() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let (owner, other) = try left(scene)
        try scene.settle()
        other.disk.set(FaultPlan([.write, .sync], .full, at: 1, count: 100_000))
        let record = try #require(other.node).tenant(slug)
        _ = try? other.node?.head(of: record)
        other.disk.set(nil)
        try scene.settle()
        try owner.start()
        try scene.heal("full while fetching")
    }

    @Test("N6 case 19 a file does not fit where there is room for others: its tenant goes to the next node")
    func doesNotFit() throws {
        let scene = try ClusterScene(nodes: 3)
        defer { scene.end() }
        let owner = try scene.owner(of: slug)
        let other = try #require(scene.nodes.first { $0 !== owner })
        let id = try scene.tenant(slug)
        for _ in 1...5 { try scene.topUp(slug) }
        scene.pass()
        #expect(try other.catchUp())
        other.disk.set(FaultPlan([.write, .sync], .full, at: 1, count: 100_000))
        try scene.move(slug, to: other)
        for _ in 1...100 where scene.store.head(of: id)?.owner == other.name {
            scene.pass()
            try scene.topUp(slug)
        }
        #expect(scene.store.head(of: id)?.owner != other.name)
        #expect(other.node?.reports.all.contains { $0.contains("no room for its file") } ?? false)
        try scene.heal("does not fit")
    }

    @Test("N6 case 20 the owner's disk is full behind the append: the effect is there once", arguments: 1...8)
    func fullBehindAppend(place: Int) throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let owner = try scene.owner(of: slug)
        owner.disk.set(FaultPlan([.write, .sync, .truncate], .full, at: place, count: 100_000))
        let trader = try #require(try scene.turn(slug, to: owner))
        for _ in 1...4 {
            try trader.ask([.order(trader.resellers[0], manual: false, quantity: 1)])
            try trader.checkpoint()
        }
        try scene.heal("full behind the append")
    }

    @Test(
        "N6 case 24 a process begins under the name of another: the earlier one stops, and shows nothing more",
        arguments: [false, true])
    func oneName(isCutOff: Bool) throws {
        let scene = try ClusterScene(nodes: 1)
        defer { scene.end() }
        let earlier = scene.nodes[0]
        let record = try #require(earlier.node).tenant(slug)
        let known = try #require(earlier.node).head(of: record).sequence
        // It does not hear of it: its lease is all that ends it.
        earlier.link.faults.isAway = isCutOff
        let twin = try SimulatedNode("a", scene.store, masterKey: (0..<32).map { UInt8($0) }) { _ in }
        try twin.start()
        defer { twin.stop() }
        let running = try #require(twin.node)
        let found = try running.tenant(slug)
        for _ in 1...8 {
            scene.pass()
            twin.pass(milliseconds: ClusterScene.beat)
            let isWritten = (try? running.mint(found)) != nil
            let shown = try? earlier.node?.head(of: record).sequence
            #expect(!isWritten || shown == nil, "the earlier one shows \(shown ?? 0) of what the later one changed")
        }
        #expect(!earlier.serves(record.id))
        running.caughtUp()
        _ = try running.mint(found)
        #expect(try running.head(of: found).sequence > known)
    }

    @Test(
        "N6 case 25 a machine sleeps for an hour, times of day differ: nobody shows anything old", arguments: 1...3)
    func clocks(place: Int) throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let owner = try scene.owner(of: slug)
        for (number, node) in scene.nodes.enumerated() {
            node.node?.clock.advance(milliseconds: Int64(number == 0 ? 3_600_000 : -3_600_000))
        }
        try scene.topUp(slug)
        owner.freeze()
        try scene.settle()
        try scene.topUp(slug, units: 2)
        owner.clock.advance(nanoseconds: 3_600_000_000_000)
        owner.thaw()
        try scene.checkReads(slug, "just awake")
        for _ in 1...place { scene.pass() }
        try scene.checkReads(slug, "awake")
        try scene.heal("clocks")
    }

    @Test("N6 case 28 a node with another master key does not start, and leaves the cluster as it was")
    func anotherKey() throws {
        let scene = try ClusterScene(nodes: 1)
        defer { scene.end() }
        let stranger = try SimulatedNode("b", scene.store, masterKey: [UInt8](repeating: 9, count: 32)) { _ in }
        #expect(throws: (any Error).self) { try stranger.start() }
        try scene.heal("a stranger")
    }

    @Test("N6 case 23 a tenant is erased while its node goes: gone at every node, or whole")
    func erased() throws {
        for step in 1...8 {
            let scene = try ClusterScene(tenants: 2)
            defer { scene.end() }
            let owner = try scene.owner(of: slug)
            let running = try #require(owner.node)
            let record = try running.create("brief")
            scene.pass()
            let faults = owner.link.faults
            faults.atStep(step) { faults.crash() }
            let isTold =
                (try? awaited { then in
                    running.fleet.delete(record, as: running.fleet.ownAct("tenant.deleted"), then: then)
                }) != nil
            try owner.kill()
            try owner.start()
            try scene.settle()
            for _ in 1...14 { scene.pass() }
            try scene.heal("erased at step \(step)")
            for node in scene.running where isTold {
                #expect(node.node?.fleet.roster.tenant(slug: "brief") == nil, "told of as gone")
            }
        }
    }
}
