import CSQLite
import Glibc

/// A file of SQLite's default VFS inside one of ours, which SQLite has in its place: `sqlite3_file`, then a reference
/// to this object. What a kind of file does not do itself goes to the file inside. On the connection's thread.
class FileInside {
    typealias File = UnsafeMutablePointer<sqlite3_file>

    static let headerBytes = 16
    private static let referenceOffset = 8

    final let inner: File

    init(_ inner: File) { self.inner = inner }

    /// Zeroed, for a file of the default VFS.
    static func allocate(bytes: Int) -> File {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return memory.assumingMemoryBound(to: sqlite3_file.self)
    }

    /// Opens one inside `file`; `make` puts an object around it that is then attached. Nothing is left where it fails.
    static func open(
        _ plain: UnsafeMutablePointer<sqlite3_vfs>, _ name: UnsafePointer<CChar>?, _ file: File, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?, attach: (File) -> Void
    ) -> Int32 {
        file.pointee.pMethods = nil
        let inner = allocate(bytes: Int(plain.pointee.szOsFile))
        let status = plain.pointee.xOpen(plain, name, inner, flags, outFlags)
        guard status == SQLITE_OK else {
            inner.deallocate()
            return status
        }
        attach(inner)
        return SQLITE_OK
    }

    /// `methods` live as long as the process.
    final func attach(to file: File, _ methods: UnsafeMutablePointer<sqlite3_io_methods>) {
        (UnsafeMutableRawPointer(file) + Self.referenceOffset).storeBytes(
            of: Unmanaged.passRetained(self).toOpaque(), as: UnsafeMutableRawPointer.self)
        file.pointee.pMethods = UnsafePointer(methods)
    }

    private static func reference(_ file: File?) -> Unmanaged<FileInside> {
        // SQLite hands each method the file that `attach` was given.
        let memory = UnsafeMutableRawPointer(file.unsafelyUnwrapped) + referenceOffset
        return Unmanaged.fromOpaque(memory.load(as: UnsafeMutableRawPointer.self))
    }

    static func inside(_ file: File?) -> FileInside { reference(file).takeUnretainedValue() }

    /// The last call that SQLite makes for a file.
    static func release(_ file: File?) { reference(file).release() }

    final var below: sqlite3_io_methods { inner.pointee.pMethods.pointee }

    /// Closes the file inside.
    final func closeInner() -> Int32 {
        let status = below.xClose(inner)
        UnsafeMutableRawPointer(inner).deallocate()
        return status
    }

    /// What is asked of the file inside as it is. Version 1: such a file is neither shared nor mapped.
    static var passing: sqlite3_io_methods {
        var table = sqlite3_io_methods()
        table.iVersion = 1
        table.xLock = { file, level in
            let own = FileInside.inside(file)
            return own.below.xLock(own.inner, level)
        }
        table.xUnlock = { file, level in
            let own = FileInside.inside(file)
            return own.below.xUnlock(own.inner, level)
        }
        table.xCheckReservedLock = { file, result in
            let own = FileInside.inside(file)
            return own.below.xCheckReservedLock(own.inner, result)
        }
        table.xFileControl = { file, operation, argument in
            let own = FileInside.inside(file)
            return own.below.xFileControl(own.inner, operation, argument)
        }
        table.xSectorSize = { file in
            let own = FileInside.inside(file)
            return own.below.xSectorSize(own.inner)
        }
        table.xDeviceCharacteristics = { file in
            let own = FileInside.inside(file)
            return own.below.xDeviceCharacteristics(own.inner)
        }
        return table
    }

    static func allocate(_ table: sqlite3_io_methods) -> UnsafeMutablePointer<sqlite3_io_methods> {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: table)
        return methods
    }

    /// Registers a VFS that is the default one but for what `change` sets, and not the default. Returns whether it
    /// could be. Its structure lives as long as the process.
    static func register(_ name: String, _ change: (inout sqlite3_vfs) -> Void) -> Bool {
        guard let plain = sqlite3_vfs_find(nil) else { return false }
        let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        vfs.initialize(to: plain.pointee)
        vfs.pointee.pNext = nil
        vfs.pointee.zName = UnsafePointer(strdup(name))
        vfs.pointee.szOsFile = max(plain.pointee.szOsFile, Int32(headerBytes))
        vfs.pointee.xDelete = { _, name, syncs in
            guard let plain = sqlite3_vfs_find(nil) else { return SQLITE_ERROR }
            return plain.pointee.xDelete(plain, name, syncs)
        }
        change(&vfs.pointee)
        return sqlite3_vfs_register(vfs, 0) == SQLITE_OK
    }
}
