import CSQLite

/// One open file on a `FaultDisk`. Used by the connection that opened it; what all files share is behind the disk's
/// mutex.
final class FaultFile {
    typealias File = UnsafeMutablePointer<sqlite3_file>

    /// `sqlite3_file`, then the reference to this object.
    static let headerBytes = 16

    private let disk: FaultDisk
    private let identity: FileIdentity
    private let inner: File

    init(disk: FaultDisk, identity: FileIdentity, inner: File) {
        self.disk = disk
        self.identity = identity
        self.inner = inner
    }

    /// Zeroed, for the unix VFS's own file.
    static func allocate(bytes: Int) -> File {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return memory.assumingMemoryBound(to: sqlite3_file.self)
    }

    func attach(to file: File) {
        (UnsafeMutableRawPointer(file) + 8).storeBytes(
            of: Unmanaged.passRetained(self).toOpaque(), as: UnsafeMutableRawPointer.self)
        file.pointee.pMethods = UnsafePointer(Self.methods)
    }

    private static func of(_ file: File?) -> FaultFile {
        let reference = (UnsafeMutableRawPointer(file!) + 8).load(as: UnsafeMutableRawPointer.self)
        return Unmanaged<FaultFile>.fromOpaque(reference).takeUnretainedValue()
    }

    /// A file without content has nothing that a power cut could take; one of another life may have had its number.
    func begin() {
        disk.state.withLock { state in if size == 0 { state.unsynced[identity] = nil } }
    }

    private static func close(_ file: File?) -> Int32 {
        let own = of(file)
        let status = own.unix.xClose(own.inner)
        UnsafeMutableRawPointer(own.inner).deallocate()
        Unmanaged.passUnretained(own).release()
        return status
    }

    private var unix: sqlite3_io_methods { inner.pointee.pMethods.pointee }

    private func read(_ buffer: UnsafeMutableRawPointer?, _ count: Int32, _ offset: Int64) -> Int32 {
        disk.state.withLock { state in
            if state.fails(.read) != nil { return SQLITE_IOERR | 1 << 8 }
            return unix.xRead(inner, buffer, count, offset)
        }
    }

    private func write(_ buffer: UnsafeRawPointer?, _ count: Int32, _ offset: Int64) -> Int32 {
        disk.state.withLock { state in
            if let fault = state.fails(.write) { return fault == .full ? SQLITE_FULL : SQLITE_IOERR | 3 << 8 }
            state.step(disk.folder)
            state.changed(identity, at: offset, length: Int64(count), from: old(offset, Int64(count)), oldSize: size)
            return unix.xWrite(inner, buffer, count, offset)
        }
    }

    private func truncate(_ newSize: Int64) -> Int32 {
        disk.state.withLock { state in
            if state.fails(.truncate) != nil { return SQLITE_IOERR | 6 << 8 }
            state.step(disk.folder)
            let size = size
            if newSize < size {
                let bytes = old(newSize, size - newSize)
                state.changed(identity, at: newSize, length: size - newSize, from: bytes, oldSize: size)
            }
            return unix.xTruncate(inner, newSize)
        }
    }

    private func sync() -> Int32 {
        disk.state.withLock { state in
            if state.fails(.sync) != nil {
                state.doomed(identity)
                return SQLITE_IOERR | 4 << 8
            }
            state.step(disk.folder)
            // What is durable is played here: the disk below need not be waited for.
            state.synced(identity)
            return SQLITE_OK
        }
    }

    private func lock(_ level: Int32) -> Int32 {
        if let fault = disk.state.withLock({ $0.fails(.lock) }) {
            return fault == .busy ? SQLITE_BUSY : SQLITE_IOERR | 15 << 8
        }
        return unix.xLock(inner, level)
    }

    private var size: Int64 {
        var size: Int64 = 0
        _ = unix.xFileSize(inner, &size)
        return size
    }

    /// The bytes there now, as far as the file goes.
    private func old(_ offset: Int64, _ length: Int64) -> [UInt8] {
        let count = Int(max(0, min(length, size - offset)))
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            _ = unix.xRead(inner, buffer.baseAddress, Int32(count), offset)
            filled = count
        }
    }

    // Made once, never changed.
    nonisolated(unsafe) private static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        var table = sqlite3_io_methods()
        table.iVersion = 2
        table.xClose = { close($0) }
        table.xRead = { of($0).read($1, $2, $3) }
        table.xWrite = { of($0).write($1, $2, $3) }
        table.xTruncate = { of($0).truncate($1) }
        table.xSync = { file, _ in of(file).sync() }
        table.xFileSize = { file, size in
            let own = of(file)
            return own.unix.xFileSize(own.inner, size)
        }
        table.xLock = { of($0).lock($1) }
        table.xUnlock = { file, level in
            let own = of(file)
            return own.unix.xUnlock(own.inner, level)
        }
        table.xCheckReservedLock = { file, result in
            let own = of(file)
            return own.unix.xCheckReservedLock(own.inner, result)
        }
        table.xFileControl = { file, operation, argument in
            let own = of(file)
            return own.unix.xFileControl(own.inner, operation, argument)
        }
        table.xSectorSize = { file in
            let own = of(file)
            return own.unix.xSectorSize(own.inner)
        }
        table.xDeviceCharacteristics = { file in
            let own = of(file)
            return own.unix.xDeviceCharacteristics(own.inner)
        }
        table.xShmMap = { file, page, size, extend, result in
            let own = of(file)
            return own.unix.xShmMap(own.inner, page, size, extend, result)
        }
        table.xShmLock = { file, offset, count, flags in
            let own = of(file)
            return own.unix.xShmLock(own.inner, offset, count, flags)
        }
        table.xShmBarrier = { file in
            let own = of(file)
            own.unix.xShmBarrier(own.inner)
        }
        table.xShmUnmap = { file, deletes in
            let own = of(file)
            return own.unix.xShmUnmap(own.inner, deletes)
        }
        methods.initialize(to: table)
        return methods
    }()
}
