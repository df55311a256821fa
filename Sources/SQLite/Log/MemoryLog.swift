import CSQLite

/// SQLite's write-ahead log as a file in memory: a header of 32 bytes, then frames, each a head of 24 bytes and a page.
/// A frame whose page a later commit has written again gives its memory back.
///
/// Invariant: `images` has the page as of the last commit, wherever the log knows it; a frame past `committed` is of a
/// transaction that is open or was rolled back. On the connection's thread.
final class MemoryLog {
    static let headerBytes = 32
    static let headBytes = 24
    static let frameBytes = headBytes + Connection.pageBytes
    private static let checksumBytes = 8

    private struct Frame {
        var head: (UInt64, UInt64, UInt64) = (0, 0, 0)
        /// nil: another commit has written the page since, or nothing was written here.
        var page: UnsafeMutableRawPointer?

        var number: UInt32 { UInt32(truncatingIfNeeded: head.0.byteSwapped >> 32) }
        /// The file's size in pages where this frame ends a commit; else 0.
        var pagesAfter: UInt32 { UInt32(truncatingIfNeeded: head.0.byteSwapped) }
    }

    // Looked at several times for each frame; nothing here calls back into the log.
    private let header = UnsafeMutableRawPointer.allocate(byteCount: headerBytes, alignment: 8)
    @exclusivity(unchecked) private var frames = UnsafeMutablePointer<Frame>.allocate(capacity: 0)
    @exclusivity(unchecked) private var capacity = 0
    /// Frames that were written since the log began, and how many of them the last commit ends at.
    @exclusivity(unchecked) private var count = 0
    @exclusivity(unchecked) private var committed = 0
    @exclusivity(unchecked) private var hasHeader = false
    /// The frame that ends a commit which no sync has taken over yet; 0: there is none.
    @exclusivity(unchecked) private var ending = 0

    @exclusivity(unchecked) private var arena = PageArena()
    @exclusivity(unchecked) private var images = PageTable()
    /// Pages that the commits since the log began have written, each counted once.
    private(set) var distinct = 0
    /// How often the log has begun anew. What was last written before the log began the time before is forgotten.
    @exclusivity(unchecked) private var generation: UInt32 = 1
    /// The file's size as of the last commit, and the smallest since it was opened: what lies past that one in the
    /// database file may be of pages that fell off its end.
    @exclusivity(unchecked) private var pages: UInt32 = 0
    @exclusivity(unchecked) private var pagesLeast = UInt32.max

    deinit {
        header.deallocate()
        frames.deallocate()
    }

    var bytes: Int { arena.bytes + images.bytes + capacity * MemoryLayout<Frame>.stride }
    var isEmpty: Bool { !hasHeader }
    var size: Int64 { hasHeader ? Int64(Self.headerBytes + count * Self.frameBytes) : 0 }

    /// What a file holds whose commits are taken over from now on.
    func begin(pages: UInt32) {
        self.pages = pages
        pagesLeast = .max
    }

    // MARK: SQLite's calls

    func write(_ bytes: UnsafeRawPointer, _ length: Int, _ offset: Int64) -> Int32 {
        guard offset >= Self.headerBytes else {
            return offset == 0 && length == Self.headerBytes ? writeHeader(bytes) : FileStatus.writeFailed
        }
        let (index, place) = (Int(offset) - Self.headerBytes).quotientAndRemainder(dividingBy: Self.frameBytes)
        // A commit that SQLite gave up after the sink had taken it: this log is no longer that of the file.
        guard index >= committed else { return FileStatus.writeFailed }
        switch (place, length) {
        case (0, Self.headBytes):
            reserve(index + 1)
            withUnsafeMutableBytes(of: &frames[index].head) {
                $0.baseAddress?.copyMemory(from: bytes, byteCount: length)
            }
            ending = frames[index].pagesAfter > 0 ? index + 1 : 0
            count = max(count, index + 1)
        case (Self.headBytes, Connection.pageBytes) where index < count:
            guard let page = frames[index].page ?? arena.take() else { return FileStatus.noMemory }
            frames[index].page = page
            page.copyMemory(from: bytes, byteCount: length)
        default: return FileStatus.writeFailed
        }
        return SQLITE_OK
    }

