import TenantRegistry

/// What lies behind the days that an archive keeps goes from it, while its node runs (B3, 0065).
///
/// Invariant: nothing goes that a reader needs for a moment within those days. Such a reader begins at the newest
/// manifest that is not behind its moment, so at the newest from before the days or at a later one. From there on stay
/// the log and every copy that a manifest names or the log tells of. A list that lags or lies makes more stay: what is
/// needed is known from sealed manifests and from `archive.sqlite`, which notes each copy before the log tells of it.
/// Nothing goes that is not this node's own, nor while the clock may be ahead (0068).
///
/// The thread `archive-trial` runs it. No copy is made while what one owner has there is judged and removed, since a
/// new copy uses old pieces again.
struct ArchiveRetention {
    private let shipper: LogShipper
    private let store: any ObjectStore
    private let days: Int64
    private let isStopped: () -> Bool

    /// What is younger stays, whoever needs it.
    private static let ageDaysMin: Int64 = 1
    /// A node writes a manifest each six hours. Where it is further from one to the next, or from the node's time to
    /// the store's, the node was off, or its clock is ahead.
    private static let doubtSeconds: Int64 = 26 * 3_600
    /// So many objects of one owner are judged before copies go on.
    private static let turnMax = 1_000

    /// What stays.
    private struct Kept {
        /// The manifest that a reader of the first moment begins with, and when it was begun.
        var oldest = ""
        var since = Timestamp.latest
        /// The first object of the log that a reader begins with.
        var log: LogObjectPlace?
        /// Of copies that manifests name, by their owners.
        var indexes: [String: Set<String>] = [:]
        /// Whose copies and logs are this node's, besides its tenants': see `ArchiveLedger.note(owners:)`.
        var owners: Set<String> = []
    }

    init(_ shipper: LogShipper, _ store: any ObjectStore, days: Int64, isStopped: @escaping () -> Bool) {
        self.shipper = shipper
        self.store = store
        self.days = days
        self.isStopped = isStopped
    }

    /// From when on every moment can be had; nil where nothing is known to lie behind the days yet. Manifests go first,
    /// then the log, then copies: one that is cut off leaves what nobody needs, and the next removes it. Throws
    /// `ArchiveFailure`, `StoreFailure`. Long.
    func run() throws -> Timestamp? {
        let archive = try Archive.forReading(store)
        let manifests = try store.allObjects("\(ArchivePlace.manifests)/")
        guard var kept = try kept(archive, manifests), let first = kept.log else { return nil }
        let leaving = manifests.map(\.name).filter { $0 < kept.oldest }
        // Each is opened before any goes, and whose copies it names is written down: they go behind it.
        var owners = Set(kept.indexes.keys)
        for name in leaving { try owners.formUnion(Self.owners(in: open(name, archive))) }
        kept.owners = try shipper.ledger.note(owners: owners)
        let bound = shipper.fleet.clock.now().adding(days: -Self.ageDaysMin)
        for name in leaving { try remove(name, archive) }
        try removeLog(before: first, kept, olderThan: bound, archive)
        try removeCopies(in: ArchivePlace.registry, kept, olderThan: bound, archive)
        try removeCopies(in: ArchivePlace.tenants, kept, olderThan: bound, archive)
        try shipper.ledger.forget(before: first)
        return kept.since
    }

    private func remove(_ name: String, _ archive: Archive) throws {
        if isStopped() { throw StoreFailure.givenUp }
        try archive.removeUnneeded(name)
        shipper.figures.removed()
    }

    // MARK: What stays

