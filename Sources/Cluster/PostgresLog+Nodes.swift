import Cryptography
import Synchronization
package import TenantRegistry

/// Who is there, and whose each tenant is.
extension PostgresLog {
    package func join(_ node: ClusterNode) throws(SharedLogError) -> Int64 {
        let joined: Int64
        do throws(PostgresFailure) {
            try sessions.use(within: PostgresBounds.patientNanoseconds) {
                connection, deadline throws(PostgresFailure) in
                try prepareTables(connection, keyPrint: node.keyPrint, until: deadline)
            }
            try addColumns(until: now() + PostgresBounds.patientNanoseconds)
            joined = try sessions.use(within: PostgresBounds.patientNanoseconds) {
                connection, deadline throws(PostgresFailure) in
                // An earlier process of this name has ended, though the server may not know it: its locks are let go.
                sessions.dropIdle()
                try connection.run(
                    PostgresSchema.endSessions, [.text(Self.sessionName(of: node.name))], until: deadline)
                let results = try connection.transact(
                    [
                        .init(
                            name: "join", sql: PostgresSchema.join,
                            values: [
                                .text(node.name.text), .text(node.address), .int(Int64(node.schema)),
                                .int(Int64(node.registry)),
                            ])
                    ], until: deadline)
                return results[0].int(0, 0)
            }
        } catch {
            throw error.kind == .unfit ? .refused("the cluster's log: \(error.text)") : error.asLogError
        }
        generation.store(joined, ordering: .relaxed)
        return joined
    }

    /// Makes what is missing. Nodes do it one after the other.
    private func prepareTables(
        _ connection: PostgresConnection, keyPrint: Digest, until deadline: UInt64
    ) throws(PostgresFailure) {
        let hasTables = try connection.run(PostgresSchema.hasTables, until: deadline).bool(0, 0)
        if hasTables { try check(connection, keyPrint: keyPrint, until: deadline) }
        var steps = [
            PostgresConnection.Statement(name: "patience", sql: "SET LOCAL lock_timeout = '10s'", values: []),
            PostgresConnection.Statement(
                name: "lock", sql: "SELECT pg_advisory_xact_lock($1)", values: [.int(PostgresSchema.lock)]),
        ]
        if !hasTables {
            steps += PostgresSchema.create.enumerated().map { .init(name: "create\($0)", sql: $1, values: []) }
            steps.append(
                .init(
                    name: "print", sql: "UPDATE tollgate.cluster SET key_print = $1 WHERE key_print IS NULL",
                    values: [.bytes(keyPrint.bytes)]))
        }
        steps.append(.init(name: "partitions", sql: PostgresSchema.partitions, values: []))
        _ = try connection.transact(steps, until: deadline)
        partitionsCheckedAt.store(now(), ordering: .relaxed)
        if !hasTables { try check(connection, keyPrint: keyPrint, until: deadline) }
    }

    /// What came later, where it is missing: in a transaction of its own, which gives way to whoever has the tables and
    /// is tried again.
    private func addColumns(until end: UInt64) throws(PostgresFailure) {
        while true {
            do throws(PostgresFailure) {
                try sessions.use(isAhead: true) { connection, deadline throws(PostgresFailure) -> Void in
                    if try connection.run(PostgresSchema.hasColumns, until: deadline).bool(0, 0) { return }
                    let steps = [PostgresSchema.columnPatience] + PostgresSchema.addColumns
                    _ = try connection.transact(
                        steps.enumerated().map { .init(name: "addColumns\($0)", sql: $1, values: []) },
                        until: deadline)
                }
                return
            } catch {
                let next = now() + UInt64(PostgresBounds.columnPauseMilliseconds) * 1_000_000
                guard error.kind == PostgresFailure.lockNotAvailable, next < end else { throw error }
            }
            pause(milliseconds: PostgresBounds.columnPauseMilliseconds)
        }
    }

