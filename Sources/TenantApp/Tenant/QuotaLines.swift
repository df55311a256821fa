import CallKit
package import TenantRegistry

extension TenantReader {
    /// How much of each quota is used, as the quota itself is judged (P2); nothing of a file that is being checked.
    package func quotaUses(countsRows: Bool = true) throws -> [QuotaUse] {
        guard let record = store.record else { return [] }
        let quotas = record.profile.quotas
        let uses = [
            QuotaUse(.bytes, used: try store.bytes, most: quotas.bytesMax),
            QuotaUse(.requests, used: record.counters.used(at: now), most: quotas.requestsMonthlyMax),
        ]
        guard countsRows else { return uses }
        return uses + [
            QuotaUse(.resellers, used: try standingResellers(), most: quotas.resellersMax),
            QuotaUse(.keys, used: try keysInForce(resellerID: nil), most: quotas.keysMax),
        ]
    }
}

extension AttentionSource {
    /// Quotas of the tenant of which four fifths are used, or all (P2, P9).
    static let quotas = AttentionSource(kind: "quotas") { tenant in
        let items = try tenant.quotaUses().filter { $0.level > 0 }
            .map { AttentionItem(object: $0.kind.rawValue, note: "\($0.used) of \($0.most)") }
        return items.isEmpty
            ? nil : AttentionLine(kind: "quotas", count: items.count, items: items, link: "/api/admin/usage")
    }

    /// The file came from the past, and what it would send waits for a word (P3).
    static let heldOutbound = AttentionSource(kind: "outbound_held") { tenant in
        guard let since = try tenant.outboundHeldAt() else { return nil }
        return AttentionLine(
            kind: "outbound_held", count: 1, items: [AttentionItem(object: "outbound", at: since)],
            link: "/api/admin/outbound/resume")
    }
}
