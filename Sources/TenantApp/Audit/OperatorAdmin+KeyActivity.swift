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
            parameters: .page(.query("key")) + AskedKeys.parameters,
            gives: .list(Schemas.activeKey), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let (asked, name) = (try AskedKeys(query), try query.id("key"))
            return .flow { steps in
                try await steps.flushReads()
                let (owned, next) = try await found(asked, name, page, call, steps)
                let ids = owned.map(\.key.id)
                let activity = try await steps.read { try $0.activity(ofKeys: ids) }
                let days = try await lastDays(activity, steps)
                let rows = owned.map { key in
                    Schemas.ActiveKey(key: key, activity: activity[key.key.id], lastDay: days[key.key.id])
                }
                return .answer(page.answer(found: rows, next: next, Schemas.activeKey, in: call.currency))
            }
        }
    ]

    /// So many reads are made for one page; one of a search that finds little may be short, and goes on.
    private static let readsMax = 32

    /// `name`: of one key, which is listed where the other filters let it be.
    private static func found(
        _ asked: AskedKeys, _ name: String?, _ page: Paging, _ call: Call, _ steps: Steps
    ) async throws -> (keys: [Schemas.OwnedKey], next: Int64?) {
        if let name {
            let keys = try await steps.read { tenant in
                let one = try tenant.knownKey(name).id
                let found = try tenant.keys(try asked.filter(tenant), after: max(page.after, one - 1), limit: 1)
                return try found.rows.filter { $0.id == one }.map { try tenant.owned($0, call) }
            }
            return (keys, nil)
        }
        var (keys, next) = ([Schemas.OwnedKey](), Int64?.some(page.after))
        for _ in 0..<readsMax {
            guard let after = next, keys.count < page.limit else { break }
            let room = page.limit - keys.count
            let found = try await steps.read { tenant in
                let found = try tenant.keys(try asked.filter(tenant), after: after, limit: room)
                return (keys: try found.rows.map { try tenant.owned($0, call) }, next: found.next)
            }
            keys += found.keys
            next = found.next
        }
        return (keys, next)
    }

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
