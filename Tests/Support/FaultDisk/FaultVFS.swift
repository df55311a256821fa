import CSQLite
import Foundation
import SQLite
import Synchronization

/// SQLite's default VFS with a way to fail: a copy of the unix one whose files are wrapped where they lie on a
/// `FaultDisk`.
///
/// The C structures are made once and live as long as the process; a wrapped file's memory is SQLite's, laid out as
/// `sqlite3_file` and a reference to its `FaultFile`, which owns that of the unix VFS's file.
enum FaultVFS {
    static let disks = Mutex<[String: FaultDisk]>([:])

    // Written once, by `install`, before SQLite can call anything in here.
    nonisolated(unsafe) private static var unix: UnsafeMutablePointer<sqlite3_vfs>!

    /// Makes this SQLite's default VFS, once.
    static func install() { _ = installed }

    private static let installed: Void = {
        // The library's own settings come first.
        _ = try? Connection(path: ":memory:")
        unix = sqlite3_vfs_find(nil)
        let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        vfs.initialize(to: unix.pointee)
        vfs.pointee.pNext = nil
        vfs.pointee.zName = UnsafePointer(strdup("tollgate-faults"))
        vfs.pointee.szOsFile = max(Int32(FaultFile.headerBytes), unix.pointee.szOsFile)
        vfs.pointee.xOpen = { _, name, file, flags, outFlags in open(name, file, flags, outFlags) }
        vfs.pointee.xDelete = { _, name, syncs in delete(name, syncs) }
        sqlite3_vfs_register(vfs, 1)
    }()

    private static func disk(of name: UnsafePointer<CChar>?) -> (FaultDisk, String)? {
        guard let name else { return nil }
        let path = String(cString: name)
        return disks.withLock { disks in
            disks.values.first { path.hasPrefix($0.folder + "/") }.map { ($0, path) }
        }
    }

    private static func open(
        _ name: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        guard let (disk, path) = disk(of: name) else { return unix.pointee.xOpen(unix, name, file, flags, outFlags) }
        guard let file else { return SQLITE_MISUSE }
        file.pointee.pMethods = nil
        if disk.state.withLock({ $0.fails(.open) }) != nil { return SQLITE_CANTOPEN }
        let inner = FaultFile.allocate(bytes: Int(unix.pointee.szOsFile))
        let status = unix.pointee.xOpen(unix, name, inner, flags, outFlags)
        guard status == SQLITE_OK, let identity = FileIdentity(path) else {
            UnsafeMutableRawPointer(inner).deallocate()
            return status == SQLITE_OK ? SQLITE_CANTOPEN : status
        }
        let own = FaultFile(disk: disk, identity: identity, inner: inner)
        own.begin()
        own.attach(to: file)
        return SQLITE_OK
    }

    private static func delete(_ name: UnsafePointer<CChar>?, _ syncs: Int32) -> Int32 {
        guard let (disk, path) = disk(of: name) else { return unix.pointee.xDelete(unix, name, syncs) }
        return disk.state.withLock { state in
            if state.fails(.delete) != nil { return SQLITE_IOERR | 10 << 8 }
            state.step(disk.folder)
            if let identity = FileIdentity(path) { state.unsynced[identity] = nil }
            return unix.pointee.xDelete(unix, name, syncs)
        }
    }
}
