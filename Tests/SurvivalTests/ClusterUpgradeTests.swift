import FaultDisk
import SQLite
import SharedLogs
import TenantApp
import TenantRegistry
import TestTenants
import Testing

/// Nodes of different programs: what a newer one has migrated goes to none that does not know it (N4, N6).
@Suite(.serialized, .apart) struct ClusterUpgradeTests {
    private let slug = "shop-1"

    /// The next version's.
    private var newer: TenantSchema {
        let known = TenantSchema.app
        let next = Migration(
            version: Int32(known.migrations.count + 1), name: "next version",
            sql: "CREATE TABLE next_version (id INTEGER PRIMARY KEY, note TEXT) STRICT")
        return TenantSchema(
            migrations: known.migrations + [next], readProjections: known.readProjections, housekeep: { _ in },
            examine: known.examine)
    }

    /// The tenant is at a node of the newer program, which has migrated its file; the other is of the one before.
    private func half(_ scene: ClusterScene) throws -> (new: SimulatedNode, old: SimulatedNode) {
        let old = try scene.owner(of: slug)
        let new = try #require(scene.nodes.first { $0 !== old })
        new.stop()
        try new.start(schema: newer)
        for _ in 1...2 { scene.pass() }
        _ = try #require(try scene.move(slug, to: new)).get()
        try scene.settle()
        #expect(try scene.owner(of: slug) === new)
        try scene.topUp(slug)
        #expect(scene.lastOutcome(slug) == .done)
        return (new, old)
    }

    @Test("N6 case 22 N4 a tenant that a newer program has migrated goes to no older node, by claim, move or drain")
    func newerFile() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let (new, old) = try half(scene)
        #expect(throws: Fleet.MoveFailure.noNode) { try scene.move(slug, to: old)?.get() }
        let drained = Promise<Int>()
        try #require(new.node).fleet.drain { drained.resolve($0) }
        #expect(throws: Fleet.MoveFailure.alone) { try drained.value() }
        try new.kill()
        for _ in 1...20 { scene.pass() }
        #expect(!old.serves(try scene.tenant(slug)))
        #expect(scene.store.owners[try scene.tenant(slug)] == new.name)
        try new.start(schema: newer)
        try scene.heal("the newer program is back", verifies: false)
    }

    @Test("N6 case 21 killed at any step of the opening that migrates: the migration is there whole, or not at all")
    func migrating() throws {
        for step in 1...9 {
            let scene = try ClusterScene()
            defer { scene.end() }
            let old = try scene.owner(of: slug)
            let new = try #require(scene.nodes.first { $0 !== old })
            try scene.topUp(slug)
            new.stop()
            try new.start(schema: newer)
            for _ in 1...2 { scene.pass() }
            let faults = new.link.faults
            faults.atStep(step) { faults.crash() }
            _ = try scene.move(slug, to: new)
            for _ in 1...4 { scene.pass() }
            try? scene.topUp(slug)
            try new.kill()
            try new.start(schema: newer)
            try scene.settle()
            // Whoever has it now, the newer program opens it.
            if try scene.owner(of: slug) === old { _ = try #require(try scene.move(slug, to: new)).get() }
            try scene.settle()
            try scene.heal("\(step) steps into the opening", verifies: false)
        }
    }

    @Test("N4 N5 a node whose start fails once it has joined is taken by nobody for one that takes tenants")
    func failedStart() throws {
        let (folder, name) = (try TestFolder(), try #require(NodeName("one")))
        var failures = 0
        for step in 1...12 {
            let store = MemoryLogStore()
            let link = store.link()
            var cluster = ClusterOptions(log: link, name: name, address: "127.0.0.1:1")
            (cluster.upgradesRegistry, cluster.beatsByItself) = (true, false)
            var options = Fleet.Options()
            options.cluster = cluster
            let faults = link.faults
            faults.atStep(step) { faults.away(forSteps: 1) }
            do {
                try TestNode(folder.file("data-\(step)"), options: options).stop()
            } catch {
                failures += 1
                #expect(store.nodeState(of: name) != .serving, "step \(step)")
            }
        }
        #expect(failures > 0)
    }
}
