import Cryptography
import Foundation
import SQLite
import SharedLogs
import Synchronization
import TenantApp
import TestTenants
import Testing

@testable import TenantRegistry

/// Two nodes of a cluster over one log in memory: whole fleets on folders of their own, whose beats a test makes.
@Suite(.apart) struct ClusterFleetTests {
    private let folder: TestFolder
    private let store = MemoryLogStore()
    private let clock = ManualMonotonicClock(nanoseconds: 1_000_000_000)

    init() throws { folder = try TestFolder() }

    private func node(
        _ name: String, seed: UInt64 = 1, bounds: ClusterBounds = ClusterBounds(), sweepsAtOnce: Bool = false,
        expelled: @escaping @Sendable (String, Bool) -> Void = { _, _ in }
    ) throws -> TestNode {
        let path = folder.file(name)
        let key = folder.file("master.key")
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if FileManager.default.fileExists(atPath: key), !FileManager.default.fileExists(atPath: path + "/master.key") {
            try FileManager.default.copyItem(atPath: key, toPath: path + "/master.key")
        }
        var options = Fleet.Options()
        var cluster = ClusterOptions(
            log: store.link(), name: try #require(NodeName(name)), address: "127.0.0.1:\(seed)")
        (cluster.clock, cluster.beatsByItself, cluster.bounds) = (clock, false, bounds)
        cluster.expelled = expelled
        options.cluster = cluster
        if sweepsAtOnce { options.sweeping.milliseconds = 0 }
        let node = try TestNode(path, seed: seed, options: options)
        if !FileManager.default.fileExists(atPath: key) {
            try FileManager.default.copyItem(atPath: path + "/master.key", toPath: key)
        }
        return node
    }

    /// Beats of these nodes for so long, and what they lead to.
    private func pass(seconds: Int, _ nodes: TestNode...) {
        for _ in 0..<(seconds * 2) {
            clock.advance(nanoseconds: 500_000_000)
            for node in nodes { node.fleet.beat() }
        }
        for node in nodes { node.caughtUp() }
    }

    @Test("N1 N5 a tenant that one node makes is known at the other, which does not serve it")
    func known() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        let shop = try Shop.open(one)
        pass(seconds: 1, one, two)
        let other = try two.tenant("shop")
        #expect(one.fleet.cluster?.place(of: shop.record.id) == .here)
        #expect(try two.fleet.cluster?.place(of: other.id) == .at(#require(NodeName("one")), address: "127.0.0.1:1"))
        let key = try one.mint(shop.record)
        two.caughtUp()
        #expect(two.opens(key))
        try one.revoke(shop.record, key)
        two.caughtUp()
        #expect(!two.opens(key))
        #expect(throws: (any Error).self) { try two.head(of: other) }
    }

    @Test("N5 P2 a domain that goes from one tenant to another has its new certificate, whatever is followed last")
    func givenOn() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        let (former, heir) = (try Shop.open(one).record, try one.create("heir"))
        try one.give("old", to: former)
        two.caughtUp()
        try one.give(nil, to: former)
        try one.give("new", to: heir)
        _ = try one.mint(former)
        two.caughtUp()
        for node in [one, two] { #expect(node.fleet.certificates.map(\.certificate) == ["new"]) }
    }

    @Test("N5 the same name at two nodes at once is one tenant's")
    func names() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        try one.create("first")
        #expect(throws: RegistryRefusal.self) { try two.create("first") }
        try two.create("second")
        // What came late ran again, and failed nobody.
        for node in [one, two] { #expect(node.fleet.pool.metrics.commitsFailed.load(ordering: .relaxed) == 0) }
        pass(seconds: 1, one, two)
        #expect(try one.tenant("second").id == two.tenant("second").id)
    }

