import Foundation
import SQLite
import Synchronization
import TestTenants
import Testing

@testable import TenantRegistry

@Suite struct LaneTests {
    let folder: TestFolder
    let pool = LanePool(workers: 2, openFilesMax: 10)

    init() throws { folder = try TestFolder() }

    struct Refused: Error {}

    private func scratch(
        _ name: String = "scratch.sqlite", pages: Int64? = nil,
        _ shape: (inout Lane<ScratchFile>.Bounds) -> Void = { _ in }
    ) -> ScratchLane {
        ScratchLane(folder.file(name), pool: pool, controls: ScratchControls(pageCountMax: pages), shape)
    }

    /// Closes the file and ends the workers.
    private func end(_ lanes: ScratchLane...) throws {
        for lane in lanes { try lane.exclusively { $0.closeFile() }.value() }
        pool.close()
    }

    @Test("operations that come while a batch is under way share one commit")
    func groupCommit() throws {
        let scratch = scratch()
        let gate = try scratch.hold()
        let before = pool.metrics.batches.load(ordering: .relaxed)
        let jobs = (0..<100).map { value in scratch.submit { try $0.insert(Int64(value)) } }
        gate.open()
        for job in jobs { try job.value() }
        // The one that held the lane, and one for the hundred.
        #expect(pool.metrics.batches.load(ordering: .relaxed) - before == 2)
        #expect(try scratch.values() == (0..<100).map { Int64($0) })
        try end(scratch)
    }

    @Test(
        "operations of one tenant take effect in the order of their arrival, in batches of any size",
        arguments: [1, 3, 64])
    func order(batchJobsMax: Int) throws {
        let scratch = scratch { bounds in
            bounds.batchJobsMax = batchJobsMax
            bounds.batchMicrosecondsMax = 200
        }
        let answered = Mutex<[Int64]>([])
        let jobs = (0..<500).map { value -> Promise<Void> in
            let promise = Promise<Void>()
            scratch.lane.submit(
                LaneJob(
                    writes: value % 5 != 0,
                    perform: { file in
                        if value % 5 != 0 { try file.insert(Int64(value)) }
                        return { _ in
                            answered.withLock { $0.append(Int64(value)) }
                            promise.succeed(())
                        }
                    },
                    fail: { promise.fail($0) }))
            return promise
        }
        for job in jobs { try job.value() }
        #expect(try scratch.values() == (0..<500).filter { $0 % 5 != 0 }.map { Int64($0) })
        #expect(answered.withLock { $0 } == (0..<500).map { Int64($0) })
        try end(scratch)
    }

    @Test("an operation that fails undoes its own writes and nobody else's")
    func ownFailure() throws {
        let scratch = scratch()
        // The first batch finds out that it needs savepoints, the second has them from the start.
        for round: Int64 in [0, 10] {
            let gate = try scratch.hold()
            let jobs = (1...5).map { (value: Int64) in
                scratch.submit { file in
                    try file.insert(round + value)
                    file.note(round + value)
                    if value == 3 { throw LaneFailure.quotaReached }
                    if value == 4 { try file.connection.execute("INSERT INTO item VALUES (1, 0, NULL)") }
                }
            }
            gate.open()
            let results = try jobs.map { try $0.result().laneFailure?.name }
            #expect(results == [nil, nil, "quotaReached", "failed", nil])
        }
        #expect(try scratch.values() == [1, 2, 5, 11, 12, 15])
        #expect(scratch.controls.effects.withLock { $0 } == [1, 2, 5, 11, 12, 15])
        try end(scratch)
    }

