import CallKit
import FaultDisk
import Foundation
import Synchronization
import TenantApp
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// Tenants that are made, erased and restored while the disk fails and the process is killed (P1, P5).
@Suite(.serialized, .apart) struct TenantLifeTests {
    static let faults: [FaultPlan?] = [
        nil, FaultPlan([.write], .full, at: 1), FaultPlan([.sync], .ioError, at: 1),
        FaultPlan([.write, .sync, .delete, .truncate], .ioError, at: 1, count: 1_000),
    ]

    /// `work` on a fresh scene with the fault at each call of its (or a kill before each change), then `judge` after
    /// what came.
    private func atEveryStep(
        _ plan: FaultPlan?, _ commits: CommitPlace, prepare: (Scene) throws -> Void, _ work: (Trader) throws -> Void,
        _ judge: (Scene, _ isCutOff: Bool, Comment) throws -> Void
    ) throws {
        var chance = Seeded(state: Effort.seed)
        func run(_ place: Int, _ judge: (Scene, _ isCutOff: Bool) throws -> Void) throws {
            let scene = try Scene(commits)
            defer { scene.end() }
            try prepare(scene)
            if var plan {
                plan.first = place
                scene.disk.set(plan)
                try work(scene.trader)
                try judge(scene, false)
            } else {
                let cut = chance.happens(oneIn: 2) ? Seeded(state: chance.next()) : nil
                try judge(scene, try scene.killed(atStep: place, powerCut: cut, work))
            }
        }
        var last = 0
        try run(.max / 2) { scene, _ in last = plan == nil ? scene.changes : scene.disk.seen }
        #expect(last > 0)
        for place in Effort.places(upTo: last, short: 5) {
            try run(place) { scene, isCutOff in
                scene.mendDisk()
                try judge(scene, isCutOff, "\(Effort.replay()) \(commits) step \(place) of \(last)")
            }
        }
    }

    /// Every file belongs to a tenant that is there.
    private func expectNoOrphans(_ scene: Scene, _ name: Comment) {
        let files = DataFolder.tenantFiles(scene.disk.folder).count
        #expect(files == scene.trader.node.fleet.roster.tenantCount, "\(name): a file for each tenant")
    }

