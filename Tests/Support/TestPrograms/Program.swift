package import Foundation
import Glibc
import Synchronization

/// Where a program's input comes from, or its output goes: a pipe, or a file that is open.
package protocol ProgramEnd {}
extension Pipe: ProgramEnd {}
extension FileHandle: ProgramEnd {}

/// glibc's, which its header keeps for programs that ask for its own.
@_silgen_name("posix_spawn_file_actions_addclosefrom_np")
private func closeFrom(_ actions: UnsafeMutablePointer<posix_spawn_file_actions_t>, _ descriptor: Int32) -> Int32

@_silgen_name("posix_spawn_file_actions_addchdir_np")
private func changeFolder(
    _ actions: UnsafeMutablePointer<posix_spawn_file_actions_t>, _ path: UnsafePointer<CChar>
) -> Int32

/// A program that runs beside a test, as Foundation's `Process`, whose `run()` reads over the end of what the system
/// says of open files: now and then that ended all tests.
///
/// `@unchecked Sendable`: what it is to be is said before it runs; how it stands has a lock.
package final class Program: @unchecked Sendable {
    /// `env`, which looks for the first of `arguments` in PATH.
    package var executableURL = URL(fileURLWithPath: "/usr/bin/env")
    package var arguments: [String] = []
    /// Nil: ours.
    package var environment: [String: String]?
    package var currentDirectoryURL: URL?
    /// Nil: ours, and so below.
    package var standardInput: (any ProgramEnd)?
    package var standardOutput: (any ProgramEnd)?
    package var standardError: (any ProgramEnd)?

    private struct State {
        var id: pid_t = 0
        /// How it ended, as `waitpid` says it.
        var end: Int32?
    }

    private let state = Mutex(State())

    package init() {}

    /// It inherits no file but these three, and no signal that is blocked. The pipes' ends that it has are closed here.
    package func run() throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (end, descriptor) in ends {
            if let own = Self.descriptor(of: end, at: descriptor) {
                posix_spawn_file_actions_adddup2(&actions, own, descriptor)
            } else {
                posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
            }
        }
        _ = closeFrom(&actions, STDERR_FILENO + 1)
        if let folder = currentDirectoryURL { _ = changeFolder(&actions, folder.path) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        let program = executableURL.path
        let surroundings = (environment ?? ProcessInfo.processInfo.environment).map { "\($0.key)=\($0.value)" }
        let (words, values) = (Self.list([program] + arguments), Self.list(surroundings))
        defer { for text in words + values { free(text) } }
        var id: pid_t = 0
        let failure = posix_spawn(&id, program, &actions, &attributes, words, values)
        guard failure == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EINVAL) }
        state.withLock { [id] in $0.id = id }
        for (end, descriptor) in ends {
            guard let pipe = end as? Pipe else { continue }
            try? (descriptor == STDIN_FILENO ? pipe.fileHandleForReading : pipe.fileHandleForWriting).close()
        }
    }

    private var ends: [(end: any ProgramEnd, descriptor: Int32)] {
        let all = [(standardInput, STDIN_FILENO), (standardOutput, STDOUT_FILENO), (standardError, STDERR_FILENO)]
        return all.compactMap { end, descriptor in end.map { ($0, descriptor) } }
    }

    /// Nil: nowhere.
    private static func descriptor(of end: any ProgramEnd, at descriptor: Int32) -> Int32? {
        if let pipe = end as? Pipe {
            return (descriptor == STDIN_FILENO ? pipe.fileHandleForReading : pipe.fileHandleForWriting).fileDescriptor
        }
        guard let file = end as? FileHandle, file !== FileHandle.nullDevice else { return nil }
        return file.fileDescriptor
    }

    private static func list(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] { texts.map { strdup($0) } + [nil] }

    package func waitUntilExit() { _ = wait(0) }

    package var isRunning: Bool { !wait(WNOHANG) }

    /// Once it has ended: its exit code, or the signal that ended it.
    package var terminationStatus: Int32 {
        let end = state.withLock { $0.end ?? 0 }
        return end & 0x7F == 0 ? end >> 8 & 0xFF : end & 0x7F
    }

    package func terminate() {
        state.withLock { state in
            if state.end == nil, state.id > 0 { kill(state.id, SIGTERM) }
        }
    }

    /// Whether it has ended.
    private func wait(_ options: Int32) -> Bool {
        state.withLock { state in
            guard state.id > 0, state.end == nil else { return true }
            var end: Int32 = 0
            var found: pid_t
            repeat { found = waitpid(state.id, &end, options) } while found < 0 && errno == EINTR
            if found != 0 { state.end = end }
            return found != 0
        }
    }
}
