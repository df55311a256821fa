import Cryptography
import Foundation
import SQLite
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// Files of several tenants whose commits go to one log, while their past is kept; a model knows what each held when.
@Suite struct PastTests {
    @Test("B2 a tenant goes back to any moment: its rows are those of the last commit before it, no more and no less")
    func storm() throws {
        for seed in 1...(Effort.isLong ? 60 : 4) as ClosedRange<UInt64> {
            let storm = try PastStorm(seed: seed)
            for _ in 1...400 { try storm.act() }
            for _ in 1...40 { try storm.checkMoment() }
            try storm.restart()
            for _ in 1...20 { try storm.checkMoment() }
            storm.close()
        }
    }

    @Test("B2 what was kept goes after the retention, and every moment within it can still be reached")
    func retention() throws {
        let storm = try PastStorm(seed: 7)
        defer { storm.close() }
        for _ in 1...12 {
            for _ in 1...60 { try storm.act() }
            for tenant in storm.tenants { try storm.base(tenant) }
            storm.clock.advance(seconds: 86_400)
        }
        let before = storm.names.count
        storm.past.forget()
        #expect(storm.names.count < before)
        let reachable = storm.clock.now().adding(days: -Past.retentionDays)
        for tenant in storm.tenants { #expect(storm.past.begin(of: tenant.id) ?? storm.clock.now() <= reachable) }
        for _ in 1...60 { try storm.checkMoment(since: reachable) }
    }

    @Test("B2 a tenant that nobody used since the start wants a base after the retention too, and old pieces go")
    func idleOverStart() throws {
        let storm = try PastStorm(seed: 19)
        defer { storm.close() }
        let (busy, idle) = (storm.tenants[0], storm.tenants[1])
        try storm.commit(idle)
        for _ in 1...200 { try storm.commit(busy) }
        try storm.settle()
        try storm.past.keep()
        try storm.open()
        let first = try #require(storm.names.first { $0.hasSuffix("/1.piece") })
        #expect(!storm.past.wantsBase(idle.id, incarnation: 1, fileBytes: 1 << 30))
        storm.clock.advance(seconds: (Past.retentionDays + 1) * 86_400)
        #expect(storm.past.wantsBase(idle.id, incarnation: 1, fileBytes: 1 << 30))
        for tenant in storm.tenants { try storm.base(tenant) }
        storm.past.forget()
        #expect(storm.names.contains(first))
        storm.clock.advance(seconds: (Past.retentionDays + 1) * 86_400)
        storm.past.forget()
        #expect(!storm.names.contains(first))
    }

    @Test("B2 after a clock that leapt ahead was mended, no moment gives a state from before the leap for a later one")
    func leapt() throws {
        let storm = try PastStorm(seed: 23)
        defer { storm.close() }
        let tenant = storm.tenants[0]
        try storm.commitSurely(tenant)
        let before = storm.clock.now()
        storm.clock.advance(seconds: 60)
        try storm.commitSurely(tenant)
        let leapt = storm.clock.now()
        storm.clock.advance(seconds: 3_600)
        try storm.commitSurely(tenant)
        storm.clock.advance(seconds: -3_000)
        // It came ten minutes after the leap, and carries the time of an hour after it.
        try storm.commitSurely(tenant)
        try storm.settle()
        try storm.past.keep()
        func isRefused(_ moment: Timestamp) throws -> Bool {
            do {
                try storm.past.makeFile(of: tenant.id, at: moment, to: storm.folder.file("then"))
                return false
            } catch PastFailure.leapt {
                return true
            }
        }
        for _ in 1...2 {
            #expect(try !isRefused(before))
            #expect(try isRefused(leapt))
            #expect(try isRefused(leapt.adding(seconds: 500)))
            // Where the clock has come to by itself meanwhile.
            storm.pass(seconds: 7_200)
            try storm.past.keep()
            try storm.open()
        }
        try storm.commitSurely(tenant)
        try storm.settle()
        #expect(try !isRefused(leapt.adding(seconds: 3_600)))
    }

    @Test(
        "B2 a clock that falls behind for seconds takes no moment away once it is right again",
        arguments: [false, true])
    func fell(restarts: Bool) throws {
        let storm = try PastStorm(seed: 29)
        defer { storm.close() }
        let tenant = storm.tenants[0]
        try storm.commitSurely(tenant)
        storm.pass(seconds: 5)
        let before = storm.clock.now()
        storm.pass(seconds: 5)
        try storm.commitSurely(tenant)
        storm.clock.advance(seconds: -300 * 86_400)
        try storm.commitSurely(tenant)
        try storm.settle()
        func isNoted() throws -> Bool {
            try storm.past.keep()
            return storm.names.contains { $0.hasSuffix(".leap") }
        }
        // Nobody can know yet that it had not leapt ahead before.
        #expect(try isNoted())
        if restarts {
            try storm.open()
            #expect(try isNoted())
        }
        storm.pass(seconds: 8)
        storm.clock.advance(seconds: 300 * 86_400)
        try storm.commitSurely(tenant)
        try storm.settle()
        #expect(try !isNoted())
        try storm.past.makeFile(of: tenant.id, at: before, to: storm.folder.file("before"))
    }

    @Test("B2 where a kept piece is missing nothing is made of the rest, also if it had a tenant's first commits alone")
    func missing() throws {
        let storm = try PastStorm(seed: 11)
        defer { storm.close() }
        let (busy, quiet) = (storm.tenants[0], storm.tenants[1])
        try storm.commit(quiet)
        for _ in 1...200 { try storm.commit(busy) }
        try storm.commit(quiet)
        try storm.settle()
        try storm.past.keep()
        try storm.past.makeFile(of: quiet.id, at: storm.clock.now(), to: storm.folder.file("whole"))
        try storm.lose("1.piece")
        for tenant in [busy, quiet] {
            #expect(throws: PastFailure.self) {
                try storm.past.makeFile(of: tenant.id, at: storm.clock.now(), to: storm.folder.file("holed"))
            }
        }
    }

