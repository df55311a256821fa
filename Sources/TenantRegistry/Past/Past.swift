package import Cryptography
import Foundation
import Glibc
import SQLite
import Synchronization

/// What a node keeps of its tenants' past (B2): bases, which are whole files of a moment, and every commit since, out
/// of the segments of the log.
///
/// Invariant: a segment of the log goes only once its commits are here, on the disk; what is here goes only once nobody
/// can be taken back to a moment that needs it. Any thread; `keep` and `forget` run one at a time.
package final class Past: Sendable {
    package static let retentionDays: Int64 = 7
    /// Under which it holds segments of the log; whoever opens the log has it hold all until the past is there.
    package static let holdName = "past"
    /// A clock that is further than this behind the log had leapt ahead and was mended, or fell behind.
    package static let leapSeconds: Int64 = 60

    private struct State {
        var pieces: [PastPiece] = []
        var bases: [TenantID: [PastBase]] = [:]
        /// Tenants with commits since their last base, and how many bytes of them.
        var bytesSince: [TenantID: Int] = [:]
        /// When a tenant's file became another, and of which incarnation it was then.
        var begins: [TenantID: [(incarnation: Int64, at: Timestamp)]] = [:]
        /// Where the last hole of all pieces ends: nothing goes on over it.
        var holeEnd: UInt64 = 0
        /// Of the logs that the node had before.
        var former: [FormerPast] = []
        var leaps: [PastLeap] = []
        /// As long as the clock is behind the log.
        var behind: ClockBehind?

        mutating func add(_ piece: PastPiece) {
            pieces.append(piece)
            holeEnd = max(holeEnd, piece.hole?.end ?? 0)
        }

        /// What the pieces have of tenants from behind their last bases: a process before this one kept it.
        mutating func countBytes() {
            for piece in pieces {
                for place in (try? piece.places()) ?? [] {
                    guard let base = bases[place.tenant]?.last, base.lsn < piece.end else { continue }
                    bytesSince[place.tenant, default: 0] += place.plainBytes
                }
            }
        }
    }

    /// Of the past of all logs.
    private let root: String
    private let folder: String
    private var bases: String { "\(folder)/bases" }
    private let log: NodeLog
    private let clock: any WallClock
    private let monotonic: any MonotonicClock
    private let random: any RandomSource
    /// What a tenant's past is sealed under; nil for one that is gone.
    private let key: @Sendable (TenantID) -> [UInt8]?
    private let state: Mutex<State>
    private let keeping = Mutex(())
    /// While it stands nothing goes; nil: the start found the clock where the log had ended.
    private let doubt: ClockDoubt?

    /// `folder`: of the past of all logs; each log's is apart, as LSNs begin anew in each.
    package init(
        folder: String, log: NodeLog, clock: any WallClock, monotonic: any MonotonicClock, random: any RandomSource,
        key: @escaping @Sendable (TenantID) -> [UInt8]?
    ) throws {
        let id = log.identity
        let name = Hex.encode(withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { Array($0) })
        let own = "\(folder)/\(name)"
        for path in [folder, own, "\(own)/bases"] where mkdir(path, 0o700) != 0 && errno != EEXIST {
            throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno)))
        }
        root = folder
        self.folder = own
        self.log = log
        self.clock = clock
        let steady = BootClock.inPlace(of: monotonic)
        self.monotonic = steady
        self.random = random
        self.key = key
        var known = Self.known(in: own)
        known.countBytes()
        let former = FormerPast.all(in: folder, but: name)
        let last = ([log.atOpening] + former.compactMap(\.last)).max()
        doubt = ClockDoubt(in: own, now: clock.now(), last: last, steady: steady)
        known.former = doubt == nil ? FormerPast.letGo(former, at: clock.now()) : former
        state = Mutex(known)
        log.hold(Self.holdName) { [weak self] lsn in self.map { $0.keptUpTo >= lsn } ?? true }
    }

    private static func known(in folder: String) -> State {
        var state = State()
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            if name.hasSuffix(".new") { DataDirectory.remove("\(folder)/\(name)") }
            if let leap = PastLeap(name: name) { state.leaps.append(leap) }
            guard name.hasSuffix(PastPiece.suffix), let number = UInt64(name.dropLast(PastPiece.suffix.count)),
                let piece = PastPiece(path: "\(folder)/\(name)", number: number)
            else { continue }
            state.add(piece)
        }
        state.pieces.sort { $0.number < $1.number }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/bases")) ?? [] {
            if name.hasSuffix(".new") { DataDirectory.remove("\(folder)/bases/\(name)") }
            if let base = PastBase(name: name) { state.bases[base.tenant, default: []].append(base) }
            if let begin = PastBegin(name: name) {
                state.begins[begin.tenant, default: []].append((begin.incarnation, begin.at))
            }
        }
        for tenant in state.bases.keys { state.bases[tenant]?.sort { $0.precedes($1) } }
        return state
    }

    /// The last moment of which a log's folder knows; nil: of none.
    static func lastMoment(in folder: String) -> Timestamp? {
        let known = known(in: folder)
        let bases = known.bases.values.joined().map { $0.at }
        let begins = known.begins.values.joined().map { $0.at }
        return (known.pieces.map { $0.lastAt } + bases + begins).max()
    }

    private var keptUpTo: UInt64 { state.withLock { $0.pieces.last?.end ?? 0 } }

    // MARK: Keeping

    /// Takes over what the log has sealed since the last time. Long: not on a lane.
    package func keep() throws {
        try keeping.withLock { _ in
            let (segments, durable) = log.retained
            for (segment, next) in zip(segments, segments.dropFirst()) {
                guard let end = segment.end, end > keptUpTo else { continue }
                // In their order: one behind it may have become durable meanwhile.
                guard end <= durable else { break }
                try keep(segment, to: segment.index ?? end, end, next: next.after)
            }
            try noteLeap()
        }
        log.forgetWhatMay()
    }

    /// Until the clock comes to where it had leapt to, commits carry that time.
    private func noteLeap() throws {
        let (now, steady) = (clock.now(), monotonic.nanoseconds())
        withdrawLeap(at: now, steady)
        let leap = PastLeap(mended: now, until: log.latest)
        guard leap.until > now.adding(seconds: Self.leapSeconds) else { return }
        let isKnown = state.withLock { state in
            let known = state.leaps.first { $0.until == leap.until }
            if state.behind?.leap.until != leap.until {
                state.behind = ClockBehind(leap: known ?? leap, steady: steady)
            }
            return known != nil
        }
        if isKnown { return }
        try DataDirectory.writeNew([], to: "\(folder)/\(leap.name)")
        try DataDirectory.synchronise(folder: folder)
        state.withLock { $0.leaps.append(leap) }
    }

    /// A clock that comes to the log sooner than time passes had not leapt ahead: it had fallen behind.
    private func withdrawLeap(at now: Timestamp, _ steady: UInt64) {
        let void = state.withLock { state -> PastLeap? in
            guard let behind = state.behind, now >= behind.leap.until else { return nil }
            state.behind = nil
            guard behind.hadFallen(at: now, steady) else { return nil }
            state.leaps.removeAll { $0 == behind.leap }
            return behind.leap
        }
        if let void { DataDirectory.remove("\(folder)/\(void.name)") }
    }

    /// `next`: where the segment behind it goes on. What the disk has lost is a hole: it is not there later either.
    private func keep(_ segment: LogSegment, to last: UInt64, _ end: UInt64, next: UInt64) throws {
        var frames: [TenantID: [PastFrame]] = [:]
        var lastAt = segment.at
        var hole: PastPiece.Hole?
        var place = segment.first
        while place < last {
            do {
                try forEachFrame(of: segment, from: place, to: last) { tenant, frame in
                    frames[tenant, default: []].append(frame)
                    lastAt = frame.at
                }
                place = last
            } catch let damage as LogDamage {
                place = try log.nextFrame(behind: damage.lsn, of: segment, before: last)
                hole = PastPiece.Hole(at: hole?.at ?? lastAt, end: place)
            }
        }
        if next > end { hole = PastPiece.Hole(at: hole?.at ?? lastAt, end: next) }
        let piece = try PastPiece.write(
            frames, of: segment, end: end, lastAt: lastAt, hole: hole,
            to: "\(folder)/\(segment.number)\(PastPiece.suffix)", key: key, random: random)
        try DataDirectory.synchronise(folder: folder)
        state.withLock { state in
            state.add(piece)
            for (tenant, frames) in frames {
                state.bytesSince[tenant, default: 0] += frames.reduce(0) { $0 + $1.payload.count }
            }
        }
    }

    /// Tenants' frames of a segment that the log still has.
    private func forEachFrame(
        of segment: LogSegment, from begin: UInt64, to end: UInt64, _ body: (TenantID, PastFrame) throws -> Void
    ) throws {
        var reader = LogReader(folder: log.folder, segments: [segment], disk: log.disk)
        defer { reader.close() }
        var next = begin
        while next < end {
            let (frame, payload) = try reader.frame(at: next)
            next = frame.end
            guard frame.kind == .commit || frame.kind == .part else { continue }
            try body(
                frame.tenant,
                PastFrame(
                    lsn: frame.end, incarnation: frame.incarnation, at: frame.at, sequence: frame.sequence,
                    isPart: frame.kind == .part, isFirst: frame.flags & LogFrame.continuesPart == 0,
                    payload: Array(payload)))
        }
    }

    /// A copy of the tenant's file becomes a base. `lsn`: where the log ended before the copy was begun; `incarnation`:
    /// of the file that was copied. `moment`: what it is the state of; nil: of now.
    package func add(
        _ file: String, of tenant: TenantID, incarnation: Int64, from lsn: UInt64, at moment: Timestamp? = nil
    ) throws {
        guard let key = key(tenant) else { return }
        let base = PastBase(tenant: tenant, incarnation: incarnation, lsn: lsn, at: moment ?? now)
        try base.write(file, in: bases, key: key, random: random)
        state.withLock { state in
            state.bases[tenant, default: []].append(base)
            // One of when the file came may be behind one that was made since.
            state.bases[tenant]?.sort { $0.precedes($1) }
            state.bytesSince[tenant] = nil
        }
    }

    /// The moment that a commit would carry now.
    package var now: Timestamp { max(clock.now(), log.latest) }

    /// The tenant's file is another from now on: nothing of the one before is played into it, nor the other way round.
    /// Gives the moment.
    @discardableResult
    package func begins(_ tenant: TenantID, incarnation: Int64) throws -> Timestamp {
        let begin = PastBegin(tenant: tenant, incarnation: incarnation, at: now)
        try DataDirectory.writeNew([], to: "\(bases)/\(begin.name)")
        try DataDirectory.synchronise(folder: bases)
        state.withLock { $0.begins[tenant, default: []].append((incarnation, begin.at)) }
        return begin.at
    }

    /// The tenant's file is of this incarnation: what was to make a later one of it has not come about.
    func remains(_ tenant: TenantID, incarnation: Int64) {
        let void = state.withLock { state in
            let void = (state.begins[tenant] ?? []).filter { $0.incarnation > incarnation }
            if !void.isEmpty { state.begins[tenant]?.removeAll { $0.incarnation > incarnation } }
            return void.map { PastBegin(tenant: tenant, incarnation: $0.incarnation, at: $0.at).name }
        }
        // One whose removal a power cut undoes goes with the next opening.
        for name in void { DataDirectory.remove("\(bases)/\(name)") }
    }

    /// Tenants that want a base: those without one of this incarnation, or from behind the last hole, and those of whom
    /// so much was kept that playing it takes as long as copying the file.
    package func wantsBase(_ tenant: TenantID, incarnation: Int64, fileBytes: Int64) -> Bool {
        let now = clock.now()
        return state.withLock { state in
            guard let last = state.bases[tenant]?.last, last.incarnation == incarnation, last.lsn >= state.holeEnd
            else { return true }
            guard let bytes = state.bytesSince[tenant] else { return false }
            if last.at > now.adding(days: -1) { return false }
            return Int64(bytes) >= fileBytes / 4 || last.at <= now.adding(days: -Self.retentionDays)
        }
    }

    // MARK: Going back

    /// The first moment that the tenant can be taken back to; nil: none.
    package func begin(of tenant: TenantID) -> Timestamp? { state.withLock { $0.bases[tenant]?.first?.at } }

    /// Makes the tenant's file as it was: with every commit up to `moment` and none after it.
    package func makeFile(of tenant: TenantID, at moment: Timestamp, to path: String) throws {
        // A segment that goes from the log meanwhile is kept by then: it is missed, or cannot be read to its end.
        for _ in 1...2 {
            do {
                DataDirectory.remove(path)
                return try tryMaking(tenant, moment, path)
            } catch is LogDamage {
            } catch PastFailure.gap {}
        }
        DataDirectory.remove(path)
        try tryMaking(tenant, moment, path)
    }

    private func tryMaking(_ tenant: TenantID, _ moment: Timestamp, _ path: String) throws {
        guard let key = key(tenant) else { throw PastFailure.before(nil) }
        let (base, pieces, first, begin) = try state.withLock { state in
            let all = state.bases[tenant] ?? []
            let begins = state.begins[tenant] ?? []
            // Of the file that it was then: one of an earlier file may have been made later.
            let base = all.last { base in
                base.at <= moment && !begins.contains { $0.incarnation > base.incarnation && $0.at <= moment }
            }
            guard let base else { throw PastFailure.before(all.first { $0.at > moment }?.at) }
            let begin = begins.filter { $0.incarnation > base.incarnation }.map { $0.at }.min()
            return (base, state.pieces.filter { $0.end > base.lsn }, state.pieces.last?.end ?? 0, begin)
        }
        let (retained, durable) = log.retained
        let segments = retained.filter { ($0.end ?? .max) > max(first, base.lsn) }
        try Self.checkWhole(pieces.map(Part.init) + segments.map(Part.init), from: base)
        if pieces.contains(where: { $0.hole?.parts(base, from: moment) ?? false }) { throw PastFailure.gap }
        try base.read(from: bases, to: path, key: key)
        let replay = try PageReplay(path: path)
        var playing = PastPlaying(base, until: moment)
        for piece in pieces {
            for frame in try piece.frames(of: tenant, key: key) { try playing.take(frame, replay) }
            if playing.isOver { break }
        }
        for segment in segments where !playing.isOver {
            let end = segment.index ?? segment.end ?? durable
            try forEachFrame(of: segment, from: segment.first, to: end) { owner, frame in
                if owner == tenant { try playing.take(frame, replay) }
            }
        }
        // What it leaves out may have come before the moment all the same.
        if let next = [begin, playing.over].compactMap({ $0 }).min(), isMisdated(next) { throw PastFailure.leapt }
        try replay.finish()
    }

    /// Whether what carries that time came at another: it has not come yet, or was to come when it was written.
    private func isMisdated(_ at: Timestamp) -> Bool {
        at > clock.now().adding(seconds: Self.leapSeconds) || state.withLock { $0.leaps.contains { $0.misdates(at) } }
    }

    /// A segment of the log, kept or still there.
    private struct Part {
        let number: UInt64
        let first: UInt64
        /// Nil: it goes on from the one that is numbered before it.
        let after: UInt64?
        let end: UInt64

        init(_ piece: PastPiece) { (number, first, after, end) = (piece.number, piece.first, piece.after, piece.end) }

        init(_ segment: LogSegment) {
            (number, first, after, end) = (segment.number, segment.first, segment.after, segment.end ?? .max)
        }

        /// Whether nothing is missing between the two. A failure may have made the segments between their numbers void.
        func isFollowed(by next: Part) -> Bool { next.after.map { $0 <= end } ?? (number + 1 == next.number) }
    }

    /// Every segment since the base is here: by their sequence alone a tenant's commits would not show that the first
    /// of them are missing.
    private static func checkWhole(_ parts: [Part], from base: PastBase) throws {
        guard let start = parts.first, start.number == 1 || (start.after ?? start.first) <= base.lsn,
            zip(parts, parts.dropFirst()).allSatisfy({ $0.isFollowed(by: $1) })
        else { throw PastFailure.gap }
    }

    // MARK: Letting go

    /// For how many hours nothing goes, as the clock may have been ahead since before the start; 0: it is believed.
    var hoursOfDoubt: UInt64 { doubt?.hoursLeft ?? 0 }

    /// Drops what nobody can be taken back to any more; nothing while the clock is doubted.
    package func forget() {
        doubt?.note()
        if hoursOfDoubt > 0 { return }
        keeping.withLock { _ in
            let bound = clock.now().adding(days: -Self.retentionDays)
            let old = state.withLock { state in
                var old: [String] = []
                for (tenant, all) in state.bases {
                    // The last one from before the bound is what moments behind it begin with.
                    guard let kept = all.lastIndex(where: { $0.at <= bound }), kept > 0 else { continue }
                    old += all[..<kept].map { "\(bases)/\($0.name)" }
                    state.bases[tenant] = Array(all[kept...])
                }
                old += state.leaps.filter { $0.until < bound }.map { "\(folder)/\($0.name)" }
                state.leaps.removeAll { $0.until < bound }
                return old
            }
            for path in old { DataDirectory.remove(path) }
            while let piece = state.withLock({ $0.pieces.first }), piece.lastAt < bound, mayGo(piece) {
                DataDirectory.remove(piece.path)
                state.withLock { _ = $0.pieces.removeFirst() }
            }
            let former = FormerPast.letGo(state.withLock { $0.former }, at: clock.now())
            state.withLock { $0.former = former }
        }
    }

    /// Every tenant in it has a base from behind it.
    private func mayGo(_ piece: PastPiece) -> Bool {
        // Where the newest piece went, nothing would say up to where segments were kept.
        guard let places = try? piece.places(), state.withLock({ $0.pieces.count > 1 }) else { return false }
        return state.withLock { state in
            places.allSatisfy { place in
                key(place.tenant) == nil || (state.bases[place.tenant]?.first).map { $0.lsn >= piece.end } ?? true
            }
        }
    }

    /// The tenant is gone: its bases go, and what is left of it in pieces nobody opens any more.
    package func erase(_ tenant: TenantID) {
        state.withLock { state in
            state.bytesSince[tenant] = nil
            state.begins[tenant] = nil
            state.bases[tenant] = nil
        }
        FormerPast.erase(tenant, in: root)
    }
}

