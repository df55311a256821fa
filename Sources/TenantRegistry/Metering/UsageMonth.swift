import SQLite

/// A tenant's use of the node in one month, as the provider is shown it (P9).
package struct UsageMonth: Sendable {
    package let tenant: TenantID
    package let slug: String
    package let currency: String
    package let month: Int64
    package let tally: MeterTally
    /// Of its file, when it was last looked at in that month.
    package var bytes: Int64

    static let columns = Columns<UsageMonth>(
        "m.tenant_id", "m.slug", "m.currency", "u.month", "u.requests", "u.refusals", "u.orders", "u.turnover",
        "u.bytes")

    init(_ row: inout RowReader) throws {
        tenant = try row.tenantID()
        slug = try row.text()
        currency = try row.text()
        month = try row.int()
        var tally = MeterTally()
        tally.requests = try row.int()
        tally.refusals = try row.int()
        tally.orders = try row.int()
        tally.turnover = try row.int()
        self.tally = tally
        bytes = try row.int()
    }
}

/// Where a list of usage goes on.
package struct MeterPlace: Sendable {
    package let month: Int64
    package let slug: String
    package let tenant: TenantID

    package init(month: Int64, slug: String, tenant: TenantID) {
        self.month = month
        self.slug = slug
        self.tenant = tenant
    }
}

/// Which rows of usage are asked for.
package enum UsageSelection: Sendable {
    /// All tenants of a month, by slug; or the one that is named, by slug or id.
    case month(Int64, tenant: String?)
    /// A tenant, or all that ever had the slug, the newest month first.
    case tenant(String)
}

/// A quota's new stand, with what the provider's log is told of it.
struct QuotaSave: Sendable {
    let tenant: TenantID
    let slug: String
    let kind: QuotaKind
    let stand: QuotaStand
    let acts: [ProviderAct]
}

/// Figures on their way into the registry, in one transaction.
package struct UsageSave: Sendable {
    var month: Int64
    var tallies: [MeterSave] = []
    /// Sizes of files in this month.
    var bytes: [(tenant: TenantID, bytes: Int64)] = []
    var quotas: [QuotaSave] = []
    var backlogs: [BacklogSave] = []

    var isEmpty: Bool { tallies.isEmpty && bytes.isEmpty && quotas.isEmpty && backlogs.isEmpty }

    /// Of one half of its tenants and of the other; nil where it is of one.
    var halves: (UsageSave, UsageSave)? {
        var tenants = Set(tallies.map(\.tenant))
        tenants.formUnion(bytes.map { $0.tenant })
        tenants.formUnion(quotas.map(\.tenant))
        tenants.formUnion(backlogs.map(\.tenant))
        guard tenants.count > 1 else { return nil }
        let first = Set(tenants.prefix(tenants.count / 2))
        return (filtered { first.contains($0) }, filtered { !first.contains($0) })
    }

    func filtered(_ isOwn: (TenantID) throws -> Bool) rethrows -> UsageSave {
        var save = self
        save.tallies = try tallies.filter { try isOwn($0.tenant) }
        save.bytes = try bytes.filter { try isOwn($0.tenant) }
        save.quotas = try quotas.filter { try isOwn($0.tenant) }
        save.backlogs = try backlogs.filter { try isOwn($0.tenant) }
        return save
    }
}

/// The rows of usage. Those of tenants that were erased stay. On the registry's lane, or at its start.
struct UsageTable {
    let connection: Connection

    private static let ofMonth = Statement(
        """
        SELECT \(UsageMonth.columns) FROM metered_tenant m JOIN usage_month u ON u.tenant_id = m.tenant_id
        WHERE u.month = ?1 AND (m.slug, m.tenant_id) > (?2, ?3) AND (?5 IS NULL OR m.slug = ?5 OR m.tenant_id = ?6)
        ORDER BY m.slug, m.tenant_id LIMIT ?4
        """)
    private static let ofTenant = Statement(
        """
        SELECT \(UsageMonth.columns) FROM metered_tenant m JOIN usage_month u ON u.tenant_id = m.tenant_id
        WHERE (m.slug = ?1 OR m.tenant_id = ?2) AND (-u.month, m.slug, m.tenant_id) > (?3, ?4, ?5)
        ORDER BY u.month DESC, m.slug, m.tenant_id LIMIT ?6
        """)
    static let marks = PerTenant("SELECT tenant_id, mark_incarnation, mark_sequence FROM metered_tenant")
    static let stands = PerTenant(
        """
        SELECT tenant_id, quota, level, warning_month, warning_most, full_month, full_most FROM quota_stand
        """)

    static let backlogs = PerTenant("SELECT tenant_id, held, dead FROM delivery_backlog")

    func page(_ selection: UsageSelection, after place: MeterPlace?, limit: Int) throws -> [UsageMonth] {
        let (slug, tenant) = (place?.slug ?? "", place?.tenant.bytes ?? [])
        switch selection {
        case .month(let month, let name):
            return try connection.rows(
                Self.ofMonth, .integer(month), .text(slug), .blob(tenant), .int(limit), .optional(name),
                .blob(name.flatMap { TenantID(text: $0) }?.bytes ?? []), read: UsageMonth.init)
        case .tenant(let name):
            return try connection.rows(
                Self.ofTenant, .text(name), .blob(TenantID(text: name)?.bytes ?? []),
                .integer(place.map { -$0.month } ?? .min), .text(slug), .blob(tenant), .int(limit),
                read: UsageMonth.init)
        }
    }