    /// Nil where the archive goes no further back than the days, or where copies were told of that nobody noted: by an
    /// earlier program, or in another log of the node's.
    private func kept(_ archive: Archive, _ manifests: [StoredObject]) throws -> Kept? {
        let now = shipper.fleet.clock.now()
        let bound = now.adding(days: -days)
        guard let noted = shipper.ledger.copiesNotedFrom else { return nil }
        var kept = Kept()
        var later = now
        for object in manifests.reversed() {
            let (manifest, log) = try open(object.name, archive)
            if manifest.isAhead(of: now) {
                throw ArchiveFailure.unopened(object.name, "it is later than the clock says")
            }
            if kept.oldest.isEmpty { try judge(object, writtenAt: manifest.startedAt) }
            if later > now.adding(days: -1) { try judge(object.name, from: manifest.startedAt, to: later) }
            later = manifest.startedAt
            for place in [log] + manifest.tenants.compactMap({ $0.mark?.since }) {
                guard place.node == noted.node, place >= noted else { return nil }
                kept.log = min(kept.log ?? place, place)
            }
            for index in [manifest.index] + manifest.tenants.map(\.index) {
                kept.indexes[ArchivePlace.owner(of: index), default: []].insert(index)
            }
            (kept.oldest, kept.since) = (object.name, manifest.startedAt)
            if manifest.startedAt <= bound { return kept }
        }
        return nil
    }

    /// One of this node's own. What a backup or another node needs of the place nobody here knows.
    private func open(_ name: String, _ archive: Archive) throws -> (manifest: ArchiveManifest, log: LogObjectPlace) {
        let manifest: ArchiveManifest
        do {
            manifest = try archive.open(name, by: .masterKey(shipper.fleet.masterKeyOfBackup)).manifest
        } catch let failure as ArchiveFailure {
            throw ArchiveFailure.unopened(name, "\(failure)")
        }
        if let log = manifest.log { return (manifest, log) }
        throw ArchiveFailure.unopened(name, "it is a backup's, and what that needs is not this archive's to remove")
    }

    private static func owners(in own: (manifest: ArchiveManifest, log: LogObjectPlace)) -> [String] {
        [owner(ofLog: own.log.node)] + own.manifest.tenants.map { ArchivePlace.tenant($0.id) }
    }

    /// As `ArchiveLedger.note(owners:)` has it.
    private static func owner(ofLog node: String) -> String { "\(ArchivePlace.log)/\(node)" }

    // MARK: The clock

    /// Throws where the store's clock tells another day than the node's told, or none.
    private func judge(_ newest: StoredObject, writtenAt: Timestamp) throws {
        let apart = newest.writtenAt.map { abs($0.milliseconds - writtenAt.milliseconds) }
        guard let apart, apart <= Self.doubtSeconds * 1_000 else {
            let told = newest.writtenAt?.text ?? "nothing"
            throw ArchiveFailure.unopened(
                newest.name, "the clock of this node said \(writtenAt.text), that of the archive's place \(told)")
        }
    }

    /// Throws where so long passed between one manifest and the next, or now. Once there have been manifests for a day
    /// again, in which a person could see that the clock is wrong, it is believed.
    private func judge(_ name: String, from: Timestamp, to: Timestamp) throws {
        guard to > from.adding(seconds: Self.doubtSeconds) else { return }
        throw ArchiveFailure.unopened(
            name, "what comes after it is from \(to.text): in case the clock is ahead, nothing goes for a day")
    }

    // MARK: Copies that stay

    /// Of one owner: every index that a reader may need.
    private func indexes(of owner: String, _ kept: Kept) throws -> Set<String> {
        var names = kept.indexes[owner] ?? []
        // In this order: what is told of meanwhile is noted before it is told.
        names.formUnion(shipper.untold.filter { $0.hasPrefix("\(owner)/") })
        if let first = kept.log { names.formUnion(try shipper.ledger.copies(of: owner, from: first)) }
        if let id = Self.tenant(of: owner), let index = shipper.ledger.entry(id)?.snapshot?.index {
            names.insert(index)
        }
        return names
    }

    /// Adds the same to what is known of it, with their pieces: an index that was read is not read again. False:
    /// everything is needed, since an index cannot be read.
    private func gatherNeeds(
        of owner: String, _ kept: Kept, _ archive: Archive, into names: inout Set<String>
    ) throws -> Bool {
        for index in try indexes(of: owner, kept) where !names.contains(index) {
            guard let key = key(of: owner) else { return false }
            do {
                names.formUnion(try ArchiveIndex(reading: archive.object(index, under: key), index).pieces)
            } catch is ArchiveFailure {
                return false
            }
            names.insert(index)
        }
        return true
    }

