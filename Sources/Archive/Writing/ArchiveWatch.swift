import TenantRegistry

/// Looks whether the archive still has what a reader of its newest manifest needs of the log, and the tenants' keys
/// (B3, B4): by their names, soon after a start, once an archive that was away is back, and each hour. Where something
/// is lost, copies from behind it are made, so that what comes after it can be had.
///
/// The thread `archive-trial` runs it.
struct ArchiveWatch {
    private static let restMilliseconds: UInt64 = 3_600_000
    /// After a failure, and while something is lost.
    private static let againMilliseconds: UInt64 = 5_000

    private let shipper: LogShipper
    private let store: any ObjectStore
    private var nextAt: UInt64 = 0
    private var lookedAt: UInt64 = 0
    /// Of the archive's, until the last look.
    private var failures = 0
    /// Something was missing at the last look. A list may lag, so that it counts when it is missing twice.
    private var isSuspected = false
    private var mendedAt: UInt64?

    init(_ shipper: LogShipper, _ store: any ObjectStore) {
        self.shipper = shipper
        self.store = store
    }

    private struct Loss {
        var place: LogObjectPlace?
        var keys: Set<String> = []

        var text: String {
            let log = place.map { "\($0.text) is not in the list" }
            return [log, keys.isEmpty ? nil : "the keys of \(keys.count) tenants are not in the list"]
                .compactMap { $0 }.joined(separator: ", ")
        }
    }

    /// Looks, where it is time to; tells what was lost since the last time.
    mutating func newLoss(at now: UInt64 = monotonicMilliseconds()) -> String? {
        let failures = shipper.figures.failures
        if failures != self.failures { nextAt = min(nextAt, lookedAt + Self.againMilliseconds) }
        // While it is away nothing is known of it.
        guard now >= nextAt, shipper.hasManifest, shipper.figures.trouble == nil else { return nil }
        (self.failures, lookedAt, nextAt) = (failures, now, now + Self.againMilliseconds)
        // It went away meanwhile; or the answer says nothing.
        guard let loss = try? look() else { return nil }
        guard loss.place != nil || !loss.keys.isEmpty else {
            shipper.figures.loss(nil)
            (isSuspected, mendedAt, nextAt) = (false, nil, now + Self.restMilliseconds)
            return nil
        }
        guard isSuspected else {
            isSuspected = true
            return nil
        }
        let isNew = mendedAt == nil
        if mendedAt.map({ now - $0 > Self.restMilliseconds }) ?? true {
            mendedAt = now
            shipper.ledger.dropKeys(loss.keys)
            if let place = loss.place { shipper.goOn(behind: place) }
        }
        shipper.figures.loss(loss.text)
        return isNew ? loss.text : nil
    }

    private func look() throws -> Loss {
        // In this order: what is put meanwhile is not missed.
        guard let end = shipper.place else { return Loss() }
        let ends = try shipper.ledger.ends()
        let entries = shipper.ledger.all.filter { !$0.value.keys.isEmpty && !$0.value.isErased }
        let archive = try Archive.forReading(store)
        var loss = Loss()
        let masterKey = shipper.fleet.masterKeyOfBackup
        do {
            let newest = try ArchiveReading.manifest(in: archive, before: nil, by: .masterKey(masterKey)).manifest
            loss.place = try ArchiveReading(archive, newest, masterKey: masterKey, moment: nil, scratch: "")
                .hole(before: end, ends)
        } catch is ArchiveFailure {
            // Of this node's none is there, or none that opens.
            loss.place = end
        }
        let there = Set(try store.all("keys/"))
        for (id, entry) in entries where !there.contains(entry.keys) {
            // One that was erased meanwhile has none.
            guard let now = shipper.ledger.entry(id), now.keys == entry.keys, !now.isErased else { continue }
            loss.keys.insert(entry.keys)
        }
        return loss
    }
}