/// A clock that was found behind the log, and when by a clock that never goes back.
private struct ClockBehind {
    let leap: PastLeap
    let steady: UInt64

    /// Whether it had only fallen behind: by the time that is right now it was never before where the log was. `steady`
    /// may not count while the machine sleeps, so a step forward says nothing by itself.
    func hadFallen(at now: Timestamp, _ steadyNow: UInt64) -> Bool {
        let passed = Int64((steadyNow - steady) / 1_000_000)
        return now.adding(milliseconds: -passed) >= leap.until.adding(seconds: -1)
    }
}

/// That a tenant's file became another, as a file of no bytes whose name says it.
private struct PastBegin {
    let tenant: TenantID
    let incarnation: Int64
    let at: Timestamp

    private static let suffix = ".begin"

    var name: String { "\(tenant.text).\(incarnation).\(at.milliseconds)\(Self.suffix)" }

    init(tenant: TenantID, incarnation: Int64, at: Timestamp) {
        (self.tenant, self.incarnation, self.at) = (tenant, incarnation, at)
    }

    init?(name: String) {
        let parts = name.split(separator: ".")
        guard parts.count == 4, name.hasSuffix(Self.suffix), let tenant = TenantID(text: String(parts[0])),
            let incarnation = Int64(parts[1]), let at = Int64(parts[2])
        else { return nil }
        self.init(tenant: tenant, incarnation: incarnation, at: Timestamp(milliseconds: at))
    }
}

extension NodeLog {
    /// The wall clock of its last record, which never goes back.
    var latest: Timestamp { locked { $0.at } }

    /// Its segments, and up to where they were durable then: a failure that comes later makes none of that void.
    var retained: (segments: [LogSegment], durable: UInt64) { locked { ($0.segments, $0.durable) } }

    /// Its wall clock when it was opened.
    fileprivate var atOpening: Timestamp { locked { $0.atOpening } }
}
