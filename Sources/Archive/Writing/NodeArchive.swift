package import Cryptography
import Foundation
import SQLite
import Synchronization
package import TenantRegistry

/// A node's archive while it runs (B3): its log, copies of its tenants and of its registry, as objects elsewhere, at
/// most a second behind what clients were told. Nothing that a request waits for waits for it.
///
/// Order of a start: `init`, then the fleet with what `holds` and `erasing` say, then `start`; of a stop: `stop` before
/// the fleet's. Threads `archive` and `archive-copies`, each with a store of its own.
package final class NodeArchive: Sendable {
    package struct Settings: Sendable {
        package let address: ArchiveAddress
        /// What the environment says of a bucket's server.
        package let environment: [String: String]
        /// A file that says it, where the environment does not.
        package let credentialsPath: String?
        /// The master key goes along under it; nil: who has `master.key` alone opens the archive.
        package let passphrase: Passphrase?
        /// Of the log that waits for an archive that is away.
        package var backlogBytesMax: UInt64 = LogShipper.Bounds().backlogBytesMax
        /// Of the past that it keeps; nil: all of it.
        package var daysKept: Int64?

        package init(
            _ address: ArchiveAddress, environment: [String: String], credentialsPath: String?, passphrase: Passphrase?
        ) {
            self.address = address
            self.environment = environment
            self.credentialsPath = credentialsPath
            self.passphrase = passphrase
        }
    }

    private struct Running {
        var shipper: LogShipper?
        var maker: SnapshotMaker?
        var trial: ArchiveTrial?
    }

    package let figures: ArchiveFigures
    private let settings: Settings
    private let ledger: ArchiveLedger
    private let stores: [any ObjectStore]
    private let running = Mutex(Running())
    private let threads = DispatchGroup()
    /// A folder that was the archive is empty.
    private let isNew: Bool
    /// Up to where the archive has the log; all of it is held until that is known.
    private let held = Atomic<Bool>(true)

    package init(_ settings: Settings, data: DataDirectory) throws {
        self.settings = settings
        func store() throws -> any ObjectStore {
            try settings.address.store(environment: settings.environment, credentials: settings.credentialsPath)
        }
        stores = [try store(), try store(), try store()]
        figures = ArchiveFigures(stores[0].place)
        ledger = try Self.ledger("\(data.path)/archive.sqlite")
        // A folder that is something else is said at once; a bucket may be away.
        if case .folder = settings.address {
            do { isNew = try ledger.open(stores[0], SystemRandom()) } catch {
                ledger.close()
                throw error
            }
        } else {
            isNew = false
        }
    }

    /// Whoever runs the node takes away one that is damaged, not the node by itself: with it goes what is known of keys
    /// that erased tenants still have in the archive.
    private static func ledger(_ path: String) throws -> ArchiveLedger {
        do {
            return try ArchiveLedger(path)
        } catch let error as SQLiteError where error.isCorrupt {
            throw DataDirectory.Failure.unusable(
                path,
                "\(error). Once it is taken away, with its -wal, the node copies every tenant into the archive anew; keys "
                    + "of tenants that were deleted while the archive was away are to be removed there by hand")
        }
    }

    /// For `Fleet.Options.logHolds`: a segment stays until the archive has it and that is written down, so that a node
    /// that was killed finds the log where it left it; or until the log is too long.
    package var mayForget: @Sendable (UInt64) -> Bool {
        { [weak self] lsn in
            guard let self, !held.load(ordering: .acquiring) else { return false }
            if lsn <= ledger.notedLSN { return true }
            let end = running.withLock { $0.shipper?.log.end } ?? lsn
            return end - min(end, lsn) > settings.backlogBytesMax
        }
    }

    /// For `Fleet.Options.erasing`: from its return on the tenant's keys are owed to go, come what may.
    package var erasing: @Sendable (TenantID) throws -> Void {
        { [ledger] in try ledger.owe(erasureOf: $0) }
    }

    /// `prove`: what is wrong with a tenant's file, nil where it is sound. Throws where the fleet has no log.
    package func start(_ fleet: Fleet, prove: @escaping @Sendable (_ path: String) throws -> String?) throws {
        guard let log = fleet.nodeLog else { throw ArchiveFailure.noLog }
        if isNew { fleet.report(LogShipper.lostArchive) }
        try ledger.begin(log.identity, at: stores[0].address, formerly: stores[0].place, fleet.random)
        let wrapped = try settings.passphrase.map {
            try ArchiveManifest.wrap(fleet.masterKeyOfBackup, $0, random: fleet.random)
        }
        var bounds = LogShipper.Bounds()
        bounds.backlogBytesMax = settings.backlogBytesMax
        let shipper = LogShipper(fleet, log, ledger, stores[0], figures, bounds)
        let maker = SnapshotMaker(shipper, stores[1], wrappedMasterKey: wrapped ?? [], SnapshotMaker.Bounds())
        let trial = ArchiveTrial(shipper, stores[2], daysKept: settings.daysKept, prove: prove)
        running.withLock { $0 = Running(shipper: shipper, maker: maker, trial: trial) }
        held.store(false, ordering: .releasing)
        figures.owes { [weak fleet, ledger] in
            fleet?.roster.allTenants.count { record in
                guard let entry = ledger.entry(record.id) else { return true }
                return !entry.hasCopy && !entry.isErased
            } ?? 0
        }
        begin("archive") { shipper.run() }
        begin("archive-copies") { maker.run() }
        begin("archive-trial") { trial.run() }
    }

    private func begin(_ name: String, _ body: @escaping @Sendable () -> Void) {
        threads.enter()
        startThread(name) { [threads] in
            body()
            threads.leave()
        }
    }

    /// What is durable by now still goes, for so long at most. Waits. No request may come any more.
    package func stop(withinMilliseconds bound: Int) {
        let (shipper, maker, trial) = running.withLock { ($0.shipper, $0.maker, $0.trial) }
        if let shipper {
            let asked = monotonicMilliseconds()
            let until = asked + UInt64(bound)
            while monotonicMilliseconds() < until, figures.trouble == nil, !figures.hasReached(after: asked) {
                pause(milliseconds: 20)
            }
            shipper.stop()
        }
        maker?.stop()
        trial?.stop()
        for store in stores { store.giveUp() }
        threads.wait()
        ledger.close()
        running.withLock { $0 = Running() }
    }
}
