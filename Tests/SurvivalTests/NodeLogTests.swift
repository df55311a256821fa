import Synchronization
import TenantRegistry
import TestSeeds
import Testing

/// The node's log on a disk that loses, holds back and tears what was not synced.
@Suite(.serialized, .apart) struct NodeLogTests {
    private let tenants = (1...3).map { TenantID(high: UInt64($0), low: 7) }

    /// What was told, in the order in which it was.
    private final class Told: Sendable {
        private let all = Mutex<[(UInt64, LogOutcome)]>([])
        var lsns: [UInt64] { all.withLock { $0.map(\.0) } }
        var outcomes: [LogOutcome] { all.withLock { $0.map(\.1) } }

        func listen(_ log: NodeLog, _ lsn: UInt64) {
            log.whenDurable(lsn) { outcome in self.all.withLock { $0.append((lsn, outcome)) } }
        }
    }

    private func append(_ log: NodeLog, _ tenant: Int, _ text: String) throws -> UInt64 {
        try Array(text.utf8).withUnsafeBytes { try log.append($0, tenant: tenants[tenant], incarnation: 1) }
    }

    private func texts(_ log: NodeLog, _ tenant: Int, after mark: UInt64 = 0) throws -> [String] {
        var found: [String] = []
        try log.forEachRecord(of: tenants[tenant], after: mark) {
            found.append(String(decoding: $0.payload, as: UTF8.self))
        }
        return found
    }

    private func wait(_ log: NodeLog, _ lsn: UInt64) -> LogOutcome {
        let outcome = Mutex<LogOutcome?>(nil)
        log.whenDurable(lsn) { told in outcome.withLock { $0 = told } }
        while true {
            if let told = outcome.withLock({ $0 }) { return told }
            pause(milliseconds: 0)
        }
    }

    /// The first page is on the disk, and the keeper has nothing to do.
    private func ready(_ log: NodeLog) { until { log.standing.ready == 2 && log.standing.syncs > 0 } }

    @Test("B1 a record that was told to be durable is there after a power cut that takes all that no sync covered")
    func toldIsThere() throws {
        var chance = Seeded(state: 1)
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        for number in 0..<40 {
            #expect(wait(log, try append(log, number % 3, "record \(number)")) == .durable)
            let after = try LogScene.open(disk.image.cut(.lost, &chance))
            defer { after.close(clean: false) }
            let expected = stride(from: number % 3, through: number, by: 3).map { "record \($0)" }
            #expect(try texts(after, number % 3) == expected)
        }
    }

