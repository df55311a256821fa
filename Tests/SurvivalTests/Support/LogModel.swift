import Synchronization
import TenantRegistry
import TestSeeds
import Testing

/// What a log was given and what it told, beside which its folder is held after a crash.
final class LogModel: Sendable {
    struct Record: Sendable {
        let tenant: TenantID
        let lsn: UInt64
        let payload: [UInt8]
        var outcome: LogOutcome?
    }

    struct Books: Sendable {
        var records: [Record] = []
        var marks: [TenantID: UInt64] = [:]
        /// LSNs that were told to be durable.
        var told: [UInt64] = []
    }

    let tenants: [TenantID]
    private let books = Mutex(Books())

    init(tenants count: Int) { tenants = (1...count).map { TenantID(high: UInt64($0) << 40, low: UInt64($0)) } }

    /// As much as is known now.
    var known: Books { books.withLock { $0 } }

    /// Appends a record. False where the log does not take it.
    @discardableResult
    func append(_ log: NodeLog, _ tenant: TenantID, _ payload: [UInt8]) -> Bool {
        guard let lsn = try? payload.withUnsafeBytes({ try log.append($0, tenant: tenant, incarnation: 1) }) else {
            return false
        }
        books.withLock { $0.records.append(Record(tenant: tenant, lsn: lsn, payload: payload)) }
        log.whenDurable(lsn) { outcome in
            self.books.withLock { books in
                let place = books.records.firstIndex { $0.lsn == lsn }
                if let place { books.records[place].outcome = outcome }
                if outcome == .durable { books.told.append(lsn) }
            }
        }
        return true
    }

    /// The tenant's file is said to have everything that is durable.
    func mark(_ log: NodeLog, _ tenant: TenantID) {
        let lsn = log.durable
        // Known here first: a picture of the disk never has a mark that the books lack.
        books.withLock { $0.marks[tenant] = max(lsn, $0.marks[tenant] ?? 0) }
        _ = try? log.setMark(tenant, lsn)
    }

    /// What is in the log behind the marks, by tenant, with its LSN.
    func read(_ log: NodeLog) throws -> [TenantID: [(lsn: UInt64, payload: [UInt8])]] {
        var found: [TenantID: [(lsn: UInt64, payload: [UInt8])]] = [:]
        for tenant in tenants {
            var last: UInt64?
            try log.forEachRecord(of: tenant, after: 0) { record in
                #expect(last.map { record.sequence == $0 + 1 } ?? true)
                last = record.sequence
                found[tenant, default: []].append((record.lsn, Array(record.payload)))
            }
        }
        return found
    }

    /// The log, as it was opened after a crash at the time of `then`, is what a prefix of all appends would be, with
    /// everything that was told to be durable. Gives what is wrong, or nil.
    func fault(in log: NodeLog, since then: Books) throws -> String? {
        let all = known.records
        let found = try read(log)
        let last = found.values.flatMap { $0.map(\.lsn) }.max() ?? 0
        for tenant in tenants {
            let mark = then.marks[tenant] ?? 0
            let mine = all.filter { $0.tenant == tenant }
            for (lsn, payload) in found[tenant] ?? [] {
                guard let record = mine.first(where: { $0.lsn == lsn }) else { return "\(lsn) was never appended" }
                if record.payload != payload {
                    return "\(lsn) has other bytes, \(payload.count) for \(record.payload.count)"
                }
                // Void records may come back only where nothing came after them.
                if record.outcome == .failed && all.contains(where: { $0.lsn == last && $0.outcome == .durable }) {
                    return "\(lsn) is void, and came back"
                }
            }
            let there = Set((found[tenant] ?? []).map(\.lsn))
            for record in mine where record.lsn > mark && !there.contains(record.lsn) {
                if then.told.contains(record.lsn) { return "\(record.lsn) was told to be durable, and is lost" }
                if record.lsn < last && record.outcome != .failed { return "\(record.lsn) is missing before \(last)" }
            }
        }
        return nil
    }
}

/// A log on a simulated disk, with small segments.
struct LogScene {
    static let folder = "/log"

    static func settings(inFlight: Int = 4, paceMicroseconds: Int = 0) -> LogSettings {
        var settings = LogSettings()
        settings.segmentBytes = 64 << 10
        settings.undurableBytesMax = 32 << 10
        settings.segmentsReadyMax = 4
        settings.syncsInFlight = inFlight
        settings.paceMicroseconds = paceMicroseconds
        settings.reopenMilliseconds = 1
        settings.roomWaitMilliseconds = 2_000
        return settings
    }

    static func open(_ disk: SimulatedDisk, inFlight: Int = 4) throws -> NodeLog {
        try NodeLog(folder: folder, settings: settings(inFlight: inFlight), disk: disk)
    }

    static func payload(_ chance: inout Seeded) -> [UInt8] {
        let count =
            switch chance.below(20) {
            case 0: 0
            case 1...2: chance.pick(8_000...30_000)
            default: chance.pick(1...3_000)
            }
        let byte = UInt8(truncatingIfNeeded: chance.next())
        return (0..<count).map { UInt8(truncatingIfNeeded: $0) ^ byte }
    }
}
