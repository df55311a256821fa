import FaultDisk
import Foundation
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// A commit that failed (0003): the marker that keeps it away, and the fence where there is none.
@Suite(.serialized, .apart) struct FenceTests {
    private func order(_ scene: Scene) throws -> String {
        try scene.trader.ask([.order(scene.trader.resellers[0], manual: false, quantity: 1)])
        return scene.trader.lastName
    }

    private func metric(_ scene: Scene) -> (failed: UInt64, fences: UInt64, fenced: Int) {
        let metrics = scene.trader.node.fleet.pool.metrics
        return (
            metrics.commitsFailed.load(ordering: .relaxed), metrics.fences.load(ordering: .relaxed),
            metrics.fenced.load(ordering: .relaxed)
        )
    }

    @Test("G8 a sync that fails once: the answer is “nothing was done”, and it stays so over kill -9 and power cut")
    func marker() throws {
        for powerCut in [nil, Seeded(state: 3)] {
            let scene = try Scene(.files)
            defer { scene.end() }
            scene.disk.set(FaultPlan([.sync], .ioError, at: 1))
            let name = try order(scene)
            #expect(scene.disk.fired == 1)
            #expect(scene.trader.books.outcome(of: name) == .notDone)
            #expect(metric(scene) == (failed: 1, fences: 0, fenced: 0))
            try scene.killed(atStep: .max, powerCut: powerCut) { _ in }
            try scene.trader.check("after the marker")
            try scene.heal("after the marker")
        }
    }

    @Test("G8 commit and marker fail: “outcome unknown”, nothing is served until it is settled, then everything is")
    func fence() throws {
        let scene = try Scene(.files)
        defer { scene.end() }
        let trader = scene.trader
        scene.disk.set(FaultPlan([.sync], .ioError, at: 1, count: 1_000))
        let name = try order(scene)
        #expect(trader.books.outcome(of: name) == .unknown)
        #expect(metric(scene) == (failed: 1, fences: 1, fenced: 1))
        // While the disk fails it is not settled, and says so.
        for _ in 1...2 {
            let refused = #expect(throws: LaneFailure.self) { try trader.node.head(of: trader.record) }
            guard case .unavailable = refused else {
                Issue.record("\(String(describing: refused))")
                return
            }
        }
        #expect(trader.node.reports.all.contains { $0.contains("fenced") && $0.contains(trader.record.id.text) })
        scene.disk.set(nil)
        let head = try trader.node.head(of: trader.record)
        #expect(head.sequence > 0)
        #expect(metric(scene).fenced == 0)
        try trader.check("settled")
        // The same wish again under the same name: once, whatever came of the first.
        let wasDone = trader.books.outcome(of: name) == .done
        try trader.verify("settled")
        try scene.killed(atStep: .max) { _ in }
        try scene.trader.check("after kill -9")
        #expect(scene.trader.books.outcome(of: name) == (wasDone ? .done : .notDone))
        try scene.heal("after kill -9")
    }

    @Test("G8 killed while fenced: the next start settles it, and one tenant's fence is nobody else's")
    func killedWhileFenced() throws {
        let scene = try Scene(.files)
        defer { scene.end() }
        let other = try scene.trader.node.create("other")
        scene.disk.set(FaultPlan([.sync], .ioError, at: 1, count: 2))
        let name = try order(scene)
        #expect(scene.trader.books.outcome(of: name) == .unknown)
        #expect(try scene.trader.node.head(of: other).sequence == 2)
        try scene.killed(atStep: .max) { _ in }
        try scene.trader.check("after the start")
        try scene.heal("after the start")
    }

    @Test("the disk is full at COMMIT: “no room”, nothing done, reads go on, and writes go on with the first free byte")
    func full() throws {
        let scene = try Scene(.files)
        defer { scene.end() }
        let trader = scene.trader
        scene.disk.set(FaultPlan([.write], .full, at: 1, count: 1_000))
        for _ in 1...3 {
            let name = try order(scene)
            #expect(trader.books.outcome(of: name) == .notDone)
            #expect(try trader.node.head(of: trader.record).sequence > 0)
        }
        #expect(metric(scene).fences == 0)
        try scene.heal("there is room again")
        try scene.killed(atStep: .max) { _ in }
        try scene.heal("after kill -9")
    }

    @Test("G8 a price list kept ready is not served from before a commit of unknown outcome")
    func answersAreDropped() throws {
        let scene = try Scene(.files)
        defer { scene.end() }
        let record = scene.trader.record
        let key = AnswerCache.Key(resellerID: scene.trader.resellers[0], book: .live, kind: CacheKind())
        record.answers.fill(key, with: [1])
        record.answers.look = [1]
        _ = try order(scene)
        #expect(record.answers[key]?.bytes == [1])
        scene.disk.set(FaultPlan([.sync], .ioError, at: 1, count: 2))
        _ = try order(scene)
        #expect(try scene.trader.node.head(of: record).sequence > 0)
        #expect(record.answers[key] == nil && record.answers.look == nil)
    }
}
