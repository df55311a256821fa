import Foundation
import Synchronization
import TestPrograms
import TestTenants

/// A PostgreSQL server on loopback, begun for tests and ended with them, whatever becomes of the process: a shell holds
/// the server, and ends it when the pipe from this process closes.
///
/// It keeps all its promises (fsync, full_page_writes), in memory. Any thread.
package final class TestPostgres: Sendable {
    /// One server for all tests of a process; take a `database()` of it. Its settings stay as they are.
    package static let shared: TestPostgres? = try? TestPostgres()

    package let port: UInt16
    package let folder: String
    private let settings: [String: String]
    /// What holds the server, and the pipe whose end it waits for.
    private let holder = Mutex<(process: Program, rope: Pipe)?>(nil)
    private let databases = Atomic<Int>(0)

    /// How long a server may take to begin, or to end.
    private static let patienceSeconds = 60

    /// A new server, which runs. `settings`: lines of postgresql.conf.
    package init(settings: [String: String] = [:]) throws {
        folder = try Self.makeFolder()
        port = try FreePort.take()
        self.settings = settings
        try PostgresPrograms.run(
            "initdb", ["-D", data, "-U", "tollgate", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
        try start()
    }

    /// A standby of another, under that name in `synchronous_standby_names`.
    package init(standbyOf primary: TestPostgres, name: String, settings: [String: String] = [:]) throws {
        folder = try Self.makeFolder()
        port = try FreePort.take()
        self.settings = settings
        let address = "host=127.0.0.1 port=\(primary.port) user=tollgate application_name=\(name)"
        try PostgresPrograms.run(
            "pg_basebackup", ["-d", address, "-D", data, "-R", "-X", "stream", "--no-sync", "-c", "fast"])
        try start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func makeFolder() throws -> String {
        let folder = "\(PostgresPrograms.place)/tollgate-pg-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if let user = PostgresPrograms.user { chown(folder, user.id, user.group) }
        return folder
    }

    private var data: String { folder + "/data" }

    /// Of the database that every server has.
    package var url: String { url(of: "postgres") }

    package func url(of database: String) -> String { "postgresql://tollgate@127.0.0.1:\(port)/\(database)" }

    /// A new, empty database; its URL.
    package func database() throws -> String {
        let name = "d\(databases.add(1, ordering: .relaxed).newValue)"
        try run("CREATE DATABASE \(name)")
        return url(of: name)
    }

    // MARK: Its life

    /// Begins the server again after `stop` or `kill`.
    package func start() throws {
        let server = ["\(try PostgresPrograms.path("postgres"))", "-D", data] + arguments
        let process = Program()
        // The server gets no input; `read` ends with the pipe. Who ends without a word leaves nothing.
        let script = """
            "$@" </dev/null >>'\(folder)/log' 2>&1 & p=$!
            read -r said; kill -QUIT $p 2>/dev/null; wait $p
            [ "$said" = keep ] || rm -rf '\(folder)'
            """
        let command = PostgresPrograms.prefix + ["/bin/bash", "-c", script, "server"] + server
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = ["LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"]
        process.currentDirectoryURL = URL(filePath: "/")
        let rope = Pipe()
        process.standardInput = rope
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try? FileManager.default.removeItem(atPath: "\(data)/postmaster.pid")
        try process.run()
        holder.withLock { $0 = (process, rope) }
        try wait("does not begin") { isReady }
    }

    private var arguments: [String] {
        let own = [
            "port": String(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": folder,
            "max_connections": "100", "shared_buffers": "32MB", "wal_level": "replica", "max_wal_senders": "10",
            "wal_keep_size": "64MB", "log_min_messages": "warning", "wal_sender_timeout": "10s",
        ].merging(settings) { $1 }
        return own.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
    }

    /// The lines of the server's `postmaster.pid`.
    private var lines: [Substring] {
        (try? String(contentsOfFile: "\(data)/postmaster.pid", encoding: .utf8))?.split(separator: "\n") ?? []
    }

    private var isReady: Bool { lines.count >= 8 && lines[7].hasPrefix("ready") }

    /// The server's first process; nil: it does not run.
    package var process: Int32? { lines.first.flatMap { Int32($0) } }

    /// Ends it at once, as a crash would but in one piece. Nothing where it does not run.
    package func stop() {
        let held = holder.withLock { held in
            defer { held = nil }
            return held
        }
        guard let (process, rope) = held else { return }
        try? rope.fileHandleForWriting.write(contentsOf: Data("keep\n".utf8))
        try? rope.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// kill -9 of all its processes.
    package func kill() {
        guard let first = process else { return stop() }
        // It begins no more of them. The children by themselves: they would go on for a moment without their parent,
        // and a server does not begin beside one of before.
        Glibc.kill(first, SIGSTOP)
        let others = children(of: first)
        for one in [first] + others { Glibc.kill(one, SIGKILL) }
        stop()
        try? wait("has processes still") { others.allSatisfy(Self.isGone) }
    }

    private static func isGone(_ id: Int32) -> Bool {
        let state = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
        return state?.contains(") Z ") ?? true
    }

    /// SIGSTOP or SIGCONT to all its processes.
    package func signal(_ number: Int32) {
        guard let first = process else { return }
        for one in [first] + children(of: first) { Glibc.kill(one, number) }
    }

    private func children(of parent: Int32) -> [Int32] {
        let text = try? String(contentsOfFile: "/proc/\(parent)/task/\(parent)/children", encoding: .utf8)
        return (text ?? "").split(separator: " ").compactMap { Int32($0) }
    }

    /// A standby becomes the primary.
    package func promote() throws {
        try PostgresPrograms.run("pg_ctl", ["-D", data, "-w", "promote"])
    }

    // MARK: What is in it

    /// Runs SQL and gives what psql writes of it, unaligned and without heads.
    @discardableResult
    package func run(_ sql: String, in database: String? = nil) throws -> String {
        let output = try PostgresPrograms.run(
            "psql", ["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database ?? url], input: sql)
        return output.trimmingCharacters(in: .newlines)
    }

    /// Sets a line of the configuration while it runs, and waits until sessions have it.
    package func set(_ name: String, _ value: String) throws {
        try run("ALTER SYSTEM SET \(name) = '\(value)'")
        try run("SELECT pg_reload_conf()")
        try wait("\(name) is not taken") { (try? run("SHOW \(name)")) == value }
    }

    /// Waits until SQL gives that text.
    package func waitFor(_ sql: String, _ text: String, in database: String? = nil) throws {
        try wait("“\(sql)” does not give “\(text)”") { (try? run(sql, in: database)) == text }
    }

    private func wait(_ what: String, until isSo: () -> Bool) throws {
        let end = Date.now.addingTimeInterval(TimeInterval(Self.patienceSeconds))
        while !isSo() {
            guard Date.now < end else {
                let log = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
                throw PostgresPrograms.Failed(description: "PostgreSQL: \(what): \(log.suffix(2_000))")
            }
            usleep(10_000)
        }
    }
}
