import Glibc
import Synchronization
import TenantRegistry

/// The machine's disk, from which nothing can be read while the test says so. Any thread.
final class UnreadableDisk: LogDisk {
    private let real = RealLogDisk()
    private let state = Mutex<(isUnreadable: Bool, failures: Int)>((false, 0))

    var failures: Int { state.withLock { $0.failures } }
    func set(isUnreadable: Bool) { state.withLock { $0.isUnreadable = isUnreadable } }

    func read(
        _ file: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(LogDiskError) -> Int {
        let fails = state.withLock { state in
            if state.isUnreadable { state.failures += 1 }
            return state.isUnreadable
        }
        if fails { throw LogDiskError("log", EIO) }
        return try real.read(file, buffer, at: offset)
    }

    func names(in folder: String) throws(LogDiskError) -> [String] { try real.names(in: folder) }
    func size(_ path: String) throws(LogDiskError) -> Int { try real.size(path) }
    func open(_ path: String, isNew: Bool) throws(LogDiskError) -> Int32 { try real.open(path, isNew: isNew) }
    func close(_ file: Int32) { real.close(file) }
    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogDiskError) {
        try real.write(file, bytes, at: offset)
    }
    func sync(_ file: Int32) throws(LogDiskError) { try real.sync(file) }
    func rename(_ from: String, to: String) throws(LogDiskError) { try real.rename(from, to: to) }
    func remove(_ path: String) throws(LogDiskError) { try real.remove(path) }
    func sync(folder: String) throws(LogDiskError) { try real.sync(folder: folder) }
}
