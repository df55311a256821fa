import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// What each tenant used in a month (P9), for the provider's own bills.
extension ProviderAPI {
    var usageRoutes: [Route] {
        [
            Route(
                .get, "/usage", "List what tenants used in a month", access: .providerReader,
                parameters: .page() + Self.usageFilters, gives: .list(Self.usage), refuses: [404]
            ) { call in
                let (query, seal) = (try call.query(), try CursorSeal(call))
                let limit = try Paging.limit(query)
                let selection = try usageSelection(query, at: call.now)
                let place = try query["cursor"].map { text throws(Refusal) in
                    guard let place = MeterPlace(bytes: try seal.open(text)) else { throw .badQuery(.unknownCursor) }
                    return place
                }
                let tenant = try Self.tenantName(query)
                return .flow { steps in
                    try await settleUsage(call, steps)
                    let rows = try await usageRows(selection, after: place, limit: limit + 1, steps)
                    if rows.isEmpty { try await expectKnown(tenant: tenant, steps) }
                    return .answer(
                        Paging.answer(rows, limit: limit, cursor: { seal.seal($0.place.bytes) }) { row, json in
                            Self.usage.write(row, in: Currency(row.currency) ?? .usDollar, to: &json)
                        })
                }
            },
            Route(
                .get, "/usage.csv", "Export what tenants used in a month as CSV", access: .providerReader,
                parameters: Self.usageFilters, gives: .read(.file("text/csv")), refuses: [404]
            ) { call in
                let selection = try usageSelection(try call.query(), at: call.now)
                let tenant = try Self.tenantName(try call.query())
                var writer = CSVWriter()
                writer.row(Self.usageColumns.map { .value($0) })
                return .flow { [head = writer.bytes] steps in
                    try await settleUsage(call, steps)
                    if tenant != nil, try await usageRows(selection, after: nil, limit: 1, steps).isEmpty {
                        try await expectKnown(tenant: tenant, steps)
                    }
                    let stream = steps.stream(head: head, from: MeterPlace?.none) { place in
                        let rows = try await usageRows(selection, after: place, limit: Self.pieceRows, steps)
                        guard let last = rows.last else { return nil }
                        place = last.place
                        var writer = CSVWriter()
                        for row in rows { writer.row(Self.cells(row)) }
                        return writer.bytes
                    }
                    return OperatorAdmin.download("usage.csv", "text/csv; charset=utf-8", stream)
                }
            },
        ]
    }

    private static let pieceRows = 500
    private static let monthPattern = "^[0-9]{4}-(0[1-9]|1[0-2])$"
    private static let usageFilters: [Parameter] = [.query("month", .matching(monthPattern)), .query("tenant")]

    /// What was done until now, at every node that lives, is in the registry: whoever asks sees its own calls.
    func settleUsage(_ call: Call, _ steps: Steps) async throws {
        let others = try await askOthers("/usage?limit=1", call, steps)
        try await steps.callback { done in fleet.meter(isAsked: true) { done(.success(())) } }
        guard let cluster = fleet.cluster else { return }
        // Lists at other nodes tell of these too.
        try await steps.callback { done in fleet.saveCounters { done(.success(())) } }
        if others.isEmpty { return }
        // What cannot be read now is as it was known.
        try await steps.callback { done in cluster.catchUp { _ in done(.success(())) } }
    }

    /// A month of all tenants, the running one where none is said; or a tenant with all its months.
    private func usageSelection(_ query: Query, at now: Timestamp) throws(Refusal) -> UsageSelection {
        let tenant = try Self.tenantName(query)
        guard let text = query["month"] else {
            return tenant.map { .tenant($0) } ?? .month(now.monthNumber, tenant: nil)
        }
        guard let month = Self.month(text) else { throw .field("/month", "format", "must be a month, YYYY-MM") }
        return .month(month, tenant: tenant)
    }

    private func usageRows(
        _ selection: UsageSelection, after place: MeterPlace?, limit: Int, _ steps: Steps
    ) async throws -> [UsageMonth] {
        try await steps.callback { done in
            fleet.registry.usage(selection, after: place, limit: limit, then: done)
        }
    }

    /// A slug or an id.
    static func tenantName(_ query: Query) throws(Refusal) -> String? { try query.id("tenant")?.lowercased() }

    private static func month(_ text: String) -> Int64? {
        Timestamp(parsing: text + "-01T00:00:00Z")?.monthNumber
    }

    // MARK: Rows

    private static let usage = Shape<UsageMonth>(
        "Usage",
        [
            .member("tenant", \.slug), .member("tenant_id", \.tenant.text), .member("month", \.name),
            .member("requests", \.tally.requests), .member("refusals", \.tally.refusals),
            .member("orders", \.tally.orders), .member("turnover", \.turnover), .currency("currency"),
            .member("bytes", \.bytes),
        ])

    private static let usageColumns = [
        "tenant", "tenant_id", "month", "requests", "refusals", "orders", "turnover", "currency", "bytes",
    ]

    private static func cells(_ row: UsageMonth) -> [CSVCell] {
        let digits = Currency(row.currency)?.minorUnitDigits ?? 2
        return [
            .text(row.slug), .value(row.tenant.text), .value(row.name), .value(String(row.tally.requests)),
            .value(String(row.tally.refusals)), .value(String(row.tally.orders)),
            .value(row.turnover.decimal(minorUnitDigits: digits)), .value(row.currency), .value(String(row.bytes)),
        ]
    }
}

extension UsageMonth {
    /// `2026-11`.
    fileprivate var name: String { String(Timestamp(month: month).text.prefix(7)) }
    fileprivate var turnover: Money { Money(micros: tally.turnover) }
    fileprivate var place: MeterPlace { MeterPlace(month: month, slug: slug, tenant: tenant) }
}

extension MeterPlace {
    fileprivate var bytes: [UInt8] { [UInt8](places: month) + tenant.bytes + Array(slug.utf8) }

    fileprivate init?(bytes: [UInt8]) {
        guard let month = bytes.place(0), bytes.count > 24, let tenant = TenantID(bytes: Array(bytes[8..<24])) else {
            return nil
        }
        self.init(month: month, slug: String(decoding: bytes[24...], as: UTF8.self), tenant: tenant)
    }
}
