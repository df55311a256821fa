import CSQLite

/// Puts commits into a file that nobody has open, in their order (docs/internals/log.md).
///
/// Invariant: after `finish` the file is what the last commit made of it, if it held before, byte for byte, something
/// from between the mark that replay begins at and that commit: older, newer or torn bytes alike. A replay that stops
/// on the way has done no harm: it begins again at the same mark. One thread.
package final class PageReplay {
    /// Pages are kept in memory up to here, then written out.
    private static let heldPagesMax = 4_096

    private let path: String
    private let name: sqlite3_filename?
    private var file: UnsafeMutablePointer<sqlite3_file>?
    private var held = PageTable()
    private var arena = PageArena()
    /// The file's size after the last commit, and how much of the file as it lies there counts: what lies past that is
    /// of pages that fell off its end.
    private var pages: UInt32 = 0
    private var pagesThere: UInt32 = .max
    /// What the file had when the replay began, and the pages past that which a commit has made since: there are no
    /// others, unless the file was cut short.
    private var pagesAtFirst: UInt32 = 0
    private var pagesMade: Set<UInt32> = []

    /// Takes the file's lock; `isBusy` is thrown where it is open anywhere. A file that is missing is not made.
    package init(path: String) throws(SQLiteError) {
        self.path = path
        name = sqlite3_create_filename(path, path + "-journal", path + "-wal", 0, nil)
        guard Library.vfs != nil, let plain = sqlite3_vfs_find(nil), let name else {
            throw SQLiteError(code: SQLITE_NOMEM, message: "no file can be opened", sql: "replay")
        }
        let file = FileInside.allocate(bytes: Int(plain.pointee.szOsFile))
        let flags = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READWRITE
        let status = plain.pointee.xOpen(plain, name, file, flags, nil)
        guard status == SQLITE_OK else {
            file.deallocate()
            throw Self.error(status)
        }
        self.file = file
        for level in [SQLITE_LOCK_SHARED, SQLITE_LOCK_EXCLUSIVE] { try check { $0.xLock($1, level) } }
        var size: Int64 = 0
        try check { $0.xFileSize($1, &size) }
        pagesAtFirst = UInt32(clamping: size / Int64(Connection.pageBytes))
    }

    deinit {
        close()
        sqlite3_free_filename(name)
    }

    /// One commit, as a sink took it. Throws CORRUPT where it is none: the replay is good for nothing then.
    package func apply(_ packed: UnsafeRawBufferPointer) throws(SQLiteError) {
        try PackedCommit.open(packed) { commit throws(SQLiteError) in try applyRuns(of: commit) }
    }

    private func applyRuns(of commit: UnsafeRawBufferPointer) throws(SQLiteError) {
        let pagesAfter = try PageRuns.forEachPage(of: commit) { page throws(SQLiteError) in
            if page.isOverZeros && page.number > pagesAtFirst { pagesMade.insert(page.number) }
            if held.count >= Self.heldPagesMax { try writeOut() }
            let entry = held.insert(page.number)
            if entry.pointee.page == nil { entry.pointee.page = try read(page.number, unless: page.isOverZeros) }
            if let target = entry.pointee.page { page.apply(to: target) }
        }
        if pagesAfter < pages || pages == 0 { shrink(to: pagesAfter) }
        pages = pagesAfter
    }

    /// Writes what is still held, gives the file its size, syncs and closes it. Throws CORRUPT where the file was cut
    /// short, and leaves it so.
    package func finish() throws(SQLiteError) {
        if pages > 0 {
            guard isWhole else {
                throw SQLiteError(code: SQLITE_CORRUPT, message: "the file was cut short", sql: "replay")
            }
            try writeOut()
            try setSize(pages)
        }
        try check { $0.xSync($1, SQLITE_SYNC_NORMAL) }
        close()
    }

    /// Whether every page was in the file or has been made. SQLite never writes the page of its locks.
    private var isWhole: Bool {
        guard pages > pagesAtFirst else { return true }
        let hasLockPage = pagesAtFirst < Self.lockPage && Self.lockPage <= pages
        return pagesMade.count + (hasLockPage ? 1 : 0) == Int(pages - pagesAtFirst)
    }

    private static let lockPage = UInt32(1 << 30 / Connection.pageBytes) + 1

    /// What fell off the end is nothing when it comes back.
    private func shrink(to pagesAfter: UInt32) {
        pagesThere = min(pagesThere, pagesAfter)
        pagesMade = pagesMade.filter { $0 <= pagesAfter }
        held.keep { entry in
            if entry.number <= pagesAfter { return true }
            if let page = entry.page { arena.give(page) }
            return false
        }
    }

    /// A page as it lies in the file.
    private func read(_ number: UInt32, unless isNew: Bool) throws(SQLiteError) -> UnsafeMutableRawPointer {
        guard let page = arena.take() else { throw Self.error(SQLITE_NOMEM) }
        if isNew || number > pagesThere {
            page.copyMemory(from: PageRuns.zeros, byteCount: Connection.pageBytes)
        } else {
            // What is past the end comes as zeros.
            try check(besides: FileStatus.shortRead) {
                $0.xRead($1, page, Int32(Connection.pageBytes), Int64(number - 1) * Int64(Connection.pageBytes))
            }
        }
        return page
    }

    /// Every page that a commit names is written, changed or not: it may be in the kernel's memory as of a write that
    /// never came to the disk.
    private func writeOut() throws(SQLiteError) {
        var size: Int64 = 0
        try check { $0.xFileSize($1, &size) }
        if size > Int64(pagesThere) * Int64(Connection.pageBytes) { try setSize(pagesThere) }
        var entries: [PageTable.Entry] = []
        held.forEach { entries.append($0) }
        entries.sort { $0.number < $1.number }
        for entry in entries {
            try check {
                $0.xWrite(
                    $1, entry.page, Int32(Connection.pageBytes),
                    Int64(entry.number - 1) * Int64(Connection.pageBytes))
            }
        }
        // Unwritten parts of the growth are zeros.
        pagesThere = .max
        held.removeAll()
        arena.giveAll()
    }

    private func setSize(_ pages: UInt32) throws(SQLiteError) {
        try check { $0.xTruncate($1, Int64(pages) * Int64(Connection.pageBytes)) }
    }

    private func close() {
        guard let file else { return }
        _ = file.pointee.pMethods.pointee.xUnlock(file, SQLITE_LOCK_NONE)
        _ = file.pointee.pMethods.pointee.xClose(file)
        UnsafeMutableRawPointer(file).deallocate()
        self.file = nil
    }

    private func check(
        besides: Int32 = SQLITE_OK, _ call: (sqlite3_io_methods, UnsafeMutablePointer<sqlite3_file>) -> Int32
    ) throws(SQLiteError) {
        guard let file else { throw Self.error(SQLITE_MISUSE) }
        let status = call(file.pointee.pMethods.pointee, file)
        guard status == SQLITE_OK || status == besides else { throw Self.error(status) }
    }

    private static func error(_ status: Int32) -> SQLiteError {
        SQLiteError(code: status, message: String(cString: sqlite3_errstr(status)), sql: "replay")
    }
}
