import FaultDisk
import Foundation
import SharedLogs
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// The cases of N6 that need no database, one by one: what fails, and what has to come out.
@Suite(.serialized, .apart) struct ClusterCasesTests {
    private let slug = "shop-1"

    /// The tenant's node, and the other of two.
    private func parties(_ scene: ClusterScene) throws -> (owner: SimulatedNode, other: SimulatedNode) {
        let owner = try scene.owner(of: slug)
        return (owner, try #require(scene.nodes.first { $0 !== owner }))
    }

    /// An order whose append the log holds at that moment.
    private func heldOrder(_ scene: ClusterScene, _ owner: SimulatedNode, _ moment: LogFaults.Moment) throws
        -> [Trader.Asked]
    {
        let trader = try #require(try scene.turn(slug, to: owner))
        let id = try scene.tenant(slug)
        let before = try #require(scene.store.head(of: id)).sequence
        owner.link.faults.hold(moment)
        let asked = try trader.begin([.order(trader.resellers[0], manual: false, quantity: 1)])
        if moment == .telling {
            while try #require(scene.store.head(of: id)).sequence == before { pause(milliseconds: 1) }
        }
        return asked
    }

    @Test("N6 case 1 N3 a node is killed under load: others serve its tenants within 6 s, with all it acknowledged")
    func killed() throws {
        let scene = try ClusterScene(nodes: 3, tenants: 3)
        defer { scene.end() }
        for _ in 1...5 { for slug in scene.slugs { try scene.topUp(slug) } }
        let (owner, _) = try parties(scene)
        try owner.kill()
        #expect(try scene.settle() <= ClusterScene.servedMilliseconds)
        try scene.heal("killed")
    }

    @Test(
        "N6 case 2 case 3 killed between append and answer: done once, at the next node or in place",
        arguments: [false, true])
    func killedBeforeAnswer(isInPlace: Bool) throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let (owner, _) = try parties(scene)
        let asked = try heldOrder(scene, owner, .telling)
        try owner.kill()
        if isInPlace { try owner.start() }
        try scene.settle()
        let trader = try #require(try scene.turn(slug, to: try scene.owner(of: slug)))
        #expect(scene.owner(of: owner, trader) == isInPlace)
        // Whoever was under way then heard nothing.
        trader.isCutOff = { true }
        try trader.end(asked)
        trader.isCutOff = { false }
        try trader.check("found by the next owner")
        #expect(trader.books.outcome(of: trader.lastName) == .done, "it is there")
        try scene.heal("killed before the answer")
    }

    @Test("N6 case 4 a power cut takes what was not synced: the file follows again from its mark", arguments: 1...6)
    func powerCut(place: UInt64) throws {
        let scene = try ClusterScene(nodes: 1)
        defer { scene.end() }
        let node = scene.nodes[0]
        let trader = try #require(try scene.turn(slug, to: node))
        for number in 1...6 {
            try scene.topUp(slug)
            if number % 3 == 0 { try trader.checkpoint() }
        }
        try node.kill(powerCut: Seeded(state: Effort.seed &+ place))
        try node.start()
        try scene.settle()
        try scene.heal("\(Effort.replay()) a power cut")
    }