    func read(_ buffer: UnsafeMutableRawPointer, _ length: Int, _ offset: Int64) -> Int32 {
        let there = Int(max(0, min(Int64(length), size - offset)))
        if there < length { (buffer + there).initializeMemory(as: UInt8.self, repeating: 0, count: length - there) }
        // At COMMIT some versions of SQLite go on from the checksum of a frame that a savepoint took back. Nobody reads
        // checksums here.
        if there <= 0 && length == Self.checksumBytes { return SQLITE_OK }
        var done = 0
        while done < there {
            let at = Int(offset) + done
            guard let (piece, bytes) = piece(at) else { return FileStatus.readFailed }
            let part = min(bytes, there - done)
            (buffer + done).copyMemory(from: piece, byteCount: part)
            done += part
        }
        return there < length ? FileStatus.shortRead : SQLITE_OK
    }

    /// What is at an offset, and how many bytes of it follow in one piece; nil: its memory was given back.
    private func piece(_ offset: Int) -> (UnsafeRawPointer, Int)? {
        if offset < Self.headerBytes { return (UnsafeRawPointer(header) + offset, Self.headerBytes - offset) }
        let (index, place) = (offset - Self.headerBytes).quotientAndRemainder(dividingBy: Self.frameBytes)
        if place < Self.headBytes { return (UnsafeRawPointer(frames + index) + place, Self.headBytes - place) }
        guard let page = frames[index].page else { return nil }
        return (UnsafeRawPointer(page) + place - Self.headBytes, Self.frameBytes - place)
    }

    func truncate(_ size: Int64) -> Int32 {
        guard size > 0 else {
            forget()
            return SQLITE_OK
        }
        let kept = max(0, Int(size) - Self.headerBytes) / Self.frameBytes
        guard kept >= committed else { return FileStatus.truncateFailed }
        release(from: kept)
        return SQLITE_OK
    }

    /// The log is empty, and all memory given back: the database file has everything.
    func forget() {
        arena.giveAll()
        images.removeAll()
        frames.deallocate()
        frames = .allocate(capacity: 0)
        (capacity, count, committed, ending, hasHeader, distinct) = (0, 0, 0, 0, false, 0)
    }

    /// The log begins: for the first time, or anew, once the database file has every commit of it.
    private func writeHeader(_ bytes: UnsafeRawPointer) -> Int32 {
        header.copyMemory(from: bytes, byteCount: Self.headerBytes)
        guard (header + 8).load(as: UInt32.self).bigEndian == Connection.pageBytes else {
            return FileStatus.writeFailed
        }
        hasHeader = true
        release(from: committed)
        if committed > 0 {
            for index in 0..<committed { frames[index].page = nil }
            images.keep { entry in
                if entry.generation == generation { return true }
                if let page = entry.page { arena.give(page) }
                return false
            }
            generation += 1
            distinct = 0
        }
        (count, committed, ending) = (0, 0, 0)
        return SQLITE_OK
    }

    /// Frames from this one on are none any more.
    private func release(from index: Int) {
        for index in index..<max(index, count) {
            if let page = frames[index].page { arena.give(page) }
            frames[index].page = nil
        }
        count = min(count, index)
        if ending > count { ending = 0 }
    }

    private func reserve(_ wanted: Int) {
        guard wanted > capacity else { return }
        let bigger = UnsafeMutablePointer<Frame>.allocate(capacity: max(64, capacity * 2, wanted))
        bigger.moveInitialize(from: frames, count: capacity)
        let added = max(64, capacity * 2, wanted) - capacity
        (bigger + capacity).initialize(repeating: Frame(), count: added)
        frames.deallocate()
        frames = bigger
        capacity += added
    }

    // MARK: Commits