    private func check(
        _ connection: PostgresConnection, keyPrint: Digest, until deadline: UInt64
    ) throws(PostgresFailure) {
        let result = try connection.run("SELECT version, key_print FROM tollgate.cluster", until: deadline)
        guard result.rows == 1 else { throw PostgresFailure(kind: .unfit, text: "its own row is missing") }
        let version = result.int(0, 0)
        guard version == PostgresSchema.version else {
            throw PostgresFailure(
                kind: .unfit,
                text: "its tables are of version \(version), and this program knows \(PostgresSchema.version)")
        }
        guard Digest(result.bytes(0, 1)) == keyPrint else {
            throw PostgresFailure(
                kind: .unfit, text: "it belongs to another master key: all nodes of a cluster have the same master.key")
        }
    }

    package func beat(
        _ name: NodeName, generation: Int64, state: NodeState, ownersSince seen: Int64
    ) throws(SharedLogError) -> ClusterView? {
        try keepPartitions()
        let statements: [PostgresConnection.Statement] = [
            .init(
                name: "beat", sql: PostgresSchema.beat,
                values: [.text(name.text), .int(generation), .int(Int64(state.rawValue))]),
            .init(name: "owners", sql: PostgresSchema.owners, values: [.int(seen), .uuid(.registry)]),
            // Behind them: an owner that joined between the two would be taken for one that is gone.
            .init(name: "nodes", sql: PostgresSchema.nodes, values: []),
        ]
        let results: [PostgresResult]
        do throws(PostgresFailure) {
            results = try transactAhead(statements)
        } catch {
            if case .refused = error.kind {} else { sessions.note(isReachable: false) }
            throw error.asLogError
        }
        guard results[0].written == 1 else { return nil }
        sessions.note(isReachable: true)
        let view = try Self.view(nodes: results[2], owners: results[1])
        noteProven(view.registrySequence)
        return view
    }

    /// Of the thread that beats. A database that was taken back to before columns were added is given them again: what
    /// it lacks besides, the beat then tells.
    private func transactAhead(
        _ statements: [PostgresConnection.Statement]
    ) throws(PostgresFailure) -> [PostgresResult] {
        func transact() throws(PostgresFailure) -> [PostgresResult] {
            try sessions.use(isAhead: true) { connection, deadline throws(PostgresFailure) in
                try connection.transact(statements, until: deadline)
            }
        }
        do throws(PostgresFailure) { return try transact() } catch {
            guard error.kind == PostgresFailure.undefinedColumn else { throw error }
        }
        try addColumns(until: now())
        return try transact()
    }

    package func note(registry schema: Int32) throws(SharedLogError) {
        _ = try ask { connection, deadline throws(PostgresFailure) in
            try connection.transact(
                [.init(name: "noteRegistry", sql: PostgresSchema.noteRegistry, values: [.int(Int64(schema))])],
                until: deadline)
        }
    }

    private static func view(nodes: PostgresResult, owners: PostgresResult) throws(SharedLogError) -> ClusterView {
        var view = ClusterView(
            nodes: [], owners: [], ownersAt: owners.int(0, 0), registrySequence: owners.unsigned(0, 1))
        if nodes.rows > 0 { view.registrySchema = Int32(truncatingIfNeeded: nodes.int(0, 7)) }
        for row in 0..<nodes.rows {
            guard let name = NodeName(nodes.text(row, 0)),
                let state = NodeState(rawValue: Int16(truncatingIfNeeded: nodes.int(row, 3)))
            else { throw .damaged("a node's row") }
            view.nodes.append(
                ClusterView.Node(
                    name: name, generation: nodes.int(row, 1), address: nodes.text(row, 2), state: state,
                    beats: nodes.int(row, 4), schema: Int32(truncatingIfNeeded: nodes.int(row, 5)),
                    registry: Int32(truncatingIfNeeded: nodes.int(row, 6))))
        }
        for row in 0..<owners.rows where !owners.isNull(row, 2) {
            guard let tenant = TenantID(bytes: owners.bytes(row, 2)), let node = NodeName(owners.text(row, 3)) else {
                throw .damaged("an owner's row")
            }
            view.owners.append(ClusterView.Owner(tenant: tenant, node: node))
        }
        return view
    }

    /// Days ahead are made once an hour.
    private func keepPartitions() throws(SharedLogError) {
        let checked = partitionsCheckedAt.load(ordering: .relaxed)
        guard checked != 0, now() > checked + PostgresBounds.partitionCheckNanoseconds else { return }
        try ask(isAhead: true) { connection, deadline throws(PostgresFailure) in
            _ = try connection.transact([.partitions], until: deadline)
        }
        partitionsCheckedAt.store(now(), ordering: .relaxed)
    }

