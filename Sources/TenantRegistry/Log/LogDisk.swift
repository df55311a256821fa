import Foundation
import Glibc

/// Why the disk did not do what the log asked of it.
package struct LogDiskError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let code: Int32

    package init(_ path: String, _ code: Int32) {
        self.path = path
        self.code = code
    }

    package var isFull: Bool { code == ENOSPC || code == EDQUOT }
    package var description: String { "\(path): \(String(cString: strerror(code)))" }
}

/// The disk below the node's log, so that a test can put another in its place. Files are descriptors; each one belongs
/// to one thread at a time. Any thread.
package protocol LogDisk: Sendable {
    /// Names of the files in a folder, which is made (mode 0700) where it is missing.
    func names(in folder: String) throws(LogDiskError) -> [String]
    func size(_ path: String) throws(LogDiskError) -> Int
    /// Opens for reading and writing; `isNew`: makes it, and fails where it is there.
    func open(_ path: String, isNew: Bool) throws(LogDiskError) -> Int32
    func close(_ file: Int32)
    /// All of the bytes, or it throws.
    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogDiskError)
    /// Fills the buffer as far as the file goes; gives how much that was.
    func read(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogDiskError) -> Int
    /// What was written to the file by anyone is on the disk. Where it throws, it is never asked again of this
    /// descriptor: the kernel tells an error once.
    func sync(_ file: Int32) throws(LogDiskError)
    func rename(_ from: String, to: String) throws(LogDiskError)
    func remove(_ path: String) throws(LogDiskError)
    /// Makes what was renamed, made or removed in the folder durable.
    func sync(folder: String) throws(LogDiskError)
}

/// The machine's own.
package struct RealLogDisk: LogDisk {
    package init() {}

    package func names(in folder: String) throws(LogDiskError) -> [String] {
        if mkdir(folder, 0o700) != 0 && errno != EEXIST { throw LogDiskError(folder, errno) }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw LogDiskError(folder, EIO)
        }
    }

    package func size(_ path: String) throws(LogDiskError) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { throw LogDiskError(path, errno) }
        return Int(status.st_size)
    }

    package func open(_ path: String, isNew: Bool) throws(LogDiskError) -> Int32 {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | (isNew ? O_CREAT | O_EXCL : 0), 0o600)
        guard descriptor >= 0 else { throw LogDiskError(path, errno) }
        return descriptor
    }

    package func close(_ file: Int32) { Glibc.close(file) }

    package func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogDiskError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(file, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw LogDiskError("log", count == 0 ? EIO : errno) }
            done += count
        }
    }

    package func read(
        _ file: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(LogDiskError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(file, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw LogDiskError("log", errno) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    package func sync(_ file: Int32) throws(LogDiskError) {
        // EINTR is told before anything was done.
        while fdatasync(file) != 0 { if errno != EINTR { throw LogDiskError("log", errno) } }
    }

    package func rename(_ from: String, to: String) throws(LogDiskError) {
        guard Glibc.rename(from, to) == 0 else { throw LogDiskError(to, errno) }
    }

    package func remove(_ path: String) throws(LogDiskError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw LogDiskError(path, errno) }
    }

    package func sync(folder: String) throws(LogDiskError) {
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LogDiskError(folder, errno) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw LogDiskError(folder, errno) }
    }
}
