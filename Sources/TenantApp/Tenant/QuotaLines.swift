import CallKit
import TenantRegistry

extension AttentionSource {
    /// Quotas of the tenant of which four fifths are used (P2).
    static let quotas = AttentionSource(kind: "quotas") { tenant in
        guard let record = tenant.store.record else { return nil }
        let quotas = record.profile.quotas
        let counter = record.counters.snapshot
        let thisMonth = counter.month == tenant.now.monthNumber ? counter.count : 0
        let used: [(String, Int64, Int64)] = [
            ("bytes", try tenant.store.bytes, quotas.bytesMax),
            ("requests", thisMonth, quotas.requestsMonthlyMax),
            ("resellers", try tenant.standingResellers(), quotas.resellersMax),
            ("keys", try tenant.keysInForce(resellerID: nil), quotas.keysMax),
        ]
        // Four fifths of it, rounded up.
        let items = used.filter { $0.2 > 0 && $0.1 >= $0.2 - $0.2 / 5 }
            .map { AttentionItem(object: $0.0, note: "\($0.1) of \($0.2)") }
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
