import Cryptography
import Glibc

/// Bytes of a segment's file in memory, and the frames in them. Of one thread.
struct LogBytes: ~Copyable {
    /// Frames begin at multiples of it.
    static let step = 8

    private var buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var count = 0

    deinit { buffer.deallocate() }

    /// From `from`, so many bytes or up to the file's end.
    mutating func read(
        _ path: String, from: Int = 0, count wanted: Int? = nil, on disk: any LogDisk
    ) throws(LogDiskError) {
        let size = try disk.size(path)
        let bytes = wanted ?? size
        if buffer.count < bytes {
            buffer.deallocate()
            buffer = .allocate(byteCount: bytes, alignment: LogSegment.pageBytes)
        }
        let file = try disk.open(path, isNew: false)
        defer { disk.close(file) }
        count = try disk.read(file, UnsafeMutableRawBufferPointer(rebasing: buffer[..<bytes]), at: from)
    }

    func place(_ offset: Int) -> UnsafeRawPointer {
        precondition(offset >= 0 && offset <= count && buffer.baseAddress != nil)
        return UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped + offset)
    }

    /// The segment's first page, if it was read.
    var page: UnsafeRawPointer? { count >= LogSegment.pageBytes ? place(0) : nil }

    func prefix(_ bytes: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffer[..<min(bytes, count)])
    }
    func suffix(from offset: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[offset..<count]) }

    /// A head whose own sum is right.
    func frame(at offset: Int) -> LogFrame? {
        guard offset >= 0, offset + LogFrame.headBytes <= count else { return nil }
        return LogFrame(at: place(offset))
    }

    /// That stands there as one of this segment, and ends before it ends.
    func frame(at offset: Int, of segment: LogSegment, lsn: UInt64, limit: UInt64) -> LogFrame? {
        guard let frame = frame(at: offset), frame.start == lsn, frame.epoch == segment.epoch,
            frame.length <= LogReader.lengthMax, offset + frame.frameBytes <= count, frame.end <= limit
        else { return nil }
        return frame
    }

    /// Nil where it is not the one that the frame was written with.
    func payload(of frame: LogFrame, at offset: Int) -> UnsafeRawBufferPointer? {
        guard offset + frame.frameBytes <= count else { return nil }
        let payload = UnsafeRawBufferPointer(start: place(offset + LogFrame.headBytes), count: frame.length)
        return SHA256.hash(payload) == frame.digest ? payload : nil
    }

    /// The next frame of this segment behind the offset.
    func nextFrame(behind offset: Int, of segment: LogSegment, limit: UInt64 = .max) -> LogFrame? {
        var next = offset + Self.step
        while next + LogFrame.headBytes <= count {
            if next % LogSegment.pageBytes == 0, isZero(next) {
                next += LogSegment.pageBytes
                continue
            }
            if place(next).get(0, as: UInt32.self) == LogFrame.magic {
                let lsn = segment.first + UInt64(next - LogSegment.pageBytes)
                if let frame = frame(at: next, of: segment, lsn: lsn, limit: limit) { return frame }
            }
            next += Self.step
        }
        return nil
    }

    /// Whether a page of the file is one that was never written.
    private func isZero(_ offset: Int) -> Bool {
        let bytes = LogSegment.pageBytes
        guard offset + bytes <= count else { return false }
        // All are equal, and the first is zero.
        return place(offset).get(0, as: UInt64.self) == 0
            && memcmp(place(offset), place(offset + Self.step), bytes - Self.step) == 0
    }

    /// The highest position that a frame behind the offset knew to be durable; 0: there is none.
    func durable(behind offset: Int, of segment: LogSegment) -> UInt64 {
        var most: UInt64 = 0
        var place = offset
        while let frame = nextFrame(behind: place, of: segment) {
            most = max(most, frame.durable)
            place = segment.offset(of: frame.end) - Self.step
        }
        return most
    }
}
