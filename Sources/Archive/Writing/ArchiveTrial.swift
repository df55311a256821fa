import Cryptography
import Foundation
import Glibc
import Synchronization
import TenantRegistry

/// Each night some tenants are made anew of what the archive has, in a folder of their own, and proved (B4): those that
/// were tried longest ago. What was found is told in the log, the provider's log, metrics, and the provider's
/// attention.
///
/// The thread `archive-trial` runs it.
final class ArchiveTrial: Sendable {
    /// Proves a file; nil where it is sound, else what is wrong.
    typealias Proof = @Sendable (_ path: String) throws -> String?

    /// At two in the morning, and some minutes that differ from node to node (UTC).
    private static let nightMilliseconds: Int64 = 2 * 3_600_000
    private static let spreadMilliseconds: Int64 = 1_800_000
    private static let dayMilliseconds: Int64 = 86_400_000
    private static let sampleMax = 10
    private static let pollMilliseconds = 500

    private let shipper: LogShipper
    private let store: any ObjectStore
    private let prove: Proof
    /// Of the past that the archive keeps; nil: all of it.
    private let daysKept: Int64?
    private let isStopping = Atomic<Bool>(false)
    private var fleet: Fleet { shipper.fleet }

    init(_ shipper: LogShipper, _ store: any ObjectStore, daysKept: Int64?, prove: @escaping Proof) {
        self.daysKept = daysKept
        self.shipper = shipper
        self.store = store
        self.prove = prove
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        store.giveUp()
    }

    func run() {
        let spread = Int64(fleet.random.uint64() % UInt64(Self.spreadMilliseconds))
        var next = Self.night(after: fleet.clock.now().milliseconds) + spread
        var watch = ArchiveWatch(shipper, store)
        while !isStopped {
            pause(milliseconds: Self.pollMilliseconds)
            if let loss = watch.newLoss(), !isStopped { tell(loss: loss) }
            let now = fleet.clock.now().milliseconds
            // A clock that was set back is waited for no longer than a night.
            next = min(next, Self.night(after: now) + spread)
            guard now >= next else { continue }
            next = Self.night(after: now) + spread
            tryOnce()
        }
    }

    private static func night(after milliseconds: Int64) -> Int64 {
        let day = milliseconds - milliseconds % dayMilliseconds
        let night = day + nightMilliseconds
        return milliseconds < night ? night : night + dayMilliseconds
    }

    private func tryOnce() {
        let ids = shipper.ledger.all.filter(\.value.hasCopy)
            .sorted { ($0.value.triedAt, $0.key.text) < ($1.value.triedAt, $1.key.text) }.prefix(Self.sampleMax).map(
                \.key)
        let scratch = fleet.data.path + "/tmp/trial"
        // Of one that was cut short.
        try? FileManager.default.removeItem(atPath: scratch)
        mkdir(scratch, 0o700)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        var sound: [String] = []
        var faults: [(slug: String, text: String)] = []
        do {
            let archive = try Archive.forReading(store)
            let masterKey = fleet.masterKeyOfBackup
            let newest = try ArchiveReading.manifest(in: archive, before: nil, by: .masterKey(masterKey))
            let reading = ArchiveReading(
                archive, newest.manifest, masterKey: masterKey, moment: nil, scratch: scratch)
            try reading.read(only: Set(ids))
            for id in ids {
                if isStopped { return }
                guard let record = fleet.roster.tenant(id: id) else { continue }
                let fault = fault(of: id, reading, scratch) ?? loss(to: shipper.ledger.entry(id), reading)
                // A restore came meanwhile: a copy of the file that it made is still to come.
                if fault != nil, shipper.ledger.entry(id)?.hasCopy != true { continue }
                note(fault, of: record)
                if let fault { faults.append((record.slug, fault)) } else { sound.append(record.slug) }
            }
            if let lostAt = reading.lostAt, let loss = reading.losses.first {
                // Of all tenants, also of those that were not tried.
                shipper.goOn(behind: lostAt)
                if faults.isEmpty { faults.append(("", loss)) }
            }
        } catch {
            if isStopped { return }
            faults.append(("", "\(error)"))
        }
        tell(sound, faults)
        // Where something is amiss the past is what there is to go back to.
        if faults.isEmpty, let daysKept { prune(daysKept) }
    }

    private func prune(_ days: Int64) {
        let figures = shipper.figures
        if let reason = fleet.believesClock ? figures.loss : "the time of day is not believed" {
            return fleet.report("the archive: what lies behind its \(days) days stays for now: \(reason)")
        }
        let retention = ArchiveRetention(shipper, store, days: days) { self.isStopped }
        let before = figures.removedObjects
        do {
            let keptFrom = try retention.run()
            figures.pruned(at: fleet.clock.now(), keptFrom: keptFrom)
            let count = figures.removedObjects - before
            if count > 0 { fleet.report("the archive: \(count) objects from behind its \(days) days are gone") }
        } catch {
            if !isStopped { fleet.report("the archive: what lies behind its \(days) days stays: \(error)") }
        }
    }

    private var isStopped: Bool { isStopping.load(ordering: .acquiring) }

    /// What the archive has lost of a tenant's log; nil where its copy lies behind that.
    private func loss(to entry: ArchiveLedger.Entry?, _ reading: ArchiveReading) -> String? {
        guard let lostAt = reading.lostAt, entry?.lies(behind: lostAt) != true else { return nil }
        return reading.losses.first
    }

    private func fault(of id: TenantID, _ reading: ArchiveReading, _ scratch: String) -> String? {
        let path = "\(scratch)/\(id.text).sqlite"
        defer {
            unlink(path)
            reading.forget(id)
        }
        do {
            _ = try reading.makeFile(of: id, at: path)
            return try prove(path)
        } catch {
            return "\(error)"
        }
    }

    private func note(_ fault: String?, of record: TenantRecord) {
        let now = fleet.clock.now().milliseconds
        shipper.ledger.change(record.id) { entry in
            entry.triedAt = now
            // What does not come back is copied anew.
            if fault != nil { (entry.snapshot, entry.keys) = (nil, "") }
        }
        fleet.archiveFaults.withLock { $0[record.id] = fault }
    }

    private func tell(_ sound: [String], _ faults: [(slug: String, text: String)]) {
        shipper.figures.tried(ArchiveFigures.Trial(at: fleet.clock.now(), sound: sound, faults: faults))
        for fault in faults { fleet.report("the archive: \(fault.slug): NOT sound: \(fault.text)") }
        fleet.report("the archive was tried: \(sound.count) tenants sound, \(faults.count) not")
        log(faults.isEmpty ? "archive.tried" : "archive.not_sound")
    }

    private func tell(loss: String) {
        fleet.report("the archive: NOT whole: \(loss); what comes after it is copied anew")
        log("archive.not_sound")
    }

    private func log(_ event: String) {
        fleet.registry.log(fleet.ownAct(event), tenant: nil, slug: nil, judge: { _ in }) { [fleet] result in
            if case .failure(let error) = result { fleet.report("registry: \(event): \(error)") }
        }
    }
}
