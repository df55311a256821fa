import CallKit
import HTTPCore
import TenantRegistry

/// Keys with how much they were used lately (O1, O6).
extension OperatorAdmin {
    static let keyActivity: [Route] = [
        Route(
            .get, "/api-keys/activity",
            "List keys with their calls of the last day by hour, and when they were last used",
            access: .administrator,
            parameters: .page(Schemas.reseller, .query("key"), KeyState.parameter),
            gives: .list(Schemas.activeKey), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let (reseller, name) = (try query.id("reseller"), try query.id("key"))
            let state = try query.choice("state", as: KeyState.self)
            return .flow { steps in
                try await steps.flushReads()
                let owned = try await steps.read { tenant in
                    let one = try name.map { try tenant.knownKey($0).id }
                    // One key is listed where the other filters let it be.
                    let keys = try tenant.keys(
                        resellerID: try tenant.resellerID(filter: reseller), state: state,
                        after: max(page.after, (one ?? 0) - 1), limit: one == nil ? page.fetch : 1)
                    return try keys.filter { one == nil || $0.id == one }.map { try tenant.owned($0, call) }
                }
                let ids = owned.map(\.key.id)
                let activity = try await steps.read { try $0.activity(ofKeys: ids) }
                let days = try await lastDays(activity, steps)
                return .read { tenant in
                    let rows = owned.map { key in
                        Schemas.ActiveKey(key: key, activity: activity[key.key.id], lastDay: days[key.key.id])
                    }
                    return page.answer(rows, id: \.key.key.id, Schemas.activeKey, in: tenant.currency)
                }
            }
        }
    ]

    /// So many keys' days are looked through in one lane job.
    private static let keysOfStep = 20

    private static func lastDays(
        _ activity: [Int64: KeyActivity], _ steps: Steps
    ) async throws -> [Int64: Timestamp] {
        var rest = activity.filter { $0.value.lastUsedAt == nil }.map(\.key)[...]
        var found: [Int64: Timestamp] = [:]
        while !rest.isEmpty {
            let ids = Array(rest.prefix(keysOfStep))
            found.merge(try await steps.read { try $0.lastDays(ofKeys: ids) }) { first, _ in first }
            rest = rest.dropFirst(keysOfStep)
        }
        return found
    }
}

extension OperatorAdmin.Schemas {
    fileprivate struct ActiveKey {
        let key: OwnedKey
        let activity: KeyActivity?
        let lastDay: Timestamp?
    }
    private static let activeHour = Shape<KeyActivity.Hour>([
        .member("hour", \.begins), .member("requests", \.requests), .member("refusals", \.refusals),
        .member("other_refusals", \.otherRefusals),
    ])
    fileprivate static let activeKey = Shape<ActiveKey>(
        "KeyWithActivity",
        [
            .part(keyMembers, \.key), .member("last_used_at") { $0.activity?.lastUsedAt ?? $0.lastDay },
            .member("requests") { $0.activity?.requests ?? 0 }, .member("refused") { $0.activity?.refusals ?? 0 },
            .list("hours", activeHour) { $0.activity?.hours ?? [] },
        ])
}
