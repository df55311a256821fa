import CSQLite
import Synchronization

/// A write-ahead log on its way to the disk: writes that follow each other are gathered and written as one, at the
/// latest when the log is synced. SQLite writes each frame with two calls, and a commit of many orders has hundreds of
/// frames.
///
/// Invariant: what is gathered has never been synced, so SQLite has promised nothing of it: where it cannot be written
/// it is dropped, and the call that asked for it fails. Used by the connection that opened it, on its thread.
final class GatheredLog: FileInside {
    private var area: UnsafeMutableRawPointer?
    /// Where in the file the gathered bytes go, and how many there are.
    private var start: Int64 = 0
    private var count = 0

    func attach(to file: File) { attach(to: file, Self.methods) }

    private static func of(_ file: File?) -> GatheredLog { unsafeDowncast(inside(file), to: GatheredLog.self) }

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
        let log = of(file)
        let written = log.flush()
        let closed = log.closeInner()
        release(file)
        return written == SQLITE_OK ? closed : written
    }

    // Made once, never changed.
    nonisolated(unsafe) private static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        var table = passing
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
        return allocate(table)
    }()
}

/// Where logs gather: a log has an area only from its first write to its next sync, so there are as many as commits at
/// once. A commit that goes to a sink is encoded in one.
enum GatheringAreas {
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

    /// One for as much as that, which is given back with the same number.
    static func take(atLeast wanted: Int) -> UnsafeMutableRawPointer {
        wanted <= bytes ? take() : .allocate(byteCount: wanted, alignment: 4096)
    }

    static func give(_ area: UnsafeMutableRawPointer, atLeast wanted: Int) {
        if wanted <= bytes { give(area) } else { area.deallocate() }
    }
}
