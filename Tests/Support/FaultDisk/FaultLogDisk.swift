import Glibc
import Synchronization
package import TenantRegistry

/// The node's log on a `FaultDisk`: it fails, and is cut off, together with the SQLite files of the same folder.
///
/// Any thread: each call runs under the disk's mutex, as SQLite's do.
package final class FaultLogDisk: LogDisk {
    private let disk: FaultDisk
    private let real = RealLogDisk()
    private let files = Mutex<[Int32: String]>([:])

    package init(_ disk: FaultDisk) { self.disk = disk }

    package func names(in folder: String) throws(LogDiskError) -> [String] { try real.names(in: folder) }

    package func size(_ path: String) throws(LogDiskError) -> Int { try real.size(path) }

    package func open(_ path: String, isNew: Bool) throws(LogDiskError) -> Int32 {
        try fail(.open, path)
        let file = try real.open(path, isNew: isNew)
        files.withLock { $0[file] = path }
        // One of another life may have had its number.
        if isNew, let identity = FileIdentity(path) { disk.state.withLock { $0.unsynced[identity] = nil } }
        return file
    }

    package func close(_ file: Int32) {
        files.withLock { _ = $0.removeValue(forKey: file) }
        real.close(file)
    }

    package func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogDiskError) {
        let result: Result<Void, LogDiskError> = disk.state.withLock { state in
            let path = path(of: file)
            if let fault = state.fails(.write) { return .failure(error(fault, path)) }
            state.step(disk.folder)
            if let identity = FileIdentity(path) {
                let (old, size) = content(file, offset, bytes.count)
                state.changed(
                    identity, at: Int64(offset), length: Int64(bytes.count), from: old, oldSize: Int64(size))
            }
            return Result { () throws(LogDiskError) in try real.write(file, bytes, at: offset) }
        }
        try result.get()
    }

    package func read(
        _ file: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(LogDiskError) -> Int {
        try fail(.read, path(of: file))
        return try real.read(file, buffer, at: offset)
    }

    package func sync(_ file: Int32) throws(LogDiskError) {
        let result: Result<Void, LogDiskError> = disk.state.withLock { state in
            let path = path(of: file)
            let identity = FileIdentity(path)
            if let fault = state.fails(.sync) {
                if let identity { state.doomed(identity) }
                return .failure(error(fault, path))
            }
            state.step(disk.folder)
            // What is durable is played here: the disk below need not be waited for.
            if let identity { state.synced(identity) }
            return .success(())
        }
        try result.get()
    }

    package func rename(_ from: String, to: String) throws(LogDiskError) {
        let result: Result<Void, LogDiskError> = disk.state.withLock { state in
            state.step(disk.folder)
            let before = FileIdentity(from)
            let renamed = Result { () throws(LogDiskError) in try real.rename(from, to: to) }
            if case .success = renamed, let before, let after = FileIdentity(to) {
                state.unsynced[after] = state.unsynced.removeValue(forKey: before)
                files.withLock { files in
                    for (file, path) in files where path == from { files[file] = to }
                }
            }
            return renamed
        }
        try result.get()
    }

    package func remove(_ path: String) throws(LogDiskError) {
        let result: Result<Void, LogDiskError> = disk.state.withLock { state in
            if let fault = state.fails(.delete) { return .failure(error(fault, path)) }
            state.step(disk.folder)
            if let identity = FileIdentity(path) { state.unsynced[identity] = nil }
            return Result { () throws(LogDiskError) in try real.remove(path) }
        }
        try result.get()
    }

    package func sync(folder: String) throws(LogDiskError) { try fail(.sync, folder) }

    private func fail(_ call: DiskCall, _ path: String) throws(LogDiskError) {
        if let fault = disk.state.withLock({ $0.fails(call) }) { throw error(fault, path) }
    }

    private func error(_ fault: DiskFault, _ path: String) -> LogDiskError {
        LogDiskError(path, fault == .full ? ENOSPC : EIO)
    }

    private func path(of file: Int32) -> String { files.withLock { $0[file] ?? "" } }

    /// What is there now, as far as the file goes, and how far that is.
    private func content(_ file: Int32, _ offset: Int, _ length: Int) -> (bytes: [UInt8], size: Int) {
        var status = stat()
        let size = fstat(file, &status) == 0 ? Int(status.st_size) : 0
        let count = max(0, min(length, size - offset))
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = (try? real.read(file, UnsafeMutableRawBufferPointer(buffer), at: offset)) ?? 0
        }
        return (bytes, size)
    }
}
