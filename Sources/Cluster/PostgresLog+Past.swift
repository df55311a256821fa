package import TenantRegistry

/// Moments that have passed, and what goes once none of them needs it (B2).
extension PostgresLog {
    package func past(of tenant: TenantID, at moment: Timestamp) throws(SharedLogError) -> SharedPast {
        let result = try ask(within: PostgresBounds.patientNanoseconds) {
            connection, deadline throws(PostgresFailure) in
            try connection.run(PostgresSchema.past, [.uuid(tenant), .int(moment.milliseconds)], until: deadline)
        }
        guard result.rows == 1 else { throw .unknown }
        if result.bool(0, 3) { return .ahead }
        guard result.bool(0, 1) else {
            return .begins(result.isNull(0, 4) ? nil : Timestamp(milliseconds: result.int(0, 4)))
        }
        if result.bool(0, 2) { return .leapt }
        let sequence = result.unsigned(0, 0)
        guard let chain = try chain(of: tenant, at: sequence) else {
            throw .damaged("record \(sequence) of \(tenant.text) is missing")
        }
        return .upTo(SharedPlace(sequence: sequence, chain: chain))
    }

    package func trim(
        _ tenant: TenantID, before oldest: UInt64, keepingDays days: Int64
    ) throws(SharedLogError) {
        do throws(PostgresFailure) {
            try sessions.use(within: PostgresBounds.patientNanoseconds) {
                connection, deadline throws(PostgresFailure) in
                try Self.trim(tenant, before: Int64(oldest), days, connection, until: deadline)
                if isTimeToSweep() { try Self.sweep(connection) }
            }
        } catch { throw error.asLogError }
    }

    private static func trim(
        _ tenant: TenantID, before oldest: Int64, _ days: Int64, _ connection: PostgresConnection,
        until deadline: UInt64
    ) throws(PostgresFailure) {
        let values: [PostgresValue] = [.uuid(tenant), .int(oldest), .int(days)]
        _ = try connection.transact(
            [
                .init(name: "trimRecords", sql: PostgresSchema.trimRecords, values: values),
                .init(name: "trimSnapshots", sql: PostgresSchema.trimSnapshots, values: values),
                .init(name: "trimParts", sql: PostgresSchema.trimParts, values: [.uuid(tenant)]),
            ], until: deadline)
    }

    private func isTimeToSweep() -> Bool {
        let swept = sweptAt.load(ordering: .relaxed)
        guard swept == 0 || now() > swept + PostgresBounds.sweepNanoseconds else { return false }
        return sweptAt.compareExchange(expected: swept, desired: now(), ordering: .relaxed).exchanged
    }

    /// What tenants leave that nobody uses any more, and days of which nobody needs a record.
    private static func sweep(_ connection: PostgresConnection) throws(PostgresFailure) {
        // What one tenant takes is no other's time.
        var deadline: UInt64 { now() + PostgresBounds.patientNanoseconds }
        do throws(PostgresFailure) {
            let overdue = try connection.run(
                PostgresSchema.overdue, [.uuid(.registry), .int(Past.retentionDays)], until: deadline)
            for row in 0..<overdue.rows {
                guard let tenant = TenantID(bytes: overdue.bytes(row, 0)) else { continue }
                try trim(tenant, before: overdue.int(row, 1), Past.retentionDays, connection, until: deadline)
            }
            _ = try connection.transact(
                [
                    .init(name: "dropPatience", sql: PostgresSchema.dropPatience, values: []),
                    .init(name: "drop", sql: PostgresSchema.dropPartitions, values: []),
                ], until: deadline)
        } catch {
            // Somebody reads or writes there; another time.
            guard error.kind == PostgresFailure.lockNotAvailable else { throw error }
        }
    }
}
