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
                gives: .read(Self.attention)
            ) { call in
                .files { .answer(attention(call)) }
            },
            Route(
                .get, "/traffic", "Tell how tenants' calls of the last day were answered, by hour",
                access: .providerReader,
                parameters: [.query("tenant", .matching(Self.slugs), isRequired: true)],
                gives: .read(Self.traffic), refuses: [404]
            ) { call in
                let text = try call.query()["tenant"] ?? ""
                let slugs = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                guard slugs.count <= Self.slugsMax, slugs.allSatisfy(Self.isSlug) else {
                    throw Refusal.field("/tenant", "format", "must be 1 to \(Self.slugsMax) slugs between commas")
                }
                let records = slugs.compactMap(fleet.roster.tenant(slug:))
                // One of many may have gone since they were listed.
                if records.isEmpty { throw Refusal.notFound(.tenant) }
                return .answer(traffic(of: records, at: call.now))
            },
        ]
    }

    /// So many are told of; all are counted.
    private static let mattersMax = 100
    private static let slugsMax = 100
    private static let slugs = "^\(slug)(,\(slug)){0,\(slugsMax - 1)}$"
    private static let slug = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

    private func attention(_ call: Call) -> Answer {
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
                for tenant in troubled.prefix(Self.mattersMax) {
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
        }
    }

    private static let level = Schema.one(of: TenantMatters.Level.allCases.map(\.rawValue))
    private static let attention: Schema = [
        "tenants": .integer, "troubled": .integer,
        "data": .array(of: [
            "slug": .string, "state": .string, "level": level,
            "matters": .array(of: ["code": .string, "level": level, "detail": .string]),
        ]),
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