    @Test("G8 a commit that fails does nothing for anybody in its batch, and the lane goes on")
    func failingCommit() throws {
        let scratch = scratch()
        #expect(try scratch.values() == [])
        let gate = try scratch.hold()
        let jobs = (1...3).map { value in
            scratch.submit { file in
                try file.insert(Int64(value))
                file.note(Int64(value))
                if value == 2 { try file.insertBrokenReference() }
            }
        }
        gate.open()
        for job in jobs { #expect(try job.result().laneFailure?.name == "notCommitted") }
        #expect(scratch.controls.effects.withLock { $0 } == [])
        #expect(pool.metrics.commitsFailed.load(ordering: .relaxed) == 1)
        try scratch.submit { try $0.insert(4) }.value()
        #expect(try scratch.values() == [4])
        try end(scratch)
    }

    @Test("G8 a commit of unknown outcome fences the tenant until its file was copied, checked and swapped")
    func fence() throws {
        let scratch = scratch()
        try scratch.submit { try $0.insert(1) }.value()
        scratch.controls.markerFails.store(true, ordering: .relaxed)
        let lost = scratch.submit { file in
            try file.insert(2)
            try file.insertBrokenReference()
        }
        #expect(try lost.result().laneFailure?.name == "outcomeUnknown")
        scratch.controls.markerFails.store(false, ordering: .relaxed)
        #expect(scratch.controls.recoveries.load(ordering: .relaxed) == 0)
        try scratch.submit { try $0.insert(3) }.value()
        #expect(scratch.controls.recoveries.load(ordering: .relaxed) == 1)
        #expect(try scratch.values() == [1, 3])
        try scratch.exclusively { $0.closeFile() }.value()
        #expect(try scratch.values() == [1, 3])
        try end(scratch)
    }

    @Test(
        "P2 past its quota one operation is refused; the others of its batch take effect all the same",
        arguments: [0, 2, 4])
    func quota(place: Int) throws {
        let scratch = scratch(pages: 64)
        #expect(try scratch.values() == [])
        let gate = try scratch.hold()
        let jobs = (0..<5).map { value in
            scratch.submit { file in
                try file.insert(Int64(value))
                if value == place { try file.insert(99, fillingBytes: 80 * Connection.pageBytes) }
            }
        }
        gate.open()
        let results = try jobs.map { try $0.result().laneFailure?.name }
        #expect(results == (0..<5).map { $0 == place ? "quotaReached" : nil })
        #expect(pool.metrics.batchesLost.load(ordering: .relaxed) == 1)
        #expect(try scratch.values() == (0..<5).filter { $0 != place }.map { Int64($0) })
        try end(scratch)
    }

    @Test("N2 G8 where a lost batch runs one by one and a handle is thrown away, the rest runs on the file opened anew")
    func discardedAmong() throws {
        let scratch = scratch(pages: 64)
        #expect(try scratch.values() == [])
        scratch.controls.failedCommit.withLock { $0 = .told(.logUnavailable) }
        let gate = try scratch.hold()
        let jobs = (0..<4).map { value in
            scratch.submit { file in
                try file.insert(Int64(value))
                if value == 0 { try file.insertBrokenReference() }
                if value == 2 { try file.insert(99, fillingBytes: 80 * Connection.pageBytes) }
            }
        }
        gate.open()
        let results = try jobs.map { try $0.result().laneFailure?.name }
        #expect(results == ["logUnavailable", nil, "quotaReached", nil])
        #expect(scratch.controls.discarded.load(ordering: .relaxed) == 1)
        #expect(try scratch.values() == [1, 3])
        try end(scratch)
    }

    @Test("a full lane refuses at once and never grows past its bound")
    func bounded() throws {
        let scratch = scratch { $0.waitingMax = 4 }
        let gate = try scratch.hold()
        let jobs = (0..<10).map { value in scratch.submit { try $0.insert(Int64(value)) } }
        #expect(scratch.lane.waiting == 4)
        for job in jobs[4...] { #expect(try job.result().laneFailure?.name == "tooManyWaiting") }
        gate.open()
        for job in jobs[..<4] { try job.value() }
        #expect(try scratch.values() == [0, 1, 2, 3])
        try end(scratch)
    }

    @Test("exclusive work sees all that came before it committed, and nothing that came after")
    func barrier() throws {
        let scratch = scratch()
        let gate = try scratch.hold()
        let first = scratch.submit { try $0.insert(1) }
        let seen = scratch.exclusively { control in
            let file = try control.file()
            return (try file.values(), file.connection.isAutocommit)
        }
        let last = scratch.submit { try $0.insert(2) }
        gate.open()
        try first.value()
        let (values, isAutocommit) = try seen.value()
        #expect(values == [1])
        #expect(isAutocommit)
        try last.value()
        #expect(try scratch.values() == [1, 2])
        try end(scratch)
    }

    @Test("a retired lane fails what is queued and whatever comes later")
    func retire() throws {
        let scratch = scratch()
        let gate = try scratch.hold()
        let retired = scratch.exclusively { $0.retire() }
        let queued = scratch.submit { try $0.insert(1) }
        let barrier = scratch.exclusively { _ in }
        gate.open()
        try retired.value()
        #expect(try queued.result().laneFailure?.name == "closed")
        #expect(try barrier.result().laneFailure?.name == "closed")
        #expect(try scratch.submit { try $0.insert(2) }.result().laneFailure?.name == "closed")
        #expect(try scratch.exclusively { _ in }.result().laneFailure?.name == "closed")
        #expect(pool.openFiles == 0)
        pool.close()
    }

    @Test("past the bound of open files the one used longest ago is closed, and opens again with what it held")
    func eviction() throws {
        let small = LanePool(workers: 2, openFilesMax: 2)
        let lanes = ["a", "b", "c"].map { ScratchLane(folder.file($0), pool: small) }
        func isOpen(_ index: Int) throws -> Bool { try lanes[index].exclusively { $0.isOpen }.value() }
        try lanes[0].submit { try $0.insert(1) }.value()
        try lanes[1].submit { try $0.insert(2) }.value()
        #expect(small.openFiles == 2)
        try lanes[2].submit { try $0.insert(3) }.value()
        #expect(lanes[0].controls.closed.wait(timeout: .now() + 60) == .success)
        #expect(try isOpen(0) == false)
        #expect(DataDirectory.size(of: folder.file("a-wal")) == nil)
        #expect(small.openFiles == 2)
        #expect(try lanes[0].values() == [1])
        #expect(lanes[1].controls.closed.wait(timeout: .now() + 60) == .success)
        #expect(try isOpen(1) == false)
        #expect(try isOpen(2))
        for lane in lanes { try lane.exclusively { $0.closeFile() }.value() }
        small.close()
    }

    @Test("however many lanes wait for their first use, hardly more files are open than may be")
    func evictionUnderLoad() throws {
        let small = LanePool(workers: 2, openFilesMax: 10)
        let most = Mutex(0)
        let lanes = (0..<60).map { ScratchLane(folder.file("many-\($0)"), pool: small) }
        let gates = try lanes[..<2].map { try $0.hold() }
        let done = lanes.map { lane in
            lane.submit {
                try $0.insert(1)
                most.withLock { $0 = max($0, small.openFiles) }
            }
        }
        for gate in gates { gate.open() }
        for promise in done { try promise.value() }
        // Each worker has just opened one, and may have another behind it that it had begun to use.
        #expect(most.withLock { $0 } <= 10 + 4)
        for lane in lanes { try lane.exclusively { $0.closeFile() }.value() }
        small.close()
    }

    @Test("memory changes when the batch has committed, before anybody is answered")
    func effects() throws {
        let scratch = scratch()
        let gate = try scratch.hold()
        let early = Mutex<[Int64]>([])
        let late = Mutex<[Int64]>([])
        let controls = scratch.controls
        let done = Promise<Void>()
        for value in 1...2 {
            scratch.lane.submit(
                LaneJob(
                    writes: true,
                    perform: { file in
                        try file.insert(Int64(value))
                        file.note(Int64(value))
                        early.withLock { $0 += controls.effects.withLock { $0 } }
                        return { _ in
                            if value == 1 {
                                late.withLock { $0 = controls.effects.withLock { $0 } }
                            } else {
                                done.succeed(())
                            }
                        }
                    },
                    fail: { done.fail($0) }))
        }
        gate.open()
        try done.value()
        #expect(early.withLock { $0 } == [])
        #expect(late.withLock { $0 } == [1, 2])
        try end(scratch)
    }

    @Test("a file that cannot be opened fails its own operations, and is tried again with the next")
    func unopenable() throws {
        let scratch = scratch("missing/scratch.sqlite")
        #expect(try scratch.submit { try $0.insert(1) }.result().laneFailure?.name == "unavailable")
        try FileManager.default.createDirectory(atPath: folder.file("missing"), withIntermediateDirectories: true)
        try scratch.submit { try $0.insert(1) }.value()
        try end(scratch)
    }
}
