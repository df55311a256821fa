import Cryptography
import Foundation
import Glibc
import SQLite
package import TenantRegistry

/// A node as its archive has it, at one moment: the last that is there, or an earlier one (B3).
///
/// It begins at a manifest and goes through the log from the first object that anything in it needs. What it takes of a
/// tenant lies in a file of the scratch folder, until that tenant's file is made: its snapshot, then its commits.
/// One thread.
package final class ArchiveReading {
    package let archive: Archive
    package let manifest: ArchiveManifest
    package let masterKey: [UInt8]
    private let moment: Timestamp?
    private let scratch: String
    private let clock: any WallClock
    private let key: ArchiveKey

    /// Up to when it has everything.
    package private(set) var asOf: Timestamp
    /// By id: the newest copy that is not behind the moment.
    package private(set) var tenants: [TenantID: ArchiveManifest.Tenant] = [:]
    package private(set) var keys: [TenantID: WrappedKeys] = [:]
    /// Whose keys are there and do not open: damaged, another node's, or not to be read now.
    private var unopened: Set<TenantID> = []
    /// What the archive has lost of the log: what came behind it is left out.
    package private(set) var losses: [String] = []
    /// The first object that it has lost; nil: none.
    package private(set) var lostAt: LogObjectPlace?
    /// Tenants of the registry of whom no copy is there, by id.
    package private(set) var uncopied: [TenantID: String] = [:]
    /// Tenants of the registry of whom a copy is there and no keys are, by id.
    package private(set) var keyless: [TenantID: String] = [:]
    /// The time of the first frame from after the moment.
    private var next: Timestamp?
    private var registryIndex: String
    private var registryChanges: [(place: LogObjectPlace, bytes: [UInt8])] = []
    private var brokenBy: [TenantID: String] = [:]
    private var spools: [TenantID: UInt64] = [:]

    /// `moment`: up to then; nil: everything. `scratch`: a folder of the caller's.
    package init(
        _ archive: Archive, _ manifest: ArchiveManifest, masterKey: [UInt8], moment: Timestamp?, scratch: String,
        clock: any WallClock = SystemClock()
    ) {
        self.archive = archive
        self.manifest = manifest
        self.masterKey = masterKey
        self.moment = moment
        self.scratch = scratch
        self.clock = clock
        key = ArchiveKey(of: masterKey)
        asOf = manifest.endedAt
        registryIndex = manifest.index
        for tenant in manifest.tenants { tenants[tenant.id] = tenant }
    }

    /// The newest manifest that is not behind a moment, of those that open, and its master key. A node that was made
    /// anew has another, and may go on in the same place: a passphrase opens both. Long: scrypt.
    package static func manifest(
        in archive: Archive, before moment: Timestamp?, by opener: ArchiveManifest.Opener
    ) throws -> (manifest: ArchiveManifest, masterKey: [UInt8]) {
        var failure: ArchiveFailure?
        let names = try archive.manifests()
        for name in names.reversed() {
            if let moment, ArchiveManifest.isNamed(name, behind: moment) { continue }
            do {
                let opened = try archive.open(name, by: opener)
                if let moment, opened.manifest.startedAt > moment { continue }
                return opened
            } catch let away as StoreFailure {
                throw away
            } catch {
                failure = failure ?? ArchiveFailure.unopened(name, "\(error)")
            }
        }
        if let failure { throw failure }
        guard let moment, let oldest = names.first else { throw ArchiveFailure.noManifest }
        for name in names {
            guard let first = try? archive.open(name, by: opener) else { continue }
            throw ArchiveFailure.tooEarly(moment, first: first.manifest.startedAt)
        }
        throw ArchiveFailure.unopened(oldest, "it does not open")
    }

    // MARK: The log

    /// Goes through the log. `only`: these tenants; nil: all. Long.
    package func read(only: Set<TenantID>? = nil) throws {
        try readKeys(only)
        guard let start = manifest.log else { return }
        let marks = manifest.tenants.filter { only?.contains($0.id) ?? true }.compactMap(\.mark)
            .filter { $0.since < start }
        let first = marks.map(\.since).min() ?? start
        let (listed, hole) = try objects(from: first)
        var loss = hole.map { (place: $0, text: "\($0.text) is not in the list") }
        var chain: Digest?
        var lsn: UInt64 = 0
        // Up to when everything is in what was taken.
        var takenTo = manifest.startedAt
        var (stream, link) = ("", [UInt8]())
        // Of the object that has the first frame from after the moment.
        var nextIndex: Int?
        reading: for (index, found) in listed.enumerated() {
            let (place, name) = (found.place, found.name)
            do {
                let object = try LogObject(reading: try archive.object(name, under: key), name)
                guard object.number == place.number, place.stream != stream || object.before == link else {
                    throw ArchiveFailure.damaged(name)
                }
                // A copy has the log up to somewhere in the first object that it needs.
                if index == 0, !object.parts.contains(.gap), marks.contains(where: { $0.lsn < object.from }) {
                    throw ArchiveFailure.missing(first.text)
                }
                (stream, link) = (place.stream, ArchivePlace.code(of: name))
                let isOver = moment.map { object.at > $0 && isBehind(object, $0) } ?? false
                if !isOver { try take(object, place, name, only, &chain, &lsn) }
                takeRegistry(object, place, from: start)
                if next != nil, nextIndex == nil { nextIndex = index }
                if isOver {
                    // What lies before a gap ends where the object before it does, which may be before the moment, or
                    // in the midst of its millisecond.
                    let isHoled = object.parts.contains(.gap) && moment.map { takenTo <= $0 } ?? false
                    loss = nil
                    if isHoled { loss = (place, "the archive lacks a part of the log before \(name)") }
                    if !isHoled { asOf = moment ?? asOf }
                    break reading
                }
                (asOf, takenTo) = (object.at, object.at)
            } catch let failure as ArchiveFailure where failure.isLoss {
                loss = (place, "\(failure)")
                break reading
            }
        }
        if let moment {
            asOf = min(asOf, moment)
            if let next, let nextIndex, isMisdated(next, listed[nextIndex...]) { throw ArchiveFailure.leapt(moment) }
        }
        if let loss {
            lostAt = loss.place
            losses.append("\(loss.text): what came after \(asOf.text) is left out")
        }
    }

    /// Whether every frame in it came after the moment.
    private func isBehind(_ object: LogObject, _ moment: Timestamp) -> Bool {
        var first: Timestamp?
        var isBehind = true
        try? object.forEachFrame("") { frame, _ in
            first = first ?? frame.at
            if frame.at <= moment { isBehind = false }
        }
        if isBehind, next == nil { next = first }
        return isBehind
    }

    /// So long at most after it had leapt.
    private static let leapDaysMax: Int64 = 2

    /// Whether a frame came at another time than it carries: times in the log never fall, and those of its objects do,
    /// where a clock that had leapt ahead was mended. `objects`: from the one on that has the frame.
    private func isMisdated(_ at: Timestamp, _ objects: ArraySlice<Listed>) -> Bool {
        if at > clock.now().adding(seconds: Past.leapSeconds) { return true }
        let bound = at.adding(seconds: -Past.leapSeconds)
        // A folder's list goes by the node's clock too: one that fell behind for a while gives times from before the
        // manifest.
        let first = archive.store is FolderStore ? manifest.startedAt : Timestamp(milliseconds: .min)
        // Of the others the list says that they came later; each of these is fetched. Far later is when the archive was
        // copied: that says nothing.
        let copied = at.adding(days: Self.leapDaysMax)
        for found in objects where found.writtenAt.map({ $0 < bound || $0 > copied }) ?? true {
            guard let bytes = try? archive.object(found.name, under: key),
                let object = try? LogObject(reading: bytes, found.name)
            else { return false }
            if object.at < bound && object.at >= first { return true }
            if object.at > copied { return false }
        }
        return false
    }

    private func readKeys(_ only: Set<TenantID>?) throws {
        for name in try archive.store.all("keys/") {
            guard let id = ArchivePlace.tenant(ofKeys: name), only?.contains(id) ?? true else { continue }
            // One does not open that is of another node's time in this archive.
            do {
                keys[id] = try WrappedKeys(reading: archive.object(name, under: key), name)
            } catch let failure as ArchiveFailure {
                switch failure {
                case .damaged: unopened.insert(id)
                // It was erased since the list was made.
                case .missing: break
                default: throw failure
                }
            } catch let failure as StoreFailure {
                // That of one tenant is no reason to leave the others.
                guard case .away = failure else { throw failure }
                unopened.insert(id)
            }
        }
        // A backup of one moment has them in its registry.
    }

    /// An object of the log, as the list has it. `writtenAt`: by the store's clock; nil where it does not say.
    private struct Listed {
        let place: LogObjectPlace
        let name: String
        let writtenAt: Timestamp?
    }

    /// An object of the log that a reader needs and the list lacks, of those before `end`, where its node goes on; nil:
    /// there is none. `ends`: the last ones that its earlier starts put, which no list tells. Fetches nothing.
    func hole(before end: LogObjectPlace, _ ends: [LogObjectPlace]) throws -> LogObjectPlace? {
        // The archive of another time: what was put since lies elsewhere.
        guard let start = manifest.log, start.node == end.node else { return end }
        let first = min(start, manifest.tenants.compactMap { $0.mark?.since }.min() ?? start)
        let (whole, hole) = try listed(from: first)
        if let hole { return hole }
        var lasts = ends.filter { $0.node == end.node }
        if end.number > 1 {
            lasts.append(LogObjectPlace(node: end.node, stream: end.stream, number: end.number - 1))
        }
        let there = Set(whole.map(\.place))
        // A copy from behind the last one that is lost needs none of them.
        return lasts.last { $0 >= first && !there.contains($0) }
    }

    /// Objects of the log from one on, in order, up to the first hole. Of each stream: a node that starts begins a new
    /// one where it left off, or a little before.
    private func objects(from first: LogObjectPlace) throws -> (whole: [Listed], hole: LogObjectPlace?) {
        for attempt in 0..<Self.listAttempts {
            let found = try listed(from: first)
            // A list may lag behind what is there.
            if found.hole == nil || attempt == Self.listAttempts - 1 { return found }
            pause(milliseconds: Self.listPauseMilliseconds)
        }
        return ([], nil)
    }

    /// The same, as the list is now.
    private func listed(from first: LogObjectPlace) throws -> (whole: [Listed], hole: LogObjectPlace?) {
        // Its name is longer than its place: it comes behind that.
        let objects = try archive.store.allObjects("\(ArchivePlace.log)/\(first.node)/", after: first.text)
        let listed = objects.compactMap { object in
            LogObjectPlace(ArchivePlace.place(of: object.name)).map {
                Listed(place: $0, name: object.name, writtenAt: object.writtenAt)
            }
        }
        return Self.withoutHoles(listed, first)
    }

    private static let listAttempts = 4
    private static let listPauseMilliseconds = 1_000

    /// Each stream up to its first hole; the log goes on in the next stream from where the archive had it, so that a
    /// hole leaves out everything behind.
    private static func withoutHoles(
        _ listed: [Listed], _ first: LogObjectPlace
    ) -> (whole: [Listed], hole: LogObjectPlace?) {
        var expected = first
        var whole: [Listed] = []
        for found in listed.sorted(by: { $0.place < $1.place }) {
            let place = found.place
            if place.stream != expected.stream {
                expected = LogObjectPlace(node: place.node, stream: place.stream, number: 1)
            }
            guard place == expected else { return (whole, expected) }
            whole.append(found)
            expected = place.next
        }
        return (whole, nil)
    }

    private func take(
        _ object: LogObject, _ place: LogObjectPlace, _ name: String, _ only: Set<TenantID>?, _ chain: inout Digest?,
        _ lsn: inout UInt64
    ) throws {
        var payloads: [TenantID: [UInt8]] = [:]
        for part in object.parts {
            switch part {
            case .payloads(let id, let sealed):
                guard only?.contains(id) ?? true, let secret = try secretKey(of: id) else { continue }
                payloads[id] = try sealed.open(of: id, at: place, under: ArchiveKey(of: secret))
            case .snapshot(let tenant): takeSnapshot(tenant)
            case .gap:
                for id in tenants.keys { brokenBy[id] = "the archive lacks a part of the log before \(name)" }
            case .erased, .registry, .registryChanges: break
            }
        }
        var offsets: [TenantID: Int] = [:]
        var records: [TenantID: [UInt8]] = [:]
        try object.forEachFrame(name) { [moment] frame, head in
            guard let base = head.baseAddress else { return }
            // A stream begins a little before the last one ended.
            if let before = chain, frame.start >= lsn {
                guard LogFrame.follows(base, before) || object.parts.contains(.gap) else {
                    // The last ones of a stream are in no list once they are gone.
                    let isBehind = frame.start > lsn
                    throw isBehind ? ArchiveFailure.missing("what the log had before \(name)") : .damaged(name)
                }
            }
            let isNew = frame.start >= lsn
            if isNew { (chain, lsn) = (frame.chain, frame.end) }
            if isNew, next == nil, let moment, frame.at > moment { next = frame.at }
            guard let whole = payloads[frame.tenant],
                frame.kind == .commit || frame.kind == .part || frame.kind == .opened
            else { return }
            let start = offsets[frame.tenant, default: 0]
            guard start + frame.length <= whole.count else { throw ArchiveFailure.damaged(name) }
            offsets[frame.tenant] = start + frame.length
            let payload = whole[start..<start + frame.length]
            guard isNew, moment.map({ frame.at <= $0 }) ?? true else { return }
            guard SHA256.hash(Array(payload)) == frame.digest else { throw ArchiveFailure.damaged(name) }
            records[frame.tenant, default: []] += SpooledRecord.bytes(frame, payload)
        }
        for (id, bytes) in records { try spool(bytes, of: id) }
    }

    private func takeSnapshot(_ tenant: ArchiveManifest.Tenant) {
        guard let mark = tenant.mark, moment.map({ mark.at <= $0 }) ?? true else { return }
        tenants[tenant.id] = tenant
        brokenBy[tenant.id] = nil
    }

    private func takeRegistry(_ object: LogObject, _ place: LogObjectPlace, from start: LogObjectPlace) {
        guard place >= start else { return }
        for part in object.parts {
            switch part {
            case .registryChanges(let bytes): registryChanges.append((place, bytes))
            case .registry(let index, let since):
                registryIndex = index
                // Rows become what they became, though the copy may know of it already. What was noted before may be
                // older than the copy.
                registryChanges.removeAll { $0.place.stream != place.stream || $0.place.number < since }
            default: break
            }
        }
    }

    /// Copies that nobody can open, since their tenant's keys do not open: by name.
    package var locked: [ArchiveManifest.Tenant] {
        tenants.values.filter { keys[$0.id] == nil && unopened.contains($0.id) }.sorted { $0.slug < $1.slug }
    }

    private func secretKey(of id: TenantID) throws -> [UInt8]? {
        try keys[id].map { try $0.secretKey(under: masterKey, of: id) }
    }

    // MARK: Files

    /// The registry at `path`, whole, with the keys of those tenants that still have them.
    package func makeRegistry(at path: String) throws {
        try archive.assemble(registryIndex, under: key, to: path)
        guard manifest.log != nil else {
            for (id, wrapped) in try NodeCopy.wrappedKeys(inRegistry: path) { keys[id] = wrapped }
            return
        }
        try NodeCopy.complete(registry: path, changes: registryChanges.map(\.bytes), keys: keys)
        let bound = moment ?? Timestamp(milliseconds: .max)
        let slugs = try NodeCopy.slugs(inRegistry: path, madeBefore: bound)
        // The log says that a tenant goes before its keys do. A registry of before, or of before a loss, does not.
        let isNewest = moment == nil && losses.isEmpty
        // Keys were listed before the log was: those of a tenant that was made in between are there by now.
        let missing = try slugs.filter { id, _ in
            try isNewest && keys[id] == nil && !unopened.contains(id)
                && archive.store.all(ArchivePlace.keys(of: id)).isEmpty
        }
        uncopied = slugs.filter { id, _ in
            tenants[id] == nil && (keys[id] != nil || isNewest && unopened.contains(id) || missing[id] != nil)
        }
        keyless = missing.filter { id, _ in tenants[id] != nil }
    }

    /// The tenant's file at `path`, signed as an export of that moment. Where its chain ends is given.
    package func makeFile(of id: TenantID, at path: String) throws -> AuditHead {
        guard let tenant = tenants[id] else { throw ArchiveFailure.missing("a copy of \(id.text)") }
        guard let wrapped = keys[id] else { throw ArchiveFailure.missing("the key of \(tenant.slug)") }
        if let reason = brokenBy[id] { throw ArchiveFailure.missing(reason) }
        let secret = try wrapped.secretKey(under: masterKey, of: id)
        try archive.assemble(tenant.index, under: ArchiveKey(of: secret), to: path)
        guard let head = ExportSeal.read(path)?.head, head.text == tenant.head else {
            throw ArchiveFailure.damaged("\(tenant.index) (it is not the file of the manifest)")
        }
        guard let mark = tenant.mark, spools[id] != nil else { return head }
        try ExportSeal.remove(from: path)
        let replay = try PageReplay(path: path)
        // Another file took its place, and no copy of that is there; unless it went and the one before it came back.
        var isReplaced = false
        try SpooledRecord.forEach(in: spoolPath(id)) { record in
            guard record.lsn > mark.lsn else { return }
            isReplaced = record.incarnation != mark.incarnation
            if !isReplaced { try record.payload.withUnsafeBytes { try replay.apply($0) } }
        }
        if isReplaced { throw ArchiveFailure.missing("a copy of \(tenant.slug) from after its restore") }
        try replay.finish()
        return try wrapped.sign(path, under: masterKey, of: id)
    }

    /// The tenant's part of the log is not needed any more.
    package func forget(_ id: TenantID) {
        if spools[id] != nil { unlink(spoolPath(id)) }
        spools[id] = nil
    }

    private func spoolPath(_ id: TenantID) -> String { "\(scratch)/\(id.text).records" }

    private func spool(_ bytes: [UInt8], of id: TenantID) throws {
        let path = spoolPath(id)
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno))) }
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno))) }
            rest = rest.dropFirst(count)
        }
        spools[id, default: 0] += UInt64(bytes.count)
    }
}
