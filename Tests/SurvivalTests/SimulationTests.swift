import FaultDisk
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// Random operations on one tenant against a model in memory, while the disk fails and the process is killed.
@Suite(.serialized, .apart) struct SimulationTests {
    static let seeds = Effort.seeds(6, long: 2_000)
    private static let rounds = 4

    @Test(
        "G8 G5 B1 whatever fails and whenever it is killed: acknowledged is there, refused is not, money adds up",
        arguments: seeds, CommitPlace.allCases)
    func faultsAndKills(seed: UInt64, commits: CommitPlace) throws {
        var chance = Seeded(state: seed)
        let scene = try Scene(commits, seed: seed)
        defer { scene.end() }
        for round in 1...Self.rounds {
            let name: Comment = "\(Effort.replay(seed)) \(commits) round \(round)"
            scene.disk.set(plan(&chance))
            let powerCut = chance.happens(oneIn: 2) ? Seeded(state: chance.next()) : nil
            try scene.killed(atStep: chance.pick(1...150), powerCut: powerCut) { trader in
                for _ in 1...chance.pick(3...12) where !trader.isCutOff() { try act(trader, &chance) }
            }
            try scene.heal(name)
        }
    }

    private func plan(_ chance: inout Seeded) -> FaultPlan? {
        if chance.happens(oneIn: 5) { return nil }
        let calls: Set<DiskCall> = chance.pick([
            [.write], [.sync], [.write, .sync], [.read], [.truncate], [.open], [.lock], [.delete],
            Set(DiskCall.allCases),
        ])
        let fault: DiskFault = calls == [.lock] ? .busy : chance.pick([.ioError, .full])
        return FaultPlan(calls, fault, at: chance.pick(1...40), count: chance.pick([1, 1, 2, 3, 8, 1_000]))
    }

    private func act(_ trader: Trader, _ chance: inout Seeded) throws {
        switch chance.pick(1...12) {
        case 1: try trader.closeFile()
        case 2: try trader.checkpoint()
        case 3: _ = try? trader.node.export(trader.record)
        case 4, 5, 6:
            let count = chance.pick(2...6)
            var wishes: [Trader.Wish] = []
            for _ in 1...count { wishes.append(trader.randomWish(&chance)) }
            try trader.ask(wishes)
        default: try trader.ask([trader.randomWish(&chance)])
        }
    }
}
