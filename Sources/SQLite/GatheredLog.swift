import CSQLite
import Synchronization

/// A write-ahead log on its way to the disk: writes that follow each other are gathered and written as one, at the
/// latest when the log is synced. SQLite writes each frame with two calls, and a commit of many orders has hundreds of
/// frames.
///
/// Invariant: what is gathered has never been synced, so SQLite has promised nothing of it: where it cannot be written
/// it is dropped, and the call that asked for it fails. Used by the connection that opened it, on its thread.
final class GatheredLog {
    typealias File = UnsafeMutablePointer<sqlite3_file>

    /// `sqlite3_file`, then the reference to this object.
    static let headerBytes = 16
    private static let referenceOffset = 8

    private let inner: File
    private var area: UnsafeMutableRawPointer?
    /// Where in the file the gathered bytes go, and how many there are.
    private var start: Int64 = 0
    private var count = 0

    init(_ inner: File) { self.inner = inner }

    /// Zeroed, for the file of the VFS below.
    static func allocate(bytes: Int) -> File {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return memory.assumingMemoryBound(to: sqlite3_file.self)
    }

    func attach(to file: File) {
        (UnsafeMutableRawPointer(file) + Self.referenceOffset).storeBytes(
            of: Unmanaged.passRetained(self).toOpaque(), as: UnsafeMutableRawPointer.self)
        file.pointee.pMethods = UnsafePointer(Self.methods)
    }

    private static func reference(_ file: File?) -> Unmanaged<GatheredLog> {
        // SQLite hands each method the file that `attach` was given.
        let memory = UnsafeMutableRawPointer(file.unsafelyUnwrapped) + referenceOffset
        return Unmanaged.fromOpaque(memory.load(as: UnsafeMutableRawPointer.self))
    }

    private static func of(_ file: File?) -> GatheredLog { reference(file).takeUnretainedValue() }

    private var below: sqlite3_io_methods { inner.pointee.pMethods.pointee }

    private func write(_ bytes: UnsafeRawPointer?, _ length: Int32, _ offset: Int64) -> Int32 {
        let length = Int(length)
        guard let bytes else { return SQLITE_MISUSE }
        if count > 0 && (offset != start + Int64(count) || length > GatheringAreas.bytes - count) {
            let status = flush()
            guard status == SQLITE_OK else { return status }
        }
        guard length <= GatheringAreas.bytes else { return below.xWrite(inner, bytes, Int32(length), offset) }
        let area = area ?? GatheringAreas.take()
        self.area = area
        if count == 0 { start = offset }
        (area + count).copyMemory(from: bytes, byteCount: length)
        count += length
        return SQLITE_OK
    }

    private func flush() -> Int32 {
        guard let area else { return SQLITE_OK }
        let status = count > 0 ? below.xWrite(inner, area, Int32(count), start) : SQLITE_OK
        count = 0
        self.area = nil
        GatheringAreas.give(area)
        return status
    }

    /// Everything but writing asks the file itself, once it has all that was gathered.
    private func flushed(_ call: (File) -> Int32) -> Int32 {
        let status = flush()
        return status == SQLITE_OK ? call(inner) : status
    }

    private static func close(_ file: File?) -> Int32 {
        let reference = reference(file)
        let log = reference.takeUnretainedValue()
        let written = log.flush()
        let closed = log.below.xClose(log.inner)
        UnsafeMutableRawPointer(log.inner).deallocate()
        reference.release()
        return written == SQLITE_OK ? closed : written
    }

    // Made once, never changed. A log is neither locked nor mapped: version 1 is all that is asked for.
    nonisolated(unsafe) private static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        var table = sqlite3_io_methods()
        table.iVersion = 1
        table.xClose = { close($0) }
        table.xRead = { file, buffer, length, offset in
            let log = of(file)
            return log.flushed { log.below.xRead($0, buffer, length, offset) }
        }
        table.xWrite = { of($0).write($1, $2, $3) }
        table.xTruncate = { file, size in
            let log = of(file)
            return log.flushed { log.below.xTruncate($0, size) }
        }
        table.xSync = { file, flags in
            let log = of(file)
            return log.flushed { log.below.xSync($0, flags) }
        }
        table.xFileSize = { file, size in
            let log = of(file)
            return log.flushed { log.below.xFileSize($0, size) }
        }
        table.xLock = { file, level in
            let log = of(file)
            return log.below.xLock(log.inner, level)
        }
        table.xUnlock = { file, level in
            let log = of(file)
            return log.below.xUnlock(log.inner, level)
        }
        table.xCheckReservedLock = { file, result in
            let log = of(file)
            return log.below.xCheckReservedLock(log.inner, result)
        }
        table.xFileControl = { file, operation, argument in
            let log = of(file)
            return log.below.xFileControl(log.inner, operation, argument)
        }
        table.xSectorSize = { file in
            let log = of(file)
            return log.below.xSectorSize(log.inner)
        }
        table.xDeviceCharacteristics = { file in
            let log = of(file)
            return log.below.xDeviceCharacteristics(log.inner)
        }
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: table)
        return methods
    }()
}

/// Where logs gather: a log has an area only from its first write to its next sync, so there are as many as commits at
/// once.
private enum GatheringAreas {
    /// SQLite's own writes have at most 128 KiB less one byte.
    static let bytes = 124 << 10
    private static let keptMax = 32

    private static let free = Mutex<[UInt]>([])

    static func take() -> UnsafeMutableRawPointer {
        let known = free.withLock { $0.popLast() }
        return known.flatMap(UnsafeMutableRawPointer.init(bitPattern:)) ?? .allocate(byteCount: bytes, alignment: 4096)
    }

    static func give(_ area: UnsafeMutableRawPointer) {
        let isKept = free.withLock { free in
            guard free.count < keptMax else { return false }
            free.append(UInt(bitPattern: area))
            return true
        }
        if !isKept { area.deallocate() }
    }
}
