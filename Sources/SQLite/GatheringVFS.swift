import CSQLite
import Glibc

/// SQLite's default VFS, but for write-ahead logs, which gather what is written to them (`GatheredLog`).
///
/// The structure is made once, before the first file is opened, and lives as long as the process. Any thread.
enum GatheringVFS {
    static let name = "tollgate"

    /// Registers it, not as the default. Returns whether it could be.
    static func install() -> Bool {
        guard let plain = sqlite3_vfs_find(nil) else { return false }
        let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        vfs.initialize(to: plain.pointee)
        vfs.pointee.pNext = nil
        vfs.pointee.zName = UnsafePointer(strdup(name))
        vfs.pointee.szOsFile = max(plain.pointee.szOsFile, Int32(GatheredLog.headerBytes))
        vfs.pointee.xOpen = { _, name, file, flags, outFlags in GatheringVFS.open(name, file, flags, outFlags) }
        vfs.pointee.xDelete = { _, name, syncs in
            guard let plain = sqlite3_vfs_find(nil) else { return SQLITE_ERROR }
            return plain.pointee.xDelete(plain, name, syncs)
        }
        return sqlite3_vfs_register(vfs, 0) == SQLITE_OK
    }

    /// The default VFS is asked for each time: a test may have put another in its place.
    private static func open(
        _ name: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        guard let plain = sqlite3_vfs_find(nil), let file else { return SQLITE_MISUSE }
        guard flags & SQLITE_OPEN_WAL != 0 else { return plain.pointee.xOpen(plain, name, file, flags, outFlags) }
        file.pointee.pMethods = nil
        let inner = GatheredLog.allocate(bytes: Int(plain.pointee.szOsFile))
        let status = plain.pointee.xOpen(plain, name, inner, flags, outFlags)
        guard status == SQLITE_OK else {
            inner.deallocate()
            return status
        }
        GatheredLog(inner).attach(to: file)
        return SQLITE_OK
    }
}
