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
            ) { try attention($0) },
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
                return .answer(traffic(of: records, at: call.now))
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

    /// All are counted; so many at once are told of.
    private func attention(_ call: Call) throws -> Work {
        let query = try call.query()
        let seal = try CursorSeal(call)
        let limit = try query.integer("limit", in: 1...Paging.limitMax) ?? Paging.limitMax
        // How many stand before it in the order of now: it may have moved.
        let start = try query["cursor"].map { text throws(Refusal) in try seal.open(text).place(0) ?? 0 } ?? 0
        return .files { .answer(attention(call, behind: Int(start), limit: limit, seal)) }
    }

    private func attention(_ call: Call, behind start: Int, limit: Int, _ seal: CursorSeal) -> Answer {
        let late = fleet.due.lateWork
        let faults = fleet.archiveFaults.withLock { $0 }
        let troubled = fleet.roster.allTenants.map { record in
            TenantMatters(
                record, state: state(of: record, at: call.now), late: late[record.id], archiveFault: faults[record.id],
                at: call.now)
        }.filter { $0.level != nil }.sorted { first, second in
            let (one, other) = (first.level ?? .warn, second.level ?? .warn)
            if one != other { return one < other }
            return (second.matters.count, first.record.slug) < (first.matters.count, second.record.slug)
        }
        return .json { json in
            json.field("tenants", fleet.roster.tenantCount)
            json.field("troubled", troubled.count)
            json.array("data") { json in
                for tenant in troubled.dropFirst(start).prefix(limit) {
                    json.object { json in
                        json.field("slug", tenant.record.slug)
                        json.field("state", tenant.state)
                        json.field("level", (tenant.level ?? .warn).rawValue)
                        json.array("matters") { json in
                            for matter in tenant.matters {
                                json.object { json in
                                    json.field("code", matter.code)
                                    json.field("level", matter.level.rawValue)
                                    json.field("detail", matter.detail)
                                }
                            }
                        }
                    }
                }
            }
            let end = start + limit
            if end < troubled.count { json.field("next_cursor", seal.seal([UInt8](places: Int64(end)))) }
        }
    }

    private static let level = Schema.one(of: TenantMatters.Level.allCases.map(\.rawValue))
    private static let attention: Schema = [
        "tenants": .integer, "troubled": .integer,
        "data": .array(of: [
            "slug": .string, "state": .string, "level": level,
            "matters": .array(of: ["code": .string, "level": level, "detail": .string]),
        ]),
        // Where there are more.
        "next_cursor": Schema.string.omittable,
    ]

    private func traffic(of records: [TenantRecord], at now: Timestamp) -> Answer {
        .json { json in
            json.array("data") { json in
                for record in records {
                    json.object { json in
                        json.field("slug", record.slug)
                        json.field("webhooks_waiting_since", fleet.due.late(.delivery, of: record.id)?.text)
                        json.array("hours") { json in
                            for hour in record.traffic.day(at: now) {
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

    private static let traffic: Schema = [
        "data": .array(of: [
            "slug": .string, "webhooks_waiting_since": .time.nullable,
            "hours": .array(of: ["at": .time, "answered": .integer, "refused": .integer, "failed": .integer]),
        ])
    ]
}
