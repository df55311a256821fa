import Foundation

/// A file that is sent: opened at once, so that its length stands at the start of the request.
final class FileSource {
    let path: String
    let length: Int64
    private let descriptor: Int32

    init(path: String) throws(HTTPClientError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else { throw .lastFileError(path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .file(path: path, reason: "not a file") }
        length = Int64(status.st_size)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The bytes read; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(HTTPClientError) -> Int {
        while true {
            let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw .lastFileError(path) }
        }
    }
}

/// A file that is received: it gets its name when it is whole and synced. Until then it has none, so that nothing of it
/// stays however the command ends; or, where the file system has no such files, one that nobody else's has.
final class FileTarget {
    let path: String
    private let partPath: String
    private let descriptor: Int32
    /// Whether it stands under `partPath`.
    private var isNamed: Bool

    /// `O_TMPFILE` of Linux.
    private static let nameless: Int32 = 0o20_000_000 | O_DIRECTORY

    init(path: String) throws(HTTPClientError) {
        self.path = path
        partPath = "\(path).\(UInt32.random(in: 0...UInt32.max)).part"
        isNamed = false
        var status = stat()
        // The new file takes the name: a device or a pipe would be gone.
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            descriptor = -1
            throw .file(path: path, reason: "not a file")
        }
        // An export holds a tenant's data: nobody else's to read.
        let mode: mode_t = 0o600
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        // A name is given through /proc.
        let opened =
            access("/proc/self/fd", X_OK) == 0 ? open(folder, Self.nameless | O_WRONLY | O_CLOEXEC, mode) : -1
        if opened >= 0 {
            descriptor = opened
            return
        }
        descriptor = open(partPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        if descriptor < 0 { throw .lastFileError(path) }
        isNamed = true
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        if isNamed { unlink(partPath) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(HTTPClientError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno != EINTR { throw .lastFileError(path) }
            if count > 0 { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
        }
    }

    func finish() throws(HTTPClientError) {
        guard fsync(descriptor) == 0 else { throw .lastFileError(path) }
        if !isNamed {
            let itself = "/proc/self/fd/\(descriptor)"
            guard linkat(AT_FDCWD, itself, AT_FDCWD, partPath, AT_SYMLINK_FOLLOW) == 0 else {
                throw .lastFileError(path)
            }
            isNamed = true
        }
        guard rename(partPath, path) == 0 else { throw .lastFileError(path) }
        isNamed = false
    }
}

extension HTTPClientError {
    static func lastFileError(_ path: String) -> HTTPClientError {
        .file(path: path, reason: String(cString: strerror(errno)))
    }
}
