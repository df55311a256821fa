import CPostgres
import Glibc
import TenantRegistry

/// What a server has to promise before anything is written to it.
package enum ClusterDurability: String, Sendable, CaseIterable {
    /// A commit is on the disks of two servers before it is answered.
    case replicated
    /// One server is enough: who loses its disk loses what was answered.
    case single
}

/// A session at the primary. Of one thread at a time; every wait has an end.
///
/// A failure ends its use: the owner drops it, which closes the socket. Nothing is ever cancelled, since a cancelled
/// wait for a standby looks like a commit.
///
/// `@unchecked Sendable`: whoever took it from `PostgresSessions` owns it until he gives it back.
final class PostgresConnection: @unchecked Sendable {
    private let library: tollgate_libpq
    private let connection: OpaquePointer
    private let address: PostgresAddress
    private let durability: ClusterDurability
    /// That libpq's receiver counts in; it keeps its place in memory.
    private let warnings: UnsafeMutablePointer<Int32>
    /// Names that the server knows, or was sent.
    private var prepared: Set<String> = []

    /// Connects to the first host that takes writes and promises what `durability` says, beginning with `first`.
    /// `name`: as the server lists it.
    static func open(
        _ address: PostgresAddress, _ durability: ClusterDurability, name: String, first: Int, until deadline: UInt64
    ) throws(PostgresFailure) -> (connection: PostgresConnection, host: Int) {
        let library: tollgate_libpq
        do { library = try LibPQ.load() } catch { throw PostgresFailure(kind: .unfit, text: error.description) }
        var failures: [String] = []
        var kind = PostgresFailure.Kind.lost
        for turn in address.hosts.indices {
            let host = (first + turn) % address.hosts.count
            let end = min(deadline, now() + PostgresBounds.connectNanoseconds)
            do throws(PostgresFailure) {
                return (try PostgresConnection(library, address, host, durability, name: name, until: end), host)
            } catch {
                failures.append("\(address.hosts[host].text): \(error.text)")
                if error.kind == .unfit { kind = .unfit }
            }
        }
        throw PostgresFailure(kind: kind, text: failures.joined(separator: "; "))
    }

    private init(
        _ library: tollgate_libpq, _ address: PostgresAddress, _ host: Int, _ durability: ClusterDurability,
        name: String, until deadline: UInt64
    ) throws(PostgresFailure) {
        let options = Self.options(address, address.hosts[host], name: name)
        let keywords = PostgresParameters(options.map { .text($0.0) })
        let values = PostgresParameters(options.map { .text($0.1) })
        guard let connection = library.PQconnectStartParams(keywords.pointers + [nil], values.pointers + [nil], 0)
        else {
            throw .lost("no memory")
        }
        (self.library, self.connection, self.address, self.durability) = (library, connection, address, durability)
        warnings = .allocate(capacity: 1)
        warnings.initialize(to: 0)
        tollgate_libpq_count_warnings(connection, warnings)
        try connect(until: deadline)
        guard library.PQsetnonblocking(connection, 1) == 0 else { throw .lost(message) }
        try begin(until: deadline)
    }

    deinit {
        library.PQfinish(connection)
        warnings.deallocate()
    }

    private static func options(
        _ address: PostgresAddress, _ host: PostgresAddress.Host, name: String
    ) -> [(String, String)] {
        // A machine that is gone answers nothing: what is in a socket for so long is given up.
        var options = [
            "keepalives_idle": "3", "keepalives_interval": "1", "keepalives_count": "3", "tcp_user_timeout": "5000",
            "gssencmode": "disable",
        ].merging(address.options) { $1 }
        options["host"] = host.name
        options["hostaddr"] = host.number
        options["port"] = host.port
        options["target_session_attrs"] = "read-write"
        options["application_name"] = name
        options["client_encoding"] = "UTF8"
        return options.map { ($0.key, $0.value) }
    }

    private func connect(until deadline: UInt64) throws(PostgresFailure) {
        // As the manual has it: as though it had said so already.
        var state = LibPQ.pollingWriting
        while true {
            switch state {
            case LibPQ.pollingOK: return
            case LibPQ.pollingReading: try wait(for: POLLIN, until: deadline)
            case LibPQ.pollingWriting where library.PQstatus(connection) != 1: try wait(for: POLLOUT, until: deadline)
            default: throw .lost(message)
            }
            state = library.PQconnectPoll(connection)
        }
    }

