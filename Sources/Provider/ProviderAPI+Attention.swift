import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// Which tenants need the provider's eye, and how their calls went (U1).
extension ProviderAPI {
    var attentionRoutes: [Route] {
        [
            Route(
                .get, "/attention", "List tenants with trouble, the worst first", access: .providerReader,
                parameters: [.limit, .cursor], gives: .read(Self.attention)
            ) { call in
                let part = try AttentionPart(call)
                return .flow { steps in
                    let others = try await askOthers("/attention", call, steps)
                    return try await steps.files { .answer(attention(call, others, part)) }
                }
            },
            Route(
                .get, "/traffic", "Tell how tenants' calls of the last day were answered, by hour",
                access: .providerReader,
                parameters: [.query("tenant", Self.someTenants, isRequired: true)],
                gives: .read(Self.traffic), refuses: [404]
            ) { call in
                let slugs = try Self.slugs(in: try call.query()["tenant"] ?? "")
                let records = slugs.compactMap(fleet.roster.tenant(slug:))
                // One of many may have gone since they were listed.
                if records.isEmpty { throw Refusal.notFound(.tenant) }
                if fleet.cluster == nil { return .answer(traffic(of: records, [], at: call.now)) }
                return .flow { steps in
                    let others = try await askOthers("/traffic?tenant=\(slugs.joined(separator: ","))", call, steps)
                    return .answer(traffic(of: records, Array(others.values), at: call.now))
                }
            },
        ]
    }

    private static let slugsMax = 100
    private static let slug = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    /// Slugs with commas between.
    static let someTenants = Schema.matching("^\(slug)(,\(slug)){0,\(slugsMax - 1)}$")

    static func slugs(in text: String) throws(Refusal) -> [String] {
        let slugs = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard slugs.count <= slugsMax, slugs.allSatisfy({ isSlug($0) }) else {
            throw .field("/tenant", "format", "must be 1 to \(slugsMax) slugs between commas")
        }
        return slugs
    }

    /// All are counted; so many at once are told of. Another node that asks is told of all.
    private struct AttentionPart: Sendable {
        let seal: CursorSeal
        /// How many stand before it in the order of now: it may have moved.
        let start: Int
        let limit: Int

        init(_ call: Call) throws(Refusal) {
            let query = try call.query()
            let seal = try CursorSeal(call)
            let limit = try query.integer("limit", in: 1...Paging.limitMax) ?? Paging.limitMax
            self.seal = seal
            self.limit = call.isPassedOn ? .max : limit
            start = if let text = query["cursor"] { Int(try seal.open(text).place(0) ?? 0) } else { 0 }
        }
    }

    /// Each node tells of its own tenants; of those whose node is silent, what is known here.
    private func attention(_ call: Call, _ others: [NodeName: JSON], _ part: AttentionPart) -> Answer {
        let late = fleet.due.lateWork
        let faults = fleet.archiveFaults.withLock { $0 }
        let own = fleet.roster.allTenants.filter { tellsOf($0, call, others) }.map { record in
            TenantMatters(
                record, state: state(of: record, at: call.now), late: late[record.id], archiveFault: faults[record.id],
                at: call.now)
        }.compactMap { TroubledTenant($0) }
        let slugs = Set(own.map(\.slug))
        // One that moves meanwhile may be told of twice.
        let rows: [JSON] = others.values.flatMap { $0["data"]?.elements ?? [] }
        let told = rows.compactMap { TroubledTenant($0) }.filter { !slugs.contains($0.slug) }
        let count = others.values.reduce(own.count) { $0 + ($1["troubled"]?.count ?? 0) }
        let troubled = (own + told).sorted { $0.comes(before: $1) }
        return .json { json in
            json.field("tenants", fleet.roster.tenantCount)
            json.field("troubled", count)
            json.array("data") { json in
                for tenant in troubled.dropFirst(part.start).prefix(part.limit) {
                    json.object { json in tenant.encode(to: &json) }
                }
            }
            if troubled.count - part.limit > part.start {
                json.field("next_cursor", part.seal.seal([UInt8](places: Int64(part.start + part.limit))))
            }
        }
    }

    /// Whether this node is to say what is the matter with the tenant.
    private func tellsOf(_ record: TenantRecord, _ call: Call, _ others: [NodeName: JSON]) -> Bool {
        guard let cluster = fleet.cluster else { return true }
        let owner = cluster.owner(of: record.id)
        if call.isPassedOn { return owner == cluster.name }
        return owner.map { others[$0] == nil } ?? true
    }

    private static let level = Schema.one(of: TenantMatters.Severity.allCases.map(\.rawValue))
    private static let attention: Schema = [
        "tenants": .integer, "troubled": .integer,
        "data": .array(of: [
            "slug": .string, "state": .string, "level": level,
            "matters": .array(of: ["code": .string, "level": level, "detail": .string]),
        ]),
        // Where there are more.
        "next_cursor": Schema.string.omittable,
    ]

    /// A tenant that has moved was called at several nodes: what they counted is added up.
    private func traffic(of records: [TenantRecord], _ others: [JSON], at now: Timestamp) -> Answer {
        let rows: [JSON] = others.flatMap { $0["data"]?.elements ?? [] }
        let bySlug = Dictionary(grouping: rows) { $0["slug"]?.text ?? "" }
        return .json { json in
            json.array("data") { json in
                for record in records {
                    let told = bySlug[record.slug] ?? []
                    let waits = told.compactMap { $0["webhooks_waiting_since"]?.text }
                    let since = fleet.due.late(.delivery, of: record.id)?.text
                    json.object { json in
                        json.field("slug", record.slug)
                        json.field("webhooks_waiting_since", since ?? waits.min())
                        json.array("hours") { json in
                            for hour in hours(of: record, told, at: now) {
                                json.object { json in
                                    json.field("at", hour.begins.text)
                                    json.field("answered", hour.answered)
                                    json.field("refused", hour.refused)
                                    json.field("failed", hour.failed)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func hours(of record: TenantRecord, _ told: [JSON], at now: Timestamp) -> [TrafficHours.Hour] {
        let hours: [JSON] = told.flatMap { $0["hours"]?.elements ?? [] }
        let elsewhere = Dictionary(grouping: hours) { $0["at"]?.text ?? "" }
        return record.traffic.day(at: now).map { hour in
            (elsewhere[hour.begins.text] ?? []).reduce(into: hour) { sum, more in
                sum.answered += more["answered"]?.count ?? 0
                sum.refused += more["refused"]?.count ?? 0
                sum.failed += more["failed"]?.count ?? 0
            }
        }
    }

    private static let traffic: Schema = [
        "data": .array(of: [
            "slug": .string, "webhooks_waiting_since": .time.nullable,
            "hours": .array(of: ["at": .time, "answered": .integer, "refused": .integer, "failed": .integer]),
        ])
    ]
}