    @Test("B2 two failures of the log in a row lose no moment, neither before them nor after, over a start too")
    func failedTwice() throws {
        let disk = SimulatedDisk()
        let storm = try PastStorm(seed: 31, disk: disk)
        defer { storm.close() }
        func goOn() throws {
            for _ in 1...10 {
                storm.pass(seconds: 1)
                for tenant in storm.tenants { try storm.commit(tenant) }
            }
        }
        try goOn()
        try storm.settle()
        // Nothing becomes durable between them: the segment that the first one began is void, and so is its number.
        for _ in 1...2 { try storm.failSync(of: disk) }
        let numbers = storm.log.segments.map(\.number)
        #expect(zip(numbers, numbers.dropFirst()).contains { $0 + 1 < $1 })
        try goOn()
        for _ in 1...20 { try storm.checkMoment() }
        for _ in 1...10 { try goOn() }
        try storm.settle()
        try storm.past.keep()
        #expect(storm.names.count { $0.hasSuffix(".piece") } > numbers.count)
        for _ in 1...2 {
            for _ in 1...20 { try storm.checkMoment() }
            try storm.restart()
        }
        let lost = try #require(numbers.last)
        try storm.lose("\(lost).piece")
        #expect(throws: PastFailure.self) {
            try storm.past.makeFile(
                of: storm.tenants[0].id, at: storm.clock.now(), to: storm.folder.file("holed"))
        }
    }

    @Test("B2 P5 of a tenant that is gone nothing can be read, and another's key opens nothing of it")
    func erased() throws {
        let storm = try PastStorm(seed: 3)
        defer { storm.close() }
        for _ in 1...200 { try storm.act() }
        let gone = storm.tenants[0]
        storm.swapKeys(0, 1)
        #expect(throws: (any Error).self) {
            try storm.past.makeFile(of: gone.id, at: storm.clock.now(), to: storm.folder.file("other"))
        }
        storm.swapKeys(0, 1)
        storm.past.erase(gone.id)
        #expect(throws: PastFailure.self) {
            try storm.past.makeFile(of: gone.id, at: storm.clock.now(), to: storm.folder.file("gone"))
        }
        #expect(storm.names.allSatisfy { !$0.contains(gone.id.text) })
    }

    @Test("B2 P5 the past of a log before this one goes with the retention, and what it has of a tenant with it")
    func former() throws {
        let storm = try PastStorm(seed: 13)
        defer { storm.close() }
        for _ in 1...100 { try storm.act() }
        try storm.settle()
        try storm.past.keep()
        let old = Set(storm.names.filter { !$0.contains("/") })
        #expect(old.count == 1)
        func isOld(_ name: String) -> Bool { old.contains { name.hasPrefix($0) } }
        try storm.changeLog()
        let (gone, stays) = (storm.tenants[0], storm.tenants[1])
        #expect(storm.names.contains { isOld($0) && $0.contains(gone.id.text) })
        storm.past.erase(gone.id)
        #expect(storm.names.allSatisfy { !$0.contains(gone.id.text) })
        #expect(storm.names.contains { isOld($0) && $0.contains(stays.id.text) })
        storm.clock.advance(seconds: Past.retentionDays * 86_400 - 3_600)
        storm.past.forget()
        #expect(storm.names.contains(where: isOld))
        storm.clock.advance(seconds: 7_200)
        storm.past.forget()
        #expect(!storm.names.contains(where: isOld))
    }

    @Test("B2 the past of a log before this one that is older than the retention goes a day after the next is opened")
    func formerAtOpening() throws {
        let storm = try PastStorm(seed: 17)
        defer { storm.close() }
        let old = try #require(storm.names.first { !$0.contains("/") })
        storm.clock.advance(seconds: (Past.retentionDays + 1) * 86_400)
        try storm.changeLog()
        #expect(storm.names.contains { $0.hasPrefix(old) })
        storm.pass(seconds: 86_400)
        storm.past.forget()
        #expect(!storm.names.contains { $0.hasPrefix(old) })
    }

    @Test("B2 G7 where a start finds the log more than a day behind the clock, nothing goes before a day has passed")
    func aheadAtStart() throws {
        let storm = try PastStorm(seed: 31)
        defer { storm.close() }
        for _ in 1...4 {
            for _ in 1...60 { try storm.act() }
            for tenant in storm.tenants { try storm.base(tenant) }
            storm.clock.advance(seconds: 3_600)
        }
        let before = Set(storm.names)
        storm.clock.advance(seconds: 40 * 86_400)
        // Another start finds in the log what the wrong clock wrote there; what hours it has run count all the same.
        for seconds in [10 * 3_600, 13 * 3_600, 3_600 - 1] as [Int64] {
            try storm.restart()
            storm.pass(seconds: seconds)
            storm.past.forget()
            #expect(before.isSubset(of: storm.names))
        }
        storm.pass(seconds: 1)
        storm.past.forget()
        #expect(!before.isSubset(of: storm.names))
        #expect(!storm.names.contains { $0.hasSuffix("clock.doubted") })
    }

    @Test("B2 between a file's taking another's place and its first base there is no moment to go back to")
    func replaced() throws {
        let storm = try PastStorm(seed: 5)
        defer { storm.close() }
        for _ in 1...50 { try storm.act() }
        let tenant = storm.tenants[0]
        storm.clock.advance(seconds: 10)
        try storm.past.begins(tenant.id, incarnation: 2)
        storm.clock.advance(seconds: 10)
        #expect(throws: PastFailure.self) {
            try storm.past.makeFile(of: tenant.id, at: storm.clock.now(), to: storm.folder.file("none"))
        }
        try storm.past.makeFile(
            of: tenant.id, at: storm.clock.now().adding(seconds: -15), to: storm.folder.file("before"))
    }
}

