import Cluster
import Cryptography
import Foundation
import Synchronization
import TenantRegistry
import TestPostgres
import TestTenants
import Testing

/// Connections, sessions, standbys and whole servers that end in the middle of a commit.
@Suite(.enabled(if: PostgresPrograms.areInstalled), .serialized) struct FaultTests {
    /// What one thread appended to one tenant, and what it was told.
    private struct History: Sendable {
        var appended: [String] = []
        var not: [String] = []
        var unknown: [String] = []
    }

    /// Appends, opening the tenant again after each failure, until `isOver`.
    private func write(
        _ log: PostgresLog, _ name: NodeName, _ tenant: TenantID, _ key: [UInt8], until isOver: () -> Bool
    ) throws -> History {
        try write("", { try log.open(tenant, as: name, key: key) }, until: isOver)
    }

    private func write(
        _ prefix: String, _ open: () throws -> any SharedStream, until isOver: () -> Bool
    ) throws -> History {
        var history = History()
        var number = 0
        while !isOver() {
            guard let stream = try? open() else { continue }
            var isGood = true
            while isGood, !isOver() {
                let texts = (0..<3).map { _ -> String in
                    number += 1
                    return "\(prefix)\(number)"
                }
                let promises = texts.map { ($0, stream.promise($0)) }
                for (text, promise) in promises {
                    let verdict = try promise.value()
                    switch verdict {
                    case .appended: history.appended.append(text)
                    case .refused, .absent: history.not.append(text)
                    case .unknown: history.unknown.append(text)
                    }
                    isGood = verdict == .appended
                }
            }
        }
        return history
    }

    /// Eight tenants are written to while `fault` is done; then what everybody was told is held against the log.
    private func check(_ cluster: TestCluster, _ fault: () throws -> Void) throws {
        let (log, name) = try cluster.join("a")
        let tenants = (0..<8).map { _ in TenantID.any }
        for tenant in tenants { try log.create(tenant, owner: name) }
        let isOver = Atomic(false)
        let histories = Mutex<[TenantID: History]>([:])
        let writers = DispatchGroup()
        for tenant in tenants {
            DispatchQueue(label: "writer").async(group: writers) {
                let history = try? write(log, name, tenant, cluster.key) { isOver.load(ordering: .relaxed) }
                histories.withLock { $0[tenant] = history }
            }
        }
        do { try fault() } catch { Issue.record("\(error)") }
        isOver.store(true, ordering: .relaxed)
        writers.wait()
        var acknowledged = 0
        for tenant in tenants {
            let history = try #require(histories.withLock { $0[tenant] })
            let head = try #require(try log.head(of: tenant))
            let texts = try log.texts(of: tenant, after: beginning, upTo: head.sequence, key: cluster.key)
            #expect(Set(history.appended).isSubset(of: texts))
            #expect(Set(history.not).isDisjoint(with: texts))
            #expect(texts.filter { Set(history.unknown).contains($0) == false } == history.appended)
            acknowledged += history.appended.count
        }
        #expect(acknowledged > 0)
        log.close()
    }

    /// Sessions of node a, as processes of the server.
    private func sessions(_ cluster: TestCluster) throws -> [Int32] {
        try cluster.run(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'tollgate/a' AND datname = current_database()"
        ).split(separator: "\n").compactMap { Int32($0) }
    }

    @Test("N2 sessions that are ended in the middle of commits are settled: what was told is what is there")
    func terminated() throws {
        let cluster = try TestCluster()
        try check(cluster) {
            for _ in 0..<25 {
                try cluster.run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tollgate/a'"
                        + " AND datname = current_database()")
            }
        }
    }

    @Test("N2 N5 two nodes that append to the registry while their sessions are ended are told what is there")
    func everybody() throws {
        let cluster = try TestCluster()
        let logs = [try cluster.join("a").log, try cluster.join("b").log]
        let isOver = Atomic(false)
        let histories = Mutex<[History]>([])
        let writers = DispatchGroup()
        for (index, log) in logs.enumerated() {
            DispatchQueue(label: "writer").async(group: writers) {
                let history = try? write("\(index)-", { try log.openForAll(.registry, key: cluster.key) }) {
                    isOver.load(ordering: .relaxed)
                }
                if let history { histories.withLock { $0.append(history) } }
            }
        }
        for _ in 0..<25 {
            try cluster.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tollgate/%'"
                    + " AND datname = current_database()")
        }
        isOver.store(true, ordering: .relaxed)
        writers.wait()
        let all = histories.withLock { $0 }
        #expect(all.count == 2)
        let head = try #require(try logs[0].head(of: .registry))
        let texts = try logs[0].texts(of: .registry, after: beginning, upTo: head.sequence, key: cluster.key)
        let unknown = Set(all.flatMap(\.unknown))
        #expect(Set(texts).count == texts.count)
        #expect(Set(texts).subtracting(unknown) == Set(all.flatMap(\.appended)))
        #expect(!texts.isEmpty)
        for log in logs { log.close() }
    }

    @Test("N6 9 a server that is killed and begins again loses nothing that was told")
    func killed() throws {
        let cluster = try TestCluster(try TestPostgres())
        try check(cluster) {
            for _ in 0..<3 {
                cluster.server.kill()
                try cluster.server.start()
                try cluster.server.waitFor("SELECT count(*) > 0 FROM tollgate.log", "t", in: cluster.url)
            }
            // One process of it alone: the server ends all others by itself, and recovers.
            for process in try sessions(cluster).prefix(1) { Glibc.kill(process, SIGKILL) }
            try cluster.server.waitFor("SELECT count(*) > 0 FROM tollgate.log", "t", in: cluster.url)
        }
    }

    @Test("N6 16 a commit that arrives after it was told to be absent is refused")
    func late() throws {
        let cluster = try TestCluster(try TestPostgres())
        let (log, name) = try cluster.join("a")
        let tenant = TenantID.any
        try log.create(tenant, owner: name)
        let stream = try log.open(tenant, as: name, key: cluster.key)
        #expect(try stream.verdict("one") == .appended)
        let stopped = try sessions(cluster)
        for process in stopped { Glibc.kill(process, SIGSTOP) }
        #expect(try stream.verdict("late") == .absent)
        // They read what is in their sockets, and then find them closed, but for the one that nothing was asked of.
        for process in stopped { Glibc.kill(process, SIGCONT) }
        let list = stopped.map { "\($0)" }.joined(separator: ",")
        try cluster.server.waitFor("SELECT count(*) <= 1 FROM pg_stat_activity WHERE pid IN (\(list))", "t")
        #expect(try #require(try log.head(of: tenant)).sequence == 1)
        #expect(try cluster.run("SELECT count(*) FROM tollgate.log") == "1")
        #expect(try stream.verdict("after") == .absent)
        let again = try log.open(tenant, as: name, key: cluster.key)
        #expect(try again.verdict("two") == .appended)
        #expect(log.standing.unsettled == 1)
        log.close()
    }

    @Test("N6 a question whose session is ended in the middle does not keep the node from writing")
    func endedQuestion() throws {
        let cluster = try TestCluster()
        let (log, name) = try cluster.join("a")
        let tenant = TenantID.any
        try log.create(tenant, owner: name)
        let stream = try log.open(tenant, as: name, key: cluster.key)
        #expect(try stream.verdict("one") == .appended)
        // More than sockets hold, and nothing that could be packed.
        let random = SystemRandom()
        let piece = (0..<131_072).flatMap { _ in withUnsafeBytes(of: random.uint64()) { [UInt8]($0) } }
        var pieces = [[UInt8]](repeating: piece, count: 16)
        try stream.putSnapshot(at: stream.settled) { pieces.popLast() }
        let snapshot = try #require(try log.snapshots(of: tenant).first)
        #expect(throws: SharedLogError.self) {
            try log.read(snapshot, of: tenant, key: cluster.key) { _ in
                _ = try cluster.run(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name = 'tollgate/a' AND state = 'active' AND query LIKE '%snapshot_part%'
                    """)
            }
        }
        #expect(log.isReachable)
        #expect(try stream.verdict("two") == .appended)
        log.close()
    }

    // MARK: Standbys

    /// A primary that waits for its one standby, and a node that has joined.
    private struct Pair {
        let cluster: TestCluster
        let standby: TestPostgres
        let log: PostgresLog
        let tenant: TenantID
        let name: NodeName

        init() throws {
            let primary = try TestPostgres()
            cluster = try TestCluster(primary)
            standby = try TestPostgres(standbyOf: primary, name: "s1")
            try primary.set("synchronous_standby_names", "s1")
            try primary.waitFor("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1")
            (log, name) = try cluster.join("a", .replicated)
            tenant = TenantID.any
            try log.create(tenant, owner: name)
        }

        func open() throws -> any SharedStream { try log.open(tenant, as: name, key: cluster.key) }

        /// A commit whose wait for the standby is cut short as soon as it waits: it is done, and the server warns.
        /// By one command that is there before the commit is: the log gives up an answer after two seconds.
        func cancelledPromise(_ text: String, on stream: any SharedStream) throws -> Promise<SharedVerdict> {
            let isCancelled = Promise<Void>()
            let server = cluster.server
            Thread.detachNewThread {
                isCancelled.resolve(
                    Result {
                        try server.run(
                            """
                            DO $$ BEGIN
                                LOOP
                                    PERFORM pg_stat_clear_snapshot();
                                    PERFORM pg_cancel_backend(pid) FROM pg_stat_activity
                                        WHERE wait_event = 'SyncRep' AND application_name = 'tollgate/a';
                                    EXIT WHEN FOUND;
                                    PERFORM pg_sleep(0.01);
                                END LOOP;
                            END $$
                            """)
                    }.map { _ in () })
            }
            try server.waitFor("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO $$%SyncRep%'", "1")
            let promise = stream.promise(text)
            try isCancelled.value()
            return promise
        }
    }

    @Test("N2 G9 how far the standby is behind is known; to a role that may not see it it is not, and nothing fails")
    func standbyLag() throws {
        let pair = try Pair()
        #expect(pair.log.standing.standbyLagBytes == nil)
        pair.log.lookAtStandbys()
        let lag = try #require(pair.log.standing.standbyLagBytes)
        #expect(lag < 64 << 20)
        try pair.cluster.run("CREATE ROLE other LOGIN")
        let url = pair.cluster.url.replacingOccurrences(of: "tollgate@", with: "other@")
        let log = try PostgresLog(url, node: #require(NodeName("b")), durability: .replicated)
        defer { log.close() }
        log.lookAtStandbys()
        #expect(log.standing.standbyLagBytes == nil)
        #expect(log.isReachable)
    }

    @Test("N6 12 a wait for the standby that is cut short is no commit until a write proves it")
    func cancelled() throws {
        let pair = try Pair()
        let stream = try pair.open()
        #expect(try stream.verdict("one") == .appended)
        pair.standby.signal(SIGSTOP)
        let proven = try pair.cancelledPromise("two", on: stream)
        pair.standby.signal(SIGCONT)
        // The write that settled it was replicated, and everything before it too.
        #expect(try proven.value() == .appended)
        #expect(try stream.verdict("three") == .appended)
        pair.standby.signal(SIGSTOP)
        let doubtful = try pair.cancelledPromise("four", on: stream)
        #expect(try doubtful.value() == .unknown)
        #expect(!pair.log.isReachable)
        pair.standby.signal(SIGCONT)
        let again = try pair.open()
        #expect(pair.log.isReachable)
        #expect(again.head.sequence == 4)
        #expect(try again.verdict("five") == .appended)
        pair.log.close()
    }

    @Test("N6 11 without a standby nothing is told to be done, and nobody waits for ever")
    func gone() throws {
        let pair = try Pair()
        let stream = try pair.open()
        pair.standby.stop()
        let begun = Date.now
        #expect(try stream.verdict("one") == .unknown)
        #expect(Date.now.timeIntervalSince(begun) < 60)
        #expect(throws: SharedLogError.self) { try pair.log.create(.any, owner: pair.name) }
        #expect(throws: SharedLogError.self) {
            try pair.log.beat(pair.name, generation: 1, state: .serving, ownersSince: 0)
        }
        try pair.standby.start()
        try pair.cluster.server.waitFor("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1")
        let again = try pair.open()
        #expect(try again.verdict("two") == .appended)
        pair.log.close()
    }

    @Test("N6 13 a primary that wakes from a freeze, its standby in its place by then, tells nothing to be done")
    func wakened() throws {
        let pair = try Pair()
        let stream = try pair.open()
        #expect(try stream.verdict("one") == .appended)
        pair.cluster.server.signal(SIGSTOP)
        #expect(try stream.verdict("late") == .unknown)
        try pair.standby.promote()
        pair.cluster.server.signal(SIGCONT)
        // What lay in its sockets it reads now; no standby has that, nor will.
        #expect(throws: SharedLogError.self) { try pair.log.create(.any, owner: pair.name) }
        #expect(throws: SharedLogError.self) {
            try pair.log.beat(pair.name, generation: 1, state: .serving, ownersSince: 0)
        }
        pair.log.close()
        let path = try #require(pair.cluster.url.split(separator: "/").last)
        let there = pair.standby.url(of: String(path))
        #expect(try pair.standby.run("SELECT count(*) FROM tollgate.log", in: there) == "1")
        let node = try TestCluster.node("a")
        let log = try PostgresLog(there, node: node.name, durability: .single)
        _ = try log.join(node)
        let next = try log.open(pair.tenant, as: node.name, key: pair.cluster.key)
        #expect(next.head.sequence == 1)
        #expect(try next.verdict("two") == .appended)
        log.close()
    }

    @Test("N2 a server that promises no second copy is refused, and one that stops promising it is noticed")
    func promise() throws {
        let cluster = try TestCluster()
        #expect(throws: SharedLogError.self) { try cluster.join("a", .replicated) }
        do { _ = try cluster.join("a", .replicated) } catch SharedLogError.refused(let why) {
            #expect(why.contains("synchronous_standby_names"))
        } catch { Issue.record("\(error)") }
        let pair = try Pair()
        let stream = try pair.open()
        #expect(try stream.verdict("one") == .appended)
        try pair.cluster.server.set("synchronous_standby_names", "")
        #expect(try stream.verdict("two") == .unknown)
        #expect(throws: SharedLogError.self) { try pair.open() }
        pair.log.close()
    }

    @Test("N2 when the primary is lost and its standby takes its place, everything that was told is there")
    func failover() throws {
        let primary = try TestPostgres()
        let database = try primary.database()
        let standby = try TestPostgres(standbyOf: primary, name: "s1")
        try primary.set("synchronous_standby_names", "s1")
        try primary.waitFor("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1")
        let path = try #require(database.split(separator: "/").last)
        let closed = try FreePort.take()
        let url =
            "postgresql://tollgate@127.0.0.1:\(closed),127.0.0.1:\(standby.port),127.0.0.1:\(primary.port)/\(path)"
        let node = try TestCluster.node("a")
        let log = try PostgresLog(url, node: node.name, durability: .single)
        _ = try log.join(node)
        let key = [UInt8](repeating: 7, count: 32)
        let tenant = TenantID.any
        try log.create(tenant, owner: node.name)
        let isOver = Atomic(false)
        let told = Promise<History>()
        DispatchQueue(label: "writer").async {
            told.resolve(Result { try write(log, node.name, tenant, key) { isOver.load(ordering: .relaxed) } })
        }
        try primary.waitFor("SELECT count(*) > 20 FROM tollgate.log", "t", in: database)
        primary.kill()
        try standby.promote()
        // Under the same epoch, where nothing was on its way when the primary went.
        let there = standby.url(of: String(path))
        let count = try standby.run("SELECT count(*) FROM tollgate.log", in: there)
        try standby.waitFor("SELECT count(*) > \(count) FROM tollgate.log", "t", in: there)
        isOver.store(true, ordering: .relaxed)
        let history = try told.value()
        let head = try #require(try log.head(of: tenant))
        let texts = try log.texts(of: tenant, after: beginning, upTo: head.sequence, key: key)
        #expect(texts.filter { !history.unknown.contains($0) } == history.appended)
        log.close()
    }
}