    /// Sets the session up and looks at what the server promises.
    private func begin(until deadline: UInt64) throws(PostgresFailure) {
        let result = try run(PostgresSchema.beginSession, [], until: deadline)
        let (version, isRecovering) = (result.int(0, 0), result.bool(0, 1))
        let (syncs, writesFullPages, standbys) = (result.text(0, 2), result.text(0, 3), result.text(0, 4))
        func unfit(_ text: String) -> PostgresFailure { PostgresFailure(kind: .unfit, text: text) }
        if version < PostgresBounds.serverVersionMin { throw unfit("PostgreSQL 13 or later is needed") }
        if isRecovering { throw .lost("it is a standby") }
        if syncs != "on" { throw unfit("fsync is off: a crash would take what was answered") }
        if writesFullPages != "on" { throw unfit("full_page_writes is off: a crash would tear pages") }
        if durability == .replicated && standbys.isEmpty {
            throw unfit(
                "synchronous_standby_names is empty: what is answered would be on one server alone "
                    + "(--durability single accepts that)")
        }
    }

    // MARK: Statements

    /// One statement, in a transaction of its own.
    @discardableResult
    func run(_ sql: String, _ values: [PostgresValue] = [], until deadline: UInt64) throws(PostgresFailure)
        -> PostgresResult
    {
        warnings.pointee = 0
        let parameters = PostgresParameters(values)
        let isSent = library.PQsendQueryParams(
            connection, sql, parameters.count, parameters.types, parameters.pointers, parameters.lengths,
            parameters.formats, 1)
        guard isSent == 1 else { throw .lost(message) }
        guard let result = try nextResult(until: deadline) else { throw .lost("no result came") }
        try check(result)
        while try nextResult(until: deadline) != nil {}
        guard warnings.pointee == 0 else { throw Self.uncertain }
        return result
    }

    /// A query whose rows come one by one. What `body` throws goes through; then, too, the connection is of no use.
    func stream(
        _ sql: String, _ values: [PostgresValue], idleNanoseconds: UInt64, _ body: (PostgresResult) throws -> Void
    ) throws {
        let parameters = PostgresParameters(values)
        let isSent = library.PQsendQueryParams(
            connection, sql, parameters.count, parameters.types, parameters.pointers, parameters.lengths,
            parameters.formats, 1)
        guard isSent == 1, library.PQsetSingleRowMode(connection) == 1 else { throw PostgresFailure.lost(message) }
        while let result = try nextResult(until: now() + idleNanoseconds) {
            try check(result)
            if result.rows > 0 { try body(result) }
        }
    }

    /// A statement of a group; `name`: it is prepared under it at its first use.
    struct Statement {
        let name: String
        let sql: String
        let values: [PostgresValue]
    }

    /// All of them in one transaction, sent at once. Returns their results once the commit is durable as promised;
    /// every other end is a failure.
    func transact(_ statements: [Statement], until deadline: UInt64) throws(PostgresFailure) -> [PostgresResult] {
        warnings.pointee = 0
        guard library.PQenterPipelineMode(connection) == 1 else { throw .lost(message) }
        var results: [PostgresResult] = []
        let isWaitedFor = durability == .replicated
        let all =
            [Statement(name: "begin", sql: "BEGIN", values: [])] + statements
            + [Statement(name: "commit", sql: "COMMIT", values: [])]
            + (isWaitedFor ? [Statement(name: "standbys", sql: PostgresSchema.standbys, values: [])] : [])
        var isNew: [Bool] = []
        for statement in all { isNew.append(try send(statement)) }
        guard library.PQpipelineSync(connection) == 1 else { throw .lost(message) }
        for isNew in isNew {
            if isNew { _ = try pipelined(until: deadline) }
            results.append(try pipelined(until: deadline))
        }
        guard let end = try nextResult(until: deadline), end.status == LibPQ.pipelineSync,
            library.PQexitPipelineMode(connection) == 1
        else { throw .lost(message) }
        let commit = results[statements.count + 1]
        // Emptied, the setting lets waiting commits go without a standby, and without a word.
        let isProven = !isWaitedFor || results[statements.count + 2].bool(0, 0)
        guard commit.command == "COMMIT", isProven, warnings.pointee == 0 else { throw Self.uncertain }
        return Array(results[1...statements.count])
    }

