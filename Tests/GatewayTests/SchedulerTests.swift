import CallKit
import Cryptography
import Foundation
import Gateway
import Synchronization
import TenantApp
import TenantRegistry
import TestGateway
import TestTenants
import Testing

@Suite struct SchedulerTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test("W9 what is due is done once and never before its time, whatever 100 leaps of the clock do", arguments: 1...3)
    func leaps(seed: UInt64) throws {
        let clock = ManualClock(TestNode.start)
        let rig = try DueRig(folder.file("data"), clock: clock)
        defer { rig.stop() }
        var generator = SystemLike(seed: seed)
        var wanted: [String: Timestamp] = [:]
        for number in 0..<4 {
            let record = try rig.node.create("shop\(number)")
            let items = (0..<40).map { item in
                let at = TestNode.start.adding(milliseconds: Int64(generator.next() % 60) * 600_000)
                return ("\(number)-\(item)", at)
            }
            for (item, at) in items { wanted["due:\(item)"] = at }
            try rig.add(items, to: record)
        }
        for _ in 0..<100 {
            let forward = generator.next() % 3 != 0
            clock.advance(milliseconds: Int64(generator.next() % 3_600_000) * (forward ? 1 : -1))
            if generator.next() % 4 == 0 { try rig.rounds.wait(1) }
        }
        clock.set(TestNode.start.adding(days: 2))
        try rig.rounds.wait { rig.all.count >= wanted.count }
        try rig.rounds.wait(2)
        #expect(rig.all.count == wanted.count)
        #expect(Set(rig.all.map(\.item)) == Set(wanted.keys))
        for done in rig.all { #expect(done.at >= wanted[done.item] ?? .latest) }
    }

    @Test(
        "W9 a node that was stopped, or killed, over a due time does what it missed, each once",
        arguments: [true, false])
    func missed(isKilled: Bool) throws {
        let clock = ManualClock(TestNode.start)
        let data = folder.file("data")
        let rig = try DueRig(data, clock: clock)
        let record = try rig.node.create("shop")
        try rig.add((0..<30).map { ("\($0)", TestNode.start.adding(seconds: Int64($0) * 60)) }, to: record)
        clock.advance(seconds: 300)
        try rig.rounds.wait { rig.all.count == 6 }
        let copy = folder.file("copy")
        if isKilled { try DataFolder.image(of: data, to: copy) }
        rig.stop()
        if !isKilled { try DataFolder.image(of: data, to: copy) }
        clock.advance(seconds: 86_400)
        let again = try DueRig(copy, clock: clock, seed: 2)
        defer { again.stop() }
        try again.rounds.wait { again.all.count >= 24 }
        try again.rounds.wait(2)
        #expect(again.all.count == 24)
        #expect(Set(again.all.map(\.item)).count == 24)
    }

    @Test("W9 exactly the files are opened in which something is due")
    func coldFiles() throws {
        let clock = ManualClock(TestNode.start)
        let data = folder.file("data")
        var rig = try DueRig(data, clock: clock)
        let hour = TestNode.start.adding(seconds: 3_600)
        for number in 0..<40 {
            let record = try rig.node.create("shop\(number)")
            // Some are due in an hour, some later, most never.
            if number % 10 == 0 { try rig.add([("\(number)", hour)], to: record) }
            if number % 10 == 1 { try rig.add([("\(number)", hour.adding(days: 1))], to: record) }
        }
        // Files that were never asked are asked at the first start; from then on the registry knows.
        for _ in 0..<2 {
            rig.stop()
            rig = try DueRig(data, clock: clock, seed: 2)
            try rig.rounds.wait { rig.node.fleet.due.oldest(at: clock.now()).isEmpty }
        }
        defer { rig.stop() }
        #expect(rig.node.fleet.pool.metrics.filesOpened.load(ordering: .relaxed) == 0)
        clock.set(hour)
        try rig.rounds.wait { rig.all.count == 4 }
        try rig.rounds.wait(2)
        #expect(rig.node.fleet.pool.metrics.filesOpened.load(ordering: .relaxed) == 4)
    }

    @Test("P3 nothing happens in a suspended tenant; at resume it catches up, and a refunded one never does")
    func suspended() throws {
        let clock = ManualClock(TestNode.start)
        let rig = try DueRig(folder.file("data"), clock: clock)
        defer { rig.stop() }
        let (kept, gone) = (try rig.node.create("kept"), try rig.node.create("gone"))
        for record in [kept, gone] { try rig.add([(record.slug, TestNode.start.adding(seconds: 10))], to: record) }
        try turn(rig, kept, .suspended)
        try turn(rig, gone, .refunded)
        clock.advance(seconds: 3_600)
        try rig.rounds.wait(5)
        #expect(rig.all.isEmpty)
        try turn(rig, kept, .active)
        try rig.rounds.wait { !rig.all.isEmpty }
        try rig.rounds.wait(2)
        #expect(rig.all.map(\.item) == ["due:kept"])
    }

    @Test("P3 a resume is not lost, though it comes between the turn that found the tenant suspended and its end")
    func resumedMeanwhile() throws {
        let clock = ManualClock(TestNode.start)
        let rig = try DueRig(folder.file("data"), clock: clock)
        defer { rig.stop() }
        let record = try rig.node.create("shop")
        try rig.add([("it", TestNode.start.adding(seconds: 10))], to: record)
        try turn(rig, record, .suspended)
        try rig.rounds.wait { rig.node.fleet.due.oldest(at: clock.now()).isEmpty }
        rig.rounds.hold()
        try rig.rounds.wait(1)
        clock.advance(seconds: 3_600)
        rig.node.fleet.due.look(at: record)
        try rig.rounds.step()
        // Behind the turn on its lane: that was judged by the state of then.
        try rig.node.read(record) { _ in }
        try turn(rig, record, .active)
        rig.rounds.open()
        try rig.rounds.wait { !rig.all.isEmpty }
        #expect(rig.all.map(\.item) == ["due:it"])
    }

    private func turn(_ rig: DueRig, _ record: TenantRecord, _ state: TenantState) throws {
        try awaited { then in
            rig.node.fleet.change(record, as: rig.node.fleet.ownAct("tenant.changed")) {
                $0.state = state
            } then: {
                then($0)
            }
        }
    }

    @Test("W9 one item that cannot be done holds up none before it, no other tenant, and is tried again")
    func broken() throws {
        let clock = ManualClock(TestNode.start)
        let rig = try DueRig(folder.file("data"), clock: clock)
        let (bad, good) = (try rig.node.create("bad"), try rig.node.create("good"))
        rig.breakItem("due:b-5")
        for (record, name) in [(bad, "b"), (good, "g")] {
            try rig.add((0..<10).map { ("\(name)-\($0)", TestNode.start.adding(seconds: Int64($0))) }, to: record)
        }
        clock.advance(seconds: 60)
        try rig.rounds.wait { rig.all.count == 15 }
        try rig.rounds.wait(5)
        #expect(rig.all.count == 15)
        // What waits is told since when, though its next try is later.
        #expect(rig.node.fleet.due.oldest(at: clock.now())[.renewal] == TestNode.start.milliseconds + 5_000)
        // A restart begins anew: what failed is tried at once.
        rig.stop()
        let again = try DueRig(folder.file("data"), clock: clock, seed: 2)
        defer { again.stop() }
        try again.rounds.wait { again.all.count == 5 }
        #expect(again.all.map(\.item) == (5..<10).map { "due:b-\($0)" })
    }

    @Test("G7 a scheduler that stands still while work is due is told by /readyz, and says nothing by itself")
    func stalled() async throws {
        let steady = ManualMonotonicClock(nanoseconds: 1)
        let clock = ManualClock(TestNode.start)
        let fleet = try Fleet(
            data: try DataDirectory(path: folder.file("data")), schema: .app, clock: clock, monotonic: steady,
            report: { _ in })
        let rounds = Rounds()
        let scheduler = try Scheduler(fleet) { rounds.pass() }
        defer {
            rounds.open()
            scheduler.stop()
            fleet.stop()
            fleet.data.release()
        }
        let node = try Self.client(of: fleet, scheduler)
        rounds.hold()
        try rounds.wait(1)
        steady.advance(nanoseconds: 61_000_000_000)
        #expect(!scheduler.isStalled, "nothing is due")
        #expect(try await node.send(TestRequest("GET", "/readyz")).status == 200)
        let creation = Fleet.Creation(
            slug: "shop", blueprint: "hosting", tier: .lite, currency: "EUR", keyPrefix: "tst",
            ownerEmail: "o@shop.example")
        let (record, _) = try awaited { then in
            fleet.create(creation, as: fleet.ownAct("tenant.created"), fill: { _ in }, then: then)
        }
        fleet.due.look(at: record)
        #expect(scheduler.isStalled)
        let told = try await node.send(TestRequest("GET", "/readyz"))
        #expect(told.status == 503 && told.text == "the scheduler does not move\n")
        #expect(told.field("Retry-After") != nil)
        // It lives all the same: nobody is to start it again for that.
        #expect(try await node.send(TestRequest("GET", "/healthz")).status == 200)
        rounds.open()
        try rounds.wait { !scheduler.isStalled }
        #expect(try await node.send(TestRequest("GET", "/readyz")).status == 200)
    }

    /// Calls of a node whose scheduler this is.
    private static func client(of fleet: Fleet, _ scheduler: Scheduler) throws -> InProcess {
        let blueprints = try Blueprints(folder: TestGateway.root + "/tenants")
        let services = try Services(
            fleet: fleet, scrypt: Scrypt(costLog2: 4), outbound: NoOutboundCalls(), states: [blueprints])
        var configuration = Configuration()
        configuration.baseDomain = TestGateway.baseDomain
        return InProcess(
            Gateway.handler(
                of: fleet, services: services, blueprints: blueprints, configuration: configuration,
                scheduler: scheduler))
    }

    @Test("G7 turns that hang in tenants' lanes until no other tenant gets one are told as a stall, and so is its end")
    func hanging() throws {
        let steady = ManualMonotonicClock(nanoseconds: 1)
        let clock = ManualClock(TestNode.start)
        let reports = ReportList()
        let fleet = try Fleet(
            data: try DataDirectory(path: folder.file("data")), schema: .app, clock: clock, monotonic: steady,
            report: { reports.add($0) })
        let rounds = Rounds()
        let scheduler = try Scheduler(fleet) { rounds.pass() }
        let gate = DispatchSemaphore(value: 0)
        let count = 4
        func letGo() { for _ in 0..<count { gate.signal() } }
        defer {
            letGo()
            rounds.open()
            scheduler.stop()
            fleet.stop()
            fleet.data.release()
        }
        let records = try (0..<count).map { number -> TenantRecord in
            let creation = Fleet.Creation(
                slug: "shop\(number)", blueprint: "hosting", tier: .lite, currency: "EUR", keyPrefix: "tst",
                ownerEmail: "o@shop.example")
            let (record, _) = try awaited { then in
                fleet.create(creation, as: fleet.ownAct("tenant.created"), fill: { _ in }, then: then)
            }
            return record
        }
        try rounds.wait { fleet.due.oldest(at: clock.now()).isEmpty }
        rounds.hold()
        try rounds.wait(1)
        for record in records {
            record.onLane(writes: false, { _ in gate.wait() }, then: { (_: Result<Void, any Error>) in })
            fleet.due.look(at: record)
        }
        try rounds.step()
        rounds.open()
        try rounds.wait(2)
        #expect(!scheduler.isStalled)
        steady.advance(nanoseconds: 61_000_000_000)
        // The thread itself moves all the while.
        try rounds.wait(2)
        #expect(scheduler.isStalled)
        scheduler.watch()
        letGo()
        try rounds.wait { !scheduler.isStalled }
        scheduler.watch()
        let told = reports.all.filter { $0.contains("scheduler") }
        #expect(told.first == "none of the scheduler's 4 turns has ended for 60 s while work is due")
        #expect(told.dropFirst() == ["the scheduler moves again"])
    }

    @Test("W9 a backlog is done in turns: calls of the same tenant are answered between them")
    func backlog() throws {
        let clock = ManualClock(TestNode.start)
        let rig = try DueRig(folder.file("data"), clock: clock)
        defer { rig.stop() }
        let record = try rig.node.create("shop")
        try rig.add((0..<2_000).map { ("\($0)", TestNode.start.adding(seconds: 1)) }, to: record)
        clock.advance(seconds: 10)
        var between = 0
        try rig.rounds.wait {
            let before = rig.all.count
            if before > 0 && before < 2_000 {
                _ = try rig.node.head(of: record)
                between += 1
            }
            return rig.all.count == 2_000
        }
        #expect(between > 3)
    }
}

/// Small and repeatable.
private struct SystemLike: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
