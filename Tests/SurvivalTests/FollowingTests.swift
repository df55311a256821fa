import FaultDisk
import Foundation
import SQLite
import TenantApp
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// Files that follow the node's log: what becomes of them, and of the log, from one process to the next (B1).
@Suite(.serialized, .apart) struct FollowingTests {
    private func order(_ trader: Trader) throws {
        try trader.ask([.order(trader.resellers[0], manual: false, quantity: 1)])
    }

    private func image(of scene: Scene) throws -> String {
        let target = scene.folder.file("image-\(UUID().uuidString)")
        try DataFolder.image(of: scene.disk.folder, to: target)
        return target
    }

    private func segments(_ folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/log")) ?? []
        return names.filter { $0.hasSuffix(".segment") }
    }

    @Test("B1 no WAL lies beside a file, and after kill -9 the log alone has what was acknowledged")
    func logHasIt() throws {
        let scene = try Scene(.log)
        defer { scene.end() }
        for _ in 1...5 { try order(scene.trader) }
        let path = scene.trader.node.fleet.data.tenantPath(scene.trader.record.id)
        #expect(DataDirectory.size(of: path + "-wal") == nil)
        let folder = try image(of: scene)
        let node = try TestNode(folder, seed: 2, options: Scene.options(.log, nil))
        defer { node.stop() }
        #expect(node.fleet.logFigures?.log.tenantsPending == 1)
        let found = try scene.trader.moved(to: node)
        try found.check("played")
        try found.verify("played")
        #expect(node.fleet.logFigures?.log.tenantsPending == 0)
    }

    @Test("B1 the step back: a start with the files' own WALs brings everything home, and there is no log any more")
    func stepBack() throws {
        let scene = try Scene(.log)
        defer { scene.end() }
        for _ in 1...5 { try order(scene.trader) }
        let folder = try image(of: scene)
        #expect(!segments(folder).isEmpty)
        let node = try TestNode(folder, seed: 2, options: Scene.options(.files, nil))
        #expect(segments(folder).isEmpty && node.fleet.logFigures == nil)
        let found = try scene.trader.moved(to: node)
        try order(found)
        try found.check("in files")
        try found.verify("in files")
        // Killed with a WAL, and with the log once more.
        let again = scene.folder.file("again")
        try DataFolder.image(of: folder, to: again)
        node.stop()
        let forth = try TestNode(again, seed: 3, options: Scene.options(.log, nil))
        defer { forth.stop() }
        let path = forth.fleet.data.tenantPath(found.record.id)
        #expect(DataDirectory.size(of: path + "-wal") ?? 0 > 0)
        let last = try found.moved(to: forth)
        try last.check("in the log again")
        #expect(DataDirectory.size(of: path + "-wal") == nil)
        try order(last)
        try last.verify("in the log again")
    }