    @Test("N2 N3 what a killed node answered is at the node that takes over, and the killed one's copy is behind")
    func takenOver() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { two.stop() }
        let shop = try Shop.open(one)
        try shop.topUp(shop.resellerIDs[0], units: 100)
        for _ in 0..<5 { _ = try shop.order(shop.resellerIDs[0]) }
        let head = try one.head(of: shop.record)
        pass(seconds: 1, one, two)
        pass(seconds: 5, two)
        let record = try two.tenant("shop")
        #expect(two.fleet.cluster?.place(of: record.id) == .here)
        #expect(try two.head(of: record) == head)
        // The first wakes: nothing that it does is taken.
        #expect(throws: (any Error).self) { try shop.topUp(shop.resellerIDs[0], units: 1) }
        #expect(try two.head(of: record) == head)
    }

    @Test("N4 a tenant that is moved is served there with all that it was, and comes back")
    func moved() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        let shop = try Shop.open(one)
        try shop.topUp(shop.resellerIDs[0], units: 100)
        pass(seconds: 1, one, two)
        try one.move(shop.record, to: "two")
        pass(seconds: 1, one, two)
        let record = try two.tenant("shop")
        #expect(two.fleet.cluster?.place(of: record.id) == .here)
        let there = Shop(node: two, record: record, resellerIDs: shop.resellerIDs)
        _ = try there.order(shop.resellerIDs[0])
        let head = try two.head(of: record)
        try two.move(record, to: "one")
        pass(seconds: 1, one, two)
        #expect(try one.head(of: shop.record) == head)
        _ = try shop.order(shop.resellerIDs[0])
    }

    @Test("N4 O6 the record of a read that is answered behind the move's own block goes along")
    func movedReads() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        let shop = try Shop.open(one)
        pass(seconds: 1, one, two)
        let record = shop.record
        let before = try one.head(of: record).sequence
        let (isHeld, goesOn) = (Promise<Void>(), Promise<Void>())
        record.lane.exclusively(
            { _ in
                isHeld.succeed(())
                _ = try? goesOn.value()
            }, orElse: { _ in })
        try isHeld.value()
        // In one batch with what the move asks for: told once that has taken what waits in memory.
        let line = read(at: one.clock.now())
        record.onLane(writes: false, { _ in }, then: { (_: Result<Void, any Error>) in record.readLog.append(line) })
        let (moved, target) = (Promise<Void>(), try #require(NodeName("two")))
        one.fleet.move(record, to: target) { moved.resolve($0) }
        goesOn.succeed(())
        try moved.value()
        #expect(record.readLog.isSettled)
        pass(seconds: 1, one, two)
        #expect(try two.head(of: two.tenant("shop")).sequence > before)
    }

    @Test("O6 what comes too late for a move waits in memory, asks nothing of the file, and joins it when it is back")
    func lateReads() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        let record = try Shop.open(one).record
        pass(seconds: 1, one, two)
        try one.move(record, to: "two")
        record.readLog.append(read(at: one.clock.now()))
        record.touch()
        one.clock.advance(milliseconds: ReadLog.delayMillisecondsMax)
        for _ in 1...2 { one.fleet.tick() }
        #expect(!one.fleet.tick().contains { $0 === record } && !record.readLog.isEmpty)
        pass(seconds: 1, one, two)
        try two.move(two.tenant("shop"), to: "one")
        pass(seconds: 1, one, two)
        one.fleet.tick()
        _ = try one.head(of: record)
        #expect(record.readLog.isSettled)
        #expect(!one.reports.all.contains { $0.contains("audit block") })
    }

    private func read(at now: Timestamp) -> AuditRecord {
        AuditRecord(at: now, action: "GET /test", status: 200, requestID: .none)
    }

    @Test("N4 P9 the count of a month's requests moves along with its tenant")
    func movedCount() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        let record = try Shop.open(one).record
        pass(seconds: 1, one, two)
        for _ in 1...7 { _ = record.countRequest(at: one.clock.now()) }
        try one.move(record, to: "two")
        pass(seconds: 1, one, two)
        #expect(try two.tenant("shop").counters.snapshot.count == 7)
    }

    @Test("N5 P9 a month's sizes are told by the tenants' own nodes alone")
    func sizes() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        _ = try Shop.open(one)
        pass(seconds: 1, one, two)
        for node in [one, two] {
            let isOver = Promise<Void>()
            node.fleet.meter(isAsked: true) { isOver.succeed(()) }
            try isOver.value()
        }
        one.caughtUp()
        let month = UsageSelection.month(TestNode.start.monthNumber, tenant: nil)
        let rows = try awaited { then in one.fleet.registry.usage(month, after: nil, limit: 9, then: then) }
        #expect(rows.count == 1 && rows.allSatisfy { $0.bytes > 0 })
    }

    @Test("N2 P5 a file that lies here, of which the log was never told, overwrites nothing that another node wrote")
    func neverOverwritten() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        let shop = try Shop.open(one)
        try shop.topUp(shop.resellerIDs[0], units: 100)
        pass(seconds: 1, one, two)
        // As a restore leaves it whose opening did not come about.
        let done = DispatchSemaphore(value: 0)
        let (fleet, record) = (one.fleet, shop.record)
        record.lane.exclusively(
            { control in
                control.closeFile()
                try? fleet.cluster?.endRecords(of: fleet.sharedFile(of: record))
                done.signal()
            }, orElse: { _ in done.signal() })
        done.wait()
        pass(seconds: 5, two)
        let there = Shop(node: two, record: try two.tenant("shop"), resellerIDs: shop.resellerIDs)
        _ = try there.order(shop.resellerIDs[0])
        let head = try two.head(of: there.record)
        pass(seconds: 1, one, two)
        try two.move(there.record, to: "one")
        pass(seconds: 1, one, two)
        #expect(try one.head(of: shop.record) == head)
    }

    @Test("N2 a node that lost its disk is made anew from the log")
    func lostDisk() throws {
        let one = try node("one")
        let shop = try Shop.open(one)
        try shop.topUp(shop.resellerIDs[0], units: 100)
        let head = try one.head(of: shop.record)
        one.stop()
        try FileManager.default.moveItem(atPath: folder.file("one"), toPath: folder.file("lost"))
        let again = try node("one", seed: 3)
        defer { again.stop() }
        // Whoever had the name on another disk may show what it has for as long as that.
        pass(seconds: 4, again)
        #expect(try again.head(of: again.tenant("shop")).sequence >= head.sequence)
    }

    @Test("N2 N6 case 27: a snapshot is what the records make, what it replaces goes, and a tenant is made of it")
    func snapshots() throws {
        var bounds = ClusterBounds()
        bounds.snapshotRecords = 8
        let (one, two) = (try node("one", bounds: bounds), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        let shop = try Shop.open(one)
        try shop.topUp(shop.resellerIDs[0], units: 1_000)
        for _ in 0..<3 {
            for _ in 0..<10 { _ = try shop.order(shop.resellerIDs[0]) }
            let done = Promise<Void>()
            one.fleet.putSnapshot { done.succeed(()) }
            try done.value()
        }
        #expect(one.fleet.cluster?.figures.snapshots == 3)
        let head = try one.head(of: shop.record)
        pass(seconds: 1, one, two)
        try one.move(shop.record, to: "two")
        pass(seconds: 1, one, two)
        #expect(try two.head(of: two.tenant("shop")) == head)
        let known = try #require(two.fleet.cluster).log.snapshots(of: shop.record.id)
        // The first of the day stays for the past (B2), and the two newest: that between them has gone.
        #expect(known.count == 3)
    }

    @Test("N2 a large file's snapshot waits until the records are half of it")
    func largeFiles() throws {
        var bounds = ClusterBounds()
        (bounds.snapshotRecords, bounds.snapshotBytes) = (8, 16 << 10)
        let one = try node("one", bounds: bounds)
        defer { one.stop() }
        let shop = try Shop.open(one)
        try shop.topUp(shop.resellerIDs[0], units: 1_000)
        for _ in 0..<20 { _ = try shop.order(shop.resellerIDs[0]) }
        let figures = try #require(one.fleet.cluster).figures
        #expect(figures.recordsBehind > 8 && figures.bytes > 16 << 10)
        #expect(Int64(figures.bytes) < one.fleet.data.tenantBytes(shop.record.id) / 2)
        let done = Promise<Void>()
        one.fleet.putSnapshot { done.succeed(()) }
        try done.value()
        #expect(one.fleet.cluster?.figures.snapshots == 0)
        #expect(one.fleet.cluster?.figures.snapshotsDue == 0)
    }

    @Test("N4 a name that stopped in order, and has nothing, leaves the list after a while")
    func forgotten() throws {
        var bounds = ClusterBounds()
        bounds.forgottenMilliseconds = 10_000
        let (one, two) = (try node("one", bounds: bounds), try node("two", seed: 2, bounds: bounds))
        let three = try node("three", seed: 3, bounds: bounds)
        defer { one.stop() }
        pass(seconds: 1, one, two, three)
        // One is killed, and stays in the list.
        two.stop()
        pass(seconds: 5, one)
        #expect(one.fleet.cluster?.nodes.map(\.name.text) == ["one", "three", "two"])
        pass(seconds: 10, one)
        #expect(one.fleet.cluster?.nodes.map(\.name.text) == ["one", "three"])
        #expect(three.fleet.cluster?.isServing == false)
    }

    @Test("N2 a file is brought home while its tenant is served, and its memory is given back")
    func swept() throws {
        let one = try node("one", sweepsAtOnce: true)
        defer { one.stop() }
        let shop = try Shop.open(one)
        try shop.topUp(shop.resellerIDs[0], units: 100)
        _ = try shop.order(shop.resellerIDs[0])
        let mark = one.fleet.data.tenantPath(shop.record.id) + ".mark"
        let before = FileManager.default.contents(atPath: mark)
        #expect(one.fleet.filesFollow && shop.record.lane.walPages.load(ordering: .relaxed) > 0)
        one.fleet.sweep()
        _ = try one.head(of: shop.record)
        #expect(FileManager.default.contents(atPath: mark) != before)
        #expect(shop.record.lane.walPages.load(ordering: .relaxed) == 0)
    }

    @Test("N1 P11 a copy of a tenant that is at another node is made of the log, signed and whole")
    func exportsAnothers() throws {
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { for node in [one, two] { node.stop() } }
        let shop = try Shop.open(one)
        try shop.topUp(shop.resellerIDs[0], units: 100)
        _ = try shop.order(shop.resellerIDs[0])
        let head = try one.head(of: shop.record)
        pass(seconds: 1, one, two)
        let path = try two.export(two.tenant("shop"))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(ExportSeal.read(path)?.head == head)
    }

    @Test("N1 a node that was by itself brings its tenants along, and another takes them over")
    func broughtAlong() throws {
        let path = folder.file("one")
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let alone = try TestNode(path)
        let before = try Shop.open(alone)
        try before.topUp(before.resellerIDs[0], units: 100)
        _ = try before.order(before.resellerIDs[0])
        let key = try alone.mint(before.record)
        let head = try alone.head(of: before.record)
        alone.stop()
        // Of a cluster that it was in before.
        let mark = alone.fleet.data.tenantFolder(before.record.id) + "/another.sqlite" + SharedFile.markSuffix
        try DataDirectory.writeNew([], to: mark)
        let (one, two) = (try node("one"), try node("two", seed: 2))
        defer { two.stop() }
        #expect(DataDirectory.size(of: mark) == nil)
        #expect(try one.head(of: one.tenant("shop")).sequence >= head.sequence)
        pass(seconds: 1, one, two)
        pass(seconds: 5, two)
        let record = try two.tenant("shop")
        #expect(try two.head(of: record).sequence >= head.sequence)
        #expect(two.opens(key))
        _ = try Shop(node: two, record: record, resellerIDs: before.resellerIDs).order(before.resellerIDs[0])
    }

    @Test("N3 a tenant whose append was refused though it is this node's is served again with a beat, without a call")
    func refusedByNobody() throws {
        let one = try node("one")
        defer { one.stop() }
        let shop = try Shop.open(one)
        pass(seconds: 1, one)
        let (member, id) = (try #require(one.fleet.cluster), shop.record.id)
        store.raise(id)
        #expect(throws: (any Error).self) { try shop.topUp(shop.resellerIDs[0], units: 1) }
        #expect(member.place(of: id) == .nowhere)
        one.fleet.beat()
        for _ in 1...5_000 where member.place(of: id) != .here { pause(milliseconds: 1) }
        try shop.topUp(shop.resellerIDs[0], units: 1)
    }

    @Test("N6 case 17: what lies here of a history that the log has left behind is kept aside, and somebody is told")
    func leftBehind() throws {
        let one = try node("one")
        let shop = try Shop.open(one)
        try shop.topUp(shop.resellerIDs[0], units: 100)
        let earlier = store.picture
        _ = try shop.order(shop.resellerIDs[0])
        let left = try one.head(of: shop.record)
        one.stop()
        store.goBack(to: earlier)
        let two = try node("two", seed: 2)
        pass(seconds: 6, two)
        let there = Shop(node: two, record: try two.tenant("shop"), resellerIDs: shop.resellerIDs)
        for _ in 0..<5 { _ = try there.order(shop.resellerIDs[0]) }
        let head = try two.head(of: there.record)
        let again = try node("one", seed: 3)
        defer { for node in [again, two] { node.stop() } }
        pass(seconds: 4, again, two)
        try two.move(there.record, to: "one")
        pass(seconds: 1, again, two)
        let record = try again.tenant("shop")
        #expect(try again.head(of: record) == head)
        #expect(again.reports.all.contains { $0.contains("another history") && $0.contains(".ahead") })
        // Whoever decides later still has both.
        #expect(try again.adopt(record, .log) == head)
        #expect(try again.adopt(record, .file) == left)
        // Where there is nothing to decide nothing is put aside, and what came since stays.
        let later = Shop(node: again, record: record, resellerIDs: shop.resellerIDs)
        _ = try later.order(shop.resellerIDs[0])
        let last = try again.head(of: record)
        #expect(try again.adopt(record, .log) == last)
        #expect(try again.adopt(record, .file) == last)
    }

    @Test("N6 case 17: nodes that run while the database is taken back say so, and show nothing of what they have")
    func takenBackMeanwhile() throws {
        let told = Mutex<[Bool]>([])
        let one = try node("one", expelled: { _, comesBack in told.withLock { $0.append(comesBack) } })
        defer { one.stop() }
        let earlier = store.picture
        let record = try Shop.open(one).record
        pass(seconds: 1, one)
        _ = try one.head(of: record)
        store.goBack(to: earlier)
        pass(seconds: 1, one)
        #expect(one.fleet.cluster?.isServing == false)
        #expect(one.reports.all.count { $0.contains("taken back") && $0.contains("this one stops") } == 1)
        // What is started after it goes on with what the log has: somebody is to start it.
        let comesBack = told.withLock { $0 }
        #expect(comesBack == [true])
        #expect(throws: (any Error).self) { try one.head(of: record) }
    }

    @Test("N6 case 24: a node whose name another process has stops, and is not to come back for it")
    func nameTaken() throws {
        let told = Mutex<[Bool]>([])
        let one = try node("one", expelled: { _, comesBack in told.withLock { $0.append(comesBack) } })
        defer { one.stop() }
        pass(seconds: 1, one)
        let keyPrint = Fleet.keyPrint(of: one.fleet.masterKeyOfBackup)
        let name = try #require(NodeName("one"))
        _ = try store.link().join(ClusterNode(name: name, address: "127.0.0.1:2", schema: 1, keyPrint: keyPrint))
        pass(seconds: 1, one)
        #expect(one.fleet.cluster?.isServing == false)
        let comesBack = told.withLock { $0 }
        #expect(comesBack == [false])
    }

    @Test("N6 case 17: where the database was taken back nothing is merged, and a person says which history holds")
    func takenBack() throws {
        let one = try node("one")
        let shop = try Shop.open(one)
        try shop.topUp(shop.resellerIDs[0], units: 100)
        let earlier = store.picture
        let before = try one.head(of: shop.record)
        for _ in 0..<3 { _ = try shop.order(shop.resellerIDs[0]) }
        let after = try one.head(of: shop.record)
        one.stop()
        store.goBack(to: earlier)
        let again = try node("one", seed: 3)
        defer { again.stop() }
        let record = try again.tenant("shop")
        #expect(throws: (any Error).self) { try again.head(of: record) }
        #expect(try again.adopt(record, .log).sequence == before.sequence)
        #expect(try again.head(of: record).sequence == before.sequence)
        // What the file had alone lies beside it: in its place it holds, once somebody says so.
        let live = again.fleet.data.tenantPath(record.id)
        #expect(FileManager.default.fileExists(atPath: live + ".ahead"))
        #expect(after.sequence > before.sequence)
    }
}
