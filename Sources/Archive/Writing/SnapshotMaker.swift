import Cryptography
import Foundation
import Glibc
import HTTPCore
import Synchronization
import TenantRegistry

/// Brings copies of tenants' files and of the registry into the archive, cut and sealed as those of a backup are
/// (0040), and the manifests that say where a reader begins (B3).
///
/// The thread `archive-copies` runs it, one copy at a time; copies are made by the tenants' lanes in steps.
final class SnapshotMaker: Sendable {
    struct Bounds: Sendable {
        /// A tenant is copied anew when so much came since, and more than its file has.
        var loggedBytesMin: Int64 = 16 << 20
        var againMilliseconds: Int64 = 600_000
        var dailyMilliseconds: Int64 = 86_400_000
        /// A manifest, so that a reader need not go through more of the log.
        var manifestMilliseconds: UInt64 = 6 * 3_600_000
        var roundMilliseconds = 200
    }

    private let shipper: LogShipper
    private let store: any ObjectStore
    private let bounds: Bounds
    private let wrappedMasterKey: [UInt8]
    private let isStopping = Atomic<Bool>(false)
    private var fleet: Fleet { shipper.fleet }
    private var ledger: ArchiveLedger { shipper.ledger }

    /// `wrappedMasterKey`: as it stands in front of a manifest; empty where no passphrase was given.
    init(_ shipper: LogShipper, _ store: any ObjectStore, wrappedMasterKey: [UInt8], _ bounds: Bounds) {
        self.shipper = shipper
        self.store = store
        self.bounds = bounds
        self.wrappedMasterKey = wrappedMasterKey
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        store.giveUp()
    }

    private var isStopped: Bool { isStopping.load(ordering: .acquiring) }

    // MARK: The thread

    /// The registry's copy that manifests name, and from which object on its changes go.
    private struct Registry {
        var index = ""
        var since: LogObjectPlace
        var copiedAt: UInt64
    }

    func run() {
        var registry: Registry?
        var manifestAt: UInt64?
        var wasOwed = true
        while !isStopped {
            if let since = shipper.takeRegistryWish() ?? daily(registry) {
                guard let place = shipper.place, let index = copyRegistry(since: since) else {
                    shipper.wishRegistry()
                    rest()
                    continue
                }
                registry = Registry(
                    index: index, since: LogObjectPlace(node: place.node, stream: place.stream, number: since),
                    copiedAt: monotonicMilliseconds())
                manifestAt = nil
            }
            let began = monotonicMilliseconds()
            let owed = due()
            let looked = monotonicMilliseconds() - began
            let isTime = manifestAt.map { monotonicMilliseconds() - $0 > bounds.manifestMilliseconds } ?? true
            if let registry, isTime || (wasOwed && owed.first == 0) {
                if writeManifest(registry) { manifestAt = monotonicMilliseconds() }
                wasOwed = owed.first > 0
            }
            if owed.first > 0 { wasOwed = true }
            for record in owed.records {
                if isStopped { return }
                shipper.copying.withLock { _ in copy(record) }
                // The registry's copy is what a node begins with.
                if registry == nil { break }
            }
            // Many tenants take a while to look through, and are looked at less often.
            if owed.records.isEmpty { rest(milliseconds: max(bounds.roundMilliseconds, Int(looked) * Self.restOfLook)) }
        }
    }

    private static let restOfLook = 20

    private func rest(milliseconds: Int = 200) {
        if !isStopped { pause(milliseconds: milliseconds) }
    }

    private func daily(_ registry: Registry?) -> UInt64? {
        guard let registry, let place = shipper.place,
            monotonicMilliseconds() - registry.copiedAt > UInt64(bounds.dailyMilliseconds)
        else { return nil }
        return place.number
    }

    private static let roundMax = 64

    /// Tenants to be copied, those without any copy first, and how many of those there are.
    private func due() -> (records: [TenantRecord], first: Int) {
        let now = fleet.clock.now().milliseconds
        var (without, again): ([TenantRecord], [TenantRecord]) = ([], [])
        for record in fleet.roster.allTenants where shipper.place != nil {
            guard let entry = ledger.entry(record.id), let snapshot = entry.snapshot, let mark = snapshot.mark else {
                if ledger.entry(record.id)?.isErased != true { without.append(record) }
                continue
            }
            let age = now - mark.at.milliseconds
            if entry.logged > max(bounds.loggedBytesMin, snapshot.bytes) && age > bounds.againMilliseconds
                || entry.logged > 0 && age > bounds.dailyMilliseconds
                || mark.incarnation != record.profile.incarnation
            {
                again.append(record)
            }
        }
        return (Array((without + again).prefix(Self.roundMax)), without.count)
    }

