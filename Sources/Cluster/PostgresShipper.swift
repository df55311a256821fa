import Cryptography
import Dispatch
import Synchronization
import TenantRegistry

/// Takes tenants' commits, seals them, and sends what waits as one transaction: many tenants share the wait for the
/// standby. A refused record disturbs no other.
///
/// `@unchecked Sendable`: `connection` is touched by its own thread alone; the rest is under `queue`'s lock, or atomic.
final class PostgresShipper: @unchecked Sendable {
    private struct Queue {
        var appends: [PostgresAppend] = []
        var isClosed = false
        var isOver = false
    }

    let sessions: PostgresSessions
    let counters: PostgresCounters
    private let random: any RandomSource
    private let queue = Mutex(Queue())
    /// Signalled where the queue was empty, and at the end.
    private let filled = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private var connection: PostgresConnection?

    init(_ sessions: PostgresSessions, _ counters: PostgresCounters, _ random: any RandomSource) {
        (self.sessions, self.counters, self.random) = (sessions, counters, random)
    }

    var waiting: Int { queue.withLock { $0.appends.count } }

    func put(_ append: PostgresAppend) {
        let isTaken = queue.withLock { queue in
            guard !queue.isOver else { return false }
            queue.appends.append(append)
            if queue.appends.count == 1 { filled.signal() }
            return true
        }
        if !isTaken { append.then(append.stream.dropUnsent()) }
    }

    /// Waits until what was taken has its verdict. What still comes meanwhile is taken.
    func close() {
        let isFirst = queue.withLock { queue in
            defer { queue.isClosed = true }
            return !queue.isClosed
        }
        guard isFirst else { return }
        filled.signal()
        ended.wait()
    }

    /// The life of its thread.
    func run() {
        while true {
            let group = take()
            if !group.isEmpty {
                ship(group)
            } else if endsNow() {
                break
            } else {
                filled.wait()
            }
        }
        connection = nil
        ended.signal()
    }

    private func endsNow() -> Bool {
        queue.withLock { queue in
            queue.isOver = queue.isClosed && queue.appends.isEmpty
            return queue.isOver
        }
    }

    /// What goes into one transaction.
    private func take() -> [PostgresAppend] {
        queue.withLock { queue in
            var (count, bytes) = (0, 0)
            for append in queue.appends.prefix(PostgresBounds.groupRecordsMax) {
                bytes += append.payload.count
                guard count == 0 || bytes <= PostgresBounds.groupBytesMax else { break }
                count += 1
            }
            defer { queue.appends.removeFirst(count) }
            return Array(queue.appends.prefix(count))
        }
    }

    private func ship(_ group: [PostgresAppend]) {
        let isPossible = connect(until: group[0].since + PostgresBounds.answerNanoseconds)
        var sealed: [(append: PostgresAppend, record: SealedRecord)] = []
        var unsent: [PostgresAppend] = []
        var ended: Set<ObjectIdentifier> = []
        // In one order of tenants everywhere, so that no two transactions wait for each other's rows.
        for append in group.sorted(by: Self.goesBefore) {
            let stream = ObjectIdentifier(append.stream)
            let goesOn = isPossible && !ended.contains(stream) && append.stream.later == nil
            if goesOn, let record = try? append.stream.seal(append.sequence, append.payload) {
                sealed.append((append, record))
            } else {
                unsent.append(append)
                ended.insert(stream)
            }
        }
        if !sealed.isEmpty { send(sealed) }
        // Behind what was sent before them.
        for append in unsent { append.then(append.stream.dropUnsent()) }
    }

    private static func goesBefore(_ left: PostgresAppend, _ right: PostgresAppend) -> Bool {
        (left.stream.tenant.high, left.stream.tenant.low, left.sequence)
            < (right.stream.tenant.high, right.stream.tenant.low, right.sequence)
    }

    /// A session that is alive. False: the time is over.
    private func connect(until deadline: UInt64) -> Bool {
        if let connection, connection.isAlive { return true }
        connection = nil
        connection = try? sessions.connectPatiently(until: deadline, evenUnfit: true)
        if connection == nil { sessions.note(isReachable: false) }
        return connection != nil
    }

    private func send(_ sealed: [(append: PostgresAppend, record: SealedRecord)]) {
        let begun = now()
        let bytes = sealed.reduce(UInt64(0)) { $0 + UInt64($1.record.data.count) }
        let statements = sealed.map { append, record in
            PostgresConnection.Statement(
                name: "append", sql: PostgresSchema.append,
                values: [
                    .uuid(append.stream.tenant), .int(Int64(record.epoch)), .int(Int64(record.place.sequence)),
                    .bytes(record.data), .bytes(record.place.chain.bytes), .bytes(record.before.bytes),
                ])
        }
        do throws(PostgresFailure) {
            let results = try transact(
                statements,
                until: begun + PostgresBounds.answerNanoseconds + bytes * PostgresBounds.answerNanosecondsPerByte)
            sessions.note(isReachable: true)
            let refused = zip(sealed, results).reduce(0) { $0 + ($1.1.written == 1 ? 0 : 1) }
            count(sealed.map(\.record), refused: refused, nanoseconds: now() - begun)
            for (one, result) in zip(sealed, results) {
                tell(one.append, result.written == 1 ? .appended : .refused, one.record.place)
            }
        } catch {
            connection = nil
            counters.change { $0.unsettled += UInt64(sealed.count) }
            settle(sealed)
        }
    }

    /// Sends them; once more where the server had no partition for the day.
    private func transact(
        _ statements: [PostgresConnection.Statement], until deadline: UInt64
    ) throws(PostgresFailure) -> [PostgresResult] {
        guard let connection else { throw .lost("no session") }
        do throws(PostgresFailure) {
            return try connection.transact(statements, until: deadline)
        } catch {
            guard error.kind == PostgresFailure.checkViolation else { throw error }
        }
        // The server's word that the transaction did nothing; nothing of it is on its way any more.
        let other = try sessions.connect(until: deadline)
        self.connection = other
        _ = try other.transact([.partitions], until: deadline)
        return try other.transact(statements, until: deadline)
    }

    private func count(_ records: [SealedRecord], refused: Int, nanoseconds: UInt64) {
        counters.change { counts in
            counts.appended += UInt64(records.count - refused)
            counts.refused += UInt64(refused)
            counts.bytes += records.reduce(0) { $0 + UInt64($1.data.count) }
            counts.groups += 1
            counts.nanoseconds += nanoseconds
        }
    }

    private func tell(_ append: PostgresAppend, _ verdict: SharedVerdict, _ place: SharedPlace) {
        append.stream.settle(verdict, upTo: place)
        append.then(verdict)
    }

    /// All of a stream's records of one group are there, or none is. A tenant that was opened anew may have two streams
    /// in it.
    private func settle(_ sealed: [(append: PostgresAppend, record: SealedRecord)]) {
        var last: [ObjectIdentifier: Unsettled] = [:]
        for (append, record) in sealed {
            last[ObjectIdentifier(append.stream)] = Unsettled(stream: append.stream, place: record.place)
        }
        let verdicts = settle(Array(last.values))
        for (append, record) in sealed {
            tell(append, verdicts[ObjectIdentifier(append.stream)] ?? .unknown, record.place)
        }
    }
}
