import Cryptography
import Synchronization
package import TenantRegistry

/// Tenants' heads: made, looked at, opened, removed.
extension PostgresLog {
    package func create(_ tenant: TenantID, owner: NodeName) throws(SharedLogError) {
        let written = try ask(once: true) { connection, deadline throws(PostgresFailure) in
            try connection.transact([Self.make(tenant, owner: owner)], until: deadline)[0].written
        }
        guard written == 1 else { throw .exists }
    }

    private static func make(_ tenant: TenantID, owner: NodeName?) -> PostgresConnection.Statement {
        .init(
            name: "make", sql: PostgresSchema.make,
            values: [.uuid(tenant), .text(owner?.text ?? ""), .bytes(Digest.zero.bytes)])
    }

    package func head(of tenant: TenantID) throws(SharedLogError) -> SharedHead? {
        let result = try ask { connection, deadline throws(PostgresFailure) in
            try connection.run(PostgresSchema.head, [.uuid(tenant)], until: deadline)
        }
        guard let head = try Self.head(result) else { return nil }
        guard tenant == .registry, head.sequence > provenRegistry.load(ordering: .relaxed) else { return head }
        return try provenHead(of: tenant)
    }

    /// Everybody reads the registry without having written to it. What a server that crashed shows again may be on no
    /// standby yet, and whoever had it would be ahead of the log once that server is lost. So what is new is read in a
    /// transaction that waits for one.
    private func provenHead(of tenant: TenantID) throws(SharedLogError) -> SharedHead? {
        let result = try ask { connection, deadline throws(PostgresFailure) in
            try connection.transact(
                [
                    .init(name: "head", sql: PostgresSchema.head, values: [.uuid(tenant)]),
                    .init(name: "proof", sql: PostgresSchema.proof, values: []),
                ], until: deadline)[0]
        }
        let head = try Self.head(result)
        if let head { noteProven(head.sequence) }
        return head
    }

    func noteProven(_ sequence: UInt64) { provenRegistry.max(sequence, ordering: .relaxed) }

    /// Nil where there is no row.
    private static func head(_ result: PostgresResult) throws(SharedLogError) -> SharedHead? {
        guard result.rows == 1 else { return nil }
        guard let chain = Digest(result.bytes(0, 3)) else { throw .damaged("a head's chain") }
        var owner: NodeName?
        if !result.isNull(0, 0) {
            guard let name = NodeName(result.text(0, 0)) else { throw .damaged("a head's owner") }
            owner = name
        }
        return SharedHead(
            owner: owner, epoch: result.unsigned(0, 1), sequence: result.unsigned(0, 2),
            chain: chain, resetAt: result.unsigned(0, 4))
    }

    package func open(
        _ tenant: TenantID, as node: NodeName, key: [UInt8]
    ) throws(SharedLogError) -> any SharedStream {
        let asked = generation.load(ordering: .relaxed)
        let result = try ask { connection, deadline throws(PostgresFailure) in
            try connection.transact(
                [
                    .init(
                        name: "open", sql: PostgresSchema.open,
                        values: [.uuid(tenant), .text(node.text), .int(node == self.node ? asked : -1)])
                ], until: deadline)[0]
        }
        if let head = try Self.head(result) {
            sessions.note(isReachable: true)
            return PostgresStream(self, tenant, key: key, head: head)
        }
        guard let head = try head(of: tenant) else { throw .unknown }
        throw .notOwner(head.owner)
    }

    package func openForAll(_ tenant: TenantID, key: [UInt8]) throws(SharedLogError) -> any SharedStream {
        if let head = try head(of: tenant) { return PostgresStream(self, tenant, key: key, head: head) }
        _ = try ask { connection, deadline throws(PostgresFailure) in
            try connection.transact([Self.make(tenant, owner: nil)], until: deadline)
        }
        guard let head = try head(of: tenant) else { throw .unknown }
        return PostgresStream(self, tenant, key: key, head: head)
    }

    package func remove(_ tenant: TenantID) throws(SharedLogError) {
        let values: [PostgresValue] = [.uuid(tenant)]
        let statements = PostgresSchema.remove.enumerated().map { index, sql in
            PostgresConnection.Statement(
                name: "remove\(index)", sql: sql, values: index == 0 ? values + [.bytes(Digest.zero.bytes)] : values)
        }
        _ = try ask(within: PostgresBounds.patientNanoseconds) { connection, deadline throws(PostgresFailure) in
            try connection.transact(statements, until: deadline)
        }
    }
}