    @Test(
        "P1 B1 made on a failing disk, or killed at any step: no tenant or a whole one, and its name is free or its own",
        arguments: faults, CommitPlace.allCases)
    func creation(plan: FaultPlan?, commits: CommitPlace) throws {
        let wasMade = Mutex(false)
        try atEveryStep(plan, commits, prepare: { _ in }) { trader in
            wasMade.withLock { $0 = (try? trader.node.create("new")) != nil && !trader.isCutOff() }
        } _: { scene, _, name in
            let node = scene.trader.node
            if wasMade.withLock({ $0 }) { #expect(node.fleet.roster.tenant(slug: "new") != nil, "\(name): told of") }
            try settleErasures(node)
            let record = try node.fleet.roster.tenant(slug: "new") ?? node.create("new")
            #expect(try node.head(of: record).sequence == 2, "\(name)")
            expectNoOrphans(scene, name)
            let key = try node.mint(record)
            try scene.killed(atStep: .max) { _ in }
            let again = scene.trader.node
            #expect(again.opens(key), "\(name): a whole one, after kill -9 too")
            #expect(try again.head(of: again.tenant("new")).sequence == 4)
            try scene.heal(name)
        }
    }

    @Test(
        "P5 B1 erased on a failing disk, or killed at any step: whole or gone; told of, it is gone for ever",
        arguments: faults, CommitPlace.allCases)
    func deletion(plan: FaultPlan?, commits: CommitPlace) throws {
        let key = Mutex<TestKey?>(nil)
        let wasErased = Mutex(false)
        try atEveryStep(
            plan, commits,
            prepare: { scene in
                let node = scene.trader.node
                let made = try node.mint(try node.create("gone"))
                key.withLock { $0 = made }
            },
            { trader in
                let node = trader.node
                let record = try node.tenant("gone")
                let result = Result {
                    try awaited { node.fleet.delete(record, as: node.fleet.ownAct("tenant.deleting"), then: $0) }
                }
                if case .success = result, !trader.isCutOff() {
                    wasErased.withLock { $0 = true }
                } else {
                    wasErased.withLock { $0 = false }
                }
            },
            { scene, _, name in
                let node = scene.trader.node
                let key = try #require(key.withLock { $0 })
                scene.mendDisk()
                try settleErasures(node)
                if wasErased.withLock({ $0 }) { #expect(node.fleet.roster.tenant(slug: "gone") == nil, "\(name)") }
                if let record = node.fleet.roster.tenant(slug: "gone") {
                    #expect(try node.head(of: record).sequence == 4, "\(name): whole")
                    #expect(node.opens(key), "\(name): whole")
                } else {
                    #expect(!node.opens(key), "\(name): gone")
                    #expect(try node.head(of: try node.create("gone")).sequence == 2, "\(name): its name is free")
                }
                expectNoOrphans(scene, name)
                try scene.heal(name)
            })
    }

    @Test(
        "P5 G3 B1 restored on a failing disk, or killed at any step: the file of before or of then, whole; revoked keys stay dead",
        arguments: faults, CommitPlace.allCases)
    func restore(plan: FaultPlan?, commits: CommitPlace) throws {
        let then = Mutex<(books: Books, heads: [AuditHead], path: String, dead: [TestKey])?>(nil)
        let told = Mutex<AuditHead?>(nil)
        try atEveryStep(
            plan, commits,
            prepare: { scene in
                let trader = scene.trader
                let revoked = try trader.node.mint(trader.record)
                try trader.ask([.order(trader.resellers[0], manual: true, quantity: 2), .mint(trader.newSecret())])
                let path = try trader.node.export(trader.record)
                let copy = scene.folder.file("export-\(UUID().uuidString)")
                try FileManager.default.moveItem(atPath: path, toPath: copy)
                let exported = (trader.books, trader.heads)
                try trader.node.revoke(trader.record, revoked)
                let later = try trader.node.mint(trader.record)
                try trader.ask([.order(trader.resellers[1], manual: false, quantity: 1)])
                then.withLock { $0 = (exported.0, exported.1, copy, [revoked, later]) }
            },
            { trader in
                let path = try #require(then.withLock { $0?.path })
                let head = try? trader.node.restore(trader.record, from: path)
                told.withLock { $0 = trader.isCutOff() ? nil : head }
            },
            { scene, isCutOff, name in
                let trader = scene.trader
                let exported = try #require(then.withLock { $0 })
                let head = try trader.node.head(of: trader.record)
                if let told = told.withLock({ $0 }) { #expect(head == told, "\(name): told of") }
                if !isCutOff, told.withLock({ $0 }) == nil { #expect(head.incarnation == 1, "\(name): refused") }
                if head.incarnation == 2 {
                    trader.books = exported.books
                    trader.heads = exported.heads
                    for key in exported.dead { #expect(!trader.node.opens(key), "\(name): a dead key stays dead") }
                } else {
                    #expect(!trader.node.opens(exported.dead[0]) && trader.node.opens(exported.dead[1]), "\(name)")
                }
                try trader.check(name)
                try scene.heal(name)
                try scene.killed(atStep: .max) { _ in }
                #expect(try scene.trader.node.head(of: scene.trader.record).incarnation == head.incarnation, "\(name)")
                try scene.heal(name)
            })
    }

    /// What the disk cut short is ended by the clock.
    private func settleErasures(_ node: TestNode) throws {
        node.fleet.tick()
        // The registry answers in order: what it was asked before is done.
        let (nobody, now) = (TenantID(high: 0, low: 0), node.clock.now())
        _ = try awaited { node.fleet.registry.judge([], for: nobody, at: now, then: $0) }
        _ = try awaited { node.fleet.registry.judge([], for: nobody, at: now, then: $0) }
    }
}