    package func claim(
        _ tenants: [TenantID], of owner: NodeName, seen: ClusterView.Node?, by node: NodeName
    ) throws(SharedLogError) -> [TenantID]? {
        let stand: [PostgresValue] = [.text(owner.text), .int(seen?.generation ?? -1), .int(seen?.beats ?? -1)]
        return try pastLocks(of: owner) { connection, deadline throws(PostgresFailure) -> [TenantID]? in
            let results = try connection.transact(
                [
                    .init(name: "holdOwner", sql: PostgresSchema.holdOwner, values: [.text(owner.text)]),
                    .init(name: "ownerStands", sql: PostgresSchema.ownerStands, values: stand),
                    .init(
                        name: "claim", sql: PostgresSchema.claim,
                        values: stand + [.uuids(tenants), .text(node.text)]),
                ], until: deadline)
            guard results[1].bool(0, 0) else { return nil }
            return (0..<results[2].rows).compactMap { TenantID(bytes: results[2].bytes($0, 0)) }
        }
    }

    /// Where rows are locked, a process that stands still, or a machine that is gone, may have left a transaction open:
    /// that node's sessions are ended, and it is tried once more. What they were committing is settled by them, or by
    /// whoever reads it next.
    private func pastLocks<Value>(
        of owner: NodeName, _ body: (PostgresConnection, UInt64) throws(PostgresFailure) -> Value
    ) throws(SharedLogError) -> Value {
        do throws(PostgresFailure) {
            do throws(PostgresFailure) {
                return try sessions.use(once: true, isAhead: true, body)
            } catch {
                guard error.kind == PostgresFailure.lockNotAvailable else { throw error }
            }
            return try sessions.use(isAhead: true) { connection, deadline throws(PostgresFailure) in
                try connection.run(PostgresSchema.endSessions, [.text(Self.sessionName(of: owner))], until: deadline)
                return try body(connection, deadline)
            }
        } catch { throw error.asLogError }
    }

    package func hand(_ tenant: TenantID, from node: NodeName, to other: NodeName) throws(SharedLogError) {
        let written = try ask { connection, deadline throws(PostgresFailure) in
            try connection.transact(
                [
                    .init(
                        name: "hand", sql: PostgresSchema.hand,
                        values: [.uuid(tenant), .text(node.text), .text(other.text)])
                ], until: deadline)[0].written
        }
        guard written == 0 else { return }
        guard let head = try head(of: tenant) else { throw .unknown }
        // Where an answer was lost on the way, it was done before.
        guard head.owner == other else { throw .notOwner(head.owner) }
    }

    package func forget(_ name: NodeName) throws(SharedLogError) {
        let result = try ask(isAhead: true) { connection, deadline throws(PostgresFailure) in
            let written = try connection.run(PostgresSchema.forget, [.text(name.text)], until: deadline).written
            let isThere = try connection.run(
                "SELECT FROM tollgate.node WHERE name = $1", [.text(name.text)], until: deadline
            ).rows
            return (written, isThere)
        }
        guard result.1 == 0 else { throw .refused("node \(name.text) has not left, or still has tenants") }
    }

    package func save(levels: [UInt8], of node: NodeName) throws(SharedLogError) {
        try ask { connection, deadline throws(PostgresFailure) in
            _ = try connection.run(
                "UPDATE tollgate.node SET levels = $2 WHERE name = $1", [.text(node.text), .bytes(levels)],
                until: deadline)
        }
    }

    package func levels(of node: NodeName) throws(SharedLogError) -> [UInt8]? {
        try ask { connection, deadline throws(PostgresFailure) in
            let result = try connection.run(
                "SELECT levels FROM tollgate.node WHERE name = $1", [.text(node.text)], until: deadline)
            return result.rows == 1 && !result.isNull(0, 0) ? result.bytes(0, 0) : nil
        }
    }
}

extension PostgresConnection.Statement {
    static let partitions = PostgresConnection.Statement(name: "partitions", sql: PostgresSchema.partitions, values: [])
}