    @Test("N6 case 5 frozen for too long it wakes inside a COMMIT: refused, and nothing of it is kept")
    func frozenInCommit() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let (owner, other) = try parties(scene)
        let asked = try heldOrder(scene, owner, .landing)
        owner.freeze()
        owner.link.faults.release()
        try scene.settle()
        try scene.topUp(slug, units: 3)
        #expect(scene.lastOutcome(slug) == .done)
        #expect(other.serves(try scene.tenant(slug)))
        owner.thaw()
        try scene.checkReads(slug, "just awake")
        try #require(scene.traders[slug]).end(asked)
        #expect(try #require(scene.traders[slug]).books.outcome(of: asked[0].name) == .notDone)
        try scene.heal("frozen in COMMIT")
    }

    @Test("N6 case 6 frozen with an append that had landed: it may be acknowledged late, and is there")
    func frozenBehindAppend() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let (owner, _) = try parties(scene)
        let asked = try heldOrder(scene, owner, .telling)
        owner.freeze()
        owner.link.faults.release()
        try scene.settle()
        owner.thaw()
        let trader = try #require(try scene.turn(slug, to: try scene.owner(of: slug)))
        try trader.end(asked)
        #expect(trader.books.outcome(of: asked[0].name) != .notDone)
        try trader.check("landed before the claim")
        #expect(trader.books.outcome(of: asked[0].name) == .done)
        try scene.heal("frozen behind its append")
    }

    @Test("N3 P9 frozen with a month's figures on their way it wakes: what the next node counted is counted once")
    func frozenFigures() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let (owner, other) = try parties(scene)
        let trader = try #require(try scene.turn(slug, to: owner))
        for _ in 1...3 { try trader.ask([.order(trader.resellers[0], manual: false, quantity: 1)]) }
        owner.link.faults.hold(.landing)
        let late = Promise<Void>()
        try #require(owner.node).fleet.meter { late.succeed(()) }
        owner.freeze()
        owner.link.faults.release()
        try scene.settle()
        let next = try #require(try scene.turn(slug, to: other))
        try next.ask([.order(next.resellers[0], manual: false, quantity: 1)])
        #expect(try orders(other) == 4)
        owner.thaw()
        try late.value()
        for _ in 1...2 { scene.pass() }
        #expect(try owner.catchUp())
        for node in [owner, other] { #expect(try orders(node) == 4) }
        try scene.heal("figures on their way")
    }

    /// Of this month, as the registry has them once that node has said what it knows.
    private func orders(_ node: SimulatedNode) throws -> Int64 {
        let fleet = try #require(node.node).fleet
        let isCounted = Promise<Void>()
        fleet.meter(isAsked: true) { isCounted.succeed(()) }
        try isCounted.value()
        let month = UsageSelection.month(TestNode.start.monthNumber, tenant: nil)
        let rows = try awaited { then in fleet.registry.usage(month, after: nil, limit: 9, then: then) }
        return rows.reduce(0) { $0 + $1.tally.orders }
    }

    @Test("N6 case 7 cut off from the log alone: reads for the lease, then nothing; no writes; others take over")
    func cutOff() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let (owner, other) = try parties(scene)
        let id = try scene.tenant(slug)
        let record = try #require(owner.node).tenant(slug)
        owner.link.faults.isAway = true
        let reads = { try? owner.node?.head(of: record) }
        for _ in 1...4 {
            scene.pass()
            #expect(reads() != nil, "the lease runs")
            #expect(!other.serves(id), "nobody else shows anything while the lease runs")
        }
        let trader = try #require(try scene.turn(slug, to: owner))
        try trader.ask([.topUp(trader.resellers[0], units: 1)])
        #expect(trader.books.outcome(of: trader.lastName) != .done)
        for _ in 1...3 { scene.pass() }
        #expect(reads() == nil, "the lease is over")
        try scene.settle()
        #expect(other.serves(id))
        try scene.topUp(slug)
        #expect(reads() == nil)
        try scene.heal("cut off")
    }

    @Test("N6 case 9 case 10 the log is away for all, for 20 s: nothing is written, no tenant moves, and all goes on")
    func logAway() throws {
        let scene = try ClusterScene(nodes: 3, tenants: 3)
        defer { scene.end() }
        let owners = scene.store.owners
        for node in scene.nodes { node.link.faults.isAway = true }
        for beat in 1...40 {
            scene.pass()
            if beat == 20 {
                for slug in scene.slugs {
                    try scene.topUp(slug)
                    #expect(scene.lastOutcome(slug) == .notDone)
                    try scene.checkReads(slug, "the log is away")
                }
            }
        }
        for node in scene.nodes { node.link.faults.isAway = false }
        try scene.settle()
        for _ in 1...4 { scene.pass() }
        #expect(scene.store.owners == owners, "each tenant is where it was")
        try scene.heal("the log was away")
    }

    @Test("N6 case 15 case 26 the many tenants of a dead node: each goes to one of those that are left, at once")
    func manyOrphans() throws {
        let scene = try ClusterScene(nodes: 3, tenants: 1)
        defer { scene.end() }
        let dead = scene.nodes[0]
        let running = try #require(dead.node)
        let records = try (1...60).map { try running.create("many-\($0)") }
        for _ in 1...2 { scene.pass() }
        try dead.kill()
        for _ in 1...10 { scene.pass() }
        for node in scene.running { node.node?.caughtUp() }
        let owners = scene.store.owners
        let names = records.map { owners[$0.id] }
        #expect(!names.contains(dead.name) && !names.contains(nil))
        #expect(Set(names).count == 2, "both take some")
        for node in scene.running {
            let own = records.filter { owners[$0.id] == node.name }
            for record in own.prefix(5) {
                for _ in 1...1_000 where !node.serves(record.id) { pause(milliseconds: 2) }
                let known = try #require(node.node).tenant(record.slug)
                #expect(try #require(node.node).head(of: known).sequence == 2)
            }
        }
        try scene.heal("many")
    }
}

extension ClusterScene {
    /// Whether that node serves the trader's tenant.
    func owner(of node: SimulatedNode, _ trader: Trader) -> Bool { node.serves(trader.record.id) }
}
