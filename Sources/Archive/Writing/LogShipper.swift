import Cryptography
import Foundation
import Glibc
import Synchronization
import TenantRegistry

/// Brings the node's log into the archive as it grows (B3): what is durable goes there in objects, one behind the
/// other, none of them before the one before it is there. So what the archive has is a beginning of what clients were
/// told.
///
/// The thread `archive` runs it. Nothing waits for it: what it has not taken yet lies in the log's segments, which stay
/// until it has, or until they are too many.
final class LogShipper: Sendable {
    struct Bounds: Sendable {
        /// From the start of one object to that of the next.
        var paceMilliseconds = 250
        var pollMilliseconds = 20
        /// Of the log in one object.
        var objectBytesMax = 8 << 20
        /// Of the log that waits for an archive that is away; past it the log forgets, and snapshots are made anew.
        var backlogBytesMax: UInt64 = 4 << 30
        var retryMilliseconds = 500
        var retryMillisecondsMax = 10_000
    }

    /// What goes into the next object besides.
    enum Event: Sendable {
        case registry(index: String, since: UInt64)
        case snapshot(ArchiveManifest.Tenant)

        fileprivate var index: String {
            switch self {
            case .registry(let index, _): index
            case .snapshot(let tenant): tenant.index
            }
        }
    }

    private struct Line {
        var events: [Event] = []
        /// Indexes of copies that are there, and that no object tells of yet.
        var untold: Set<String> = []
        /// The object that is made next, or is on its way.
        var place: LogObjectPlace?
        /// The registry's changes since this object are noted, and no copy of it goes with them yet.
        var wantsRegistrySince: UInt64?
        /// This process has written a manifest.
        var hasManifest = false
    }

    let fleet: Fleet
    let log: NodeLog
    let ledger: ArchiveLedger
    let store: any ObjectStore
    let bounds: Bounds
    let key: ArchiveKey
    let figures: ArchiveFigures
    private let line = Mutex(Line())
    /// Held while a copy is made, up to where it is `untold`, and while what no copy needs is removed.
    let copying = Mutex(())
    private let isStopping = Atomic<Bool>(false)

    init(
        _ fleet: Fleet, _ log: NodeLog, _ ledger: ArchiveLedger, _ store: any ObjectStore, _ figures: ArchiveFigures,
        _ bounds: Bounds
    ) {
        self.fleet = fleet
        self.log = log
        self.ledger = ledger
        self.store = store
        self.figures = figures
        self.bounds = bounds
        key = ArchiveKey(of: fleet.masterKeyOfBackup)
    }

    // MARK: Any thread

    /// Nil until the first object has its place.
    var place: LogObjectPlace? { line.withLock { $0.place } }

    func add(_ event: Event) {
        line.withLock { line in
            line.events.append(event)
            line.untold.insert(event.index)
        }
    }

    var untold: Set<String> { line.withLock { $0.untold } }

    private func noteTold(_ events: [Event]) {
        line.withLock { line in
            for event in events where !line.events.contains(where: { $0.index == event.index }) {
                line.untold.remove(event.index)
            }
        }
    }

    /// A copy of the registry is wanted, to which changes from this object on are applied.
    func takeRegistryWish() -> UInt64? {
        line.withLock { line in
            defer { line.wantsRegistrySince = nil }
            return line.wantsRegistrySince
        }
    }

    func wishRegistry() { line.withLock { line in line.wantsRegistrySince = line.place?.number } }

    var hasManifest: Bool { line.withLock { $0.hasManifest } }
    func noteManifest() { line.withLock { $0.hasManifest = true } }

    /// The archive has lost this object of the log: a reader begins behind it from the next manifest on.
    func goOn(behind lost: LogObjectPlace) {
        ledger.dropSnapshots(needing: lost)
        wishRegistry()
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        store.giveUp()
    }

    var isStopped: Bool { isStopping.load(ordering: .acquiring) }

    // MARK: The thread

    /// Where it stands. Of the thread.
    private struct Stand {
        var place: NodeLog.Place
        var object: LogObjectPlace
        var before = [UInt8](repeating: 0, count: LogObject.linkBytes)
        var recording = 0
        var used: UInt64?
        /// A copy of the registry is to be told of that has what was not noted: one from this object on.
        var untoldRegistry: UInt64?
        /// What became of the registry until the step began is in `changes`, in the archive, or in that copy.
        var hasRegistry = false
        var hasGap = false
        /// Behind the gap: a copy that ends before it does not go on there.
        var gapEnd: UInt64 = 0
        /// When an archive that had nothing to take was last seen to be there.
        var seenAt: UInt64 = 0
        /// What was taken from the registry and from the line, and is in no object yet: whatever fails, the next object
        /// has it.
        var changes: [LogObject.Part] = []
        var events: [Event] = []
    }

