import Foundation
import SQLite
import Synchronization
import TestTenants
import Testing

@testable import TenantRegistry

/// A lane whose commits go to a log, and the log does what the test says.
@Suite struct LaneLogTests {
    let folder: TestFolder
    let pool = LanePool(workers: 4, openFilesMax: 10)
    let log = KeptLog()

    init() throws { folder = try TestFolder() }

    private func scratch(
        _ name: String = "scratch.sqlite", log: KeptLog? = nil, rests: Bool = false,
        _ shape: (inout Lane<ScratchFile>.Bounds) -> Void = { _ in }
    ) -> ScratchLane {
        ScratchLane(
            folder.file(name), pool: pool, controls: ScratchControls(commits: log ?? self.log, rests: rests), shape)
    }

    /// Closes the file and ends the workers.
    private func end(_ lanes: ScratchLane...) throws {
        for lane in lanes {
            lane.controls.commits?.keepUp()
            try lane.exclusively { $0.closeFile() }.value()
        }
        pool.close()
    }

    /// A row that is noted as an effect, and who was told in which order.
    private func write(_ value: Int64, on scratch: ScratchLane, _ told: Told) {
        scratch.lane.submit(
            LaneJob(
                writes: true,
                perform: { file in
                    try file.insert(value)
                    file.note(value)
                    return { _ in told.add("\(value)") }
                },
                fail: { told.add("\(value) \($0.name)") }))
    }

    private func read(_ name: String, on scratch: ScratchLane, _ told: Told) {
        scratch.lane.submit(
            LaneJob(
                writes: false,
                perform: { file in
                    let values = try file.values()
                    return { _ in told.add("\(name) \(values)") }
                },
                fail: { told.add("\(name) \($0.name)") }))
    }

    @Test("B1 nobody is answered and nothing outside the lane moves before the log has the commit, in the lane's order")
    func waits() throws {
        let scratch = scratch()
        let told = Told()
        let effects = { scratch.controls.effects.withLock { $0 } }
        for value: Int64 in 1...3 {
            write(value, on: scratch, told)
            try scratch.passBatches()
        }
        // The lane has gone on: each batch has its own commit, and none waited for the one before.
        #expect(log.appended == 3)
        #expect(told.all == [] && effects() == [])
        log.advance(by: 1)
        #expect(told.all == ["1"] && effects() == [1])
        log.advance(by: 1)
        #expect(told.all == ["1", "2"] && effects() == [1, 2])
        log.advance()
        #expect(told.all == ["1", "2", "3"] && effects() == [1, 2, 3])
        try end(scratch)
    }

    @Test("B1 where a file does not open and a lost commit may come back, only a write's outcome is unknown")
    func unopened() throws {
        let lane = Lane<ScratchFile>(
            name: "scratch", pool: pool, bounds: .init(), open: { throw LaneFailure.outcomeUnknown }, recover: {},
            report: { _ in })
        func told(writes: Bool) throws -> String {
            let promise = Promise<String>()
            lane.submit(
                LaneJob(
                    writes: writes, perform: { _ in { _ in promise.succeed("done") } },
                    fail: { promise.succeed($0.name) }))
            return try promise.value()
        }
        #expect(try told(writes: true) == "outcomeUnknown")
        #expect(try told(writes: false) == "notCommitted")
        pool.close()
    }

    @Test("B1 a read waits for all that it saw, and for no more")
    func reads() throws {
        let scratch = scratch()
        let told = Told()
        write(1, on: scratch, told)
        try scratch.passBatches()
        read("a", on: scratch, told)
        try scratch.passBatches()
        write(2, on: scratch, told)
        try scratch.passBatches()
        read("b", on: scratch, told)
        try scratch.passBatches()
        #expect(told.all == [])
        log.advance(by: 1)
        #expect(told.all == ["1", "a [1]"])
        log.advance()
        #expect(told.all == ["1", "a [1]", "2", "b [1, 2]"])
        read("c", on: scratch, told)
        try scratch.passBatches()
        #expect(told.all.last == "c [1, 2]")
        try end(scratch)
    }

    @Test("B1 a refusal waits for what it was judged by")
    func refusals() throws {
        let scratch = scratch()
        let told = Told()
        write(1, on: scratch, told)
        try scratch.passBatches()
        scratch.lane.submit(
            LaneJob(
                writes: true,
                perform: { file in
                    if try file.values() == [1] { throw LaneFailure.quotaReached }
                    return { _ in told.add("done") }
                },
                fail: { told.add($0.name) }))
        try scratch.passBatches()
        #expect(told.all == [])
        log.advance()
        #expect(told.all == ["1", "quotaReached"])
        try end(scratch)
    }

