import FaultDisk
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// One short day of a tenant, with every single call to the disk failing once, or for a while, and a kill before every
/// change.
@Suite(.serialized, .apart) struct EveryStepTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let calls: Set<DiskCall>
        let fault: DiskFault
        let count: Int

        var testDescription: String {
            "\(calls.map { "\($0)" }.sorted().joined(separator: "+")): \(fault), \(count) times"
        }
    }

    static let cases = [
        Case(calls: [.write], fault: .ioError, count: 1), Case(calls: [.write], fault: .full, count: 1),
        Case(calls: [.write], fault: .full, count: 1_000), Case(calls: [.sync], fault: .ioError, count: 1),
        // The commit, then its marker too: the fence.
        Case(calls: [.sync], fault: .ioError, count: 2), Case(calls: [.write, .sync], fault: .ioError, count: 1_000),
        Case(calls: [.read], fault: .ioError, count: 1), Case(calls: [.truncate, .delete], fault: .ioError, count: 1),
        Case(calls: [.lock], fault: .busy, count: 1), Case(calls: [.open], fault: .ioError, count: 1),
    ]

    private func day(_ trader: Trader) throws {
        var chance = Seeded(state: 7)
        let resellers = trader.resellers
        func ask(_ wishes: Trader.Wish...) throws { if !trader.isCutOff() { try trader.ask(wishes) } }
        try ask(.topUp(resellers[0], units: 20))
        try ask(.mint(trader.newSecret()))
        try ask(
            .order(resellers[0], manual: false, quantity: 2), .order(resellers[1], manual: false, quantity: 1_000_000),
            .order(resellers[1], manual: true, quantity: 1), trader.randomWish(&chance))
        if let key = trader.books.livingKeys.first { try ask(.revoke(key)) }
        if !trader.isCutOff() { try trader.closeFile() }
        try ask(.order(resellers[1], manual: true, quantity: 2), .topUp(resellers[1], units: 3))
        if !trader.isCutOff() { try trader.checkpoint() }
        try ask(.order(resellers[0], manual: false, quantity: 1))
        if !trader.isCutOff() { _ = try? trader.node.export(trader.record) }
    }

    @Test(
        "G8 B1 a call to the disk that fails, whichever: clear answers, nothing half done, and the next write succeeds",
        arguments: cases, CommitPlace.allCases)
    func everyFault(_ one: Case, commits: CommitPlace) throws {
        let rehearsal = try Scene(commits)
        rehearsal.disk.set(FaultPlan(one.calls, one.fault, at: .max, count: 0))
        try day(rehearsal.trader)
        let calls = rehearsal.disk.seen
        rehearsal.end()
        #expect(calls > 0)
        var faults = 0
        for place in Effort.places(upTo: calls, short: 4) {
            let scene = try Scene(commits)
            defer { scene.end() }
            scene.disk.set(FaultPlan(one.calls, one.fault, at: place, count: one.count))
            try day(scene.trader)
            // What falls into one batch is chance: a day may have a commit less than the rehearsal, and nothing then
            // fails.
            if scene.disk.fired > 0 { faults += 1 }
            let name: Comment = "\(Effort.replay()) \(commits) \(one.testDescription), from call \(place)"
            try scene.heal(name)
            try scene.killed(atStep: .max) { _ in }
            try scene.heal("\(name), after kill -9")
        }
        #expect(faults > 0)
    }

    @Test(
        "G8 B1 a kill before any change of the disk, and a power cut: what was acknowledged is there",
        arguments: [false, true], CommitPlace.allCases)
    func everyKill(powerCut: Bool, commits: CommitPlace) throws {
        var chance = Seeded(state: Effort.seed)
        let rehearsal = try Scene(commits)
        try rehearsal.killed(atStep: .max, day)
        rehearsal.end()
        for step in Effort.places(upTo: rehearsal.changes, short: 10) {
            let scene = try Scene(commits)
            defer { scene.end() }
            try scene.killed(atStep: step, powerCut: powerCut ? Seeded(state: chance.next()) : nil, day)
            try scene.heal("\(Effort.replay()) \(commits) killed before change \(step)")
        }
    }
}