    private func send(_ statement: Statement) throws(PostgresFailure) -> Bool {
        let parameters = PostgresParameters(statement.values)
        let isNew = prepared.insert(statement.name).inserted
        if isNew {
            let status = library.PQsendPrepare(
                connection, statement.name, statement.sql, parameters.count, parameters.types)
            guard status == 1 else { throw .lost(message) }
        }
        let status = library.PQsendQueryPrepared(
            connection, statement.name, parameters.count, parameters.pointers, parameters.lengths, parameters.formats,
            1)
        guard status == 1 else { throw .lost(message) }
        return isNew
    }

    private func pipelined(until deadline: UInt64) throws(PostgresFailure) -> PostgresResult {
        guard let result = try nextResult(until: deadline) else { throw .lost(message) }
        try check(result)
        // Each statement's results end with none.
        guard try nextResult(until: deadline) == nil else { throw .lost("an answer came that nobody asked for") }
        return result
    }

    private func check(_ result: PostgresResult) throws(PostgresFailure) {
        switch result.status {
        case LibPQ.commandOK, LibPQ.tuplesOK, LibPQ.singleTuple: return
        default:
            let text = address.redacted(result.errorField(LibPQ.fieldMessage) ?? message)
            guard let state = result.errorField(LibPQ.fieldSQLState), !state.isEmpty else { throw .lost(text) }
            throw PostgresFailure(kind: .refused(state), text: "\(text) (\(state))")
        }
    }

    private static let uncertain = PostgresFailure(
        kind: .uncertain, text: "the server did not wait until a standby had the commit")

    // MARK: Waiting

    private static let lastWordsMax = 4

    /// Whether the server still holds the other end. Of a connection that nothing is asked of.
    var isAlive: Bool {
        var entry = pollfd(fd: library.PQsocket(connection), events: Int16(POLLIN), revents: 0)
        // What it said last comes before its end.
        for _ in 0..<Self.lastWordsMax where entry.fd >= 0 && poll(&entry, 1, 0) == 1 {
            guard library.PQconsumeInput(connection) == 1 else { return false }
        }
        return library.PQstatus(connection) == LibPQ.connectionOK && library.PQisBusy(connection) == 0
    }

    private func nextResult(until deadline: UInt64) throws(PostgresFailure) -> PostgresResult? {
        var isFlushed = false
        while true {
            if !isFlushed {
                let status = library.PQflush(connection)
                guard status >= 0 else { throw .lost(message) }
                isFlushed = status == 0
            }
            if library.PQisBusy(connection) == 0 {
                return library.PQgetResult(connection).map { PostgresResult($0, library) }
            }
            try wait(for: isFlushed ? POLLIN : POLLIN | POLLOUT, until: deadline)
            guard library.PQconsumeInput(connection) == 1 else { throw .lost(message) }
        }
    }

    private func wait(for events: Int32, until deadline: UInt64) throws(PostgresFailure) {
        var entry = pollfd(fd: library.PQsocket(connection), events: Int16(events), revents: 0)
        guard entry.fd >= 0 else { throw .lost(message) }
        while true {
            let time = now()
            guard time < deadline else { throw .lost("no answer in time") }
            let milliseconds = min((deadline - time) / 1_000_000 + 1, 60_000)
            let count = poll(&entry, 1, Int32(milliseconds))
            if count > 0 { return }
            if count < 0 && errno != EINTR { throw .lost("poll: \(errno)") }
        }
    }

    private var message: String {
        let text = library.PQerrorMessage(connection).map { String(cString: $0) } ?? ""
        return text.isEmpty ? "the connection is gone" : address.redacted(text)
    }
}

/// Nanoseconds of the clock that all of this target's deadlines are by.
func now() -> UInt64 { SystemMonotonicClock().nanoseconds() }