    /// Whether a sync has a commit to take over. It may be one that SQLite gave up since: a checkpoint's sync, which
    /// comes without a commit, must not ask.
    var hasCommit: Bool { ending > 0 }

    /// Has `append` take over what the commit has changed. Where that throws, or a page as it was cannot be read from
    /// the database file, nothing has happened: SQLite rolls back.
    func takeCommit(
        isPacked: Bool, readPage: (UInt32, UnsafeMutableRawPointer) -> Int32,
        append: (UnsafeRawBufferPointer) throws(CommitRefused) -> Void
    ) -> Int32 {
        let end = ending
        ending = 0
        let pagesAfter = frames[end - 1].pagesAfter
        let latest = latestFrames(until: end)
        let bytesMax = PageRuns.encodedBytesMax(pages: end - committed)
        let buffer = GatheringAreas.take(atLeast: bytesMax)
        defer { GatheringAreas.give(buffer, atLeast: bytesMax) }
        guard let scratch = arena.take() else { return FileStatus.noMemory }
        defer { arena.give(scratch) }
        var bytes = PageRuns.commitHeadBytes
        var count: UInt32 = 0
        for index in committed..<end {
            let number = frames[index].number
            guard number <= pagesAfter, latest.map({ $0[number] == index }) ?? true else { continue }
            guard let page = frames[index].page else { return FileStatus.syncFailed }
            var base = images.find(number).flatMap { UnsafeRawPointer($0.pointee.page) }
            if base == nil && number <= min(pages, pagesLeast) {
                let status = readPage(number, scratch)
                guard status == SQLITE_OK || status == FileStatus.shortRead else { return status }
                if status == SQLITE_OK { base = UnsafeRawPointer(scratch) }
            }
            let length = PageRuns.encode(number, page, over: base, to: buffer + bytes)
            bytes += length
            if length > 0 { count += 1 }
        }
        PageRuns.encodeHead(pagesAfter: pagesAfter, count: count, to: buffer)
        do throws(CommitRefused) {
            let commit = UnsafeRawBufferPointer(start: buffer, count: bytes)
            if isPacked { try PackedCommit.pack(commit, append) } else { try append(commit) }
        } catch {
            return error == .full ? SQLITE_FULL : FileStatus.syncFailed
        }
        adopt(until: end, latest, pagesAfter: pagesAfter)
        return SQLITE_OK
    }

    /// Which frame of the open transaction has a page last; nil: each page has one frame, as it is where nothing was
    /// written before the commit.
    private func latestFrames(until end: Int) -> [UInt32: Int]? {
        var before: UInt32 = 0
        let areAscending = (committed..<end).allSatisfy { index in
            let number = frames[index].number
            defer { before = number }
            return number > before
        }
        if areAscending { return nil }
        return Dictionary((committed..<end).map { (frames[$0].number, $0) }) { _, later in later }
    }

    /// What the frames hold is the last commit now.
    private func adopt(until end: Int, _ latest: [UInt32: Int]?, pagesAfter: UInt32) {
        for index in committed..<end {
            guard let page = frames[index].page else { continue }
            let number = frames[index].number
            guard number <= pagesAfter, latest.map({ $0[number] == index }) ?? true else {
                arena.give(page)
                frames[index].page = nil
                continue
            }
            let image = images.insert(number)
            if image.pointee.page == nil || image.pointee.generation != generation { distinct += 1 }
            giveBack(image.pointee)
            image.pointee = PageTable.Entry(number: number, generation: generation, frame: index, page: page)
        }
        committed = end
        if pagesAfter < pages {
            pagesLeast = min(pagesLeast, pagesAfter)
            images.keep { image in
                if image.number <= pagesAfter { return true }
                if image.generation == generation { distinct -= 1 }
                giveBack(image)
                return false
            }
        }
        pages = pagesAfter
    }

    /// A page as it was before the last commit: nobody reads its frame any more.
    private func giveBack(_ image: PageTable.Entry) {
        guard let page = image.page else { return }
        if image.generation == generation { frames[image.frame].page = nil }
        arena.give(page)
    }
}
