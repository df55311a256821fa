import CSQLite

/// One commit as bytes: of each page that it changed, the runs of new bytes (docs/internals/log.md).
///
/// Runs hold what a page has now, never a difference, so that they may be applied to any mixture of the page's older
/// and newer bytes: what comes out at the end is the last commit.
package enum PageRuns {
    /// A page as one commit has it.
    struct Page {
        let number: UInt32
        /// Its bytes so far count for nothing: it is filled with zeros first.
        let isOverZeros: Bool
        /// `count` runs, each checked to lie within the page.
        let runs: UnsafeRawBufferPointer
        let count: Int
    }

    static let commitHeadBytes = 8
    private static let pageHeadBytes = 7
    private static let runHeadBytes = 4
    private static let overZeros: UInt8 = 1

    /// What a commit of so many pages takes at most. A run begins only after eight equal bytes, so its head never costs
    /// more than they would.
    static func encodedBytesMax(pages: Int) -> Int {
        commitHeadBytes + pages * (pageHeadBytes + runHeadBytes + Connection.pageBytes)
    }

    // MARK: Writing

    /// What stands before the pages: `commitHeadBytes`.
    static func encodeHead(pagesAfter: UInt32, count: UInt32, to out: UnsafeMutableRawPointer) {
        out.storeBytes(of: pagesAfter.littleEndian, as: UInt32.self)
        out.storeBytes(of: count.littleEndian, toByteOffset: 4, as: UInt32.self)
    }

    /// What differs between a page and what it was before; nil: there was none. Returns the bytes written, 0 where
    /// nothing differs. Pages are aligned to 64 bytes.
    static func encode(
        _ number: UInt32, _ page: UnsafeRawPointer, over base: UnsafeRawPointer?, to out: UnsafeMutableRawPointer
    ) -> Int {
        var end = out + pageHeadBytes
        let count = appendRuns(page, base ?? zeros, &end)
        if count == 0 && base != nil { return 0 }
        out.storeBytes(of: number.littleEndian, as: UInt32.self)
        out.storeBytes(of: base == nil ? overZeros : 0, toByteOffset: 4, as: UInt8.self)
        out.storeBytes(of: UInt16(count).littleEndian, toByteOffset: 5, as: UInt16.self)
        return end - out
    }

    private static func appendRuns(
        _ page: UnsafeRawPointer, _ base: UnsafeRawPointer, _ end: inout UnsafeMutableRawPointer
    ) -> Int {
        var count = 0
        // The run that is open, and none while `start` lies behind `stop`.
        var start = 1
        var stop = 0
        var block = 0
        while block < Connection.pageBytes {
            defer { block += blockBytes }
            if isEqual(page + block, base + block) { continue }
            for place in stride(from: block, to: block + blockBytes, by: 8) {
                let difference = difference(page + place, base + place)
                if difference == 0 { continue }
                let first = place + difference.trailingZeroBitCount >> 3
                let last = place + 8 - difference.leadingZeroBitCount >> 3
                if start < stop && first - stop < 8 {
                    stop = last
                    continue
                }
                if start < stop {
                    append(page, start, stop, &end)
                    count += 1
                }
                start = first
                stop = last
            }
        }
        guard start < stop else { return count }
        append(page, start, stop, &end)
        return count + 1
    }

    private static func append(
        _ page: UnsafeRawPointer, _ start: Int, _ stop: Int, _ end: inout UnsafeMutableRawPointer
    ) {
        end.storeBytes(of: UInt16(start).littleEndian, as: UInt16.self)
        end.storeBytes(of: UInt16(stop - start - 1).littleEndian, toByteOffset: 2, as: UInt16.self)
        (end + runHeadBytes).copyMemory(from: page + start, byteCount: stop - start)
        end += runHeadBytes + stop - start
    }

    private static let blockBytes = 64

    /// The lowest byte of the word is the first in memory.
    private static func difference(_ one: UnsafeRawPointer, _ other: UnsafeRawPointer) -> UInt64 {
        (one.load(as: UInt64.self) ^ other.load(as: UInt64.self)).littleEndian
    }

    @inline(__always)
    private static func isEqual(_ one: UnsafeRawPointer, _ other: UnsafeRawPointer) -> Bool {
        // `==` of vectors is a loop over their elements.
        let eight = one.load(as: SIMD8<UInt64>.self) ^ other.load(as: SIMD8<UInt64>.self)
        let four = eight.lowHalf | eight.highHalf
        let two = four.lowHalf | four.highHalf
        return two.x | two.y == 0
    }

    // Made once, never changed.
    nonisolated(unsafe) static let zeros: UnsafeRawPointer = {
        let page = UnsafeMutableRawPointer.allocate(byteCount: Connection.pageBytes, alignment: Connection.pageBytes)
        page.initializeMemory(as: UInt8.self, repeating: 0, count: Connection.pageBytes)
        return UnsafeRawPointer(page)
    }()

    // MARK: Reading

    /// The file's size in pages after the commit, once every page was handed over, in the order of the commit. Throws
    /// CORRUPT where the bytes are no commit, after it may have handed some over.
    static func forEachPage(
        of commit: UnsafeRawBufferPointer, _ take: (Page) throws(SQLiteError) -> Void
    ) throws(SQLiteError) -> UInt32 {
        guard commit.count >= commitHeadBytes else { throw malformed }
        let pagesAfter = commit.loadUnaligned(as: UInt32.self).littleEndian
        let count = commit.loadUnaligned(fromByteOffset: 4, as: UInt32.self).littleEndian
        var rest = UnsafeRawBufferPointer(rebasing: commit[commitHeadBytes...])
        for _ in 0..<count {
            let page = try readPage(&rest)
            guard page.number >= 1 && page.number <= pagesAfter else { throw malformed }
            try take(page)
        }
        guard rest.isEmpty && pagesAfter > 0 else { throw malformed }
        return pagesAfter
    }

    private static func readPage(_ rest: inout UnsafeRawBufferPointer) throws(SQLiteError) -> Page {
        guard rest.count >= pageHeadBytes else { throw malformed }
        let flags = rest[4]
        let count = Int(rest.loadUnaligned(fromByteOffset: 5, as: UInt16.self).littleEndian)
        var at = pageHeadBytes
        for _ in 0..<count {
            guard rest.count - at >= runHeadBytes else { throw malformed }
            let (offset, length) = run(rest, at)
            at += runHeadBytes + length
            guard offset + length <= Connection.pageBytes && at <= rest.count else { throw malformed }
        }
        guard flags & ~overZeros == 0 else { throw malformed }
        let page = Page(
            number: rest.loadUnaligned(as: UInt32.self).littleEndian, isOverZeros: flags == overZeros,
            runs: UnsafeRawBufferPointer(rebasing: rest[pageHeadBytes..<at]), count: count)
        rest = UnsafeRawBufferPointer(rebasing: rest[at...])
        return page
    }

    private static func run(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> (offset: Int, length: Int) {
        let offset = bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self).littleEndian
        let length = bytes.loadUnaligned(fromByteOffset: at + 2, as: UInt16.self).littleEndian
        return (Int(offset), Int(length) + 1)
    }

    private static var malformed: SQLiteError {
        SQLiteError(code: SQLITE_CORRUPT, message: "bytes that are no commit", sql: "replay")
    }
}

extension PageRuns.Page {
    /// Makes of a page as it was, or of any mixture of its older and newer bytes, what it is after the commit.
    func apply(to target: UnsafeMutableRawPointer) {
        if isOverZeros { target.copyMemory(from: PageRuns.zeros, byteCount: Connection.pageBytes) }
        var at = 0
        for _ in 0..<count {
            let (offset, length) = PageRuns.run(runs, at)
            (target + offset).copyMemory(from: runs.baseAddress.unsafelyUnwrapped + at + 4, byteCount: length)
            at += 4 + length
        }
    }
}
