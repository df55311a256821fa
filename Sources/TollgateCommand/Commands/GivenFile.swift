import Cryptography
import Foundation

/// A file that a command reads: by its name, or `-` for standard input.
enum GivenFile {
    static let dash = "-"
    private static let pieceBytesMax = 64 << 10

    /// What it begins with, `bytesMax` bytes at most.
    static func bytes(of path: String, bytesMax: Int) throws(CommandFailure) -> [UInt8] {
        let descriptor = path == dash ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { if path != dash { close(descriptor) } }
        var bytes: [UInt8] = []
        while bytes.count < bytesMax, let more = try next(descriptor, path, bytesMax: bytesMax - bytes.count) {
            bytes += more
        }
        return bytes
    }

    /// Runs the work on a file of this name. What comes over standard input is kept meanwhile in a file that its owner
    /// alone may read, and that has no name: nothing of it stays, whatever ends the command.
    static func with<Value>(_ path: String, _ work: (String) throws -> Value) throws -> Value {
        guard path == dash else { return try work(path) }
        let descriptor = try keep()
        defer { close(descriptor) }
        return try work("/proc/self/fd/\(descriptor)")
    }

    private static func keep() throws(CommandFailure) -> Int32 {
        let path = "\(NSTemporaryDirectory())/tollgate-\(Hex.encode(SystemRandom().bytes(8)))"
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .failed("\(path): \(String(cString: strerror(errno)))") }
        unlink(path)
        do throws(CommandFailure) {
            while let more = try next(STDIN_FILENO, dash, bytesMax: pieceBytesMax) {
                if let error = Output.write(more, to: descriptor) {
                    throw .failed("\(path): \(String(cString: strerror(error)))")
                }
            }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Nil at the end.
    private static func next(
        _ descriptor: Int32, _ path: String, bytesMax: Int
    ) throws(CommandFailure) -> [UInt8]? {
        let wanted = min(bytesMax, pieceBytesMax)
        var buffer = [UInt8](repeating: 0, count: wanted)
        while true {
            let count = read(descriptor, &buffer, wanted)
            if count > 0 { return Array(buffer.prefix(count)) }
            if count == 0 { return nil }
            if errno != EINTR { throw unreadable(path) }
        }
    }

    private static func unreadable(_ path: String) -> CommandFailure {
        .failed("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
}
