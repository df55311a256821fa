import FaultDisk
import SharedLogs
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// Random days of a cluster against the books of its callers: nodes are killed, freeze, are cut off, lose their disks;
/// appends fail in every way; tenants move meanwhile.
@Suite(.serialized, .apart) struct ClusterSimulationTests {
    static let seeds = Effort.seeds(4, long: 500)
    private static let rounds = 3

    @Test(
        "N2 N3 N5 whatever fails at whichever node: acknowledged is found, refused is not, and all nodes know the same",
        arguments: seeds)
    func days(seed: UInt64) throws {
        var chance = Seeded(state: seed)
        let scene = try ClusterScene(nodes: chance.pick(2...3), tenants: 2)
        defer { scene.end() }
        for round in 1...Self.rounds {
            let name: Comment = "\(Effort.replay(seed)) round \(round)"
            for node in scene.nodes { fail(node, &chance) }
            for _ in 1...chance.pick(4...14) { try act(scene, name, &chance) }
            try scene.heal(name)
        }
    }

    /// What befalls a node's way to the log and its disk for a round.
    private func fail(_ node: SimulatedNode, _ chance: inout Seeded) {
        if chance.happens(oneIn: 2) {
            node.link.faults.storm(chance.next(), oneIn: chance.pick(2...12))
        }
        if chance.happens(oneIn: 6) { node.link.faults.away(forSteps: chance.pick(1...20)) }
        if chance.happens(oneIn: 5) {
            node.disk.set(
                FaultPlan(
                    chance.pick([[.write], [.sync], [.write, .sync], [.read], [.open]]),
                    chance.pick([.ioError, .full]), at: chance.pick(1...30), count: chance.pick([1, 1, 3, 1_000])))
        }
    }

    private func act(_ scene: ClusterScene, _ name: Comment, _ chance: inout Seeded) throws {
        let slug = chance.pick(scene.slugs)
        switch chance.pick(1...21) {
        case 1: try kill(scene, &chance)
        case 2: try freeze(scene, slug, name, &chance)
        case 3: try scene.move(slug, to: chance.pick(scene.nodes))
        case 4: scene.nodes.first?.link.faults.losesBeats.toggle()
        case 5: if let node = scene.nodes.first(where: { $0.node == nil }) { try node.start() }
        case 6, 7: scene.pass()
        case 8: for node in scene.running { node.node?.fleet.tick() }
        case 9: try scene.elsewhere(slug, chance.pick(scene.nodes), name, &chance)
        case 10: try scene.checkReads(slug, name)
        case 11: for _ in 1...12 { scene.pass() }
        case 12: if scene.running.count > 1 { try scene.wakenBeforeClaim(slug, name) }
        case 13, 14, 15: try askSeveral(scene, slug, &chance)
        default: try scene.ask(slug) { [$0.randomWish(&chance)] }
        }
    }

    private func askSeveral(_ scene: ClusterScene, _ slug: String, _ chance: inout Seeded) throws {
        let count = chance.pick(2...6)
        try scene.ask(slug) { trader in (1...count).map { _ in trader.randomWish(&chance) } }
    }

    private func kill(_ scene: ClusterScene, _ chance: inout Seeded) throws {
        guard scene.running.count > 1 else { return }
        let node = chance.pick(scene.running)
        let powerCut = chance.happens(oneIn: 2) ? Seeded(state: chance.next()) : nil
        try node.kill(powerCut: powerCut, losesFolder: chance.happens(oneIn: 4))
        if chance.happens(oneIn: 3) { try node.start() }
    }

    /// Frozen with calls under way, for as long as it takes the others to take over, or not as long.
    private func freeze(_ scene: ClusterScene, _ slug: String, _ name: Comment, _ chance: inout Seeded) throws {
        guard scene.running.count > 1 else { return }
        let count = chance.pick(1...3)
        try scene.frozen(
            slug, atStep: chance.pick(1...6), forBeats: chance.pick([2, 14]),
            wishes: { trader in (1...count).map { _ in trader.randomWish(&chance) } }, name)
    }
}
