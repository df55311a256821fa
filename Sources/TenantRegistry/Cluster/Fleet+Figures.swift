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
    /// What the registry says of these tenants; nothing of one that it does not know.
    package func figures(
        of tenants: [TenantID], then: @escaping @Sendable (Result<[TenantID: TenantFigures], any Error>) -> Void
    ) {
        guard let sharedRegistry, !tenants.isEmpty else { return then(.success([:])) }
        sharedRegistry.run(
            writes: false,
            { connection in
                var figures: [TenantID: TenantFigures] = [:]
                for tenant in tenants {
                    figures[tenant] = try connection.row(TenantFigures.statement, .blob(tenant.bytes)) { row in
                        try TenantFigures(&row)
                    }
                }
                return figures
            }, then: then)
    }
}
