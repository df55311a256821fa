import CSQLite
import Glibc

/// SQLite's default VFS, but for write-ahead logs, which gather what is written to them (`GatheredLog`).
/// Any thread.
enum GatheringVFS {
    static let name = "tollgate"

    /// Registers it, not as the default. Returns whether it could be.
    static func install() -> Bool {
        FileInside.register(name) { vfs in
            vfs.xOpen = { _, name, file, flags, outFlags in GatheringVFS.open(name, file, flags, outFlags) }
        }
    }

    /// The default VFS is asked for each time: a test may have put another in its place.
    private static func open(
        _ name: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        guard let plain = sqlite3_vfs_find(nil), let file else { return SQLITE_MISUSE }
        guard flags & SQLITE_OPEN_WAL != 0 else { return plain.pointee.xOpen(plain, name, file, flags, outFlags) }
        return FileInside.open(plain, name, file, flags, outFlags) { GatheredLog($0).attach(to: file) }
    }
}
