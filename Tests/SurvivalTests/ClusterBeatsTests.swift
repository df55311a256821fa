import SharedLogs
import Synchronization
import TestTenants
import Testing

@testable import TenantRegistry

/// What a beat leads to, and what is on its way when a node wakes, is drained, or ends (N3, N4).
@Suite(.apart) struct ClusterBeatsTests {
    private let slug = "shop-1"

    @Test("N3 a node that wakes before its tenants are claimed keeps them, and nobody else shows them")
    func wakenBeforeClaim() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let owner = try scene.owner(of: slug)
        try scene.wakenBeforeClaim(slug, "awake again")
        let id = try scene.tenant(slug)
        #expect(scene.store.head(of: id)?.owner == owner.name)
        #expect(scene.lastOutcome(slug) == .done)
        // Who is gone for good loses them as ever.
        try owner.kill()
        #expect(try scene.settle() <= ClusterScene.servedMilliseconds)
        try scene.heal("awake again")
    }

    @Test("N3 slow claims of many tenants are spread over beats: whoever takes over goes on serving, and gets all")
    func slowClaims() throws {
        let scene = try ClusterScene { $0.bounds.claimedAtOnce = 2 }
        defer { scene.end() }
        let (dead, heir) = (scene.nodes[0], scene.nodes[1])
        let running = try #require(dead.node)
        let records = try (1...60).map { try running.create("many-\($0)") }
        for _ in 1...2 { scene.pass() }
        try dead.kill()
        let clock = heir.clock
        heir.link.faults.before(.claim) { clock.advance(nanoseconds: 250_000_000) }
        for beat in 1...40 {
            scene.pass()
            #expect(heir.member?.isServing == true, "beat \(beat)")
        }
        let owners = scene.store.owners
        #expect(records.allSatisfy { owners[$0.id] == heir.name })
        try scene.heal("slow claims")
    }

    @Test("N4 a node that stops in order says so behind each of its beats, also one that is on its way")
    func lastWord() throws {
        let (folder, store) = (try TestFolder(), MemoryLogStore())
        let name = try #require(NodeName("one"))
        let link = store.link()
        var cluster = ClusterOptions(log: link, name: name, address: "127.0.0.1:1")
        cluster.beatsByItself = false
        var options = Fleet.Options()
        options.cluster = cluster
        let node = try TestNode(folder.file("one"), options: options)
        let (isHeld, goesOn, isOver) = (Promise<Void>(), Promise<Void>(), Promise<Void>())
        let faults = link.faults
        faults.before(.beat) {
            faults.before(.beat, nil)
            isHeld.succeed(())
            _ = try? goesOn.value()
        }
        startThread("beat") { node.fleet.beat() }
        try isHeld.value()
        startThread("stop") {
            node.stop()
            isOver.succeed(())
        }
        until { node.fleet.isGone.load(ordering: .relaxed) }
        // Its last word, which comes next, does not take that long.
        for _ in 1...50 where store.nodeState(of: name) != .left { pause(milliseconds: 1) }
        #expect(store.nodeState(of: name) == .serving)
        goesOn.succeed(())
        try isOver.value()
        #expect(store.nodeState(of: name) == .left)
    }

    @Test("N4 a drain of which the log cannot be told gives no tenant away, and says so")
    func drainUntold() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let owner = try scene.owner(of: slug)
        let fleet = try #require(owner.node).fleet
        owner.link.faults.losesBeats = true
        let drained = Promise<Int>()
        fleet.drain { drained.resolve($0) }
        #expect(throws: LaneFailure.self) { try drained.value() }
        #expect(scene.store.owners[try scene.tenant(slug)] == owner.name)
        owner.link.faults.losesBeats = false
        fleet.undrain()
        try scene.heal("not drained")
    }

    @Test("N4 a drain that is refused, as the other node drains too, leaves a node that takes tenants")
    func drainedBoth() throws {
        let scene = try ClusterScene(nodes: 2, tenants: 2)
        defer { scene.end() }
        let owner = try scene.owner(of: slug)
        let other = try #require(scene.nodes.first { $0 !== owner })
        let (fleet, otherFleet) = (try #require(owner.node).fleet, try #require(other.node).fleet)
        let (first, second) = (Promise<Int>(), Promise<Int>())
        // Each hears of the other.
        scene.pass()
        otherFleet.drain { first.resolve($0) }
        _ = try first.value()
        // It has not heard of that yet.
        fleet.drain { second.resolve($0) }
        #expect(throws: Fleet.MoveFailure.alone) { try second.value() }
        #expect(owner.member?.ownState == .serving)
        otherFleet.undrain()
        try scene.heal("refused")
    }

    @Test("N4 a drain ends once what was still being taken over when it began is elsewhere too")
    func drainedWhileTakingOver() throws {
        let scene = try ClusterScene(nodes: 3, tenants: 3)
        defer { scene.end() }
        let id = try scene.tenant(slug)
        let dead = try scene.owner(of: slug)
        let others = scene.nodes.filter { $0 !== dead }
        for node in others {
            // What limits are drawn on cannot be read: what is claimed is not served yet.
            node.member?.attach(take: { _, _ in }, keep: { _, done in done() })
            node.link.faults.loseLevels(reads: 1_000)
        }
        try dead.kill()
        for _ in 1...20 where scene.store.head(of: id)?.owner == dead.name { scene.pass() }
        let owner = scene.store.head(of: id)?.owner
        let heir = try #require(others.first { $0.name == owner })
        let member = try #require(heir.member)
        until { member.state.withLock { $0.underWay.isEmpty } }
        #expect(!heir.serves(id))
        for node in others { node.link.faults.heal() }
        let drained = Promise<Int>()
        try #require(heir.node).fleet.drain { drained.resolve($0) }
        #expect(try drained.value() == 2)
        #expect(!scene.store.owners.values.contains(heir.name))
        // The log says so though its time to beat has not come.
        let third = try #require(others.first { $0 !== heir })
        try #require(third.node).fleet.beat()
        #expect(third.member?.nodes.first { $0.name == heir.name }?.state == .draining)
        try scene.heal("drained")
    }
}