private let isLong = ProcessInfo.processInfo.environment["TOLLGATE_TEST_LONG"] != nil

/// One test's thread.
private final class PastStorm {
    final class Tenant {
        let id: TenantID
        let path: String
        var connection: Connection
        /// What its table held after each commit.
        var history: [(at: Timestamp, rows: [String])] = []
        /// The first moment that there is a base of.
        var since: Timestamp

        init(id: TenantID, path: String, connection: Connection, since: Timestamp) {
            (self.id, self.path, self.connection, self.since) = (id, path, connection, since)
        }
    }

    let folder: TestFolder
    let clock = ManualClock(TestNode.start)
    private let monotonic = ManualMonotonicClock()
    private let random: SeededRandom
    private var chance: Seeded
    private(set) var log: NodeLog
    private let disk: any LogDisk
    private(set) var past: Past
    private(set) var tenants: [Tenant] = []
    private let keys: KeyTable
    private var files = 0

    /// `disk`: of the log alone.
    init(seed: UInt64, disk: any LogDisk = RealLogDisk()) throws {
        folder = try TestFolder()
        self.disk = disk
        chance = Seeded(state: seed)
        random = SeededRandom(seed: seed)
        keys = KeyTable()
        log = try Self.openLog(folder, clock, disk)
        past = try Self.openPast(folder, log, clock, monotonic, random, keys)
        for number in 0..<3 {
            let id = TenantID.random(random)
            keys.set(id, random.bytes(AES256GCM.keyBytes))
            let path = folder.file("live-\(number).sqlite")
            let sink = TenantSink(log, tenant: id)
            sink.incarnation = 1
            let connection = try Connection(path: path, sink: sink)
            try connection.configureLive(cacheKiB: 40)
            try connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, a TEXT)")
            try connection.checkpoint(.truncate)
            try connection.beginLogging()
            let tenant = Tenant(id: id, path: path, connection: connection, since: clock.now())
            tenants.append(tenant)
            try base(tenant)
        }
    }

    private static func openLog(
        _ folder: TestFolder, _ clock: ManualClock, _ disk: any LogDisk
    ) throws -> NodeLog {
        var settings = LogSettings()
        settings.segmentBytes = 64 << 10
        settings.paceMicroseconds = 0
        settings.reopenMilliseconds = 5
        let path = folder.file("log")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return try NodeLog(
            folder: path, settings: settings, disk: disk, clock: clock, holds: [Past.holdName: { _ in false }])
    }

    private static func openPast(
        _ folder: TestFolder, _ log: NodeLog, _ clock: ManualClock, _ monotonic: ManualMonotonicClock,
        _ random: SeededRandom, _ keys: KeyTable
    ) throws -> Past {
        try Past(
            folder: folder.file("past"), log: log, clock: clock, monotonic: monotonic, random: random,
            key: { keys.key(of: $0) })
    }

    var names: [String] {
        (FileManager.default.enumerator(atPath: folder.file("past"))?.allObjects as? [String]) ?? []
    }

    /// A file of the past is not there any more when it is opened again.
    func lose(_ name: String) throws {
        let path = try #require(names.first { $0.hasSuffix("/\(name)") })
        try FileManager.default.removeItem(atPath: "\(folder.file("past"))/\(path)")
        past = try Self.openPast(folder, log, clock, monotonic, random, keys)
    }

    /// The past is opened again, as by another process.
    func open() throws { past = try Self.openPast(folder, log, clock, monotonic, random, keys) }

    /// Time passes, and the clock goes with it.
    func pass(seconds: Int64) {
        clock.advance(seconds: seconds)
        monotonic.advance(nanoseconds: UInt64(seconds) * 1_000_000_000)
    }

    func swapKeys(_ first: Int, _ last: Int) { keys.swap(tenants[first].id, tenants[last].id) }

    func close() {
        for tenant in tenants { tenant.connection.close() }
        log.close(clean: true)
    }

    /// The log and the past are opened again by another process.
    func restart() throws {
        close()
        log = try Self.openLog(folder, clock, disk)
        past = try Self.openPast(folder, log, clock, monotonic, random, keys)
    }

    /// The node has gone back to files, and then to a log again: that is another.
    func changeLog() throws {
        close()
        try FileManager.default.removeItem(atPath: folder.file("log"))
        log = try Self.openLog(folder, clock, disk)
        past = try Self.openPast(folder, log, clock, monotonic, random, keys)
    }

    func act() throws {
        clock.advance(milliseconds: Int64(chance.pick(0...900)))
        let tenant = chance.pick(tenants)
        switch chance.pick(1...20) {
        case 1...2:
            try settle()
            try tenant.connection.checkpoint(chance.pick([.passive, .truncate]))
        case 3: try past.keep()
        case 4: try mark(tenant)
        case 5 where chance.happens(oneIn: 3): try base(tenant)
        default: try commit(tenant)
        }
    }

    /// What is written of them does not pack, and fills segments.
    private static let letters = Array("abcdefghijklmnopqrstuvwxyz234567")

    func commit(_ tenant: Tenant) throws {
        try tenant.connection.beginImmediate()
        for _ in 1...chance.pick(1...6) {
            let id = chance.pick(1...300)
            switch chance.pick(1...4) {
            case 1: try tenant.connection.run("DELETE FROM item WHERE id = ?1", .int(id))
            default:
                let text = String((0..<chance.pick(0...900)).map { _ in chance.pick(Self.letters) })
                try tenant.connection.run("INSERT OR REPLACE INTO item VALUES (?1, ?2)", .int(id), .text(text))
            }
        }
        try tenant.connection.commit()
        tenant.history.append((clock.now(), try Self.rows(tenant.connection)))
    }

    /// One may change nothing.
    func commitSurely(_ tenant: Tenant) throws { for _ in 1...5 { try commit(tenant) } }

    static func rows(_ connection: Connection) throws -> [String] {
        try connection.rows("SELECT id, a FROM item ORDER BY id") { "\(try $0.int()):\(try $0.text())" }
    }

    /// A sync of the log fails that has a record of a stranger alone, as all else is durable; the log goes on.
    func failSync(of disk: SimulatedDisk) throws {
        let failures = log.standing.failures + 1
        // The keeper makes no segment meanwhile.
        until { log.standing.ready >= 2 }
        disk.holdSyncs(1)
        _ = try [UInt8](repeating: 1, count: 100).withUnsafeBytes {
            try log.append($0, tenant: TenantID(high: 1, low: 1), incarnation: 1)
        }
        disk.awaitSync(1)
        disk.release(1, fails: true)
        until {
            let standing = log.standing
            return standing.failures == failures && !standing.isFailed
        }
    }

    func settle() throws {
        try awaited { (then: @escaping @Sendable (Result<Void, any Error>) -> Void) in
            log.whenDurable(log.end) { then($0 == .durable ? .success(()) : .failure(CancellationError())) }
        }
    }

    /// The file has everything, so that the log may let it go.
    private func mark(_ tenant: Tenant) throws {
        try settle()
        try tenant.connection.checkpoint(.truncate)
        try tenant.connection.syncFile()
        _ = try log.setMark(tenant.id, log.durable)
        try settle()
    }

    func base(_ tenant: Tenant) throws {
        files += 1
        let (copy, begin) = (folder.file("copy-\(files)"), log.end)
        let stepper = try BackupStepper(source: tenant.connection, destinationPath: copy)
        while case .more = try stepper.step(pages: 4) {}
        stepper.close()
        try settle()
        try past.add(copy, of: tenant.id, incarnation: 1, from: begin)
        DataDirectory.remove(copy)
    }

    /// A moment of the history, or between two.
    func checkMoment(since bound: Timestamp? = nil) throws {
        try settle()
        let tenant = chance.pick(tenants)
        let first = max(tenant.since, bound ?? tenant.since)
        let span = Int(clock.now().milliseconds - first.milliseconds)
        let known = tenant.history.map(\.at).filter { $0 >= first }
        let moment =
            known.isEmpty || chance.happens(oneIn: 3)
            ? first.adding(milliseconds: Int64(chance.pick(0...span))) : chance.pick(known)
        files += 1
        let path = folder.file("then-\(files)")
        try past.makeFile(of: tenant.id, at: moment, to: path)
        let made = try Connection(path: path, flags: [.readWrite])
        defer { made.close() }
        #expect(try made.integrityCheck() == [])
        let rows = try Self.rows(made)
        let expected = tenant.history.last { $0.at <= moment }?.rows ?? []
        #expect(rows == expected, "at \(moment.text)")
        DataDirectory.remove(path)
    }
}

private final class KeyTable: @unchecked Sendable {
    // One test's thread.
    private var keys: [TenantID: [UInt8]] = [:]

    func set(_ id: TenantID, _ key: [UInt8]) { keys[id] = key }
    func key(of id: TenantID) -> [UInt8]? { keys[id] }

    func swap(_ first: TenantID, _ last: TenantID) {
        let key = keys[first]
        keys[first] = keys[last]
        keys[last] = key
    }
}
