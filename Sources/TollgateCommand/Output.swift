import Glibc

/// Writes to the standard streams, at once: a line is out when the call returns. What cannot be written is an error,
/// whatever the command, since somebody may rely on it: a key is shown once.
enum Output {
    static func line(_ text: String) throws(CommandFailure) { try bytes(Array((text + "\n").utf8)) }

    static func bytes(_ bytes: [UInt8]) throws(CommandFailure) {
        if let error = write(bytes, to: STDOUT_FILENO) { throw failure(error) }
    }

    /// Where this cannot be written, nothing else can either.
    static func errorLine(_ text: String) {
        let shown = Terminal.printable(text, hasLines: true)
        errorBytes(Array("\(Terminal.styled("tollgate:", .bad, on: STDERR_FILENO)) \(shown)\n".utf8))
    }

    static func errorBytes(_ bytes: [UInt8]) { _ = write(bytes, to: STDERR_FILENO) }

    /// A stream that was closed before the program began would be the next file that is opened, and what is meant for
    /// people would be written into a database.
    static func holdStreams() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // Standard output stays one that cannot be written.
            _ = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Once all is written: some file systems tell only now that it was not.
    static func finish() throws(CommandFailure) {
        if close(STDOUT_FILENO) != 0, errno != EBADF, errno != EINTR { throw failure(errno) }
    }

    private static func failure(_ error: Int32) -> CommandFailure {
        error == EPIPE ? .readerGone() : .unwritten(String(cString: strerror(error)))
    }

    /// The error that ended it; nil where all is written.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : EIO }
            rest = rest.dropFirst(count)
        }
        return nil
    }
}
