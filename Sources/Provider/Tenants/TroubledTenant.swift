import HTTPCore
import TenantRegistry

/// A tenant with trouble as the provider is told of it, by this node or by the one that serves it. A value.
struct TroubledTenant: Sendable {
    let slug: String
    private let state: String
    private let level: TenantMatters.Severity
    private let matters: [TenantMatters.Matter]

    /// Nil where nothing is the matter.
    init?(_ tenant: TenantMatters) {
        guard let level = tenant.level else { return nil }
        (slug, state, self.level, matters) = (tenant.record.slug, tenant.state, level, tenant.matters)
    }

    /// As `encode` wrote it at another node; nil where it is of a program that tells it otherwise.
    init?(_ json: JSON) {
        guard let slug = json["slug"]?.text, let state = json["state"]?.text, let level = Self.level(json) else {
            return nil
        }
        (self.slug, self.state, self.level) = (slug, state, level)
        matters = (json["matters"]?.elements ?? []).compactMap { matter in
            guard let code = matter["code"]?.text, let level = Self.level(matter), let detail = matter["detail"]?.text
            else { return nil }
            return TenantMatters.Matter(code: code, level: level, detail: detail)
        }
    }

    private static func level(_ json: JSON) -> TenantMatters.Severity? {
        json["level"]?.text.flatMap { TenantMatters.Severity(rawValue: $0) }
    }

    /// The worst first, then those with which the most is the matter.
    func comes(before other: TroubledTenant) -> Bool {
        if level != other.level { return level < other.level }
        return (other.matters.count, slug) < (matters.count, other.slug)
    }

    func encode(to json: inout JSONWriter) {
        json.field("slug", slug)
        json.field("state", state)
        json.field("level", level.rawValue)
        json.array("matters") { json in
            for matter in matters {
                json.object { json in
                    json.field("code", matter.code)
                    json.field("level", matter.level.rawValue)
                    json.field("detail", matter.detail)
                }
            }
        }
    }
}