    func run() {
        guard untilDone({ if try ledger.open(store, fleet.random) { fleet.report(Self.lostArchive) } }) else { return }
        guard var stand = begin(), untilDone({ try ledger.noteCopies(from: stand.object) }) else { return }
        var saved = monotonicMilliseconds()
        while !isStopped {
            let start = monotonicMilliseconds()
            // The archive is told that a tenant goes before its keys do.
            let owed = ledger.owed
            let isBusy = step(&stand)
            if isTold(stand) { destroyKeys(of: owed) }
            if monotonicMilliseconds() - saved > Self.saveMilliseconds {
                save()
                saved = monotonicMilliseconds()
            }
            guard !isBusy else { continue }
            let rest = start + UInt64(bounds.paceMilliseconds)
            repeat { pause(milliseconds: bounds.pollMilliseconds) } while !isStopped && monotonicMilliseconds() < rest
        }
        save()
    }

    static let lostArchive = "the archive: what was there is gone; it begins anew, and every tenant is copied"

    /// After a kill so much is sent once more.
    private static let saveMilliseconds: UInt64 = 1_000
    private static let seeMilliseconds: UInt64 = 5_000

    private func save() {
        do { try ledger.save() } catch { fleet.report("archive.sqlite: \(error)") }
        log.forgetWhatMay()
    }

    /// Nil where it was stopped before the archive had said what it has.
    private func begin() -> Stand? {
        let known = ledger.place
        var place = known ?? log.beginning
        var reason = doesNotFollow(place)
        guard reason != nil || untilDone({ reason = try goesOnOtherwise() }) else { return nil }
        if let reason {
            fleet.report("the archive: \(reason); it begins anew, and every tenant is copied")
            ledger.beginAnew(fleet.random)
            place = log.beginning
        }
        let object = LogObjectPlace(
            node: ledger.node, stream: LogObjectPlace.stream(ledger.generation, fleet.random), number: 1)
        line.withLock { $0.place = object }
        return Stand(place: place, object: object)
    }

    /// Whether the archive has all that the registry was when the last step began.
    private func isTold(_ stand: Stand) -> Bool {
        stand.hasRegistry && stand.untoldRegistry == nil && stand.changes.isEmpty && !isStopped
    }

    /// Takes what there is. Whether there is more at once.
    private func step(_ stand: inout Stand) -> Bool {
        let (at, instant) = (fleet.clock.now(), monotonicMilliseconds())
        takeRegistry(&stand)
        var taken = Taken()
        let from = stand.place
        var to = from
        do {
            to = try log.forEachFrame(from: from, bytesMax: bounds.objectBytesMax) { taken.add($0, $1, $2) }
        } catch {
            skip(&stand, error)
            return true
        }
        takeEvents(&stand)
        // Copies that come with a gap are from behind it.
        var parts: [LogObject.Part] = stand.hasGap ? [.gap] : []
        parts += stand.changes
        for event in stand.events {
            switch event {
            case .registry(let index, let since): parts.append(.registry(index: index, since: since))
            case .snapshot(let tenant): parts.append(.snapshot(tenant))
            }
        }
        let isWhole = to.lsn >= log.durable || taken.bytes < bounds.objectBytesMax
        if taken.heads.isEmpty && parts.isEmpty {
            // Nothing is put that would show that the archive has gone.
            if instant - stand.seenAt > Self.seeMilliseconds {
                guard untilDone({ _ = try Archive.forReading(store) }) else { return false }
                stand.seenAt = monotonicMilliseconds()
            }
            figures.reached(instant)
            return false
        }
        // What goes into a place once it is there is known by then.
        let (place, copies) = (stand.object, stand.events.map(\.index))
        guard copies.isEmpty || untilDone({ try ledger.note(copies: copies, at: place) }) else { return false }
        guard let sealed = seal(taken, &parts, stand, from: from.lsn, to: to.lsn, at) else { return false }
        guard untilDone({ _ = try store.put(sealed.name, sealed.bytes) }) else { return false }
        figures.put(sealed.bytes.count)
        note(taken, stand.events)
        stand.place = to
        ledger.reached(to, with: stand.object)
        // A copy is not made twice because of a kill.
        if !stand.events.isEmpty { save() }
        noteTold(stand.events)
        for case .registry(_, let since) in stand.events where since >= stand.untoldRegistry ?? since {
            stand.untoldRegistry = nil
        }
        (stand.changes, stand.events) = ([], [])
        stand.before = sealed.link
        stand.hasGap = false
        stand.object = stand.object.next
        line.withLock { [next = stand.object] in $0.place = next }
        if isWhole { figures.reached(instant) }
        return !isWhole
    }

