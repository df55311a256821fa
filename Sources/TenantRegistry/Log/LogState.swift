import Cryptography

/// How a record that somebody waits for came out.
package enum LogOutcome: Sendable, Equatable {
    /// All up to it is on the disk.
    case durable
    /// It may be on the disk or not, and is no part of the log any more.
    case failed
}

/// Why the log does not take a record; nothing of it is kept.
package enum LogRefused: Error, Sendable, Equatable {
    /// No segment has room, and none can be made.
    case full
    /// A sync failed, and the log has not been opened again yet; or the file behind the sink is older than the log.
    case failed
    case closed
}

/// Whether a batch may begin that will want to append.
package enum LogRoom: UInt8, Sendable {
    case open
    /// Too much is not durable yet: wait until what is appended now is.
    case crowded
    /// The disk has no room for more segments.
    case full
    case failed
}

/// Bounds and paces of the node's log.
package struct LogSettings: Sendable {
    package var segmentBytes = 16 << 20
    /// Syncs under way at once, each on its own thread and descriptor.
    package var syncsInFlight = 4
    /// Between the starts of two syncs at least so long; a log that was idle starts at once.
    package var paceMicroseconds = 500
    package var undurableBytesMax = 8 << 20
    /// Segments kept ready beyond the one that is written; what no longer counts makes so many more at most.
    package var segmentsReady = 2
    package var segmentsReadyMax = 8
    /// From a failure, or from an attempt to come back from it, to the next attempt.
    package var reopenMilliseconds = 1_000
    /// A commit larger than what is ready waits so long for segments to be made.
    package var roomWaitMilliseconds = 5_000

    package init() {}
}

/// Frames on their way to one segment. Of the log while it is filled, then of one sync thread.
///
/// `@unchecked Sendable`: touched under the log's lock until a sync thread takes it, then by that thread alone.
final class LogChunk: @unchecked Sendable {
    static let bytes = 256 << 10

    let memory: UnsafeMutableRawPointer
    let capacity: Int
    var segment: UInt64 = 0
    /// In the segment's file.
    var offset = 0
    var count = 0

    init(capacity: Int) {
        self.capacity = capacity
        memory = .allocate(byteCount: capacity, alignment: LogSegment.pageBytes)
    }

    deinit { memory.deallocate() }
}

/// One sync: what it makes durable, and how it came out.
struct LogTicket {
    enum Result { case pending, done, failed }

    let end: UInt64
    let chain: Digest
    var result = Result.pending
}

struct LogListener {
    let lsn: UInt64
    let then: @Sendable (LogOutcome) -> Void
}

enum LogPhase { case open, failed, closed }

/// Everything behind the log's lock.
///
/// Invariant: `end` and `chain` are those of the last frame in `chunks`, which is where the next one goes; frames are
/// in `segments.last`, whose file is there, as are those of `ready` more.
struct LogState {
    let log: LogID
    let segmentBytes: Int
    var phase = LogPhase.open
    var epoch: UInt64
    var end: UInt64
    var chain: Digest
    var at: Timestamp
    /// What `at` was when the log was opened, whatever the clock said then; 0 of a new log.
    var atOpening = Timestamp(milliseconds: 0)
    var durable: UInt64
    var durableChain: Digest
    /// Retained ones, oldest first; the last is written.
    var segments: [LogSegment]
    /// Files beyond the last one that wait to be written, with the next numbers.
    var ready = 0
    /// So many ready ones somebody needs.
    var wanted = 0
    /// Attempts to make a segment that failed.
    var makingFailed: UInt64 = 0
    var tails = LogTails()
    var index = LogIndexBuilder()
    /// What could not be read when the log was opened, until somebody says that all is well again.
    var gaps: [LogGap] = []
    /// The floor that was said last, and the LSN of the frame that says it.
    var floor: (lsn: UInt64, said: UInt64) = (0, 0)

    /// Frames that no sync has taken yet.
    var chunks: [LogChunk] = []
    var pool: [LogChunk] = []
    private static let poolMax = 64

    var tickets = Deque<LogTicket>()
    /// The number of the first of `tickets`.
    var firstTicket: UInt64 = 0
    var inFlight = 0
    var syncs: UInt64 = 0
    var syncNanoseconds: UInt64 = 0
    var lastStart: UInt64 = 0
    /// The first failed sync is the oldest that is under way: `durable` stands still.
    var isFrozen = false
    var isClosing = false
    /// Nothing will be durable any more.
    var isOver = false
    /// Ends of the log that a failure made void: from `durable` to the end.
    var voids: [(after: UInt64, end: UInt64)] = []

    /// By LSN.
    var listeners: [LogListener] = []
    var isCalling = false
}

extension LogState {
    var isEmpty: Bool { chunks.isEmpty }
    var current: LogSegment { segments[segments.count - 1] }

    /// Bytes that frames may still fill of the segment that is written, and of those that are ready.
    var roomBytes: Int { max(0, segmentBytes - offset) + ready * (segmentBytes - LogSegment.pageBytes) }
    private var offset: Int { current.offset(of: end) }

    /// Whether a frame with so much payload still fits in before the index.
    func fitsCurrent(_ payload: Int, tenants: Int = 1) -> Bool {
        let index = LogFrame.frameBytes(payload: index.bytes(moreTenants: tenants, moreFrames: 1))
        return offset + LogFrame.frameBytes(payload: payload) + index <= segmentBytes
    }

