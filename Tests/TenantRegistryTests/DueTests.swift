import CallKit
import Synchronization
import TenantRegistry
import TestTenants
import Testing

@Suite struct ClockGuardTests {
    private static let hour: UInt64 = 3_600_000_000_000
    private let start = TestNode.start
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test("W9 a clock that goes as it should is believed, and so is one that is set by an hour or a day")
    func believed() {
        let clocks = ClockGuard(leapHoursMax: 25)
        for step in 0..<100 {
            let drift: Int64 = [0, 3_600, -3_600, 86_400][step % 4]
            clocks.look(start.adding(seconds: Int64(step) * 3_600 + drift), steady: UInt64(step) * Self.hour)
            #expect(clocks.leapMilliseconds == nil)
        }
    }

    @Test("W9 a leap of more than 25 h is not believed until it is back")
    func back() {
        let clocks = ClockGuard(leapHoursMax: 25)
        clocks.look(start, steady: 0)
        #expect(clocks.look(start.adding(seconds: 26 * 3_600), steady: 1))
        #expect(clocks.leapMilliseconds == Int64(26 * 3_600_000))
        // It goes on from there, and is no more believed for that.
        clocks.look(start.adding(seconds: 27 * 3_600), steady: Self.hour)
        #expect(clocks.leapMilliseconds == Int64(26 * 3_600_000))
        #expect(clocks.look(start.adding(seconds: 2 * 3_600), steady: 2 * Self.hour))
        #expect(clocks.leapMilliseconds == nil)
    }

    @Test("W9 a leap is believed once a person says so, and the next one is not")
    func accepted() {
        let clocks = ClockGuard(leapHoursMax: 25)
        clocks.look(start, steady: 0)
        let far = start.adding(days: 400)
        clocks.look(far, steady: 0)
        #expect(clocks.accept(far, steady: 0) == 400 * Timestamp.millisecondsPerDay)
        clocks.look(far, steady: 1)
        #expect(clocks.leapMilliseconds == nil)
        clocks.look(far.adding(days: 2), steady: 2)
        #expect(clocks.leapMilliseconds != nil)
    }

    @Test("W9 a clock that falls far back and comes to itself again raises no alarm")
    func fallen() {
        let clocks = ClockGuard(leapHoursMax: 25)
        clocks.look(start, steady: 0)
        clocks.look(Timestamp(milliseconds: 0), steady: 1)
        clocks.look(start, steady: 2)
        #expect(clocks.leapMilliseconds == nil)
    }

    @Test("W9 a leap that is not believed is not believed after a restart either, until it is back or a person says so")
    func restarted() throws {
        let path = folder.file("clock.leapt")
        let far = start.adding(days: 365)
        func begin(_ steady: UInt64 = 0) -> ClockGuard { ClockGuard(leapHoursMax: 25, path: path, steady: steady) }
        let first = begin()
        first.look(start, steady: 0)
        #expect(DataDirectory.size(of: path) == nil)
        first.look(far, steady: 0)
        // Another boot counts from another moment.
        let second = begin(7 * Self.hour)
        #expect(!second.believes(far, steady: 7 * Self.hour))
        #expect(second.look(far, steady: 7 * Self.hour))
        #expect(second.leapMilliseconds == 365 * Timestamp.millisecondsPerDay)
        let third = begin()
        third.look(start.adding(seconds: 60), steady: 0)
        #expect(third.leapMilliseconds == nil && DataDirectory.size(of: path) == nil)
        #expect(second.beganInLeap && third.beganInLeap && !first.beganInLeap && !begin().beganInLeap)
        // As a kill leaves it that came while it was written.
        try DataDirectory.writeNew(Array("1".utf8), to: path + ".new")
        third.look(far, steady: 1)
        let fourth = begin()
        fourth.look(far, steady: 0)
        #expect(fourth.accept(far, steady: 0) != nil && DataDirectory.size(of: path) == nil)
        fourth.look(far.adding(days: 365), steady: 1)
        _ = ClockGuard(leapHoursMax: 0, path: path)
        #expect(DataDirectory.size(of: path) == nil, "who believes every clock leaves none in doubt")
    }

    @Test("W9 without a bound every clock is believed")
    func unbounded() {
        let clocks = ClockGuard(leapHoursMax: 0)
        clocks.look(start, steady: 0)
        clocks.look(.latest, steady: 1)
        #expect(clocks.leapMilliseconds == nil)
    }
}

