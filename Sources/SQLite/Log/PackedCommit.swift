import CSQLite
import Compression

/// A commit as logs hold it: `PageRuns` bytes, compressed where that makes them shorter (docs/internals/log.md). An
/// order says most of what it writes several times, in its tables, indexes, events and the answer that is kept.
enum PackedCommit {
    /// Stands where the file's size in pages stands otherwise: SQLite's largest file has one page less.
    private static let mark: UInt32 = .max
    private static let headBytes = 8
    /// Shorter ones gain nothing.
    private static let bytesMin = 128
    /// Longer ones, of 65,536 pages or more, are not packed: no few bytes of a log claim more memory than that.
    static let bytesMax = PageRuns.encodedBytesMax(pages: 1 << 16)
    /// LZ4 makes one byte of at most 255: what claims to be longer is no commit, and takes no memory.
    private static let ratioMax = 256

    /// Hands out the commit as it is to be logged; its bytes are valid as long as the call.
    static func pack<Failure: Error>(
        _ commit: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let room = commit.count - commit.count / 16 - headBytes
        guard commit.count >= bytesMin && commit.count <= bytesMax else { return try take(commit) }
        let area = GatheringAreas.take(atLeast: headBytes + room)
        defer { GatheringAreas.give(area, atLeast: headBytes + room) }
        let block = UnsafeMutableRawBufferPointer(start: area + headBytes, count: room)
        guard let length = LZ4.compress(commit, to: block) else { return try take(commit) }
        area.storeBytes(of: mark.littleEndian, as: UInt32.self)
        area.storeBytes(of: UInt32(commit.count).littleEndian, toByteOffset: 4, as: UInt32.self)
        try take(UnsafeRawBufferPointer(start: area, count: headBytes + length))
    }

    /// Hands out the commit as `PageRuns` wrote it. Throws CORRUPT where it cannot be read back.
    static func open(
        _ packed: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws(SQLiteError) -> Void
    ) throws(SQLiteError) {
        guard packed.count >= headBytes, packed.loadUnaligned(as: UInt32.self).littleEndian == mark else {
            return try take(packed)
        }
        let count = Int(packed.loadUnaligned(fromByteOffset: 4, as: UInt32.self).littleEndian)
        let block = UnsafeRawBufferPointer(rebasing: packed[headBytes...])
        guard count <= bytesMax && count / ratioMax <= block.count else { throw malformed }
        let area = GatheringAreas.take(atLeast: count)
        defer { GatheringAreas.give(area, atLeast: count) }
        do {
            try LZ4.decompress(block, to: UnsafeMutableRawBufferPointer(start: area, count: count))
        } catch {
            throw malformed
        }
        try take(UnsafeRawBufferPointer(start: area, count: count))
    }

    private static var malformed: SQLiteError {
        SQLiteError(code: SQLITE_CORRUPT, message: "a packed commit that cannot be read", sql: "replay")
    }
}
