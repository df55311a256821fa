package import Cryptography
package import TenantRegistry

/// Old backups go from a place, and with them the objects that no backup needs any more (P11).
///
/// Invariant: nothing goes that a manifest names which stays. Every manifest is opened, and all that those which stay
/// name is known, before anything goes. Manifests go first: a pruning that is cut off leaves objects that nobody needs
/// and the next one removes, never a manifest that needs what has gone. One thread.
package struct BackupPruning {
    /// Which manifests stay, besides the newest.
    package enum Rule: Sendable {
        case last(Int)
        case since(Timestamp)
    }

    package struct Backup: Sendable {
        package let name: String
        package let manifest: ArchiveManifest
        package let bytes: Int
        let masterKey: [UInt8]
        package fileprivate(set) var isKept = true

        package init(name: String, manifest: ArchiveManifest, bytes: Int, masterKey: [UInt8]) {
            (self.name, self.manifest, self.bytes, self.masterKey) = (name, manifest, bytes, masterKey)
        }
    }

    /// What goes, and what stays.
    package struct Plan: Sendable {
        /// The newest last.
        package let backups: [Backup]
        package let objects: [StoredObject]
        /// Objects that no backup needs, and that are too young to go: one may be on its way that will.
        package let waiting: Int
        /// A backup that stays only because it is the newest that the passphrase opens by itself.
        package let keptForPassphrase: String?

        /// Stops at the end of what counts: how large its objects are a bucket says.
        package var bytes: Int64 {
            let sizes = objects.map(\.bytes) + backups.filter { !$0.isKept }.map { Int64($0.bytes) }
            return sizes.reduce(0) { $0.addingClamped($1) }
        }
    }

    /// A backup that cannot be read: what it needs is not known, so nothing goes.
    package struct Failure: Error, CustomStringConvertible {
        package let manifest: String
        package let reason: String
        package var description: String { "\(manifest): \(reason); nothing was removed" }
    }

    package typealias Telling = (_ unit: String, _ done: Int, _ total: Int) -> Void

    /// Younger objects are kept, needed or not.
    private static let ageDaysMin: Int64 = 1

    private let archive: Archive
    private let opener: ArchiveManifest.Opener
    private let scratch: String
    private let clock: any WallClock
    private let random: any RandomSource
    /// In a bucket.
    private var mark: PruningMark?

    /// `scratch`: a folder of the caller's, with room for one copy of the registry.
    package init(
        _ archive: Archive, by opener: ArchiveManifest.Opener, scratch: String, clock: any WallClock = SystemClock(),
        random: any RandomSource = SystemRandom()
    ) {
        self.archive = archive
        self.opener = opener
        self.scratch = scratch
        self.clock = clock
        self.random = random
    }

    /// `isDry`: says what would go, and changes nothing. Throws `Failure`, `ArchiveFailure`, `StoreFailure`. Long.
    package mutating func run(_ rule: Rule, isDry: Bool, told: Telling) throws -> Plan {
        if !isDry, !(archive.store is FolderStore) { mark = try PruningMark(in: archive.store, clock, random) }
        defer { mark?.end() }
        let plan = try makePlan(rule, told)
        if !isDry { try carryOut(plan, told) }
        return plan
    }

    private mutating func carryOut(_ plan: Plan, _ told: Telling) throws {
        for backup in plan.backups where !backup.isKept {
            try mark?.renew()
            try archive.store.remove(backup.name)
        }
        for (number, object) in plan.objects.enumerated() {
            told("objects", number, plan.objects.count)
            try mark?.renew()
            try archive.removeUnneeded(object.name)
        }
    }

    // MARK: What stays

    private mutating func makePlan(_ rule: Rule, _ told: Telling) throws -> Plan {
        for folder in [ArchivePlace.log, ArchivePlace.keysFolder] {
            guard try archive.store.list("\(folder)/", after: "").isEmpty else {
                throw ArchiveFailure.holdsLog(archive.store.place)
            }
        }
        var backups = Self.choosing(try open(), rule)
        if backups.isEmpty { throw ArchiveFailure.noManifest }
        var keptForPassphrase: String?
        if let own = try newestUnderPassphrase(backups), !backups[own].isKept {
            backups[own].isKept = true
            keptForPassphrase = backups[own].name
        }
        var needs = Needs()
        for (number, backup) in backups.enumerated() where backup.isKept {
            told("backups", number, backups.count)
            do { try add(backup, to: &needs) } catch { throw Self.failure(error, of: backup.name) }
        }
        let bound = clock.now().adding(days: -Self.ageDaysMin)
        var objects: [StoredObject] = []
        var waiting = 0
        for folder in [ArchivePlace.tenants, ArchivePlace.registry] {
            for object in try archive.store.allObjects("\(folder)/") where !needs.has(object.name) {
                if let at = object.writtenAt, at < bound { objects.append(object) } else { waiting += 1 }
            }
        }
        return Plan(backups: backups, objects: objects, waiting: waiting, keptForPassphrase: keptForPassphrase)
    }

    /// The newest that the passphrase opens by itself, where one was given: whoever has nothing else is not left
    /// without a backup by those that the master key of an older one opened here. Long: scrypt.
    private func newestUnderPassphrase(_ backups: [Backup]) throws -> Int? {
        guard case .passphrase = opener else { return nil }
        return try backups.indices.last { index in
            guard let bytes = try archive.store.get(backups[index].name) else { return false }
            return (try? ArchiveManifest.open(bytes, backups[index].name, by: opener)) != nil
        }
    }

    /// What a rule keeps; always the newest, and the last copy there is of a tenant that the newest could not copy.
    /// `backups`: the newest last.
    package static func choosing(_ backups: [Backup], _ rule: Rule) -> [Backup] {
        var chosen = backups
        guard let newest = backups.last else { return [] }
        for (index, backup) in backups.dropLast().enumerated() {
            switch rule {
            case .last(let count): chosen[index].isKept = index >= backups.count - count
            case .since(let moment): chosen[index].isKept = backup.manifest.startedAt >= moment
            }
        }
        var lacking = Set(newest.manifest.failed.map(\.slug))
        for backup in chosen where backup.isKept { lacking.subtract(backup.manifest.tenants.map(\.slug)) }
        for index in chosen.indices.reversed() where !lacking.isEmpty && !chosen[index].isKept {
            let copied = lacking.intersection(chosen[index].manifest.tenants.map(\.slug))
            if copied.isEmpty { continue }
            chosen[index].isKept = true
            lacking.subtract(copied)
        }
        return chosen
    }

    // MARK: Manifests

    /// Every backup of the place, the newest last: of those that are listed, and those that were told of.
    private func open() throws -> [Backup] {
        let listed = Set(try archive.manifests())
        let told = try BackupMarks.mark(ArchivePlace.markOfBackup, in: archive.store)?.words ?? []
        var masterKeys: [[UInt8]] = []
        var backups: [Backup] = []
        for name in listed.union(told).sorted() {
            guard let bytes = try archive.store.get(name) else {
                // One that was told of may have been pruned since.
                if listed.contains(name) { throw Failure(manifest: name, reason: "it is listed, and is missing") }
                continue
            }
            let backup: Backup
            do { backup = try open(bytes, name, &masterKeys) } catch { throw Self.failure(error, of: name) }
            if backup.manifest.log != nil { throw ArchiveFailure.holdsLog(archive.store.place) }
            backups.append(backup)
        }
        let now = clock.now()
        if let newest = backups.last, newest.manifest.isAhead(of: now) {
            throw Failure(
                manifest: newest.name,
                reason: "it \(ArchiveManifest.aheadText(of: now)), and would be kept as the newest: where this clock "
                    + "is right, the node's was ahead, and it is to be removed")
        }
        return backups
    }

    /// A master key that has opened one opens others without scrypt. A node that was restored has another, and may go
    /// on in the same place: a passphrase opens both.
    private func open(_ bytes: [UInt8], _ name: String, _ masterKeys: inout [[UInt8]]) throws -> Backup {
        for key in masterKeys.reversed() {
            if let opened = try? ArchiveManifest.open(bytes, name, by: .masterKey(key)) {
                return Backup(name: name, manifest: opened.manifest, bytes: bytes.count, masterKey: key)
            }
        }
        let opened = try ArchiveManifest.open(bytes, name, by: opener)
        masterKeys.append(opened.masterKey)
        return Backup(name: name, manifest: opened.manifest, bytes: bytes.count, masterKey: opened.masterKey)
    }

    private static func failure(_ error: any Error, of manifest: String) -> any Error {
        if error is StoreFailure || error is DataDirectory.Failure { return error }
        return Failure(manifest: manifest, reason: "\(error)")
    }

    // MARK: Objects

    private struct Needs {
        var names: Set<String> = []
        /// Of whom everything stays.
        var owners: Set<String> = []

        func has(_ name: String) -> Bool {
            names.contains(name) || owners.contains { name.hasPrefix("\($0)/") }
        }
    }

    /// What the backup names: its registry, in which tenants' keys are, and by them each tenant's copy.
    private mutating func add(_ backup: Backup, to needs: inout Needs) throws {
        let manifest = backup.manifest
        let reading = ArchiveReading(
            archive, manifest, masterKey: backup.masterKey, moment: nil, scratch: scratch)
        let path = "\(scratch)/registry"
        defer { DataDirectory.remove(path) }
        try reading.makeRegistry(at: path)
        try add(manifest.index, under: ArchiveKey(of: backup.masterKey), to: &needs)
        for tenant in manifest.tenants {
            if let keys = reading.keys[tenant.id] {
                let secret = try keys.secretKey(under: backup.masterKey, of: tenant.id)
                try add(tenant.index, under: ArchiveKey(of: secret), to: &needs)
            } else {
                // It was erased while the backup was written, and its keys with it: which pieces these are nobody
                // knows.
                needs.owners.insert(ArchivePlace.tenant(tenant.id))
            }
        }
    }

    private mutating func add(_ index: String, under key: ArchiveKey, to needs: inout Needs) throws {
        if needs.names.contains(index) { return }
        try mark?.renew()
        needs.names.formUnion(try ArchiveIndex(reading: archive.object(index, under: key), index).pieces)
        needs.names.insert(index)
    }
}
