import Cryptography
import TenantRegistry

/// What was sent last of a stream, and nobody knows whether it is there.
struct Unsettled {
    let stream: PostgresStream
    let place: SharedPlace
}

/// Finding out: on a new session the epoch is raised, so that what still is on its way finds its epoch over; then
/// whatever is not there never will be. That write waits for a standby too, so what it saw stays.
extension PostgresShipper {
    /// Gives a verdict for each stream, at the latest after `settleNanoseconds`. Any thread.
    func settle(_ unsettled: [Unsettled]) -> [ObjectIdentifier: SharedVerdict] {
        let deadline = now() + PostgresBounds.settleNanoseconds
        while true {
            do throws(PostgresFailure) {
                let connection = try sessions.connectPatiently(until: deadline, evenUnfit: true)
                let verdicts = try settle(unsettled, connection, until: deadline)
                sessions.note(isReachable: true)
                return verdicts
            } catch {
                sessions.note(isReachable: false)
                guard now() + UInt64(PostgresBounds.pauseMilliseconds) * 1_000_000 < deadline else { break }
                pause(milliseconds: PostgresBounds.pauseMilliseconds)
            }
        }
        return [:]
    }

    private func settle(
        _ unsettled: [Unsettled], _ connection: PostgresConnection, until deadline: UInt64
    ) throws(PostgresFailure) -> [ObjectIdentifier: SharedVerdict] {
        let tenants = unsettled.map(\.stream.tenant)
        var statements = [
            PostgresConnection.Statement(
                name: "settle", sql: PostgresSchema.settle,
                values: [.uuids(tenants), .ints(unsettled.map { Int64($0.stream.epoch) })]),
            PostgresConnection.Statement(name: "ownersOf", sql: PostgresSchema.ownersOf, values: [.uuids(tenants)]),
        ]
        // Behind the first: whatever was committed before the rows were ours is seen.
        statements += unsettled.map { one in
            .init(
                name: "logChain", sql: PostgresSchema.logChain,
                values: [.uuid(one.stream.tenant), .int(Int64(one.place.sequence))])
        }
        statements.append(.init(name: "proof", sql: PostgresSchema.proof, values: []))
        let results = try connection.transact(statements, until: deadline)
        let raised = Self.table(results[0]) { results[0].unsigned($0, 1) }
        let owners = Self.table(results[1]) { results[1].isNull($0, 1) ? nil : results[1].text($0, 1) }
        var verdicts: [ObjectIdentifier: SharedVerdict] = [:]
        for (one, result) in zip(unsettled, results.dropFirst(2)) {
            let stream = one.stream
            let isThere = (0..<result.rows).contains { Digest(result.bytes($0, 0)) == one.place.chain }
            // Where the epoch was not ours to raise, it was raised before, perhaps by an earlier attempt to settle.
            let epoch = raised[stream.tenant].flatMap { $0 == stream.epoch + 1 ? $0 : nil }
            let isOwn = stream.head.owner != nil && owners[stream.tenant] == stream.head.owner?.text
            verdicts[ObjectIdentifier(stream)] = isThere ? .appended : epoch != nil || isOwn ? .absent : .refused
            if isThere { stream.goOn(under: epoch) }
        }
        return verdicts
    }

    /// By the tenant in the first column.
    private static func table<Value>(_ result: PostgresResult, _ value: (Int) -> Value?) -> [TenantID: Value] {
        var table: [TenantID: Value] = [:]
        for row in 0..<result.rows {
            if let tenant = TenantID(bytes: result.bytes(row, 0)) { table[tenant] = value(row) }
        }
        return table
    }
}
