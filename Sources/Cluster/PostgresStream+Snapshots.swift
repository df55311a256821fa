import Cryptography
package import TenantRegistry

/// Snapshots: parts first, and the row that makes them one at the end.
extension PostgresStream {
    /// What was written under an id that nobody else has.
    private struct Parts {
        let id: TenantID
        var count = 0
        var bytes = 0
        var digest = SHA256Stream()
    }

    package func putSnapshot(at place: SharedPlace, _ next: () throws -> [UInt8]?) throws {
        let parts = try put(next)
        let result = try log.ask { connection, deadline throws(PostgresFailure) in
            try connection.transact(
                [
                    .init(
                        name: "putSnapshot", sql: PostgresSchema.putSnapshot,
                        values: [
                            .uuid(tenant), .int(Int64(place.sequence)), .bytes(place.chain.bytes),
                        ] + Self.values(parts))
                ], until: deadline)[0].written
        }
        guard result == 1 else { throw try lost() }
    }

    package func reset(_ next: () throws -> [UInt8]?) throws -> SharedPlace {
        let parts = try put(next)
        let (epoch, before) = state.withLock { state in
            precondition(state.sequence == state.settled.sequence, "a commit is on its way")
            return (state.epoch, state.settled)
        }
        if state.withLock({ $0.failure }) != nil { throw try lost() }
        // What the chain has of it; the snapshot's own digest proves the rest.
        let data = parts.digest.finish().bytes
        let sequence = before.sequence + 1
        let place = SharedPlace(
            sequence: sequence,
            chain: data.withUnsafeBytes {
                RecordSeal.chain(after: before.chain, epoch: epoch, sequence: sequence, data: $0)
            })
        let statement = PostgresConnection.Statement(
            name: "reset", sql: PostgresSchema.reset,
            values: [
                .uuid(tenant), .int(Int64(epoch)), .int(Int64(sequence)), .bytes(data), .bytes(place.chain.bytes),
            ] + Self.values(parts) + [.bytes(before.chain.bytes)])
        var verdict = SharedVerdict.refused
        do throws(PostgresFailure) {
            let written = try log.sessions.use(once: true) { connection, deadline throws(PostgresFailure) in
                try connection.transact([statement], until: deadline)[0].written
            }
            if written == 1 { verdict = .appended }
        } catch {
            let shipper = log.shipper(of: tenant)
            verdict = shipper.settle([Unsettled(stream: self, place: place)])[ObjectIdentifier(self)] ?? .unknown
        }
        settle(verdict, upTo: place)
        switch verdict {
        case .appended:
            state.withLock { ($0.sequence, $0.sealed) = (place.sequence, place) }
            return place
        case .refused: throw try lost()
        case .absent: throw SharedLogError.away("the reset did not get through")
        case .unknown: throw SharedLogError.away("nobody knows whether the reset got through")
        }
    }

    /// Why the stream may not write any more.
    private func lost() throws(SharedLogError) -> SharedLogError {
        guard let head = try log.head(of: tenant) else { return .unknown }
        return .notOwner(head.owner)
    }

    private static func values(_ parts: Parts) -> [PostgresValue] {
        [
            .uuid(parts.id), .int(Int64(parts.count)), .int(Int64(parts.bytes)), .bytes(parts.digest.finish().bytes),
        ]
    }

    private func put(_ next: () throws -> [UInt8]?) throws -> Parts {
        var parts = Parts(id: TenantID.random(log.random))
        var waiting: [UInt8] = []
        while let piece = try next() {
            waiting += piece
            while waiting.count >= PostgresBounds.partBytes {
                try put(Array(waiting.prefix(PostgresBounds.partBytes)), &parts)
                waiting.removeFirst(PostgresBounds.partBytes)
            }
        }
        if !waiting.isEmpty { try put(waiting, &parts) }
        return parts
    }

    private func put(_ bytes: [UInt8], _ parts: inout Parts) throws(SharedLogError) {
        let data = try RecordSeal.seal(
            bytes, isPacked: false, key: key,
            place: RecordSeal.place(tenant, snapshot: parts.id, part: parts.count), random: log.random)
        let values: [PostgresValue] = [.uuid(parts.id), .int(Int64(parts.count)), .uuid(tenant), .bytes(data)]
        try log.ask(within: PostgresBounds.patientNanoseconds, once: true) {
            connection, deadline throws(PostgresFailure) in
            _ = try connection.transact(
                [.init(name: "putPart", sql: PostgresSchema.putPart, values: values)], until: deadline)
        }
        parts.digest.update(data)
        parts.count += 1
        parts.bytes += bytes.count
    }
}