@Suite struct DueBoardTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test(
        "W9 the board gives tenants in the order of their hours, whatever was noted, put off or done", arguments: 1...4)
    func order(seed: UInt64) throws {
        let clock = ManualClock(TestNode.start)
        let node = try TestNode(folder.file("data"), clock: clock)
        defer { node.stop() }
        let board = node.fleet.due
        let records = try (0..<20).map { try node.create("shop\($0)") }
        // What each is to be asked at, by the model.
        var hours: [TenantID: Int64] = [:]
        var random = seed
        func next(_ bound: UInt64) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((random >> 33) % bound)
        }
        for record in records { board.drop(record) }
        for _ in 0..<2_000 {
            let now = clock.now().milliseconds
            switch next(4) {
            case 0:
                let record = records[next(20)]
                board.look(at: record)
                hours[record.id] = min(hours[record.id] ?? .max, now)
            case 1:
                clock.advance(milliseconds: Int64(next(5_000)))
            case 2:
                let record = records[next(20)]
                board.drop(record)
                hours[record.id] = nil
            default:
                let due = hours.filter { $0.value <= now }
                guard let (record, hour) = board.take(at: clock.now()) else {
                    #expect(due.isEmpty)
                    continue
                }
                #expect(hours[record.id] == hour.milliseconds && hour.milliseconds == due.values.min())
                var times = DueTimes()
                let at = now + Int64(next(20_000)) + 1
                if next(5) > 0 { times[.renewal] = at }
                board.finish(record, times)
                hours[record.id] = times.first?.at
            }
            #expect(board.sleep() == hours.values.min() ?? DueTimes.never)
            #expect(board.tenantCount == hours.count)
        }
    }

    @Test("W9 a tenant that was put off by a clock that was ahead is asked as soon as that falls back")
    func fallenBack() throws {
        let clock = ManualClock(TestNode.start)
        let node = try TestNode(folder.file("data"), clock: clock)
        defer { node.stop() }
        let board = node.fleet.due
        let (putOff, later) = (try node.create("shop"), try node.create("later"))
        for record in [putOff, later] { board.drop(record) }
        let ahead = TestNode.start.adding(days: 365)
        let far = ahead.adding(days: 2)
        try node.write(later) { tenant, _ in tenant.noteDue(.renewal, at: far) }
        board.look(at: putOff)
        clock.set(ahead)
        #expect(board.take(at: clock.now())?.record === putOff)
        board.postpone(putOff, until: ahead.adding(seconds: 10), kind: .renewal)
        clock.set(TestNode.start)
        board.fallBack(from: ahead)
        #expect(putOff.dueAt == TestNode.start)
        #expect(later.dueAt == far)
        board.fallBack(from: .latest)
        #expect(later.dueAt == TestNode.start, "nobody knows any more how far the clock was ahead")
    }

    @Test("H3 W13 a turn fetches back what lies further ahead than any try of its kind, before all else")
    func fetchedBack() {
        let now = TestNode.start
        var times = DueTimes()
        times[.renewal] = now.milliseconds
        for kind in [DueKind.delivery, .provisioning] {
            times[kind] = kind.latestTry(at: now).milliseconds
            #expect(times.turn(of: DueKind.allCases, at: now) == .renewal)
            times[kind] += 1
            #expect(times.turn(of: DueKind.allCases, at: now) == kind)
            #expect(times.turn(of: DueKind.inFile, at: now) == .renewal)
            times[kind] = now.milliseconds
        }
        times[.renewal] += 1
        #expect(times.turn(of: DueKind.allCases, at: now) == nil, "what is outside the file is not for a turn")
    }

    @Test("W9 what commits while a file is being asked is not forgotten")
    func meanwhile() throws {
        let clock = ManualClock(TestNode.start)
        let node = try TestNode(folder.file("data"), clock: clock)
        defer { node.stop() }
        let record = try node.create("shop")
        node.fleet.due.look(at: record)
        #expect(node.fleet.due.take(at: clock.now())?.record === record)
        let at = TestNode.start.adding(seconds: 30)
        try node.write(record) { tenant, _ in tenant.noteDue(.renewal, at: at) }
        node.fleet.due.finish(record, DueTimes())
        #expect(record.dueAt == at)
    }

    @Test("P3 a resume that is said while a suspended tenant's file is being asked is not forgotten")
    func resumedMeanwhile() throws {
        let clock = ManualClock(TestNode.start)
        let node = try TestNode(folder.file("data"), clock: clock)
        defer { node.stop() }
        let board = node.fleet.due
        let record = try node.create("shop")
        board.look(at: record)
        #expect(board.take(at: clock.now())?.record === record)
        board.close(record)
        let taken = board.take(at: clock.now())
        #expect(taken?.record.id == nil, "it waits for somebody to say so")
        board.look(at: record)
        #expect(board.take(at: clock.now())?.record === record)
        board.look(at: record)
        board.close(record)
        #expect(board.take(at: clock.now())?.record === record)
        // One that went and was taken over again meanwhile stands as it was then told.
        board.drop(record)
        board.look(at: record)
        board.close(record)
        #expect(board.take(at: clock.now())?.record === record)
    }

    @Test("W9 work outside the files is woken behind the commit, and asked for again though nobody says how it went")
    func outbound() throws {
        let clock = ManualClock(TestNode.start)
        let node = try TestNode(folder.file("data"), clock: clock)
        defer { node.stop() }
        let work = Work()
        node.fleet.due.register(work)
        let record = try node.create("shop")
        let woken = try awaited { then in
            work.attach(then)
            node.submit(record, "POST /test", book: .live, { tenant, _ in tenant.noteDue(.delivery, at: tenant.now) }) {
                _ in
            }
        }
        #expect(woken == record.id)
        #expect(record.dueAt == TestNode.start.adding(milliseconds: DueBoard.askAgainMilliseconds))
        // The file says that it is still due: it is woken again.
        clock.advance(milliseconds: DueBoard.askAgainMilliseconds)
        #expect(node.fleet.due.take(at: clock.now())?.record === record)
        var times = DueTimes()
        times[.delivery] = TestNode.start.milliseconds
        let again = try awaited { then in
            work.attach(then)
            node.fleet.due.finish(record, times)
        }
        #expect(again == record.id)
        let waiting = clock.now().adding(milliseconds: 5_000)
        #expect(node.fleet.due.oldest(at: waiting)[.delivery] == TestNode.start.milliseconds)
    }

    private final class Work: OutboundWork {
        let kind = DueKind.delivery
        private let promise = Mutex<(@Sendable (Result<TenantID, any Error>) -> Void)?>(nil)

        func attach(_ then: @escaping @Sendable (Result<TenantID, any Error>) -> Void) {
            promise.withLock { $0 = then }
        }

        func wake(_ record: TenantRecord) {
            let then = promise.withLock { promise in
                defer { promise = nil }
                return promise
            }
            then?(.success(record.id))
        }
    }
}
