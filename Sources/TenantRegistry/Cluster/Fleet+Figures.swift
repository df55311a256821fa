import SQLite

/// What is counted of a tenant, as the node that serves it saved it last. A value.
package struct TenantFigures: Sendable {
    private let month: Int64
    private let count: Int64
    package let lastRequestAt: Timestamp?
    /// Of its file; 0 where nobody has looked yet.
    package let bytes: Int64

    fileprivate static let statement = Statement(
        """
        SELECT requests_month, requests_count, last_request_at, coalesce(
            (SELECT bytes FROM usage_month WHERE tenant_id = ?1 AND bytes > 0 ORDER BY month DESC LIMIT 1), 0)
        FROM tenant WHERE id = ?1
        """)

    fileprivate init(_ row: inout RowReader) throws {
        month = try row.int()
        count = try row.int()
        lastRequestAt = try row.optionalTime()
        bytes = try row.int()
    }

    /// As `TenantCounters` tells it where the tenant is served.
    package func used(at now: Timestamp) -> Int64 {
        TenantCounters.lasts(month, at: now.monthNumber) ? count : 0
    }
}

/// What other nodes count of their tenants (N5): in a cluster alone.
extension Fleet {
    /// What the registry says of these tenants; nothing of one that it does not know. `atOnce`: of so many in one job,
    /// so that commits of the registry do not wait for a long list.
    package func figures(
        of tenants: [TenantID], atOnce: Int = 256,
        then: @escaping @Sendable (Result<[TenantID: TenantFigures], any Error>) -> Void
    ) {
        figures(of: tenants[...], [:], atOnce: atOnce, then: then)
    }

    private func figures(
        of rest: ArraySlice<TenantID>, _ known: [TenantID: TenantFigures], atOnce: Int,
        then: @escaping @Sendable (Result<[TenantID: TenantFigures], any Error>) -> Void
    ) {
        guard let sharedRegistry, !rest.isEmpty else { return then(.success(known)) }
        sharedRegistry.run(
            writes: false,
            { connection in
                var figures = known
                for tenant in rest.prefix(atOnce) {
                    figures[tenant] = try connection.row(TenantFigures.statement, .blob(tenant.bytes)) { row in
                        try TenantFigures(&row)
                    }
                }
                return figures
            },
            then: { [self] result in
                guard case .success(let known) = result else { return then(result) }
                figures(of: rest.dropFirst(atOnce), known, atOnce: atOnce, then: then)
            })
    }
}