    /// How many segments must be ready for `payload` bytes of `tenants` tenants.
    func segmentsNeeded(_ payload: Int, tenants: Int = 1) -> Int {
        let part = LogFrame.partBytes(segmentBytes)
        if payload <= part { return fitsCurrent(payload, tenants: tenants) ? 0 : 1 }
        // Two parts fit in each for certain, four mostly.
        let least = max(2, (segmentBytes - LogSegment.pageBytes) / LogFrame.frameBytes(payload: part) - 1)
        return 1 + (payload / part + 1) / least
    }

    func isVoid(_ lsn: UInt64) -> Bool { voids.contains { $0.after < lsn && lsn <= $0.end } }

    /// Puts a record's frame at the end. There is room, for an index as well. Gives where it begins.
    @discardableResult
    mutating func put(
        _ payload: UnsafeRawBufferPointer, _ digest: Digest, kind: RecordKind, flags: UInt16 = 0, tail: Int? = nil,
        incarnation: Int64 = 0, tenants: Int = 1
    ) -> UInt64 {
        if kind != .index, !fitsCurrent(payload.count, tenants: tenants) { roll() }
        let frame = LogFrame(
            kind: kind, flags: flags, length: payload.count, epoch: epoch, start: end, durable: durable,
            tenant: tail.map { tails[$0].tenant } ?? .all, incarnation: incarnation, at: at,
            sequence: tail.map { tails[$0].sequence } ?? 0, digest: digest, chain: .zero)
        let bytes = frame.frameBytes
        if let tail { index.note(slot(of: tail), frame, offset: offset) }
        let place = room(bytes)
        chain = LogFrame.write(frame, after: chain, to: place)
        let body = place + LogFrame.headBytes
        if let source = payload.baseAddress { body.copyMemory(from: source, byteCount: payload.count) }
        let filled = LogFrame.headBytes + payload.count
        if filled < bytes { (place + filled).initializeMemory(as: UInt8.self, repeating: 0, count: bytes - filled) }
        end += UInt64(bytes)
        return frame.start
    }

    /// The tenant's slot in the index of the segment that is written.
    mutating func slot(of number: Int) -> Int32 {
        if tails[number].slotSegment != current.number {
            tails[number].slotSegment = current.number
            tails[number].slot = index.add(tails[number].tenant)
        }
        return tails[number].slot
    }

    /// Where the next bytes of the segment that is written go, in memory.
    private mutating func room(_ bytes: Int) -> UnsafeMutableRawPointer {
        let offset = offset
        if let last = chunks.last, last.capacity - last.count >= bytes, last.segment == current.number,
            last.offset + last.count == offset
        {
            last.count += bytes
            return last.memory + last.count - bytes
        }
        return newChunk(bytes, offset: offset)
    }

    private mutating func newChunk(_ bytes: Int, offset: Int) -> UnsafeMutableRawPointer {
        let fresh = bytes <= LogChunk.bytes ? pool.popLast() : nil
        let chunk = fresh ?? LogChunk(capacity: max(bytes, LogChunk.bytes))
        chunk.segment = current.number
        chunk.offset = offset
        chunk.count = bytes
        chunks.append(chunk)
        return chunk.memory
    }

    /// Takes back what has been written.
    mutating func giveBack(_ used: [LogChunk]) {
        for chunk in used where chunk.capacity == LogChunk.bytes && pool.count < Self.poolMax { pool.append(chunk) }
    }

    /// Ends the segment that is written with its index and begins the next one, whose file is ready.
    private mutating func roll() {
        precondition(ready > 0, "the file of a segment is there before it is written")
        let indexStart = end
        let payload = index.take()
        payload.withUnsafeBytes { bytes in _ = put(bytes, SHA256.hash(bytes), kind: .index) }
        segments[segments.count - 1].end = end
        segments[segments.count - 1].index = indexStart
        let sector = newChunk(LogSegment.sectorBytes, offset: LogSegment.sealOffset)
        current.writeSeal(sector, index: indexStart, end: end, chain: chain)
        begin(number: current.number + 1, after: end)
        ready -= 1
    }

    /// Begins a segment at the end; its head goes to the disk with its first frames.
    mutating func begin(number: UInt64, after: UInt64) {
        let segment = LogSegment(
            number: number, epoch: epoch, first: end, after: after, chain: chain, floor: floor(for: end), at: at,
            log: log)
        segments.append(segment)
        segment.writeHead(newChunk(LogSegment.sectorBytes, offset: 0))
    }

    /// What comes before it is in all files: where the oldest segment begins that somebody's file needs, or
    /// `otherwise`.
    func floor(for otherwise: UInt64) -> UInt64 {
        min(segments.first { $0.pending > 0 }?.first ?? otherwise, gaps.first?.from ?? otherwise)
    }

    /// Which of `segments` the frame at this LSN is in.
    func segment(at lsn: UInt64) -> Int? {
        var (low, high) = (0, segments.count)
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].first <= lsn { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }

    /// The tenant's file has everything up to here.
    mutating func mark(_ number: Int, _ lsn: UInt64) {
        for position in tails.mark(number, lsn) {
            if let place = segment(at: position.start) { segments[place].pending -= 1 }
        }
    }

    /// Adds a listener in its place; most come in the order of their LSNs.
    mutating func listen(_ listener: LogListener) {
        var place = listeners.count
        while place > 0, listeners[place - 1].lsn > listener.lsn { place -= 1 }
        listeners.insert(listener, at: place)
    }
}

extension LogFrame {
    /// What a part of a long commit carries: several fit in a segment.
    static func partBytes(_ segmentBytes: Int) -> Int { min(payloadBytesMax, segmentBytes / 8 & ~7) }
}