    @Test("B1 a folder whose log is gone, or is another's, is not served: the files lack what it had")
    func lostLog() throws {
        let scene = try Scene(.log)
        defer { scene.end() }
        try order(scene.trader)
        let folder = try image(of: scene)
        let other = try Scene(.log, seed: 2)
        try order(other.trader)
        let foreign = try image(of: other)
        other.end()
        for commits in CommitPlace.allCases {
            try FileManager.default.removeItem(atPath: folder + "/log")
            let gone = #expect(throws: (any Error).self) {
                try TestNode(folder, options: Scene.options(commits, nil))
            }
            #expect("\(String(describing: gone))".contains("has no log"))
            try FileManager.default.copyItem(atPath: foreign + "/log", toPath: folder + "/log")
            let wrong = #expect(throws: (any Error).self) {
                try TestNode(folder, options: Scene.options(commits, nil))
            }
            #expect("\(String(describing: wrong))".contains("another data folder"))
        }
    }

    @Test("B1 a stop in order leaves nothing in the log that a file lacks: the folder is whole without it")
    func cleanStop() throws {
        let scene = try Scene(.log)
        for _ in 1...5 { try order(scene.trader) }
        let folder = scene.disk.folder
        scene.end()
        try FileManager.default.removeItem(atPath: folder + "/log")
        for commits in [CommitPlace.files, .log] {
            let found = try scene.trader.moved(to: TestNode(folder, seed: 2, options: Scene.options(commits, nil)))
            try found.check("without a log")
            try found.verify("without a log")
            found.node.stop()
        }
    }

    @Test("B1 the sweep brings files home: those that keep segments, and at a kill none is behind")
    func sweep() throws {
        let scene = try Scene(.log) { $0.sweeping.milliseconds = 0 }
        defer { scene.end() }
        let node = scene.trader.node
        for _ in 1...5 { try order(scene.trader) }
        #expect(node.fleet.logFigures?.log.tenantsPending == 1)
        for _ in 1...2 { node.fleet.sweep() }
        _ = try node.head(of: scene.trader.record)
        #expect(node.fleet.logFigures?.log.tenantsPending == 0)
        #expect(scene.trader.record.lane.walPages.load(ordering: .relaxed) == 0, "nor in memory")
        let folder = try image(of: scene)
        let found = try scene.trader.moved(to: TestNode(folder, seed: 2, options: Scene.options(.log, nil)))
        defer { found.node.stop() }
        try found.check("brought home")
        try found.verify("brought home")
    }

    @Test("B1 one place is enough: whoever is brought home makes room for the next, and the last one comes home")
    func sweepOfMany() throws {
        let scene = try Scene(.log) { ($0.sweeping.milliseconds, $0.sweeping.filesMax) = (0, 1) }
        defer { scene.end() }
        let node = scene.trader.node
        try order(scene.trader)
        for slug in ["second", "third", "last"] {
            try node.write(node.create(slug), "POST /test") { _, _ in }
        }
        #expect(node.fleet.logFigures?.log.tenantsPending == 4)
        node.fleet.sweep()
        until { node.fleet.logFigures?.log.tenantsPending == 0 }
    }

    @Test("B1 after a kill the sweep plays what nobody asks for, and the file is whole by itself")
    func sweepOfClosed() throws {
        let scene = try Scene(.log)
        defer { scene.end() }
        for _ in 1...5 { try order(scene.trader) }
        let folder = try image(of: scene)
        var options = Scene.options(.log, nil)
        options.sweeping.milliseconds = 0
        let node = try TestNode(folder, seed: 2, options: options)
        let id = scene.trader.record.id
        for _ in 1...2 {
            node.fleet.sweep()
            let quiet = Promise<Void>()
            try node.tenant("shop").lane.whenQuiet { quiet.succeed(()) }
            try quiet.value()
        }
        #expect(node.fleet.logFigures?.log.tenantsPending == 0)
        #expect(node.fleet.pool.openFiles <= 1, "the registry's alone")
        let alone = scene.folder.file("alone.sqlite")
        try FileManager.default.copyItem(atPath: node.fleet.data.tenantPath(id), toPath: alone)
        let rows = try DataFolder.edit(alone) { try $0.row("SELECT count(*) FROM orders") { try $0.int() } }
        #expect(rows == 5)
        node.stop()
    }

    @Test(
        "B1 G8 a sync of the log that fails: an unknown outcome is there as a whole or not at all, and the node goes on"
    )
    func failedSync() throws {
        for powerCut in [nil, Seeded(state: 3)] {
            let scene = try Scene(.log)
            defer { scene.end() }
            let trader = scene.trader
            // The first sync may be a file's that comes home meanwhile: then the next one is tried.
            for _ in 1...20 where trader.node.fleet.logFigures?.log.failures == 0 {
                scene.disk.set(FaultPlan([.sync], .ioError, at: 1, count: 1))
                try order(trader)
            }
            #expect(trader.books.outcome(of: trader.lastName) == .unknown)
            // Until then nobody is shown what may come back or not.
            scene.mendDisk()
            try trader.check("the log is back")
            #expect(trader.node.fleet.logFigures?.log.failures == 1)
            try scene.heal("the log is back")
            try scene.killed(atStep: .max, powerCut: powerCut) { _ in }
            try scene.heal("after kill -9")
        }
    }

    /// The schema with two steps more. The second fails where the first of its tables is there already.
    private var longer: TenantSchema {
        let known = TenantSchema.app.migrations
        let steps = (1...2).map { step in
            Migration(
                version: Int32(known.count + step), name: "step \(step)",
                sql: "CREATE TABLE step\(step) (id INTEGER PRIMARY KEY, text TEXT) STRICT")
        }
        return TenantSchema(
            migrations: known + steps, readProjections: TenantSchema.app.readProjections, housekeep: { _ in },
            examine: TenantSchema.app.examine)
    }

    @Test("B1 P5 what a file committed that then does not open is never played into the one that comes back")
    func takenBack() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        let first = try TestNode(data, options: Scene.options(.log, nil))
        _ = try Shop.open(first)
        first.stop()
        let live = DataFolder.tenantFiles(data)[0]
        let wrong = try folder.copy(live, to: "wrong.sqlite")
        try DataFolder.edit(wrong) { try $0.execute("CREATE TABLE step2 (id INTEGER)") }
        let second = try TestNode(data, seed: 2, options: Scene.options(.log, nil), schema: longer)
        let before = try second.head(of: second.tenant("shop"))
        second.stop()
        // As a crash leaves a restore that was decided.
        try FileManager.default.moveItem(atPath: live, toPath: live + ".before")
        try FileManager.default.copyItem(atPath: wrong, toPath: live)
        let third = try TestNode(data, seed: 3, options: Scene.options(.log, nil), schema: longer)
        defer { third.stop() }
        #expect(try third.head(of: third.tenant("shop")) == before)
        #expect(third.reports.all.contains { $0.contains("the one before it is back") })
        let problems = try third.write(third.tenant("shop")) { tenant, _ in
            try tenant.connection.integrityCheck()
        }
        #expect(problems == [])
    }
}
