import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// A tenant as the provider is shown it.
extension ProviderAPI {
    func answer(_ record: TenantRecord, _ call: Call) -> Answer { .json { encode(record, call, &$0) } }

    /// With an invitation's link, which is shown this once.
    func answer(_ record: TenantRecord, _ link: OwnerLink, _ call: Call) -> Answer {
        .json { json in
            encode(record, call, &json)
            json.field("invitation_url", link.url)
        }
    }

    /// Looks at the tenant's files: not on a loop. `saved`: what the node that serves it has counted; nil: this one.
    func encode(
        _ record: TenantRecord, _ call: Call, saved: TenantFigures? = nil, _ json: inout JSONWriter
    ) {
        let profile = record.profile
        json.field("id", record.id.text)
        json.field("slug", profile.slug)
        json.field("base_url", baseURL(of: record, call))
        json.field("blueprint", profile.blueprint)
        json.field("state", state(of: record, at: call.now))
        json.field("tier", profile.tier.rawValue)
        json.field("currency", profile.currency)
        json.field("owner_email", profile.ownerEmail)
        json.field("created_at", profile.createdAt.text)
        json.field("refundable_until", profile.refundableUntil.text)
        json.field("ends_at", profile.endsAt?.text)
        json.field("ended_at", profile.endedAt?.text)
        json.field("deletes_at", profile.deletesAt?.text)
        json.field("moved_to", profile.move?.baseURL)
        json.field("bytes", size(of: record, saved: saved))
        json.object("quotas") { json in
            json.field("bytes", profile.quotas.bytesMax)
            json.field("resellers", profile.quotas.resellersMax)
            json.field("keys", profile.quotas.keysMax)
            json.field("requests_monthly", profile.quotas.requestsMonthlyMax)
        }
        let places = fleet.roster.places(of: record.id, at: call.now)
        json.object("counts") { json in
            json.field("resellers", places.resellers)
            json.field("keys", places.keys)
            json.field(
                "requests_this_month", saved?.used(at: call.now) ?? record.counters.used(at: call.now))
        }
        json.field("last_request_at", lastRequestAt(record, saved: saved)?.text)
        if let limit = profile.limit {
            json.object("rate_limit") { json in
                KeyBodies.limit.write(limit, in: Currency(profile.currency) ?? .usDollar, to: &json)
            }
        } else {
            json.null("rate_limit")
        }
        json.array("domains") { json in for host in profile.domains { json.element(host) } }
    }

    func baseURL(of record: TenantRecord, _ call: Call) -> String { "\(call.baseURL)/t/\(record.slug)" }

    /// Of its file and what waits beside it. In a cluster, where commits wait in memory, as the registry has it: the
    /// same at every node.
    func size(of record: TenantRecord, saved: TenantFigures? = nil) -> Int64 {
        if let saved, saved.bytes > 0 { return saved.bytes }
        if fleet.cluster != nil, let bytes = record.measuredBytes { return bytes }
        let waits = DataDirectory.size(of: fleet.data.tenantPath(record.id) + "-wal") ?? 0
        return fleet.data.tenantBytes(record.id) + waits
    }

    func lastRequestAt(_ record: TenantRecord, saved: TenantFigures?) -> Timestamp? {
        if let saved { return saved.lastRequestAt }
        return record.counters.snapshot.lastRequestAt
    }

    func state(of record: TenantRecord, at now: Timestamp) -> String {
        if case .refused(let closure) = record.access(at: now) { return closure.state.name }
        return record.profile.state.name
    }
}