    @Test("B1 of syncs that overlap, one that ends early is told of only after those that began before it")
    func overlapping() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        let told = Told()
        ready(log)
        let before = log.standing.syncs
        disk.holdSyncs(1)
        let first = try append(log, 0, "a")
        told.listen(log, first)
        disk.awaitSync(1)
        let second = try append(log, 1, "b")
        told.listen(log, second)
        until { log.standing.syncs == before + 1 }
        #expect(told.lsns == [] && log.durable < first)
        disk.release(1)
        #expect(wait(log, second) == .durable)
        until { told.lsns.count == 2 }
        #expect(told.lsns == [first, second])
    }

    @Test("B1 a hole ends the log: what stands behind it was told to nobody, and never comes back")
    func hole() throws {
        var chance = Seeded(state: 2)
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        #expect(wait(log, try append(log, 0, "before")) == .durable)
        ready(log)
        disk.holdSyncs(1, 2)
        _ = try append(log, 0, "hole")
        disk.awaitSync(1)
        let writes = disk.image.writes
        _ = try append(log, 1, "behind")
        disk.awaitSync(2)
        // The writes of the first sync are lost, those of the second are kept.
        let cut = disk.image.cut(.torn, &chance) { $0.number > writes }
        disk.release(1)
        disk.release(2)
        let after = try LogScene.open(cut)
        #expect(try texts(after, 0) == ["before"])
        #expect(try texts(after, 1) == [])
        #expect(wait(after, try append(after, 2, "new")) == .durable)
        let again = try LogScene.open(cut.image.killed)
        #expect(try texts(again, 0) == ["before"] && texts(again, 1) == [] && texts(again, 2) == ["new"])
        #expect(again.gaps == [])
        after.close(clean: false)
        again.close(clean: false)
    }

    @Test(
        "B1 a sync that fails: it and every later one have failed, those that began before it have not",
        arguments: [1, 2, 3], [false, true])
    func failing(which: Int, endsFirst: Bool) throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        let told = Told()
        ready(log)
        let before = log.standing.syncs
        // The fourth is that by which the log comes back.
        disk.holdSyncs(1, 2, 3, 4)
        var lsns: [UInt64] = []
        for number in 1...3 {
            lsns.append(try append(log, number - 1, "record \(number)"))
            told.listen(log, lsns[number - 1])
            disk.awaitSync(number)
        }
        if !endsFirst { for number in 1..<which { disk.release(number) } }
        if !endsFirst { until { log.standing.syncs == before + UInt64(which - 1) } }
        disk.release(which, fails: true)
        until { log.standing.isFailed }
        #expect(throws: LogRefused.failed) { try append(log, 0, "late") }
        disk.release(4)
        for number in 1...3 where number != which { disk.release(number) }
        until { told.lsns.count == 3 }
        #expect(told.lsns == lsns)
        // One that is under way when the file's error is told has it told as well.
        let expected = (1...3).map { $0 < which && !endsFirst ? LogOutcome.durable : .failed }
        #expect(told.outcomes == expected)
        // It is told so later too, when the log has come back.
        until { log.room == .open }
        #expect(lsns.map { wait(log, $0) } == expected)
        for number in 1...3 {
            #expect(try texts(log, number - 1) == (expected[number - 1] == .durable ? ["record \(number)"] : []))
        }
    }

    @Test("B1 after a failed sync the log goes on under a higher epoch, and what became void never comes back")
    func epochs() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        #expect(wait(log, try append(log, 0, "kept")) == .durable)
        let before = log.standing
        ready(log)
        disk.holdSyncs(1)
        let void = try append(log, 0, "void")
        disk.awaitSync(1)
        disk.release(1, fails: true)
        until { log.standing.failures == 1 && log.room == .open }
        #expect(log.standing.epoch == before.epoch + 1)
        let next = try append(log, 0, "next")
        #expect(next > void && wait(log, next) == .durable && wait(log, void) == .failed)
        #expect(try texts(log, 0) == ["kept", "next"])
        // The void record's bytes are on the disk, whole.
        let again = try LogScene.open(disk.image.killed)
        #expect(try texts(again, 0) == ["kept", "next"])
        #expect(again.standing.epoch == before.epoch + 2 && again.gaps == [])
        again.close(clean: false)
        log.close(clean: false)
    }

    @Test("B1 records that a failed sync made void keep no segment: it goes once the files have those before them")
    func voidKeepsNothing() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        #expect(wait(log, try append(log, 0, "kept")) == .durable)
        ready(log)
        disk.holdSyncs(1)
        _ = try append(log, 0, "void")
        _ = try append(log, 1, "void too")
        disk.awaitSync(1)
        disk.release(1, fails: true)
        until { log.standing.failures == 1 && log.room == .open }
        try #require(log.standing.recordsPending == 1)
        #expect(wait(log, try log.setMark(tenants[0], log.durable)) == .durable)
        #expect(log.standing.recordsPending == 0)
        until { log.segments.first?.number == 2 }
    }

    @Test("B1 where a holder keeps old segments, files that keep newer ones alone are not synced first")
    func pinned() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        log.hold("archive") { _ in false }
        func fill(_ segments: Int) throws {
            while log.segments.count < segments {
                let lsn = try append(log, 0, String(repeating: "x", count: 3_000))
                #expect(wait(log, lsn) == .durable)
                _ = try log.setMark(tenants[0], lsn)
            }
        }
        try fill(3)
        _ = try append(log, 1, "early")
        try fill(6)
        _ = try append(log, 2, "late")
        #expect(log.pinning(segments: 2).isEmpty)
        #expect(log.pinning(segments: 4).map(\.tenant) == [tenants[1]])
    }

    @Test("B1 a file whose commit became void is not written to again, and never counts as durable")
    func voidSink() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        func commit(_ sink: TenantSink, _ text: String) throws -> UInt64 {
            try Array(text.utf8).withUnsafeBytes { try sink.append($0) }
        }
        let (lost, sound) = (
            TenantSink(log, tenant: tenants[0]), TenantSink(log, tenant: tenants[1])
        )
        #expect(wait(log, try commit(sound, "kept")) == .durable)
        ready(log)
        disk.holdSyncs(1)
        _ = try commit(lost, "void")
        disk.awaitSync(1)
        disk.release(1, fails: true)
        until { log.standing.failures == 1 && log.room == .open }
        #expect(wait(log, try commit(sound, "next")) == .durable)
        #expect(lost.durable < lost.lastLSN && sound.durable >= sound.lastLSN)
        #expect(throws: (any Error).self) { try commit(lost, "more") }
        // It is judged with the append, whatever became of the log just before.
        #expect(throws: LogRefused.failed) {
            try [UInt8]([1]).withUnsafeBytes {
                try log.append($0, tenant: tenants[0], incarnation: 1, behind: lost.lastLSN)
            }
        }
        #expect(try texts(log, 0) == [] && texts(log, 1) == ["kept", "next"])
    }

    @Test("B1 a disk without room refuses a commit whole, and takes the next one once there is room")
    func full() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        ready(log)
        disk.limit(bytes: 0)
        var taken = 0
        let refused = #expect(throws: LogRefused.self) {
            while true {
                _ = try append(log, 0, String(repeating: "x", count: 3_000))
                taken += 1
            }
        }
        #expect(refused == .full && log.room == .full && taken > 30)
        let end = log.end
        #expect(throws: LogRefused.full) { try append(log, 1, String(repeating: "y", count: 100_000)) }
        #expect(log.end == end)
        #expect(wait(log, end) == .durable)
        disk.limit(bytes: .max)
        // The files have everything: segments may be used again, and others be made.
        _ = try log.setMark(tenants[0], log.durable)
        #expect(wait(log, try append(log, 1, String(repeating: "y", count: 100_000))) == .durable)
        #expect(try texts(log, 1) == [String(repeating: "y", count: 100_000)])
    }

    @Test("B1 on a disk without room the log goes on once files have what its segments hold")
    func fullUntilHome() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        ready(log)
        disk.limit(bytes: 0)
        let refused = #expect(throws: LogRefused.self) {
            while true { _ = try append(log, 0, String(repeating: "x", count: 3_000)) }
        }
        #expect(refused == .full && log.standing.ready == 0)
        #expect(wait(log, log.end) == .durable)
        _ = try log.setMark(tenants[0], log.durable)
        until { log.standing.ready == 2 && log.room == .open }
        #expect(wait(log, try append(log, 1, String(repeating: "y", count: 3_000))) == .durable)
    }

    @Test("B1 segments that no file needs are used again; those that one needs stay, and so does its tenant's name")
    func reuse() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        let model = LogModel(tenants: 3)
        var chance = Seeded(state: 3)
        for round in 0..<60 {
            for _ in 0..<10 { model.append(log, model.tenants[chance.below(2)], LogScene.payload(&chance)) }
            if round == 20 { model.append(log, model.tenants[2], [1, 2, 3]) }
            #expect(wait(log, log.end) == .durable)
            for tenant in model.tenants[..<2] { model.mark(log, tenant) }
            if round == 40 {
                #expect(log.pinning(segments: log.segments.count - 1).map(\.tenant) == [model.tenants[2]])
                #expect(log.standing.segments > 5)
                model.mark(log, model.tenants[2])
            }
        }
        until { log.standing.segments < 5 }
        #expect(disk.names.count <= log.standing.segments + 5)
        let then = model.known
        let again = try LogScene.open(disk.image.killed)
        #expect(try model.fault(in: again, since: then) == nil)
        #expect(again.gaps == [])
        again.close(clean: false)
        log.close(clean: true)
        let closed = try LogScene.open(disk.image.killed)
        #expect(closed.gaps == [])
        closed.close(clean: false)
    }

    @Test("B1 a holder keeps the segments that it needs, full ones end where the next begins, and they go in order")
    func holders() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        let bound = Mutex<UInt64>(0)
        log.hold("archive") { lsn in lsn <= bound.withLock { $0 } }
        var chance = Seeded(state: 4)
        while log.segments.count < 5 {
            let lsn = try LogScene.payload(&chance).withUnsafeBytes {
                try log.append($0, tenant: tenants[0], incarnation: 1)
            }
            #expect(wait(log, lsn) == .durable)
            _ = try log.setMark(tenants[0], log.durable)
        }
        let all = log.segments
        #expect(all.map(\.number) == Array(1...UInt64(all.count)))
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.end == $1.first && $0.index != nil })
        bound.withLock { $0 = all[1].end ?? 0 }
        log.forgetWhatMay()
        until { log.segments.first?.number == 3 }
    }

    @Test("B1 a log of thousands of tenants is opened by its indexes: most of its bytes are not read")
    func indexes() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        let many = (1...1_000).map { TenantID(high: UInt64($0), low: 9) }
        for round in 0..<3 {
            for tenant in many {
                _ = try [UInt8](repeating: UInt8(round), count: 1_000).withUnsafeBytes {
                    try log.append($0, tenant: tenant, incarnation: 1)
                }
            }
        }
        #expect(wait(log, log.end) == .durable)
        // The newest frame says that all before it is durable: only then are indexes believed.
        #expect(wait(log, try log.setMark(TenantID(high: 1_001, low: 9), log.durable)) == .durable)
        log.close(clean: false)
        let after = disk.image.killed
        let again = try LogScene.open(after)
        defer { again.close(clean: false) }
        // A fifth of what was written: the indexes, and the last segment twice.
        #expect(after.bytesRead < 700_000)
        #expect(again.standing.tenantsPending == 1_000 && again.standing.recordsPending == 3_000)
        var count = 0
        for tenant in many { try again.forEachRecord(of: tenant, after: 0) { count += Int($0.payload[0]) } }
        #expect(count == 3_000)
    }
}
