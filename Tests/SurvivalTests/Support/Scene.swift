import FaultDisk
import Foundation
import Synchronization
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// A node on a disk that can fail, and the callers of one tenant of its; it can be killed and found again.
/// One test's thread.
final class Scene {
    let folder: TestFolder
    private(set) var disk: FaultDisk
    private(set) var trader: Trader
    /// Where its tenants' commits become durable.
    let commits: CommitPlace
    private var lives = 0
    /// How many changes of the disk there were in the last life.
    private(set) var changes = 0

    /// A tenant with two resellers and some money, at rest in a folder: each test begins with a copy.
    private static let template: Result<TestFolder, any Error> = Result {
        let folder = try TestFolder()
        let data = folder.file("data")
        let node = try TestNode(data, options: options(.files, FaultDisk(data)))
        _ = try Shop.open(node)
        node.stop()
        return folder
    }

    static func options(_ commits: CommitPlace, _ disk: FaultDisk?) -> Fleet.Options {
        var options = Fleet.Options()
        options.workers = 2
        options.freeBytesReserve = 0
        options.commits = commits
        // Each life copies the folder.
        options.logSettings.segmentBytes = 512 << 10
        options.logSettings.undurableBytesMax = 128 << 10
        options.logSettings.reopenMilliseconds = 5
        if let disk { options.logDisk = FaultLogDisk(disk) }
        return options
    }

    init(_ commits: CommitPlace, seed: UInt64 = 1, _ change: (inout Fleet.Options) -> Void = { _ in }) throws {
        self.commits = commits
        folder = try TestFolder()
        let data = folder.file("data-0")
        try FileManager.default.copyItem(atPath: Self.template.get().file("data"), toPath: data)
        disk = FaultDisk(data)
        var options = Self.options(commits, disk)
        change(&options)
        trader = try Trader(TestNode(data, seed: seed, options: options))
        try trader.ask(trader.resellers.map { .topUp($0, units: 200) })
    }

    /// Runs `work`; a kill comes before the `step`-th change of the disk, or after the last where there are fewer. The
    /// tenant is then found as that left it, on a disk that is good again. Returns whether it came before the last.
    @discardableResult
    func killed(atStep step: Int, powerCut: Seeded? = nil, _ work: (Trader) throws -> Void) throws -> Bool {
        let target = folder.file("data-\(lives + 1)")
        let taken = Mutex<Result<Void, any Error>?>(nil)
        let take: @Sendable (DiskImage) -> Void = { image in
            taken.withLock { $0 = Result { try Self.copy(image, to: target, powerCut) } }
        }
        disk.atStep(step, take)
        trader.isCutOff = { taken.withLock { $0 != nil } }
        try work(trader)
        let wasInTheMiddle = taken.withLock { $0 != nil }
        changes = disk.steps
        if !wasInTheMiddle { disk.image { take($0) } }
        try taken.withLock { try $0?.get() }
        try move(to: target)
        return wasInTheMiddle
    }

    private static func copy(_ image: DiskImage, to target: String, _ powerCut: Seeded?) throws {
        guard var chance = powerCut else { return try image.copy(to: target) }
        // Now all of it is lost, now any part.
        let losesAll = chance.happens(oneIn: 3)
        try image.copyAfterPowerCut(to: target) { losesAll ? .none : chance.pick([.whole, .whole, .torn, .none]) }
    }

    private func move(to target: String) throws {
        disk.set(nil)
        trader.isCutOff = { false }
        trader.node.stop()
        lives += 1
        disk = FaultDisk(target)
        let node = try TestNode(target, seed: UInt64(lives) << 32, options: Self.options(commits, disk))
        trader = try trader.moved(to: node)
    }

    /// The disk is good again. A log that it failed comes back by itself.
    func mendDisk() {
        disk.set(nil)
        while trader.node.fleet.logFigures?.log.isFailed == true { pause(milliseconds: 1) }
    }

    /// The disk is good again: the very next write succeeds, and everything is as the books say, before and after a
    /// kill.
    func heal(_ scene: Comment) throws {
        mendDisk()
        let before = trader.books.entries.count
        try trader.ask([.topUp(trader.resellers[0], units: 1)])
        #expect(
            trader.books.outcome(of: trader.lastName) == .done && trader.books.entries.count == before + 1,
            "\(scene): on a good disk the next write succeeds: \(trader.node.reports.all.suffix(3))")
        try trader.check(scene)
        try trader.verify(scene)
    }

    func end() { trader.node.stop() }
}
