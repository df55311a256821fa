import Synchronization
import TenantRegistry
import TestSeeds
import Testing

/// A log on a disk that lost what it had promised to keep: what is taken from whom.
@Suite(.serialized, .apart) struct LogDamageTests {
    private let tenants = (1...4).map { TenantID(high: UInt64($0), low: 3) }

    /// A record of each of these tenants in turn, each durable before the next. Gives where they end.
    private func fill(_ log: NodeLog, _ whose: [Int], bytes: Int = 100) throws -> [UInt64] {
        try whose.map { tenant in
            let lsn = try [UInt8](repeating: 7, count: bytes).withUnsafeBytes {
                try log.append($0, tenant: tenants[tenant], incarnation: 1)
            }
            until { log.durable >= lsn }
            return lsn
        }
    }

    /// The log's folder after a kill.
    private func folder(_ write: (NodeLog) throws -> Void) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk)
        try write(log)
        until { log.durable == log.end }
        log.close(clean: false)
        return disk.image.killed
    }

    /// That of a log whose second segment has records.
    private func twoSegments() throws -> SimulatedDisk {
        try folder { log in while log.segments.count < 2 { _ = try fill(log, [0], bytes: 2_000) } }
    }

    private func path(_ number: Int) -> String { "\(LogScene.folder)/0000000\(number).segment" }
    private func count(_ log: NodeLog, _ tenant: Int) throws -> Int {
        var count = 0
        try log.forEachRecord(of: tenants[tenant], after: 0) { _ in count += 1 }
        return count
    }

    private func whole(_ log: NodeLog) -> [Bool] { tenants.map { log.isWhole($0) } }

    /// Of a record of 100 bytes.
    private static let frameBytes = LogFrame.frameBytes(payload: 100)
    /// Where in the file the frame begins that ends there.
    private func offset(_ lsn: UInt64) -> Int { Int(lsn) - Self.frameBytes }

    @Test("B1 a record in the middle whose bytes are not those it was written with is missing to its own tenant alone")
    func badPayload() throws {
        var lsns: [UInt64] = []
        let disk = try folder { lsns = try fill($0, [0, 1, 0, 1, 2]) }
        disk.spoil(path(1), at: offset(lsns[2]) + LogFrame.headBytes + 20, [1, 2, 3])
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        #expect(whole(log) == [false, true, true, true])
        #expect(try count(log, 1) == 2 && count(log, 2) == 1)
        // Once its file has everything, from elsewhere, it is whole again.
        _ = try log.setMark(tenants[0], log.durable)
        #expect(log.isWhole(tenants[0]))
    }

    @Test("B1 where a record cannot be told from noise, those are whole whose records go on behind it, and no others")
    func badHead() throws {
        var lsns: [UInt64] = []
        let disk = try folder { log in
            lsns = try fill(log, [0, 1, 3, 0, 1, 0, 2])
            _ = try log.setMark(tenants[3], lsns[6])
            lsns += try fill(log, [0])
        }
        disk.spoil(path(1), at: offset(lsns[3]), [UInt8](repeating: 0xFF, count: 64))
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        // The first has lost one; the second's go on; the third began behind it; the fourth has a mark behind it.
        #expect(whole(log) == [false, true, true, true])
        #expect(!log.isWhole(TenantID(high: 99, low: 99)))
        // The gap stays in the log until everybody has been seen to.
        #expect(log.gaps.count == 1)
        let again = try LogScene.open(disk.image.killed)
        defer { again.close(clean: false) }
        #expect(whole(again) == [false, true, true, true])
    }

    @Test("B1 a bad record at the end, which nothing behind it knew to be durable, ends the log")
    func tornTail() throws {
        var lsns: [UInt64] = []
        let disk = try folder { lsns = try fill($0, [0, 1, 2]) }
        disk.spoil(path(1), at: offset(lsns[2]) + LogFrame.headBytes + 20, [1])
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        #expect(whole(log) == [true, true, true, true] && log.gaps == [])
        #expect(try count(log, 0) == 1 && count(log, 1) == 1 && count(log, 2) == 0)
    }

    @Test("B1 a segment that is gone is missing to those whose files do not have it, and is never taken for forgotten")
    func lostSegment() throws {
        let disk = try folder { log in
            _ = try fill(log, [0, 1, 2, 3])
            while log.segments.count < 4 { _ = try fill(log, [0, 1], bytes: 2_000) }
            _ = try log.setMark(tenants[1], log.durable)
            _ = try fill(log, [2, 0])
        }
        for number in [1, 2] {
            let damaged = disk.image.killed
            try damaged.remove(path(number))
            try damaged.sync(folder: LogScene.folder)
            let log = try LogScene.open(damaged)
            defer { log.close(clean: false) }
            #expect(whole(log) == [false, true, number == 2, false])
        }
    }

    @Test("B1 a segment whose head is lost is read by its frames")
    func lostHead() throws {
        let disk = try folder { log in
            while log.segments.count < 3 { _ = try fill(log, [0, 1], bytes: 2_000) }
            _ = try fill(log, [2])
        }
        disk.spoil(path(3), at: 0, [UInt8](repeating: 0xAA, count: 512))
        let log = try LogScene.open(disk)
        defer { log.close(clean: false) }
        #expect(log.gaps == [] && whole(log) == [true, true, true, true])
        #expect(try count(log, 2) == 1)
    }

    @Test("B1 an index that outlived a power cut without its frames is not believed: the log ends before what is lost")
    func indexAlone() throws {
        let disk = SimulatedDisk()
        let log = try LogScene.open(disk, inFlight: 1)
        until { disk.names.count(where: { $0.hasSuffix(".segment") }) == 3 }
        disk.holdSyncs(1)
        var lsns: [UInt64] = []
        while log.segments.count < 2 {
            lsns += try [UInt8](repeating: 7, count: 2_000).withUnsafeBytes {
                [try log.append($0, tenant: tenants[0], incarnation: 1)]
            }
        }
        disk.release(1)
        until { log.durable == log.end }
        log.close(clean: false)
        let cut = disk.image.killed
        cut.spoil(path(2), at: 0, [UInt8](repeating: 0, count: 64 << 10))
        cut.spoil(path(1), at: Int(lsns[3]) + LogFrame.headBytes + 20, [1])
        let again = try LogScene.open(cut)
        defer { again.close(clean: false) }
        #expect(again.gaps == [] && whole(again) == [true, true, true, true])
        #expect(try count(again, 0) == 4)
    }

    @Test("B1 a folder with segments of two logs is not opened, and nothing in it is changed")
    func foreign() throws {
        // Both have a second segment with records: one that is only ready may not be there yet at the kill.
        let (one, other) = (try twoSegments(), try twoSegments())
        #expect(one.bytes(path(2)) != other.bytes(path(2)) && !one.bytes(path(2)).isEmpty)
        one.spoil(path(2), at: 0, other.bytes(path(2)))
        let before = one.bytes(path(1))
        let error = #expect(throws: LogFailure.self) { try LogScene.open(one) }
        #expect(error?.description.contains("of another log") == true)
        #expect(one.bytes(path(1)) == before)
    }
}