    /// Frames of one object, with the payloads by tenant.
    private struct Taken {
        var heads: [UInt8] = []
        var bytes = 0
        var order: [TenantID] = []
        var tenants: [TenantID: (payloads: [UInt8], bytes: Int64, last: UInt64, incarnation: Int64)] = [:]

        mutating func add(_ frame: LogFrame, _ head: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) {
            heads.append(contentsOf: head.bindMemory(to: UInt8.self))
            bytes += frame.frameBytes
            guard frame.kind == .commit || frame.kind == .part || frame.kind == .opened else { return }
            if tenants[frame.tenant] == nil {
                order.append(frame.tenant)
                tenants[frame.tenant] = ([], 0, 0, 0)
            }
            tenants[frame.tenant]?.payloads.append(contentsOf: payload.bindMemory(to: UInt8.self))
            tenants[frame.tenant]?.bytes += Int64(frame.frameBytes)
            tenants[frame.tenant]?.last = frame.end
            tenants[frame.tenant]?.incarnation = frame.incarnation
        }
    }

    private func seal(
        _ taken: Taken, _ parts: inout [LogObject.Part], _ stand: Stand, from: UInt64, to: UInt64, _ at: Timestamp
    ) -> (name: String, bytes: [UInt8], link: [UInt8])? {
        do {
            for id in taken.order {
                // Nobody is to read what a tenant did that is gone.
                guard let record = fleet.roster.tenant(id: id), ledger.entry(id)?.isErased != true,
                    let tenant = taken.tenants[id]
                else {
                    parts.append(.erased(id))
                    continue
                }
                guard untilDone({ try keepKeys(of: record, in: store) }) else { return nil }
                parts.append(
                    .payloads(
                        id,
                        try ArchiveSealed.seal(
                            tenant.payloads, of: id, at: stand.object, under: ArchiveKey(of: record.secretKey))))
            }
            let object = LogObject(
                number: stand.object.number, before: stand.before, log: log.identity, from: from, to: to, at: at,
                heads: taken.heads, parts: parts)
            let (name, bytes) = try key.seal(object.bytes, at: stand.object.text)
            return (name, bytes, Hex.decode(String(name.suffix(2 * LogObject.linkBytes))) ?? [])
        } catch {
            fleet.report("the archive: \(error)")
            return nil
        }
    }

    private func note(_ taken: Taken, _ events: [Event]) {
        for (id, tenant) in taken.tenants where fleet.roster.tenant(id: id) != nil {
            ledger.change(id) { entry in
                entry.logged += tenant.bytes
                entry.lastLSN = tenant.last
                // Another file took its place: what was copied of the one before is its past.
                if let mark = entry.snapshot?.mark, mark.incarnation != tenant.incarnation { entry.snapshot = nil }
            }
        }
        for case .snapshot(let tenant) in events {
            ledger.change(tenant.id) { entry in
                guard !entry.isErased else { return }
                entry.snapshot = tenant
                entry.isUntold = false
                entry.logged = entry.lastLSN > tenant.mark?.lsn ?? 0 ? 1 : 0
            }
        }
    }

    // MARK: Registry

    private func takeRegistry(_ stand: inout Stand) {
        if let used = stand.used, fleet.registry.used == used { return stand.hasRegistry = true }
        let result = wait { fleet.registry.takeChanges(then: $0) }
        stand.hasRegistry = false
        guard case .success(let changes) = result else { return }
        stand.hasRegistry = true
        stand.used = changes.used
        if changes.recording != stand.recording {
            stand.recording = changes.recording
            // The copy that is wanted has them.
            stand.changes = []
            stand.untoldRegistry = stand.object.number
            line.withLock { [number = stand.object.number] in $0.wantsRegistrySince = number }
        }
        if !changes.bytes.isEmpty { stand.changes.append(.registryChanges(changes.bytes)) }
    }

