import Cryptography
import Glibc

/// A tenant's record as it is read again. Valid as long as the call that hands it out.
package struct LogRecord {
    package let kind: RecordKind
    /// Of its end, as `append` gave it.
    package let lsn: UInt64
    package let incarnation: Int64
    package let at: Timestamp
    package let sequence: UInt64
    package let payload: UnsafeRawBufferPointer
}

/// A part of the log cannot be read as it was written.
package struct LogDamage: Error, Equatable, CustomStringConvertible {
    /// Where the first bad frame begins.
    package let lsn: UInt64
    package var description: String { "the log is damaged at \(lsn)" }
}

extension NodeLog {
    /// Reads the tenant's durable records that end after this LSN and after its mark, oldest first, from the disk.
    /// Throws what `body` throws, or a `LogDamage`.
    package func forEachRecord(
        of tenant: TenantID, after mark: UInt64, _ body: (LogRecord) throws -> Void
    ) throws {
        let (positions, segments) = locked { state in
            let tail = state.tails.tail(of: tenant)
            let durable = state.durable
            let wanted = (tail?.positions ?? []).filter { $0.end > mark && $0.end <= durable }
            return (wanted, wanted.isEmpty ? [] : state.segments)
        }
        var reader = LogReader(folder: folder, segments: segments, disk: disk)
        defer { reader.close() }
        for position in positions { try reader.read(position, of: tenant, body) }
    }

    /// The tenant's low-water mark; 0: the log does not know it.
    package func mark(of tenant: TenantID) -> UInt64 { locked { $0.tails.tail(of: tenant)?.mark ?? 0 } }

    /// Whether the log has records that the tenant's file may lack.
    package func hasRecords(of tenant: TenantID) -> Bool {
        locked { state in state.tails.tail(of: tenant).map { !$0.positions.isEmpty } ?? false }
    }

    /// Tenants with records behind their mark, each with the LSN where the first of them begins; oldest first.
    package var pending: [(tenant: TenantID, lsn: UInt64)] {
        locked { state in
            state.tails.all.compactMap { tail in tail.positions.first.map { (tail.tenant, $0.start) } }
        }.sorted { $0.1 < $1.1 }
    }

    /// Those of them that keep the oldest segments, so many, from going. Others may keep some of these too: then it
    /// may be nobody.
    package func pinning(segments count: Int) -> [(tenant: TenantID, lsn: UInt64)] {
        let bound = locked { state in state.segments.count > count ? state.segments[count].first : UInt64.max }
        return pending.filter { $0.lsn < bound }
    }

    /// Retained segments, oldest first.
    package var segments: [LogSegment] { locked { $0.segments } }

    package func path(of segment: LogSegment) -> String { path(segment.number) }

    /// Where the first frame begins that a segment has behind a bad one; `end` where it has none before that.
    func nextFrame(behind lsn: UInt64, of segment: LogSegment, before end: UInt64) throws(LogDiskError) -> UInt64 {
        var bytes = LogBytes()
        try bytes.read(path(of: segment), on: disk)
        return bytes.nextFrame(behind: segment.offset(of: lsn), of: segment, limit: end)?.start ?? end
    }
}

/// Reads frames at their LSNs. Of one thread.
struct LogReader {
    let folder: String
    let segments: [LogSegment]
    let disk: any LogDisk
    private var open: (number: UInt64, file: Int32)?
    private var buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    init(folder: String, segments: [LogSegment], disk: any LogDisk) {
        self.folder = folder
        self.segments = segments
        self.disk = disk
    }

    mutating func close() {
        if let open { disk.close(open.file) }
        open = nil
        buffer.deallocate()
        buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    /// One record, whose frames follow each other but for the index of a segment in between.
    mutating func read(
        _ position: LogPosition, of tenant: TenantID, _ body: (LogRecord) throws -> Void
    ) throws {
        var whole: [UInt8] = []
        var next = position.start
        while next < position.end {
            let (frame, payload) = try frame(at: next)
            next = try following(frame)
            if frame.kind == .index { continue }
            guard frame.tenant == tenant else { throw LogDamage(lsn: frame.start) }
            if frame.kind == .part {
                whole += payload
                continue
            }
            guard frame.end == position.end else { throw LogDamage(lsn: frame.start) }
            let record = { (payload: UnsafeRawBufferPointer) in
                LogRecord(
                    kind: frame.kind, lsn: frame.end, incarnation: frame.incarnation, at: frame.at,
                    sequence: frame.sequence, payload: payload)
            }
            if whole.isEmpty {
                try body(record(payload))
            } else {
                whole += payload
                try whole.withUnsafeBytes { try body(record($0)) }
            }
        }
    }

    /// Where the frame behind this one begins.
    private func following(_ frame: LogFrame) throws(LogDamage) -> UInt64 {
        guard frame.end > frame.start else { throw LogDamage(lsn: frame.start) }
        return frame.end
    }

    /// The frame that begins at this LSN and its payload, which is valid until the next is read.
    mutating func frame(at lsn: UInt64) throws -> (LogFrame, UnsafeRawBufferPointer) {
        guard let segment = segments.last(where: { $0.first <= lsn }), segment.end.map({ lsn < $0 }) ?? true else {
            throw LogDamage(lsn: lsn)
        }
        let file = try file(segment.number)
        let offset = segment.offset(of: lsn)
        grow(Self.guessBytes)
        let got = try disk.read(file, UnsafeMutableRawBufferPointer(rebasing: buffer[..<Self.guessBytes]), at: offset)
        guard got >= LogFrame.headBytes, let base = buffer.baseAddress,
            let frame = LogFrame(at: UnsafeRawPointer(base)),
            frame.start == lsn, frame.epoch == segment.epoch, frame.length <= Self.lengthMax
        else { throw LogDamage(lsn: lsn) }
        if frame.frameBytes > got {
            grow(frame.frameBytes)
            let whole = UnsafeMutableRawBufferPointer(rebasing: buffer[..<frame.frameBytes])
            guard try disk.read(file, whole, at: offset) == frame.frameBytes else { throw LogDamage(lsn: lsn) }
        }
        let payload = UnsafeRawBufferPointer(
            rebasing: buffer[LogFrame.headBytes..<LogFrame.headBytes + frame.length])
        guard SHA256.hash(payload) == frame.digest else { throw LogDamage(lsn: lsn) }
        return (frame, payload)
    }

    /// The head of the frame that was read last, as it stands in the log.
    var head: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[..<LogFrame.headBytes]) }

    /// Most commits are shorter: one read is enough for them.
    private static let guessBytes = 8 << 10
    /// An index may be longer than a commit's frame.
    static let lengthMax = 1 << 28

    private mutating func grow(_ bytes: Int) {
        guard buffer.count < bytes else { return }
        buffer.deallocate()
        buffer = .allocate(byteCount: bytes, alignment: 16)
    }

    private mutating func file(_ number: UInt64) throws(LogDiskError) -> Int32 {
        if let open, open.number == number { return open.file }
        if let open { disk.close(open.file) }
        open = nil
        let file = try disk.open("\(folder)/\(LogSegment.name(number))", isNew: false)
        open = (number, file)
        return file
    }
}
