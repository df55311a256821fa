import Glibc

/// Writes to the standard streams, at once: a line is out when the call returns.
enum Output {
    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    static func errorLine(_ text: String) { write("tollgate: \(text)\n", to: STDERR_FILENO) }

    static func bytes(_ bytes: [UInt8], to descriptor: Int32 = STDOUT_FILENO) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            // Nobody reads: then nobody misses the rest.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func write(_ text: String, to descriptor: Int32) { bytes(Array(text.utf8), to: descriptor) }
}
