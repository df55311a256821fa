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
    private let key: ArchiveKey

    /// Up to when it has everything.
    package private(set) var asOf: Timestamp
    /// By id: the newest copy that is not behind the moment.
    package private(set) var tenants: [TenantID: ArchiveManifest.Tenant] = [:]
    package private(set) var keys: [TenantID: WrappedKeys] = [:]
    /// Whose keys are there and do not open: damaged, another node's, or not to be read now.
    private var unopened: Set<TenantID> = []
    /// What was left out, and why.
    package private(set) var remarks: [String] = []
    private var registryIndex: String
    private var registryChanges: [(place: LogPlace, bytes: [UInt8])] = []
    private var brokenBy: [TenantID: String] = [:]
    private var spools: [TenantID: UInt64] = [:]

    /// `moment`: up to then; nil: everything. `scratch`: a folder of the caller's.
    package init(
        _ archive: Archive, _ manifest: ArchiveManifest, masterKey: [UInt8], moment: Timestamp?, scratch: String
    ) {
        self.archive = archive
        self.manifest = manifest
        self.masterKey = masterKey
        self.moment = moment
        self.scratch = scratch
        key = ArchiveKey(of: masterKey)
        asOf = manifest.endedAt
        registryIndex = manifest.index
        for tenant in manifest.tenants { tenants[tenant.id] = tenant }
    }

    /// The newest manifest that is not behind a moment, of those that this key opens; by its name.
    package static func manifest(
        in archive: Archive, before moment: Timestamp?, under masterKey: [UInt8]
    ) throws -> ArchiveManifest {
        let names = try archive.manifests().reversed()
        var failure: (any Error) = ArchiveFailure.noManifest
        for name in names {
            do {
                let manifest = try archive.open(name, by: .masterKey(masterKey)).manifest
                if let moment, manifest.startedAt > moment { continue }
                return manifest
            } catch let away as StoreFailure {
                throw away
            } catch {
                failure = error
            }
        }
        throw failure
    }

    // MARK: The log

    /// Goes through the log. `only`: these tenants; nil: all. Long.
    package func read(only: Set<TenantID>? = nil) throws {
        try readKeys(only)
        guard let start = manifest.log else { return }
        let wanted = manifest.tenants.filter { only?.contains($0.id) ?? true }
        let first = min(start, wanted.compactMap { $0.mark?.since }.min() ?? start)
        var chain: Digest?
        var lsn: UInt64 = 0
        var stream = ""
        var link = [UInt8]()
        for (place, name) in try objects(from: first) {
            let object = try LogObject(reading: try archive.object(name, under: key), name)
            guard object.number == place.number, place.stream != stream || object.before == link else {
                throw ArchiveFailure.damaged(name)
            }
            stream = place.stream
            link = ArchivePlace.code(of: name)
            if let moment, object.at > moment, isBehind(object, moment) {
                takeRegistry(object, place, from: start)
                asOf = moment
                break
            }
            try take(object, place, name, only, &chain, &lsn)
            takeRegistry(object, place, from: start)
            asOf = object.at
        }
        if let moment { asOf = min(asOf, moment) }
    }

    /// Whether every frame in it came after the moment.
    private func isBehind(_ object: LogObject, _ moment: Timestamp) -> Bool {
        var isBehind = true
        try? object.forEachFrame("") { frame, _ in if frame.at <= moment { isBehind = false } }
        return isBehind
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

    /// Objects of the log from one on, in order, without a hole. Of each stream: a node that starts begins a new one
    /// where it left off, or a little before.
    private func objects(from first: LogPlace) throws -> [(LogPlace, String)] {
        for attempt in 0..<Self.listAttempts {
            // Its name is longer than its place: it comes behind that.
            let listed = try archive.store.all("\(ArchivePlace.log)/\(first.node)/", after: first.text)
            let names = listed.compactMap { name in LogPlace(ArchivePlace.place(of: name)).map { ($0, name) } }
            let (whole, hole) = Self.withoutHoles(names, first)
            guard let hole else { return whole }
            // A list may lag behind what is there.
            if attempt < Self.listAttempts - 1 {
                pause(milliseconds: Self.listPauseMilliseconds)
            } else {
                remarks.append("\(hole.text) is not in the list: what follows it is left out")
                return whole
            }
        }
        return []
    }

    private static let listAttempts = 4
    private static let listPauseMilliseconds = 1_000

    /// Each stream up to its first hole; the log goes on in the next stream from where the archive had it, so that a
    /// hole leaves out everything behind.
    private static func withoutHoles(
        _ names: [(LogPlace, String)], _ first: LogPlace
    ) -> (whole: [(LogPlace, String)], hole: LogPlace?) {
        var expected = first
        var whole: [(LogPlace, String)] = []
        for (place, name) in names.sorted(by: { $0.0 < $1.0 }) {
            if place.stream != expected.stream {
                expected = LogPlace(node: place.node, stream: place.stream, number: 1)
            }
            guard place == expected else { return (whole, expected) }
            whole.append((place, name))
            expected = place.next
        }
        return (whole, nil)
    }

    private func take(
        _ object: LogObject, _ place: LogPlace, _ name: String, _ only: Set<TenantID>?, _ chain: inout Digest?,
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
                    throw ArchiveFailure.damaged(name)
                }
            }
            let isNew = frame.start >= lsn
            if isNew { (chain, lsn) = (frame.chain, frame.end) }
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

    private func takeRegistry(_ object: LogObject, _ place: LogPlace, from start: LogPlace) {
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

    /// Copies that nobody can open, since their tenant's keys do not open: by name. Those without any keys were erased.
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