    // MARK: Copies

    private func copy(_ record: TenantRecord) {
        do {
            try shipper.keepKeys(of: record, in: store)
            let keys = ledger.entry(record.id)?.keys
            let at = Mutex<(LogObjectPlace, Timestamp)?>(nil)
            let snapshot = try wait { then in
                fleet.snapshot(
                    record,
                    noted: { [shipper, fleet] in
                        at.withLock { $0 = shipper.place.map { ($0, fleet.clock.now()) } }
                    }, then: then)
            }.get()
            let key = ArchiveKey(of: record.secretKey)
            let (index, bytes) = try put(snapshot.path, of: ArchivePlace.tenant(record.id), under: key)
            guard let (since, time) = at.withLock({ $0 }) else { return }
            let mark = SnapshotMark(
                lsn: snapshot.lsn, incarnation: snapshot.head.incarnation, at: time, since: since)
            let tenant = ArchiveManifest.Tenant(
                id: record.id, slug: record.slug, index: index, bytes: bytes, head: snapshot.head.text, mark: mark)
            // Where the archive has lost its keys meanwhile, another copy is made with them.
            guard ledger.entry(record.id)?.keys == keys else { return }
            // Until the object that tells of it is there, it is not asked for again.
            ledger.change(record.id) { entry in
                guard !entry.isErased, entry.snapshot == nil else { return }
                entry.isUntold = true
                entry.snapshot = tenant
            }
            shipper.add(.snapshot(tenant))
        } catch {
            // One that was erased meanwhile is none of the node's any more.
            guard fleet.roster.tenant(id: record.id) != nil, !isStopped else { return }
            if shipper.figures.trouble("\(error)") { fleet.report("the archive: \(record.id.text): \(error)") }
            rest()
        }
    }

    private func copyRegistry(since: UInt64) -> String? {
        do {
            let path = try wait { fleet.copyRegistry(then: $0) }.get()
            do { try NodeCopy.strip(registry: path) } catch {
                DataDirectory.remove(path)
                throw error
            }
            return try shipper.copying.withLock { _ in
                let index = try put(path, of: ArchivePlace.registry, under: shipper.key).index
                shipper.add(.registry(index: index, since: since))
                return index
            }
        } catch {
            if !isStopped, shipper.figures.trouble("\(error)") { fleet.report("the archive: the registry: \(error)") }
            return nil
        }
    }

    /// Cuts a file that is taken over, and seals and puts its pieces, then their index.
    private func put(_ path: String, of owner: String, under key: ArchiveKey) throws -> (index: String, bytes: Int64) {
        var cut = try FileCut(path, of: owner, under: key)
        while let piece = try cut.next() { _ = try store.put(piece.name, piece.bytes) }
        let index = try cut.index()
        _ = try store.put(index.name, index.bytes)
        return (index.name, cut.bytes)
    }

    // MARK: Manifest

    private func writeManifest(_ registry: Registry) -> Bool {
        guard let now = shipper.place else { return false }
        var manifest = ArchiveManifest(startedAt: fleet.clock.now())
        manifest.endedAt = manifest.startedAt
        manifest.index = registry.index
        manifest.log = registry.since
        for record in fleet.roster.allTenants {
            guard let entry = ledger.entry(record.id), let snapshot = entry.snapshot, let mark = snapshot.mark else {
                continue
            }
            // What has come since, and is not in the archive yet, is in no object before the next.
            let since = entry.lastLSN <= mark.lsn ? max(mark.since, min(now, registry.since)) : mark.since
            manifest.tenants.append(
                ArchiveManifest.Tenant(
                    id: record.id, slug: record.slug, index: snapshot.index, bytes: snapshot.bytes, head: snapshot.head,
                    mark: SnapshotMark(lsn: mark.lsn, incarnation: mark.incarnation, at: mark.at, since: since)))
        }
        do {
            let (name, bytes) = try manifest.sealed(under: shipper.key, wrappedMasterKey: wrappedMasterKey)
            _ = try store.put(name, bytes)
            shipper.noteManifest()
            return true
        } catch {
            if !isStopped, shipper.figures.trouble("\(error)") { fleet.report("the archive: the manifest: \(error)") }
            return false
        }
    }
}
