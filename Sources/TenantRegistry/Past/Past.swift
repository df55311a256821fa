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

    private struct State {
        var pieces: [PastPiece] = []
        var bases: [TenantID: [PastBase]] = [:]
        /// Tenants with commits since their last base, and how many bytes of them.
        var bytesSince: [TenantID: Int] = [:]
        /// When a tenant's file became another, and of which incarnation it was then.
        var begins: [TenantID: [(incarnation: Int64, at: Timestamp)]] = [:]
        /// Where the last hole of all pieces ends: nothing goes on over it.
        var holeEnd: UInt64 = 0

        mutating func add(_ piece: PastPiece) {
            pieces.append(piece)
            holeEnd = max(holeEnd, piece.hole?.end ?? 0)
        }
    }

    private let folder: String
    private var bases: String { "\(folder)/bases" }
    private let log: NodeLog
    private let clock: any WallClock
    private let random: any RandomSource
    /// What a tenant's past is sealed under; nil for one that is gone.
    private let key: @Sendable (TenantID) -> [UInt8]?
    private let state: Mutex<State>
    private let keeping = Mutex(())

    /// `folder`: of the past of all logs; each log's is apart, as LSNs begin anew in each.
    package init(
        folder: String, log: NodeLog, clock: any WallClock, random: any RandomSource,
        key: @escaping @Sendable (TenantID) -> [UInt8]?
    ) throws {
        let id = log.identity
        let own = "\(folder)/\(Hex.encode(withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { Array($0) }))"
        for path in [folder, own, "\(own)/bases"] where mkdir(path, 0o700) != 0 && errno != EEXIST {
            throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno)))
        }
        self.folder = own
        self.log = log
        self.clock = clock
        self.random = random
        self.key = key
        state = Mutex(Self.known(in: own))
        log.hold(Self.holdName) { [weak self] lsn in self.map { $0.keptUpTo >= lsn } ?? true }
    }

    private static func known(in folder: String) -> State {
        var state = State()
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            if name.hasSuffix(".new") { DataDirectory.remove("\(folder)/\(name)") }
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
        for tenant in state.bases.keys { state.bases[tenant]?.sort { $0.at < $1.at } }
        return state
    }

    private var keptUpTo: UInt64 { state.withLock { $0.pieces.last?.end ?? 0 } }

    // MARK: Keeping

    /// Takes over what the log has sealed since the last time. Long: not on a lane.
    package func keep() throws {
        try keeping.withLock { _ in
            let segments = log.segments
            for (segment, next) in zip(segments, segments.dropFirst()) {
                guard let end = segment.end, end > keptUpTo else { continue }
                // In their order: one behind it may have become durable meanwhile.
                guard end <= log.durable else { break }
                try keep(segment, to: segment.index ?? end, end, next: next.after)
            }
        }
        log.forgetWhatMay()
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
    /// of the file that was copied.
    package func add(_ file: String, of tenant: TenantID, incarnation: Int64, from lsn: UInt64) throws {
        guard let key = key(tenant) else { return }
        let base = PastBase(tenant: tenant, incarnation: incarnation, lsn: lsn, at: max(clock.now(), log.latest))
        try base.write(file, in: bases, key: key, random: random)
        state.withLock { state in
            state.bases[tenant, default: []].append(base)
            state.bytesSince[tenant] = nil
        }
    }

    /// The tenant's file is another from now on: nothing of the one before is played into it, nor the other way round.
    package func begins(_ tenant: TenantID, incarnation: Int64) throws {
        let begin = PastBegin(tenant: tenant, incarnation: incarnation, at: max(clock.now(), log.latest))
        try DataDirectory.writeNew([], to: "\(bases)/\(begin.name)")
        try DataDirectory.synchronise(folder: bases)
        state.withLock { $0.begins[tenant, default: []].append((incarnation, begin.at)) }
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
        let (base, pieces, first) = try state.withLock { state in
            let all = state.bases[tenant] ?? []
            guard let base = all.last(where: { $0.at <= moment }) else {
                throw PastFailure.before(all.first?.at)
            }
            // It had become another file, of which there was no base yet.
            let isAnothers = (state.begins[tenant] ?? []).contains {
                $0.incarnation > base.incarnation && $0.at <= moment
            }
            if isAnothers {
                throw PastFailure.before(all.first { $0.at > moment }?.at)
            }
            return (base, state.pieces.filter { $0.end > base.lsn }, state.pieces.last?.end ?? 0)
        }
        let segments = log.segments.filter { ($0.end ?? .max) > max(first, base.lsn) }
        try Self.checkWhole(pieces.map { ($0.number, $0.first) } + segments.map { ($0.number, $0.first) }, from: base)
        if pieces.contains(where: { $0.hole?.parts(base, from: moment) ?? false }) { throw PastFailure.gap }
        try base.read(from: bases, to: path, key: key)
        let replay = try PageReplay(path: path)
        var playing = PastPlaying(base, until: moment)
        for piece in pieces {
            for frame in try piece.frames(of: tenant, key: key) { try playing.take(frame, replay) }
            if playing.isOver { break }
        }
        for segment in segments where !playing.isOver {
            let end = segment.index ?? segment.end ?? log.durable
            try forEachFrame(of: segment, from: segment.first, to: end) { owner, frame in
                if owner == tenant { try playing.take(frame, replay) }
            }
        }
        try replay.finish()
    }

    /// Every segment since the base is here: by their sequence alone a tenant's commits would not show that the first
    /// of them are missing.
    private static func checkWhole(_ parts: [(number: UInt64, first: UInt64)], from base: PastBase) throws {
        guard let start = parts.first, start.number == 1 || start.first <= base.lsn,
            zip(parts, parts.dropFirst()).allSatisfy({ $0.number + 1 == $1.number })
        else { throw PastFailure.gap }
    }

    // MARK: Letting go

    /// Drops what nobody can be taken back to any more.
    package func forget() {
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
                return old
            }
            for path in old { DataDirectory.remove(path) }
            while let piece = state.withLock({ $0.pieces.first }), piece.lastAt < bound, mayGo(piece) {
                DataDirectory.remove(piece.path)
                state.withLock { _ = $0.pieces.removeFirst() }
            }
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
        let names = state.withLock { state in
            state.bytesSince[tenant] = nil
            let begins = (state.begins.removeValue(forKey: tenant) ?? []).map {
                PastBegin(tenant: tenant, incarnation: $0.incarnation, at: $0.at).name
            }
            return begins + (state.bases.removeValue(forKey: tenant) ?? []).map(\.name)
        }
        for name in names { DataDirectory.remove("\(bases)/\(name)") }
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

/// Commits on their way into a base, up to a moment.
private struct PastPlaying {
    private let base: PastBase
    private let moment: Timestamp
    private var parts: [UInt8] = []
    private var sequence: UInt64 = 0
    /// What comes is from after the moment.
    private(set) var isOver = false

    init(_ base: PastBase, until moment: Timestamp) {
        self.base = base
        self.moment = moment
    }

    mutating func take(_ frame: PastFrame, _ replay: PageReplay) throws {
        guard !isOver, frame.lsn > base.lsn else { return }
        if frame.at > moment {
            isOver = true
            return
        }
        guard frame.incarnation == base.incarnation else { return }
        if frame.isFirst { parts = [] }
        if frame.isPart {
            parts += frame.payload
            return
        }
        guard sequence == 0 || frame.sequence == sequence || frame.sequence == sequence + 1 else {
            throw PastFailure.gap
        }
        let whole = parts.isEmpty ? frame.payload : parts + frame.payload
        parts = []
        // What was kept is still in the log too.
        if frame.sequence == sequence { return }
        sequence = frame.sequence
        try whole.withUnsafeBytes { try replay.apply($0) }
    }
}

extension NodeLog {
    /// The wall clock of its last record, which never goes back.
    var latest: Timestamp { locked { $0.at } }
}