    /// Nil of a tenant that the node does not have any more.
    private func key(of owner: String) -> ArchiveKey? {
        if owner == ArchivePlace.registry { return shipper.key }
        let record = Self.tenant(of: owner).flatMap { shipper.fleet.roster.tenant(id: $0) }
        return record.map { ArchiveKey(of: $0.secretKey) }
    }

    private static func tenant(of owner: String) -> TenantID? {
        owner.split(separator: "/").last.flatMap { TenantID(text: String($0)) }
    }

    // MARK: What goes

    private func isOld(_ object: StoredObject, _ bound: Timestamp) -> Bool {
        object.writtenAt.map { $0 < bound } ?? false
    }

    /// Objects of this log from before a place, and all of logs that the node had before it.
    private func removeLog(
        before first: LogObjectPlace, _ kept: Kept, olderThan bound: Timestamp, _ archive: Archive
    ) throws {
        var after = ""
        while true {
            let page = try store.objects("\(ArchivePlace.log)/", after: after)
            guard let last = page.last else { return }
            after = last.name
            for object in page {
                guard let place = LogObjectPlace(ArchivePlace.place(of: object.name)) else { continue }
                let owner = Self.owner(ofLog: place.node)
                let isStaying = place.node == first.node ? place >= first : !kept.owners.contains(owner)
                if isStaying {
                    // It is not listed to its end: this comes right behind it.
                    after = max(after, "\(owner)0")
                } else if isOld(object, bound) {
                    try remove(object.name, archive)
                }
            }
        }
    }

    private func removeCopies(
        in folder: String, _ kept: Kept, olderThan bound: Timestamp, _ archive: Archive
    ) throws {
        var (owner, objects): (String, [StoredObject]) = ("", [])
        var after = ""
        while true {
            let page = try store.objects("\(folder)/", after: after)
            guard let last = page.last else { break }
            after = last.name
            for object in page {
                guard let own = Self.owner(of: object.name) else { continue }
                if own != owner {
                    try removeCopies(of: owner, objects, kept, archive)
                    (owner, objects) = (own, [])
                }
                if isOld(object, bound) { objects.append(object) }
            }
        }
        try removeCopies(of: owner, objects, kept, archive)
    }

    /// `registry`, or `tenants/ID`; nil for what is no part of a copy.
    private static func owner(of name: String) -> String? {
        let place = ArchivePlace.place(of: name)
        for owner in [ArchivePlace.owner(of: place), ArchivePlace.owner(of: ArchivePlace.owner(of: place))]
        where place == ArchivePlace.index(of: owner) || place.hasPrefix("\(owner)/pages/") {
            return owner
        }
        return nil
    }

    /// An owner whose every index stays is passed over: nothing of it has come to be needed no more. An index goes
    /// behind its pieces, so that what is cut off is ended the next time.
    private func removeCopies(
        of owner: String, _ objects: [StoredObject], _ kept: Kept, _ archive: Archive
    ) throws {
        let index = ArchivePlace.index(of: owner)
        let isIndex = { (object: StoredObject) in ArchivePlace.place(of: object.name) == index }
        if objects.isEmpty { return }
        // Of a tenant that is not there any more and that no manifest of this node's ever named, it may be another's.
        guard kept.owners.contains(owner) || key(of: owner) != nil else { return }
        let staying = try indexes(of: owner, kept)
        guard objects.contains(where: { isIndex($0) && !staying.contains($0.name) }) else { return }
        let ordered = objects.filter { !isIndex($0) } + objects.filter(isIndex)
        var needs: Set<String> = []
        // Most of them are read before copies have to wait.
        guard try gatherNeeds(of: owner, kept, archive, into: &needs) else { return }
        for start in stride(from: 0, to: ordered.count, by: Self.turnMax) {
            let turn = ordered[start..<min(start + Self.turnMax, ordered.count)]
            try shipper.copying.withLock { _ in
                guard try gatherNeeds(of: owner, kept, archive, into: &needs) else { return }
                for object in turn where !needs.contains(object.name) { try remove(object.name, archive) }
            }
        }
    }
}
