import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// The provider's log: who did what to which tenant, when (P8). Nothing here changes a line.
extension ProviderAPI {
    var logRoutes: [Route] {
        [
            Route(
                .get, "/log", "Search the provider's log, newest first", access: .providerReader,
                parameters: .page() + Self.logFilters, gives: .list(Self.event), refuses: [404]
            ) { call in
                let page = try Paging(call)
                let filter = try logFilter(call)
                return .flow { steps in
                    try await settleUsage(call, steps)
                    var walk = LogWalk(filter, before: page.before)
                    var events: [ProviderEvent] = []
                    while events.count < page.fetch, let more = try await walk.next(steps, fleet, page.fetch) {
                        events += more
                    }
                    if events.isEmpty { try await expectKnown(filter, steps) }
                    return .answer(page.answer(events, id: \.sequence, Self.event, in: .usDollar))
                }
            },
            Route(
                .get, "/log.csv", "Export the provider's log as CSV", access: .providerReader,
                parameters: Self.logFilters, gives: .read(.file("text/csv")), refuses: [404]
            ) { call in
                var writer = CSVWriter()
                writer.row(Self.logColumns.map { .value($0) })
                return try exportLog(call, "log.csv", "text/csv; charset=utf-8", head: writer.bytes) { events in
                    var writer = CSVWriter()
                    for event in events { writer.row(Self.cells(event)) }
                    return writer.bytes
                }
            },
            Route(
                .get, "/log.jsonl", "Export the provider's log as JSON Lines", access: .providerReader,
                parameters: Self.logFilters, gives: .read(.file("application/jsonl")), refuses: [404]
            ) { call in
                try exportLog(call, "log.jsonl", "application/jsonl") { events in
                    var writer = JSONWriter(reserving: events.count * 300)
                    for event in events {
                        writer.object { json in Self.event.write(event, in: .usDollar, to: &json) }
                        writer.bytes.append(0x0A)
                    }
                    return writer.bytes
                }
            },
        ]
    }

    /// Lines that make a piece of an export.
    private static let pieceLines = 500

    private func exportLog(
        _ call: Call, _ name: StaticString, _ contentType: StaticString, head: [UInt8] = [],
        _ render: @escaping @Sendable ([ProviderEvent]) -> [UInt8]
    ) throws -> Work {
        let filter = try logFilter(call)
        return .flow { steps in
            try await settleUsage(call, steps)
            try await expectKnown(filter, steps)
            return OperatorAdmin.download(
                name, contentType,
                steps.stream(head: head, from: LogWalk(filter, before: .max)) { walk in
                    try await walk.next(steps, fleet, Self.pieceLines).map(render)
                })
        }
    }

    // MARK: What filters name

    private func expectKnown(_ filter: ProviderEventFilter, _ steps: Steps) async throws {
        try await expectKnown(tenant: filter.tenant, steps)
        guard let keyID = filter.keyID else { return }
        let key = try await steps.callback { done in fleet.registry.providerKey(keyID, then: done) }
        var named = ProviderEventFilter()
        named.keyID = keyID
        if key == nil, try await !isInLog(named, steps) { throw Refusal.notFound(.providerKey) }
    }

    /// Throws where there is no tenant of this slug or id, and the log knows of none: whoever asks for one has made a
    /// mistake. What was deleted stays in the log.
    func expectKnown(tenant name: String?, _ steps: Steps) async throws {
        guard let name, fleet.roster.tenant(slug: name) == nil else { return }
        if let id = TenantID(text: name), fleet.roster.tenant(id: id) != nil { return }
        var named = ProviderEventFilter()
        named.tenant = name
        if try await !isInLog(named, steps) { throw Refusal.notFound(.tenant) }
    }

    private func isInLog(_ filter: ProviderEventFilter, _ steps: Steps) async throws -> Bool {
        var walk = LogWalk(filter, before: .max)
        while let events = try await walk.next(steps, fleet, 1) {
            if !events.isEmpty { return true }
        }
        return false
    }

    /// Down the log, a bounded stretch at a time: no search holds the registry's lane.
    private struct LogWalk: Sendable {
        private let filter: ProviderEventFilter
        /// Nil behind the oldest line.
        private var before: Int64?

        init(_ filter: ProviderEventFilter, before: Int64) {
            self.filter = filter
            self.before = before
        }

        /// What matches in the next stretch, perhaps nothing; nil at the end.
        mutating func next(_ steps: Steps, _ fleet: Fleet, _ limit: Int) async throws -> [ProviderEvent]? {
            guard let before else { return nil }
            let stretch = try await steps.callback { [filter] done in
                fleet.registry.providerEvents(before: before, filter, limit: limit, then: done)
            }
            self.before = stretch.next
            return stretch.events
        }
    }

    private static let actionNames = "^[a-z_.]{1,64}(,[a-z_.]{1,64})*$"
    private static let logFilters: [Parameter] = [
        .query("tenant"), .query("action", .matching(actionNames)), .query("key"), .from, .to,
    ]

    private func logFilter(_ call: Call) throws(Refusal) -> ProviderEventFilter {
        let query = try call.query()
        var filter = ProviderEventFilter()
        filter.tenant = try Self.tenantName(query)
        filter.actions = try query["action"].map { text throws(Refusal) in
            let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard names.allSatisfy(Self.isActionName) else {
                throw .field("/action", "format", "must be actions as the log has them, between commas")
            }
            return Set(names)
        }
        filter.keyID = try query.id("key")
        (filter.from, filter.to) = try query.period()
        return filter
    }

    private static func isActionName(_ text: String) -> Bool {
        1...64 ~= text.utf8.count && text.utf8.allSatisfy { 0x61...0x7A ~= $0 || $0 == 0x5F || $0 == 0x2E }
    }

    // MARK: Lines

    private static let event = Shape<ProviderEvent>(
        "ProviderEvent",
        [
            .member("seq", \.sequence), .member("at", \.at), .member("action", \.action), .member("tenant", \.slug),
            .member("tenant_id", \.tenant?.text), .member("via", \.via), .member("key", \.keyID),
            .member("key_name", \.keyName), .member("request_id", \.requestID), .member("detail", \.told),
        ])

    private static let logColumns = [
        "seq", "at", "action", "tenant", "tenant_id", "via", "key", "key_name", "request_id", "detail",
    ]

    private static func cells(_ event: ProviderEvent) -> [CSVCell] {
        [
            .value(String(event.sequence)), .value(event.at.text), .value(event.action), .text(event.slug ?? ""),
            .value(event.tenant?.text ?? ""), .value(event.via ?? ""), .value(event.keyID ?? ""),
            .text(event.keyName ?? ""), .value(event.requestID ?? ""), .text(event.detail),
        ]
    }
}

extension ProviderEvent {
    /// What was done, as an object; nil where there is nothing more to say.
    fileprivate var told: JSON? { detail.isEmpty ? nil : try? JSON.parse(Array(detail.utf8)) }
}
