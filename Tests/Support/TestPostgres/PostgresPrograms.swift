import Foundation
import TestPrograms

/// PostgreSQL's programs as Debian installs them, and the user that they run as: the server refuses to be root's.
package enum PostgresPrograms {
    package struct Failed: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// Of the newest version that is installed; nil: none is, and whoever needs a server has to be left out.
    package static let folder: String? = {
        let base = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
        return versions.compactMap { Int($0) }.sorted().last.map { "\(base)/\($0)/bin" }
    }()

    package static var areInstalled: Bool { folder != nil }

    /// In memory where the system has such a folder: a sync costs nothing there, and the server can be left as it is
    /// meant to run, with all its promises on.
    static let place: String = {
        let memory = "/dev/shm"
        var room = statvfs()
        // Containers are often given 64 MiB of it, which is less than one server takes.
        guard access(memory, W_OK) == 0, statvfs(memory, &room) == 0,
            UInt64(room.f_bavail) * UInt64(room.f_frsize) >= 2 << 30
        else { return NSTemporaryDirectory() }
        return memory
    }()

    /// Whose the server is: this process's user, or for root the one that Debian's package makes.
    static let user: (name: String, id: uid_t, group: gid_t)? = {
        guard getuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) { return (name, entry.pointee.pw_uid, entry.pointee.pw_gid) }
        }
        return nil
    }()

    /// What runs a program as that user.
    static var prefix: [String] {
        guard let user else { return [] }
        let words = ["/usr/bin/setpriv", "--reuid=\(user.id)", "--regid=\(user.group)", "--clear-groups"]
        var root = stat()
        guard stat("/", &root) == 0, root.st_mode & S_IXOTH == 0 else { return words }
        // In a chroot that root alone may enter, the server may as well.
        return words + ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    }

    static func path(_ name: String) throws -> String {
        guard let folder else { throw Failed(description: "no PostgreSQL in /usr/lib/postgresql") }
        return "\(folder)/\(name)"
    }

    /// Runs a program to its end, as the server's user. Gives what it wrote; throws with it where the program fails.
    @discardableResult
    static func run(_ name: String, _ arguments: [String], input: String = "") throws -> String {
        let process = Program()
        let command = prefix + [try path(name)] + arguments
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = ["LC_ALL": "C", "PATH": "/usr/bin:/bin", "PGCONNECT_TIMEOUT": "10"]
        process.currentDirectoryURL = URL(filePath: "/")
        let (stdin, stdout) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (stdin, stdout, stdout)
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let output = String(decoding: try stdout.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(description: "\(name): \(output)") }
        return output
    }
}