    /// Copies that were begun before a gap are made anew, as those that the archive was told of are.
    private func takeEvents(_ stand: inout Stand) {
        let events = line.withLock { line in
            defer { line.events = [] }
            return line.events
        }
        let gapEnd = stand.gapEnd
        stand.events = (stand.events + events).filter { event in
            guard case .snapshot(let tenant) = event, let mark = tenant.mark, mark.lsn < gapEnd else { return true }
            if ledger.entry(tenant.id)?.snapshot == tenant { ledger.change(tenant.id) { $0.snapshot = nil } }
            noteTold([event])
            return false
        }
    }

    /// Before anything of the tenant's is in the archive, what opens it is. `store`: of the thread that asks.
    func keepKeys(of record: TenantRecord, in store: any ObjectStore) throws {
        guard ledger.entry(record.id)?.keys.isEmpty ?? true else { return }
        guard let wrapped = try wait({ fleet.registry.wrappedKeys(of: record.id, then: $0) }).get() else { return }
        let (name, bytes) = try key.seal(wrapped.bytes, at: ArchivePlace.keys(of: record.id))
        ledger.change(record.id) { $0.isKeeping = true }
        // It is marked before its keys are owed to go: what is owed after this look is seen by the next one.
        if record.profile.state == .deleting { return }
        _ = try store.put(name, bytes)
        let isWanted = ledger.change(record.id) { entry in
            if entry.isKeeping && !entry.isErased { entry.keys = name }
            return !entry.keys.isEmpty && !entry.isErased
        }
        guard isWanted else {
            try ledger.owe(erasureOf: record.id)
            return try store.remove(name)
        }
        // Known before anything else: it is what has to go with the tenant.
        try ledger.save()
    }

    private func destroyKeys(of owed: Set<TenantID>) {
        for id in owed {
            do {
                if let name = ledger.entry(id)?.keys, !name.isEmpty { try store.remove(name) }
                // Those of a node before this one, under another master key.
                for name in try store.all(ArchivePlace.keys(of: id)) { try store.remove(name) }
                ledger.forget(id)
                try ledger.save()
            } catch {
                figures.trouble("\(error)")
                return
            }
        }
    }

    // MARK: Trouble

    /// The log has forgotten what would come next, or it is damaged.
    private func skip(_ stand: inout Stand, _ error: any Error) {
        fleet.report("the archive: \(error); it goes on behind that, and every tenant is copied anew")
        let beginning = log.beginning
        // Damage ends with the segment at the latest; what is forgotten, with the oldest that is there.
        let next = log.places.first { $0.lsn > stand.place.lsn } ?? beginning
        stand.place = beginning.lsn > stand.place.lsn ? beginning : next
        (stand.hasGap, stand.gapEnd) = (true, stand.place.lsn)
        ledger.dropAllSnapshots()
        if next.lsn <= stand.place.lsn && beginning.lsn <= stand.place.lsn { pause(milliseconds: 1_000) }
    }

    /// Tries until it is done; false where everything ends before.
    private func untilDone(_ body: () throws -> Void) -> Bool {
        var milliseconds = bounds.retryMilliseconds
        while !isStopped {
            do {
                try body()
                figures.trouble(nil)
                return true
            } catch {
                if figures.trouble("\(error)") { fleet.report("\(error)") }
                var left = milliseconds
                while left > 0 && !isStopped {
                    pause(milliseconds: min(left, 100))
                    left -= 100
                }
                milliseconds = min(bounds.retryMillisecondsMax, milliseconds * 2)
            }
        }
        return false
    }
}

/// Waits for what comes on a worker.
func wait<Value: Sendable>(
    _ begin: (@escaping @Sendable (Result<Value, any Error>) -> Void) -> Void
) -> Result<Value, any Error> {
    let answer = Mutex<Result<Value, any Error>?>(nil)
    let isThere = DispatchSemaphore(value: 0)
    begin { result in
        answer.withLock { $0 = result }
        isThere.signal()
    }
    isThere.wait()
    return answer.withLock { $0 } ?? .failure(StoreFailure.givenUp)
}

func monotonicMilliseconds() -> UInt64 { SystemMonotonicClock().nanoseconds() / 1_000_000 }

extension WrappedKeys {
    /// The length of the first, then both.
    var bytes: [UInt8] { [UInt8(secret.count)] + secret + signing }

    init(reading bytes: [UInt8], _ name: String) throws {
        guard let count = bytes.first.map({ Int($0) }), bytes.count > count else { throw ArchiveFailure.damaged(name) }
        self.init(secret: Array(bytes[1...count]), signing: Array(bytes[(count + 1)...]))
    }
}
