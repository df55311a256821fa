import Foundation
import Glibc
import Synchronization

/// A program run once: bytes in, bytes out, bounded in time and in what it says. Whatever ends it ends nothing else.
/// Waits; any thread.
package enum ChildProcess {
    package enum Failure: Error, Sendable, CustomStringConvertible {
        case notStarted(Int32)
        case signal(Int32)
        case exit(Int32)
        case tooLong
        case tooMuch

        package var description: String {
            switch self {
            case .notStarted(let code): "it did not start: \(String(cString: strerror(code)))"
            case .signal(let signal): "signal \(signal) ended it"
            case .exit(let code): "it ended with code \(code)"
            case .tooLong: "it took too long"
            case .tooMuch: "it said too much"
            }
        }
    }

    /// What a child may see of our environment: nothing that is a secret.
    private static let environment: Set<String> = [
        "FAKETIME_SHARED", "LD_LIBRARY_PATH", "LD_PRELOAD", "SQLITE_TMPDIR", "TMPDIR", "ASAN_OPTIONS", "LSAN_OPTIONS",
        "TSAN_OPTIONS", "UBSAN_OPTIONS",
    ]

    /// One at a time: a pipe of another's that a child inherited would keep that one's reader waiting.
    private static let starting = Mutex(())

    /// The child's standard input stays open until it has ended: at its end it knows that nobody waits for it any more.
    /// `seesAll`: of our environment, for the program that is to take our place with it.
    package static func run(
        _ program: String, _ arguments: [String], input: [UInt8], seconds: Int, outputBytesMax: Int,
        seesAll: Bool = false
    ) throws -> [UInt8] {
        let child = try start(program, arguments, seesAll: seesAll)
        defer {
            close(child.input)
            close(child.output)
        }
        let written = write(input, to: child.input)
        var output: [UInt8] = []
        let end: Failure?
        if written {
            end = read(child.output, into: &output, seconds: seconds, bytesMax: outputBytesMax)
        } else {
            end = nil
        }
        if end != nil { kill(child.id, SIGKILL) }
        var status: Int32 = 0
        while waitpid(child.id, &status, 0) < 0 && errno == EINTR {}
        if let end { throw end }
        if status & 0x7F != 0 { throw Failure.signal(status & 0x7F) }
        let code = status >> 8 & 0xFF
        if code != 0 { throw Failure.exit(code) }
        return output
    }

    private static func start(
        _ program: String, _ arguments: [String], seesAll: Bool
    ) throws -> (id: pid_t, input: Int32, output: Int32) {
        var input: [Int32] = [-1, -1]
        var output: [Int32] = [-1, -1]
        var id: pid_t = 0
        let failure: Int32 = starting.withLock { _ in
            guard pipe(&input) == 0, pipe(&output) == 0 else { return errno }
            for descriptor in input + output { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO)
            posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO)
            var attributes = posix_spawnattr_t()
            posix_spawnattr_init(&attributes)
            defer { posix_spawnattr_destroy(&attributes) }
            var signals = sigset_t()
            sigemptyset(&signals)
            posix_spawnattr_setsigmask(&attributes, &signals)
            posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
            var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
            var surroundings: [UnsafeMutablePointer<CChar>?] =
                ProcessInfo.processInfo.environment.filter { seesAll || environment.contains($0.key) }
                .map { strdup("\($0.key)=\($0.value)") } + [nil]
            defer { for word in words + surroundings { free(word) } }
            return posix_spawn(&id, program, &actions, &attributes, &words, &surroundings)
        }
        for descriptor in [input[0], output[1]] where descriptor >= 0 { close(descriptor) }
        guard failure == 0 else {
            for descriptor in [input[1], output[0]] where descriptor >= 0 { close(descriptor) }
            throw Failure.notStarted(failure)
        }
        return (id, input[1], output[0])
    }

    /// False where the child does not listen any more.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func read(
        _ descriptor: Int32, into output: inout [UInt8], seconds: Int, bytesMax: Int
    ) -> Failure? {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let left = end - clock.now
            guard left > .zero else { return .tooLong }
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wait, 1, Int32(clamping: left.components.seconds * 1_000 + 1_000))
            if ready < 0 && errno == EINTR || ready == 0 { continue }
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return nil }
            guard output.count + count <= bytesMax else { return .tooMuch }
            output += piece[..<count]
        }
    }
}
