package import Cryptography
import Dispatch
package import TenantRegistry

/// What was written, read back and proven.
extension PostgresLog {
    package func records(
        of tenant: TenantID, after sequence: UInt64, chain: Digest, upTo last: UInt64, key: [UInt8],
        _ body: (SharedRecord) throws -> Void
    ) throws -> Digest {
        var place = SharedPlace(sequence: sequence, chain: chain)
        guard last > sequence else { return chain }
        try stream(
            PostgresSchema.records, [.uuid(tenant), .int(Int64(sequence)), .int(Int64(last))],
            behind: tenant == .registry ? nil : sessions.readers
        ) { result in
            for row in 0..<result.rows {
                let (record, chain) = try Self.record(result, row, of: tenant, after: place, key: key)
                try body(record)
                place = SharedPlace(sequence: record.sequence, chain: chain)
            }
        }
        guard place.sequence == last else {
            throw SharedLogError.damaged("record \(place.sequence + 1) of \(tenant.text) is missing")
        }
        return place.chain
    }

    private static func record(
        _ result: PostgresResult, _ row: Int, of tenant: TenantID, after place: SharedPlace, key: [UInt8]
    ) throws(SharedLogError) -> (SharedRecord, Digest) {
        let (sequence, epoch) = (result.unsigned(row, 0), result.unsigned(row, 1))
        func damaged(_ what: String) -> SharedLogError {
            .damaged("record \(place.sequence + 1) of \(tenant.text) \(what)")
        }
        guard sequence == place.sequence + 1 else { throw damaged("is missing") }
        guard result.int(row, 2) == Kind.commit else { throw damaged("begins another file") }
        let chain = RecordSeal.chain(after: place.chain, epoch: epoch, sequence: sequence, data: result.raw(row, 4))
        guard chain == Digest(result.bytes(row, 3)) else { throw damaged("does not follow its chain") }
        let payload: [UInt8]
        do throws(SharedLogError) {
            payload = try RecordSeal.open(
                result.bytes(row, 4), key: key,
                place: RecordSeal.place(tenant, epoch: epoch, sequence: sequence))
        } catch { throw damaged("cannot be opened: \(error)") }
        return (SharedRecord(sequence: sequence, epoch: epoch, payload: payload), chain)
    }

    /// As `log.kind` has it.
    enum Kind {
        static let commit: Int64 = 0
    }

    package func chain(of tenant: TenantID, at sequence: UInt64) throws(SharedLogError) -> Digest? {
        if sequence == 0 { return try head(of: tenant) == nil ? nil : .zero }
        let result = try ask { connection, deadline throws(PostgresFailure) in
            try connection.run(PostgresSchema.chain, [.uuid(tenant), .int(Int64(sequence))], until: deadline)
        }
        return result.rows == 1 ? Digest(result.bytes(0, 0)) : nil
    }

    package func snapshots(of tenant: TenantID) throws(SharedLogError) -> [SharedSnapshot] {
        let result = try ask { connection, deadline throws(PostgresFailure) in
            try connection.run(PostgresSchema.snapshots, [.uuid(tenant)], until: deadline)
        }
        var snapshots: [SharedSnapshot] = []
        for row in 0..<result.rows {
            guard let chain = Digest(result.bytes(row, 1)) else { throw .damaged("a snapshot's chain") }
            snapshots.append(
                SharedSnapshot(
                    sequence: result.unsigned(row, 0), chain: chain,
                    bytes: result.unsigned(row, 2)))
        }
        return snapshots
    }

    package func tails(of node: NodeName) throws(SharedLogError) -> [SharedTail] {
        let result = try ask(within: PostgresBounds.patientNanoseconds) {
            connection, deadline throws(PostgresFailure) in
            try connection.run(PostgresSchema.tails, [.text(node.text), .uuid(.registry)], until: deadline)
        }
        return (0..<result.rows).compactMap { row in
            TenantID(bytes: result.bytes(row, 0)).map {
                SharedTail(tenant: $0, records: result.unsigned(row, 1), ageSeconds: result.int(row, 2))
            }
        }
    }

    package func read(
        _ snapshot: SharedSnapshot, of tenant: TenantID, key: [UInt8], _ body: ([UInt8]) throws -> Void
    ) throws {
        func damaged(_ what: String) -> SharedLogError {
            .damaged("the snapshot of \(tenant.text) at \(snapshot.sequence) \(what)")
        }
        var digest = SHA256Stream()
        var (parts, bytes) = (0, 0)
        var wanted: (parts: Int64, bytes: Int64, digest: Digest?)?
        try stream(
            PostgresSchema.readSnapshot, [.uuid(tenant), .int(Int64(snapshot.sequence))],
            behind: tenant == .registry ? nil : sessions.downloads
        ) { result in
            for row in 0..<result.rows {
                guard let id = TenantID(bytes: result.bytes(row, 0)) else { throw damaged("has no id") }
                wanted = (result.int(row, 1), result.int(row, 2), Digest(result.bytes(row, 3)))
                if result.isNull(row, 4) { continue }
                guard result.int(row, 4) == parts else { throw damaged("lacks part \(parts)") }
                digest.update(result.raw(row, 5))
                let part: [UInt8]
                do throws(SharedLogError) {
                    part = try RecordSeal.open(
                        result.bytes(row, 5), key: key, place: RecordSeal.place(tenant, snapshot: id, part: parts))
                } catch { throw damaged("part \(parts): \(error)") }
                (parts, bytes) = (parts + 1, bytes + part.count)
                try body(part)
            }
        }
        guard let wanted else { throw damaged("is gone") }
        guard wanted == (Int64(parts), Int64(bytes), digest.finish()) else { throw damaged("is not whole") }
    }

    /// A query whose rows come one by one, on a session that nobody else has meanwhile: `body` may ask the log itself.
    /// The registry waits for no tenant: all of them wait for it. It is read by one at a time, its lane.
    private func stream(
        _ sql: String, _ values: [PostgresValue], behind turn: DispatchSemaphore?,
        _ body: (PostgresResult) throws -> Void
    ) throws {
        do {
            try sessions.read(behind: turn) { connection in
                try connection.stream(sql, values, idleNanoseconds: PostgresBounds.patientNanoseconds, body)
            }
        } catch let failure as PostgresFailure { throw failure.asLogError }
    }
}
