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

/// A file that is received: written under another name beside its own, which it gets when it is whole and synced.
final class FileTarget {
    let path: String
    private let partPath: String
    private let descriptor: Int32
    private var isWhole = false

    init(path: String) throws(HTTPClientError) {
        self.path = path
        partPath = path + ".part"
        var status = stat()
        // The new file takes the name: a device or a pipe would be gone.
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            descriptor = -1
            throw .file(path: path, reason: "not a file")
        }
        // An export holds a tenant's data: nobody else's to read.
        // Whoever left one of this name behind, it is neither written nor read.
        unlink(partPath)
        descriptor = open(partPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor < 0 { throw .lastFileError(partPath) }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        if !isWhole { unlink(partPath) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(HTTPClientError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno != EINTR { throw .lastFileError(partPath) }
            if count > 0 { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
        }
    }

    func finish() throws(HTTPClientError) {
        guard fsync(descriptor) == 0, rename(partPath, path) == 0 else { throw .lastFileError(path) }
        isWhole = true
    }
}

extension HTTPClientError {
    static func lastFileError(_ path: String) -> HTTPClientError {
        .file(path: path, reason: String(cString: strerror(errno)))
    }
}
