import CSQLite

/// A live file whose commits go to a sink, as SQLite sees it: the database file, which `sync` alone syncs, and its
/// write-ahead log, which is in memory.
///
/// Invariant: from `begin` on each commit is with the sink before SQLite holds it for made.
final class LoggedFile: FileInside {
    private(set) var sink: (any CommitSink)?
    let log = MemoryLog()
    /// While a checkpoint runs: the log's sync comes without a commit.
    var isCheckpointing = false
    private(set) var lastLSN: UInt64 = 0
    private(set) var isUnsynced = false
    private var isSpoilt = false

    /// The file that SQLite was given by `attach`; nil: it is another's.
    static func of(database file: File?) -> LoggedFile? {
        guard let file, file.pointee.pMethods == UnsafePointer(databaseMethods) else { return nil }
        return of(file)
    }

    /// The one that a connection has opened as its database.
    static func opened(by database: OpaquePointer?) -> LoggedFile? {
        var file: File?
        sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file)
        return of(database: file)
    }

    func attach(toDatabase file: File) { attach(to: file, Self.databaseMethods) }

    func attach(toLog file: File) { attach(to: file, Self.logMethods) }

    func begin(_ sink: any CommitSink, pages: UInt32) {
        self.sink = sink
        log.begin(pages: pages)
    }

    func sync() -> Int32 {
        guard !isSpoilt else { return FileStatus.syncFailed }
        let status = below.xSync(inner, SQLITE_SYNC_NORMAL)
        if status == SQLITE_OK { isUnsynced = false } else { isSpoilt = true }
        return status
    }

    /// A commit is made here, or fails here.
    private func syncLog() -> Int32 {
        guard let sink, !isCheckpointing, log.hasCommit else { return SQLITE_OK }
        let pageBytes = Int64(Connection.pageBytes)
        return log.takeCommit(isPacked: sink.takesPacked) { number, page in
            below.xRead(inner, page, Int32(pageBytes), Int64(number - 1) * pageBytes)
        } append: { commit throws(CommitRefused) in
            lastLSN = try sink.append(commit)
        }
    }

    // MARK: What SQLite calls

    private static func of(_ file: File?) -> LoggedFile { unsafeDowncast(inside(file), to: LoggedFile.self) }

    private static func closeDatabase(_ file: File?) -> Int32 {
        let status = inside(file).closeInner()
        release(file)
        return status
    }

    private static func closeLog(_ file: File?) -> Int32 {
        of(file).log.forget()
        release(file)
        return SQLITE_OK
    }

    // Made once, never changed.
    nonisolated(unsafe) private static let databaseMethods: UnsafeMutablePointer<sqlite3_io_methods> = {
        var table = passing
        table.xClose = { closeDatabase($0) }
        table.xRead = { file, buffer, length, offset in
            let own = of(file)
            return own.below.xRead(own.inner, buffer, length, offset)
        }
        table.xWrite = { file, bytes, length, offset in
            let own = of(file)
            own.isUnsynced = true
            return own.below.xWrite(own.inner, bytes, length, offset)
        }
        table.xTruncate = { file, size in
            let own = of(file)
            own.isUnsynced = true
            return own.below.xTruncate(own.inner, size)
        }
        table.xSync = { _, _ in SQLITE_OK }
        table.xFileSize = { file, size in
            let own = of(file)
            return own.below.xFileSize(own.inner, size)
        }
        table.xDeviceCharacteristics = { file in
            // A log in memory needs neither a sync of its header nor frames that fill up a sector.
            let own = of(file)
            return own.below.xDeviceCharacteristics(own.inner) | FileStatus.memoryIsOrdered
        }
        return allocate(table)
    }()

    nonisolated(unsafe) private static let logMethods: UnsafeMutablePointer<sqlite3_io_methods> = {
        var table = sqlite3_io_methods()
        table.iVersion = 1
        table.xClose = { closeLog($0) }
        table.xRead = { file, buffer, length, offset in
            guard let buffer else { return SQLITE_MISUSE }
            return of(file).log.read(buffer, Int(length), offset)
        }
        table.xWrite = { file, bytes, length, offset in
            guard let bytes else { return SQLITE_MISUSE }
            return of(file).log.write(bytes, Int(length), offset)
        }
        table.xTruncate = { of($0).log.truncate($1) }
        table.xSync = { file, _ in of(file).syncLog() }
        table.xFileSize = { file, size in
            size?.pointee = of(file).log.size
            return SQLITE_OK
        }
        table.xLock = { _, _ in SQLITE_OK }
        table.xUnlock = { _, _ in SQLITE_OK }
        table.xCheckReservedLock = { _, result in
            result?.pointee = 0
            return SQLITE_OK
        }
        table.xFileControl = { _, _, _ in SQLITE_NOTFOUND }
        table.xSectorSize = { _ in Int32(Connection.pageBytes) }
        table.xDeviceCharacteristics = { _ in FileStatus.memoryIsOrdered }
        return allocate(table)
    }()
}

/// SQLite's codes that are expressions in its header, which Swift does not see.
enum FileStatus {
    static let readFailed = SQLITE_IOERR | 1 << 8
    static let shortRead = SQLITE_IOERR | 2 << 8
    static let writeFailed = SQLITE_IOERR | 3 << 8
    static let syncFailed = SQLITE_IOERR | 4 << 8
    static let truncateFailed = SQLITE_IOERR | 6 << 8
    static let noMemory = SQLITE_IOERR | 12 << 8
    /// SQLITE_IOCAP_SEQUENTIAL and SQLITE_IOCAP_POWERSAFE_OVERWRITE.
    static let memoryIsOrdered: Int32 = 0x400 | 0x1000
}
