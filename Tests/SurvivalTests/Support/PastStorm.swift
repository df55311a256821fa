import Cryptography
import Foundation
import SQLite
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// One test's thread.
final class PastStorm {
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
