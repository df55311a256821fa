import Cryptography
import Foundation
import Synchronization
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// The past of tenants whose log was cut off in the middle of a commit, or lost a stretch to its disk.
@Suite(.serialized, .apart) struct PastLogTests {
    private let tenants = (1...2).map { TenantID(high: UInt64($0), low: 5) }
    private let key = [UInt8](repeating: 9, count: AES256GCM.keyBytes)
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private static let pageBytes = 4_096
    private static let pages = 20

    private func open(_ disk: SimulatedDisk) throws -> NodeLog {
        try NodeLog(
            folder: LogScene.folder, settings: LogScene.settings(), disk: disk, holds: [Past.holdName: { _ in false }])
    }

    private func past(_ log: NodeLog) throws -> Past {
        try Past(
            folder: folder.file("past"), log: log, clock: SystemClock(), monotonic: SystemMonotonicClock(),
            random: SeededRandom(seed: 1), key: { [key] _ in key })
    }

    /// A commit that fills so many pages with a byte.
    private func commit(_ byte: UInt8, pages: Int) -> [UInt8] {
        func number(_ value: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        var bytes = number(UInt32(Self.pages))
        bytes += number(UInt32(pages))
        for page in 1...pages {
            bytes += number(UInt32(page))
            bytes.append(0)
            // One run: its offset and its length less one, then its bytes.
            for value in [1, 0, Self.pageBytes - 1] { bytes += number(UInt16(value)) }
            bytes += [UInt8](repeating: byte, count: Self.pageBytes)
        }
        return bytes
    }

    @discardableResult
    private func append(_ log: NodeLog, _ tenant: Int, _ payload: [UInt8]) throws -> UInt64 {
        let lsn = try payload.withUnsafeBytes { try log.append($0, tenant: tenants[tenant], incarnation: 1) }
        until { log.durable >= lsn }
        return lsn
    }

    /// The other tenant goes on until a segment more is full.
    private func fill(_ log: NodeLog) throws {
        let count = log.segments.count
        while log.segments.count <= count { try append(log, 1, [UInt8](repeating: 1, count: 2_000)) }
    }

    /// A base of the first tenant's file, all zeros, with nothing of the log up to `lsn` missing.
    private func base(_ past: Past, from lsn: UInt64) throws {
        let path = folder.file("zeros")
        try Data(count: Self.pages * Self.pageBytes).write(to: URL(fileURLWithPath: path))
        try past.add(path, of: tenants[0], incarnation: 1, from: lsn)
    }

    /// The first byte of each page of the first tenant's file, as the past has it now.
    private func made(_ past: Past) throws -> [UInt8] {
        let path = folder.file("made")
        try past.makeFile(of: tenants[0], at: SystemClock().now().adding(seconds: 60), to: path)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        return stride(from: 0, to: bytes.count, by: Self.pageBytes).map { bytes[$0] }
    }

    /// The log's disk as a kill left it when a commit of many parts was written in part alone, behind one that was
    /// durable.
    private func cutOff() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let log = try open(disk)
        defer { log.close(clean: false) }
        let before = try append(log, 0, commit(1, pages: 1))
        let images = Mutex<[SimulatedDisk.Image]>([])
        disk.atEachStep { image in images.withLock { $0.append(image) } }
        try append(log, 0, commit(2, pages: Self.pages))
        disk.atEachStep(nil)
        for image in images.withLock({ $0 }) {
            let killed = try open(image.killed)
            defer { killed.close(clean: false) }
            var count = 0
            try killed.forEachRecord(of: tenants[0], after: 0) { _ in count += 1 }
            if count == 1 && killed.end > before + UInt64(Self.pageBytes) { return image.killed }
        }
        throw PastFailure.gap
    }

    @Test("B2 parts of a commit that a kill cut off are in no later commit of their tenant")
    func partsWithoutCommit() throws {
        let log = try open(cutOff())
        defer { log.close(clean: false) }
        let past = try past(log)
        try base(past, from: 0)
        try append(log, 0, commit(3, pages: 2))
        let expected = [3, 3] + [UInt8](repeating: 0, count: Self.pages - 2)
        #expect(try made(past) == expected)
        try fill(log)
        try past.keep()
        #expect(try made(past) == expected)
    }

    @Test("B2 what the log lost to its disk holds no segment back, and no state is made across it, until a base is")
    func damaged() throws {
        let disk = SimulatedDisk()
        let log = try open(disk)
        defer { log.close(clean: false) }
        let past = try past(log)
        try base(past, from: 0)
        try append(log, 0, commit(1, pages: 3))
        let segment = try #require(log.segments.first)
        let bad = try append(log, 1, [UInt8](repeating: 1, count: 2_000))
        try append(log, 0, commit(2, pages: 2))
        try fill(log)
        // The last bytes of that record.
        disk.spoil(log.path(of: segment), at: LogSegment.pageBytes + Int(bad - segment.first) - 8, [9, 9, 9])
        try past.keep()
        // One that is opened later knows of it as well.
        let again = try self.past(log)
        for past in [past, again] {
            #expect(throws: PastFailure.self) { try made(past) }
            #expect(past.wantsBase(tenants[0], incarnation: 1, fileBytes: 1))
        }
        try log.setMarks(tenants.map { ($0, log.durable) })
        log.forgetWhatMay()
        until { log.segments.first?.number != segment.number }
        try base(again, from: log.end)
        try append(log, 0, commit(3, pages: 1))
        let expected = [3] + [UInt8](repeating: 0, count: Self.pages - 1)
        #expect(try made(again) == expected)
    }
}