    /// The tenant is counted from here on.
    func begin(_ profile: TenantProfile, at mark: MeterMark) throws {
        try connection.run(
            """
            INSERT INTO metered_tenant (tenant_id, slug, currency, mark_incarnation, mark_sequence)
            VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO UPDATE SET slug = excluded.slug, mark_incarnation = excluded.mark_incarnation,
                mark_sequence = excluded.mark_sequence
            """,
            .blob(profile.id.bytes), .text(profile.slug), .text(profile.currency), .integer(mark.incarnation),
            .integer(mark.sequence))
        try add(MeterTally(), of: profile.id, month: profile.createdAt.monthNumber)
    }

    /// Gives the marks of tenants whose tallies were made from another one: nothing was added of those.
    func save(_ save: UsageSave) throws -> [(TenantID, MeterMark?)] {
        var elsewhere: [(TenantID, MeterMark?)] = []
        for tallies in save.tallies {
            if try apply(tallies) { continue }
            guard let known = try markNow(of: tallies.tenant), known != tallies.to else { continue }
            elsewhere.append((tallies.tenant, known))
        }
        for size in save.bytes {
            try connection.run(
                """
                INSERT INTO usage_month (tenant_id, month, bytes) SELECT tenant_id, ?2, ?3 FROM metered_tenant
                WHERE tenant_id = ?1
                ON CONFLICT DO UPDATE SET bytes = excluded.bytes
                """,
                .blob(size.tenant.bytes), .integer(save.month), .integer(size.bytes))
        }
        for quota in save.quotas { try apply(quota) }
        for backlog in save.backlogs { try apply(backlog) }
        return elsewhere
    }

    /// Up to where the tenant was counted, nil where it never was; nil as a whole where it has no row.
    private func markNow(of tenant: TenantID) throws -> MeterMark?? {
        try connection.row(
            "SELECT mark_incarnation, mark_sequence FROM metered_tenant WHERE tenant_id = ?1", .blob(tenant.bytes)
        ) { (row: inout RowReader) -> MeterMark? in
            let (incarnation, sequence) = (try row.optionalInt(), try row.optionalInt())
            guard let incarnation, let sequence else { return nil }
            return MeterMark(incarnation: incarnation, sequence: sequence)
        }
    }

    private func apply(_ save: BacklogSave) throws {
        try connection.run(
            """
            INSERT INTO delivery_backlog (tenant_id, held, dead) SELECT id, ?2, ?3 FROM tenant WHERE id = ?1
            ON CONFLICT DO UPDATE SET held = excluded.held, dead = excluded.dead
            """,
            .blob(save.tenant.bytes), .optional(save.backlog?.held), .optional(save.backlog?.dead))
    }

    /// Once, and on what it was made from: a mark that is anywhere else says that it was applied already, or that
    /// another node has counted since. Whether it was.
    private func apply(_ save: MeterSave) throws -> Bool {
        try connection.run(
            """
            UPDATE metered_tenant SET mark_incarnation = ?2, mark_sequence = ?3
            WHERE tenant_id = ?1 AND mark_incarnation IS ?4 AND mark_sequence IS ?5
            """,
            .blob(save.tenant.bytes), .integer(save.to.incarnation), .integer(save.to.sequence),
            .optional(save.from?.incarnation), .optional(save.from?.sequence))
        guard connection.changes == 1 else { return false }
        for month in save.tallies.months { try add(month.tally, of: save.tenant, month: month.number) }
        return true
    }

    /// A sum past what a column holds stays at its end.
    private static let addition: Statement = {
        let sums = ["requests", "refusals", "orders", "turnover"].map { name in
            """
            \(name) = CASE WHEN typeof(\(name) + excluded.\(name)) = 'integer' THEN \(name) + excluded.\(name)
                WHEN excluded.\(name) < 0 THEN \(Int64.min) ELSE \(Int64.max) END
            """
        }
        return Statement(
            """
            INSERT INTO usage_month (tenant_id, month, requests, refusals, orders, turnover)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET \(sums.joined(separator: ", "))
            """)
    }()

    private func add(_ tally: MeterTally, of tenant: TenantID, month: Int64) throws {
        try connection.run(
            Self.addition, .blob(tenant.bytes), .integer(month), .integer(tally.requests), .integer(tally.refusals),
            .integer(tally.orders), .integer(tally.turnover))
    }

    private func apply(_ save: QuotaSave) throws {
        let (warning, full) = (save.stand.toldWarning, save.stand.toldFull)
        try connection.run(
            """
            INSERT INTO quota_stand (tenant_id, quota, level, warning_month, warning_most, full_month, full_most)
            SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM tenant WHERE id = ?1
            ON CONFLICT DO UPDATE SET level = excluded.level, warning_month = excluded.warning_month,
                warning_most = excluded.warning_most, full_month = excluded.full_month, full_most = excluded.full_most
            """,
            .blob(save.tenant.bytes), .text(save.kind.rawValue), .integer(save.stand.level),
            .optional(warning?.month), .optional(warning?.most), .optional(full?.month), .optional(full?.most))
        for act in save.acts {
            try ProviderLogTable(connection: connection).add(act, tenant: save.tenant, slug: save.slug)
        }
    }
}

extension QuotaStand {
    /// The level, and the two that were told.
    init(_ row: inout RowReader) throws {
        let level = try row.int()
        func told() throws -> Told? {
            let (month, most) = (try row.optionalInt(), try row.optionalInt())
            guard let month, let most else { return nil }
            return Told(month: month, most: most)
        }
        self.init(level: level, toldWarning: try told(), toldFull: try told())
    }
}