    @Test(
        "B1 lanes keep their order under many callers while durability comes by fits and starts", arguments: [1, 2, 3])
    func order(seed: UInt64) throws {
        let lanes = (0..<4).map { index in
            let scratch = scratch("\(index).sqlite", log: KeptLog()) { bounds in
                bounds.batchJobsMax = Int(seed) * 7
                bounds.batchMicrosecondsMax = 500
            }
            return (scratch: scratch, ran: Told(), told: Told())
        }
        let stops = Atomic(false)
        let mover = Promise<Void>()
        startThread("mover") {
            var state = seed
            while !stops.load(ordering: .relaxed) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                lanes[Int(state >> 33) % lanes.count].scratch.controls.commits?
                    .advance(by: Int(state >> 40) % 3 + 1)
            }
            mover.succeed(())
        }
        let callers = (0..<6).map { caller -> Promise<Void> in
            let done = Promise<Void>()
            startThread("caller-\(caller)") {
                var waiting: [Promise<Void>] = []
                for round in 0..<152 {
                    let (scratch, ran, told) = lanes[(caller + round) % lanes.count]
                    let name = "\(caller).\(round)"
                    let answered = Promise<Void>()
                    waiting.append(answered)
                    scratch.lane.submit(
                        LaneJob(
                            writes: round % 3 != 0,
                            perform: { file in
                                if round % 3 != 0 { try file.insert(Int64(round)) }
                                ran.add(name)
                                return { _ in
                                    told.add(name)
                                    answered.succeed(())
                                }
                            },
                            fail: { answered.fail($0) }))
                }
                for answered in waiting { _ = try? answered.value() }
                done.succeed(())
            }
            return done
        }
        for caller in callers { try caller.value() }
        stops.store(true, ordering: .relaxed)
        try mover.value()
        for lane in lanes {
            #expect(lane.told.all.count == 228 && Set(lane.told.all).count == 228)
            #expect(lane.told.all == lane.ran.all)
            lane.scratch.controls.commits?.advance()
            try lane.scratch.exclusively { $0.closeFile() }.value()
        }
        pool.close()
    }

    @Test("B1 a log that fails tells each caller the truth, and its handle is thrown away without a byte to the file")
    func fails() throws {
        let scratch = scratch()
        let told = Told()
        for value: Int64 in 1...3 {
            write(value, on: scratch, told)
            try scratch.passBatches()
        }
        read("a", on: scratch, told)
        try scratch.passBatches()
        log.advance(by: 1)
        log.fail()
        #expect(told.all == ["1", "2 outcomeUnknown", "3 outcomeUnknown", "a notCommitted"])
        #expect(scratch.controls.effects.withLock { $0 } == [1])
        #expect(scratch.controls.dropped.withLock { $0 } == [3, 2])
        log.goOn()
        #expect(try scratch.values() == [1])
        #expect(scratch.controls.discarded.load(ordering: .relaxed) == 1)
        write(4, on: scratch, told)
        try scratch.passBatches()
        log.advance()
        #expect(told.all.last == "4")
        #expect(try scratch.values() == [1, 4])
        try end(scratch)
        #expect(pool.metrics.batchesUnknown.load(ordering: .relaxed) > 0)
        #expect(pool.metrics.fences.load(ordering: .relaxed) == 0)
    }

    @Test("B1 while the log is down writes are refused, and reads of what is durable are served")
    func down() throws {
        let scratch = scratch()
        let told = Told()
        write(1, on: scratch, told)
        try scratch.passBatches()
        log.advance()
        log.fail()
        let gate = try scratch.hold()
        write(2, on: scratch, told)
        read("a", on: scratch, told)
        gate.open()
        try scratch.passBatches()
        #expect(told.all == ["1", "2 notCommitted", "a [1]"])
        #expect(scratch.controls.discarded.load(ordering: .relaxed) == 0)
        log.goOn()
        write(3, on: scratch, told)
        try scratch.passBatches()
        log.advance()
        #expect(try scratch.values() == [1, 3])
        #expect(scratch.controls.discarded.load(ordering: .relaxed) == 0)
        try end(scratch)
    }

    @Test("B1 what the log does not take was not done: nobody else's commit is touched, and the lane goes on")
    func refuses() throws {
        let scratch = scratch()
        let told = Told()
        write(1, on: scratch, told)
        try scratch.passBatches()
        log.refuse(.full)
        write(2, on: scratch, told)
        try scratch.passBatches()
        log.refuse(.failed)
        write(3, on: scratch, told)
        try scratch.passBatches()
        log.refuse(nil)
        write(4, on: scratch, told)
        try scratch.passBatches()
        // Each waits for what it may have seen.
        #expect(told.all == [])
        log.advance()
        #expect(told.all == ["1", "2 storageFull", "3 notCommitted", "4"])
        #expect(scratch.controls.effects.withLock { $0 } == [1, 4])
        #expect(try scratch.values() == [1, 4])
        try end(scratch)
    }

    @Test("B1 a commit that the log took and SQLite did not is unknown, and the file is opened anew before the next")
    func behind() throws {
        let scratch = scratch()
        try scratch.submit { _ in }.value()
        let told = Told()
        write(1, on: scratch, told)
        try scratch.passBatches()
        log.advance()
        let lost = scratch.submit { file in
            try file.insert(2)
            try file.failBehindLog()
        }
        wait { log.appended == 2 }
        log.keepUp()
        #expect(try lost.result().laneFailure?.name == "outcomeUnknown")
        try scratch.submit { try $0.insert(3) }.value()
        #expect(try scratch.values() == [1, 3])
        #expect(scratch.controls.discarded.load(ordering: .relaxed) == 1)
        try end(scratch)
    }

    @Test("B1 exclusive work, and whoever waits for quiet, comes when everything before is durable and answered")
    func exclusive() throws {
        let scratch = scratch()
        let told = Told()
        write(1, on: scratch, told)
        try scratch.passBatches()
        scratch.lane.exclusively({ _ in told.add("exclusive") }, orElse: { _ in })
        write(2, on: scratch, told)
        let quiet = Promise<Void>()
        #expect(told.all == [])
        log.advance(by: 1)
        try scratch.passBatches()
        #expect(told.all == ["1", "exclusive"])
        scratch.lane.whenQuiet {
            told.add("quiet")
            quiet.succeed(())
        }
        #expect(told.all == ["1", "exclusive"])
        log.advance()
        try quiet.value()
        #expect(told.all == ["1", "exclusive", "2", "quiet"])
        try end(scratch)
    }

    @Test("B1 a file is closed, for want of room or for ever, when the log has all of it")
    func closing() throws {
        let small = LanePool(workers: 2, openFilesMax: 1)
        let lanes = ["a", "b"].map { name in
            ScratchLane(folder.file(name), pool: small, controls: ScratchControls(commits: KeptLog()))
        }
        let told = Told()
        write(1, on: lanes[0], told)
        try lanes[0].passBatches()
        try lanes[1].passBatches()
        // The first was asked to close, and waits.
        #expect(lanes[0].controls.closed.wait(timeout: .now()) == .timedOut)
        #expect(told.all == [])
        lanes[0].controls.commits?.advance()
        #expect(lanes[0].controls.closed.wait(timeout: .now() + 60) == .success)
        #expect(told.all == ["1"])
        let file = try Connection(path: folder.file("a"))
        #expect(try file.rows("SELECT value FROM item") { try $0.int() } == [1])
        file.close()
        write(2, on: lanes[1], told)
        try lanes[1].passBatches()
        let retired = lanes[1].exclusively { $0.retire() }
        #expect(told.all == ["1"])
        lanes[1].controls.commits?.advance()
        try retired.value()
        #expect(told.all == ["1", "2"])
        small.close()
    }

    @Test("B1 no checkpoint goes past what is durable: a lane whose WAL has grown too long is parked, not its worker")
    func checkpoints() throws {
        let one = LanePool(workers: 1, openFilesMax: 10)
        let scratch = ScratchLane(
            folder.file("scratch.sqlite"), pool: one, controls: ScratchControls(commits: log, rests: true))
        #expect(try scratch.values() == [])
        let before = try Data(contentsOf: URL(fileURLWithPath: folder.file("scratch.sqlite")))
        let told = Told()
        let filling = Connection.pageBytes * 8
        var sent = 0
        while sent < CheckpointPace.memoryBatchesMin * 2 {
            sent += 1
            let value = Int64(sent)
            scratch.lane.submit(
                LaneJob(
                    writes: true,
                    perform: { file in
                        try file.insert(value, fillingBytes: filling)
                        return { _ in told.add("\(value)") }
                    },
                    fail: { told.add("\(value) \($0.name)") }))
            wait { log.appended == sent }
        }
        wait { one.metrics.parked.load(ordering: .relaxed) > 0 }
        #expect(one.metrics.parked.load(ordering: .relaxed) == 1)
        #expect(one.metrics.checkpoints.load(ordering: .relaxed) == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("scratch.sqlite"))) == before)
        // The one worker is free for others.
        let other = ScratchLane(folder.file("other.sqlite"), pool: one)
        try other.submit { try $0.insert(1) }.value()
        #expect(told.all == [])
        log.advance()
        #expect(told.all.count == sent)
        #expect(try scratch.values().count == sent)
        #expect(one.metrics.checkpoints.load(ordering: .relaxed) == 1)
        for lane in [scratch, other] { try lane.exclusively { $0.closeFile() }.value() }
        one.close()
    }

    @Test("B1 a checkpoint that is due comes when the log has everything, though nobody calls any more")
    func restsLater() throws {
        let scratch = scratch(rests: true)
        let told = Told()
        for value in 1...Int64(CheckpointPace.memoryBatchesMin + 6) {
            scratch.lane.submit(
                LaneJob(
                    writes: true,
                    perform: { file in
                        try file.insert(value, fillingBytes: Connection.pageBytes * 8)
                        return { _ in told.add("\(value)") }
                    },
                    fail: { told.add("\(value) \($0.name)") }))
            try scratch.passBatches()
        }
        #expect(pool.metrics.checkpoints.load(ordering: .relaxed) == 0)
        log.advance()
        try scratch.passBatches()
        #expect(pool.metrics.checkpoints.load(ordering: .relaxed) == 1)
        #expect(scratch.lane.walPages.load(ordering: .relaxed) == 0)
        try end(scratch)
    }

    @Test("B1 a lane that is woken while it runs runs once more, and not for ever")
    func wokenWhileRunning() throws {
        let scratch = scratch()
        let asked: @Sendable () -> Int = { scratch.controls.restsAsked.load(ordering: .relaxed) }
        let before = try scratch.submit(writes: false) { _ in
            scratch.lane.wake()
            return asked()
        }.value()
        wait { asked() >= before + 2 }
        #expect(asked() == before + 2)
        // Nothing is left of it.
        let then = try scratch.exclusively { _ in asked() }.value()
        #expect(then == before + 2)
        try end(scratch)
    }

    @Test("B1 no batch that writes begins while the log has no room; reads go on, and all goes on as soon as it has")
    func room() throws {
        let scratch = scratch()
        let told = Told()
        write(1, on: scratch, told)
        try scratch.passBatches()
        log.crowd(true)
        read("a", on: scratch, told)
        try scratch.passBatches()
        write(2, on: scratch, told)
        wait { pool.metrics.parked.load(ordering: .relaxed) == 1 }
        #expect(log.appended == 1)
        #expect(told.all == [])
        log.crowd(false)
        log.advance()
        wait { log.appended == 2 }
        log.advance()
        wait { told.all.count == 3 }
        #expect(told.all == ["1", "a [1]", "2"])
        try end(scratch)
    }

    @Test("B1 a lane has only so many unanswered, whatever the log does")
    func bounded() throws {
        let scratch = scratch { $0.waitingMax = 4 }
        let told = Told()
        for value in 1...4 {
            write(Int64(value), on: scratch, told)
            wait { log.appended == value }
        }
        let queued = (5...12).map { value in scratch.submit { try $0.insert(Int64(value)) } }
        #expect(scratch.lane.waiting == 4)
        #expect(try queued.last?.result().laneFailure?.name == "tooManyWaiting")
        #expect(told.all == [])
        log.keepUp()
        for job in queued[..<4] { try job.value() }
        #expect(told.all == ["1", "2", "3", "4"])
        #expect(try scratch.values() == [1, 2, 3, 4, 5, 6, 7, 8])
        try end(scratch)
    }

    /// Waits for a state that comes by itself.
    private func wait(until isSo: () -> Bool) {
        for _ in 0..<60_000 where !isSo() { pause(milliseconds: 1) }
    }
}

/// What callers were told, in order. Any thread.
private final class Told: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}
