import CSQLite
import Glibc

/// SQLite's default VFS for files whose commits go to a sink (`LoggedFile`): their write-ahead logs are in memory, so
/// that none is on the disk, whoever asks. Any thread.
enum LoggingVFS {
    static let name = "tollgate-log"
    private static let logSuffix = "-wal"

    /// Registers it, not as the default. Returns whether it could be.
    static func install() -> Bool {
        FileInside.register(name) { vfs in
            vfs.xOpen = { _, name, file, flags, outFlags in LoggingVFS.open(name, file, flags, outFlags) }
            vfs.xDelete = { _, name, syncs in
                guard let plain = sqlite3_vfs_find(nil) else { return SQLITE_ERROR }
                return LoggingVFS.isLog(name) ? SQLITE_OK : plain.pointee.xDelete(plain, name, syncs)
            }
            vfs.xAccess = { _, name, flags, result in
                guard let plain = sqlite3_vfs_find(nil) else { return SQLITE_ERROR }
                guard LoggingVFS.isLog(name) else { return plain.pointee.xAccess(plain, name, flags, result) }
                result?.pointee = 0
                return SQLITE_OK
            }
        }
    }

    private static func isLog(_ name: UnsafePointer<CChar>?) -> Bool {
        guard let name, strlen(name) >= logSuffix.utf8.count else { return false }
        return strcmp(name + strlen(name) - logSuffix.utf8.count, logSuffix) == 0
    }

    /// The default VFS is asked for each time: a test may have put another in its place.
    private static func open(
        _ name: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        guard let plain = sqlite3_vfs_find(nil), let file else { return SQLITE_MISUSE }
        if flags & SQLITE_OPEN_WAL != 0 { return openLog(name, file, flags, outFlags, plain) }
        guard flags & SQLITE_OPEN_MAIN_DB != 0 else { return plain.pointee.xOpen(plain, name, file, flags, outFlags) }
        return FileInside.open(plain, name, file, flags, outFlags) { LoggedFile($0).attach(toDatabase: file) }
    }

    /// A log that lies on the disk has commits that this one would hide, and that some later opening would put over
    /// newer ones.
    private static func openLog(
        _ name: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?, _ plain: UnsafeMutablePointer<sqlite3_vfs>
    ) -> Int32 {
        file.pointee.pMethods = nil
        var isOnDisk: Int32 = 0
        let status = plain.pointee.xAccess(plain, name, SQLITE_ACCESS_EXISTS, &isOnDisk)
        guard status == SQLITE_OK else { return status }
        guard isOnDisk == 0, let logged = LoggedFile.of(database: sqlite3_database_file_object(name)) else {
            return SQLITE_CANTOPEN
        }
        outFlags?.pointee = flags
        logged.attach(toLog: file)
        return SQLITE_OK
    }
}
