import Foundation
import TenantRegistry
import TestTenants
import Testing

/// A tenant's file that is not what it should be: damaged, cut short, or another tenant's, with a WAL or without.
@Suite(.serialized, .apart) struct WrongFileTests {
    /// `own` and `other` are the paths of two tenants' files in a folder that no gateway has open; each has a WAL.
    struct Harm: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let harm: @Sendable (_ own: String, _ other: String) throws -> Void

        init(_ name: String, _ harm: @escaping @Sendable (String, String) throws -> Void) {
            testDescription = name
            self.harm = harm
        }
    }

    /// Where the file follows the node's log there is no WAL, and the log has the commits that it lacks.
    static let harmsOfFollowers = [
        Harm("garbage") { own, _ in try Data(repeating: 0x5A, count: 50_000).write(to: URL(fileURLWithPath: own)) },
        Harm("nothing left of it") { own, _ in try Data().write(to: URL(fileURLWithPath: own)) },
        Harm("gone") { own, _ in DataDirectory.remove(own) },
        Harm("half of it") { own, _ in
            try FileHandle(forUpdating: URL(fileURLWithPath: own)).truncate(atOffset: 40_960)
        },
        Harm("another tenant's") { own, other in try replace(own, by: other) },
        Harm("its own, a WAL beside it that nobody wrote") { own, _ in
            try Data(repeating: 0x5A, count: 50_000).write(to: URL(fileURLWithPath: own + "-wal"))
        },
    ]

    static let harms = [
        Harm("garbage") { own, _ in try Data(repeating: 0x5A, count: 50_000).write(to: URL(fileURLWithPath: own)) },
        Harm("garbage, and no WAL") { own, _ in
            try Data(repeating: 0x5A, count: 50_000).write(to: URL(fileURLWithPath: own))
            DataDirectory.remove(own + "-wal")
        },
        Harm("nothing left of it") { own, _ in try Data().write(to: URL(fileURLWithPath: own)) },
        Harm("gone") { own, _ in DataDirectory.remove(own) },
        Harm("half of it, and no WAL") { own, _ in
            DataDirectory.remove(own + "-wal")
            try FileHandle(forUpdating: URL(fileURLWithPath: own)).truncate(atOffset: 40_960)
        },
        Harm("another tenant's, its own WAL beside it") { own, other in try replace(own, by: other) },
        Harm("its own, another tenant's WAL beside it") { own, other in
            try replace(own + "-wal", by: other + "-wal")
        },
        Harm("another tenant's, with that one's WAL") { own, other in
            try replace(own, by: other)
            try replace(own + "-wal", by: other + "-wal")
        },
        Harm("another tenant's, and no WAL") { own, other in
            try replace(own, by: other)
            DataDirectory.remove(own + "-wal")
        },
    ]

    private static func replace(_ path: String, by other: String) throws {
        DataDirectory.remove(path)
        try FileManager.default.copyItem(atPath: other, toPath: path)
    }

    /// Database and WAL; one that is empty or missing says the same.
    private static func content(_ path: String) -> [Data] {
        ["", "-wal"].map { FileManager.default.contents(atPath: path + $0) ?? Data() }
    }

    @Test(
        "G1 B1 a wrong file is not served and not changed, the log says whose it is, the others go on; the right one put back, it serves",
        arguments: harms.map { (CommitPlace.files, $0) } + harmsOfFollowers.map { (CommitPlace.log, $0) })
    func wrong(_ commits: CommitPlace, _ harm: Harm) throws {
        let scene = try Scene(commits)
        defer { scene.end() }
        let node = scene.trader.node
        let other = try Shop.open(node, "other")
        try other.trade()
        // Checkpointed, so that both say whose they are; then more, so that both have a WAL, or lack something.
        try scene.trader.closeFile()
        try Trader(node, slug: "other").closeFile()
        try scene.trader.ask([.order(scene.trader.resellers[0], manual: false, quantity: 1)])
        try other.topUp(other.resellerIDs[0], units: 1)
        let image = scene.folder.file("image")
        try DataFolder.image(of: scene.disk.folder, to: image)
        func path(_ record: TenantRecord) -> String {
            "\(image)/tenants/\(record.id.text.prefix(2))/\(record.id.text).sqlite"
        }
        let own = path(scene.trader.record)
        let right = Self.content(own)
        #expect(commits == .log || right.allSatisfy { !$0.isEmpty })
        try harm.harm(own, path(other.record))
        let wrong = Self.content(own)

        let harmed = try TestNode(image, seed: 2, options: Scene.options(commits, nil))
        let record = try harmed.tenant("shop")
        for _ in 1...2 {
            let refused = #expect(throws: LaneFailure.self) { try harmed.head(of: record) }
            guard case .unavailable = refused else {
                Issue.record("\(String(describing: refused))")
                break
            }
        }
        #expect(harmed.reports.all.contains { $0.contains(record.id.text) && $0.contains("cannot be opened") })
        #expect(harmed.fleet.pool.metrics.unavailable.load(ordering: .relaxed) == 2)
        let neighbour = try Trader(harmed, slug: "other")
        try neighbour.verify("the neighbour")
        #expect(try harmed.head(of: neighbour.record).sequence == node.head(of: other.record).sequence)
        harmed.stop()
        #expect(Self.content(own) == wrong, "what lies there is left for whoever looks into it")

        for (suffix, data) in zip(["", "-wal"], right) { try data.write(to: URL(fileURLWithPath: own + suffix)) }
        if commits == .log { DataDirectory.remove(own + "-wal") }
        let mended = try scene.trader.moved(to: TestNode(image, seed: 3, options: Scene.options(commits, nil)))
        defer { mended.node.stop() }
        try mended.check("put back")
        try mended.verify("put back")
    }

    @Test("G1 each WAL begins with whose it is: after a checkpoint too", arguments: [false, true])
    func ownerInEveryWAL(checkpoints: Bool) throws {
        let scene = try Scene(.files)
        defer { scene.end() }
        let trader = scene.trader
        let path = scene.trader.node.fleet.data.tenantPath(trader.record.id)
        if checkpoints {
            // Past the pages at which a checkpoint follows, so that the next commit begins the WAL anew.
            try trader.node.write(trader.record) { tenant, _ in
                let pages = CheckpointPace.pages.upperBound + 100
                for number in 0..<pages / 25 + 1 {
                    try tenant.set("filling \(number)", to: String(repeating: "x", count: 25 * 4_096))
                }
            }
            _ = try trader.node.head(of: trader.record)
            #expect(trader.node.fleet.pool.metrics.checkpoints.load(ordering: .relaxed) > 0)
        } else {
            try trader.closeFile()
        }
        try trader.ask([.topUp(trader.resellers[0], units: 1)])
        let frame = 24 + 4_096
        let wal = try #require(FileManager.default.contents(atPath: path + "-wal"))
        // As many frames as the last commit wrote: those of this WAL, before the older ones that lie behind.
        let salt = wal[16..<24]
        let pages = stride(from: 32, to: wal.count - frame + 1, by: frame).prefix { wal[$0 + 8..<$0 + 16] == salt }
        #expect(pages.contains { wal[$0 + 24..<$0 + frame].firstRange(of: trader.record.id.bytes) != nil })
        #expect(pages.count < 100, "a WAL of one commit")
    }

    /// A swap's steps, one after the other: how far it had come when the process was killed.
    enum Step: CaseIterable {
        case decided, walGone, done
    }

    @Test(
        "P5 a swap that was cut off at any step is ended at the next opening: never the one file with the other's WAL",
        arguments: Step.allCases)
    func swapCutOff(step: Step) throws {
        let scene = try Scene(.files)
        defer { scene.end() }
        let trader = scene.trader
        let export = try trader.node.export(trader.record)
        let then = try trader.node.head(of: trader.record)
        for _ in 1...20 { try trader.ask([.order(trader.resellers[0], manual: false, quantity: 1)]) }
        let image = scene.folder.file("image")
        try DataFolder.image(of: scene.disk.folder, to: image)
        let live = "\(image)/tenants/\(trader.record.id.text.prefix(2))/\(trader.record.id.text).sqlite"
        #expect(DataDirectory.size(of: live + "-wal") ?? 0 > 0)
        try FileManager.default.moveItem(atPath: export, toPath: live + ".decided")
        if step != .decided { DataDirectory.remove(live + "-wal") }
        if step == .done { try DataDirectory.rename(live + ".decided", to: live) }
        let node = try TestNode(image, seed: 2, options: Scene.options(.files, nil))
        defer { node.stop() }
        let record = try node.tenant("shop")
        #expect(try node.head(of: record) == then)
        #expect(DataDirectory.size(of: live + ".decided") == nil)
        try Trader(node).verify("after the swap")
    }
}
