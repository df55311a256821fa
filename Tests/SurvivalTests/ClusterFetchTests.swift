import SharedLogs
import Synchronization
import TestTenants
import Testing

@testable import TenantRegistry

/// Files that a node fetches for whoever asks (N6).
@Suite(.apart) struct ClusterFetchTests {
    private let folder: TestFolder
    private let store = MemoryLogStore()
    private let clock = ManualMonotonicClock(nanoseconds: 1_000_000_000)

    init() throws { folder = try TestFolder() }

    /// It has three workers, and fetches one file at a time, when somebody asks.
    private func start(
        seed: UInt64, _ faults: LogFaults = LogFaults(), fetchesMax: Int = 1, fetchedMax: Int = 0
    ) throws -> TestNode {
        var cluster = ClusterOptions(
            log: store.link(faults), name: try #require(NodeName("one")), address: "127.0.0.1:1")
        (cluster.clock, cluster.beatsByItself) = (clock, false)
        (cluster.bounds.fetchedMax, cluster.bounds.fetchesMax) = (fetchedMax, fetchesMax)
        var options = Fleet.Options()
        (options.cluster, options.workers) = (cluster, 3)
        return try TestNode(folder.file("data"), seed: seed, options: options)
    }

    @Test("N6 case 26 files that hang on their way from the log leave workers to tenants whose files are here")
    func hanging() throws {
        let (faults, cold) = (LogFaults(), ["cold-1", "cold-2", "cold-3"])
        let before = try start(seed: 1)
        for slug in ["warm"] + cold { try before.create(slug) }
        let lost = try cold.map { before.fleet.data.tenantPath(try before.tenant($0).id) }
        before.stop()
        for path in lost { DataDirectory.remove(path + SharedFile.markSuffix) }
        let node = try start(seed: 2, faults)
        defer { node.stop() }
        _ = try node.head(of: node.tenant("warm"))
        faults.freeze()
        let refused = Mutex(0)
        let (areRefused, isOpened) = (Promise<Void>(), Promise<Void>())
        for slug in cold {
            try node.tenant(slug).lane.exclusively(
                { control in
                    do {
                        _ = try control.file()
                        isOpened.succeed(())
                    } catch {
                        guard case LaneFailure.moved = error else {
                            Issue.record("\(error)")
                            return
                        }
                        let count = refused.withLock { count in
                            count += 1
                            return count
                        }
                        if count == 2 { areRefused.succeed(()) }
                    }
                }, orElse: { _ in })
        }
        try areRefused.value()
        _ = try node.head(of: node.tenant("warm"))
        faults.thaw()
        try isOpened.value()
        for slug in cold { _ = try node.head(of: node.tenant(slug)) }
    }

    @Test("N6 case 26 tenants that are taken over one after the other share the places of the background")
    func oneAfterTheOther() throws {
        let slugs = ["cold-1", "cold-2"]
        let before = try start(seed: 1)
        for slug in slugs { try before.create(slug) }
        let lost = try slugs.map { before.fleet.data.tenantPath(try before.tenant($0).id) }
        before.stop()
        for path in lost { DataDirectory.remove(path + SharedFile.markSuffix) }
        let node = try start(seed: 2, fetchesMax: 2, fetchedMax: 200)
        defer { node.stop() }
        let member = try #require(node.fleet.cluster)
        let records = try slugs.map { try node.tenant($0) }
        let (isHeld, goesOn) = (Promise<Void>(), Promise<Void>())
        // The first waits for its lane, and has its place meanwhile.
        records[0].lane.exclusively(
            { _ in
                isHeld.succeed(())
                _ = try? goesOn.value()
            }, orElse: { _ in })
        try isHeld.value()
        for record in records {
            member.stopServing(record.id)
            member.noteUnready(record.id)
            let isTaken = Promise<Void>()
            node.fleet.takeOver([record.id]) { isTaken.succeed(()) }
            try isTaken.value()
        }
        #expect(member.state.withLock { $0.backgroundFetches } == 1)
        goesOn.succeed(())
        until { member.figures.restored == 2 }
        until { member.state.withLock { $0.backgroundFetches } == 0 }
    }

    @Test("N6 case 26 a file that is here and of no use waits for a place as one that is not here does")
    func useless() throws {
        let before = try start(seed: 1)
        try before.create("cold")
        let record = try before.tenant("cold")
        let file = SharedFile(
            path: before.fleet.data.tenantPath(record.id), tenant: record.id, key: record.secretKey)
        before.stop()
        // Of another history than the log's.
        let mark = try #require(file.mark)
        try file.write(mark: SharedPlace(sequence: mark.sequence, chain: .zero))
        let node = try start(seed: 2, fetchesMax: 0)
        defer { node.stop() }
        let opened = Promise<Void>()
        try node.tenant("cold").lane.exclusively(
            { control in opened.resolve(Result { _ = try control.file() }) }, orElse: { opened.fail($0) })
        do {
            try opened.value()
            Issue.record("it was fetched")
        } catch LaneFailure.moved {}
        // Where it was kept is told once, and now: the next opening finds it there.
        #expect(node.reports.all.count { $0.hasSuffix(SharedFile.aheadSuffix) } == 1)
    }
}
